// What the HTTP app costs: bare Koa, Koa with a body read and parsed, and the app with every route there is,
// authentication, zod and all headers, answering the same small JSON POST. Rounds alternate, so that a busy machine hurts
// all alike.
// node bench/http-app.ts [seconds per round] [rounds]

import { fork } from 'node:child_process';
import { once } from 'node:events';
import autocannon from 'autocannon';
import Koa from 'koa';
import getRawBody from 'raw-body';
import { z } from 'zod';
import { problems } from '#contracts/problems.ts';
import { authentication } from '#platform/http/authentication.ts';
import { bindRoute, type Caller } from '#platform/http/route.ts';
import { openHttpServer } from '#platform/http/serve.ts';
import { createHttpApp } from '../compose/http-app.ts';
import { createDocumentation, createMisdirected } from '../compose/service-app.ts';

const BODY = JSON.stringify({
  model: 'language-id',
  input: 'Günaydın, nasılsınız? '.repeat(8),
  parameters: { top: 2 },
});
const ANSWER = { id: '0198a2f4-7c1e-7b0a-9f43-5d1c2b3a4e5f', status: 'queued' };
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function bareKoa(): Koa {
  const app = new Koa();
  app.use((ctx) => {
    ctx.status = 202;
    ctx.body = ANSWER;
  });
  return app;
}

function koaWithBody(): Koa {
  const app = new Koa();
  app.use(async (ctx) => {
    JSON.parse(await getRawBody(ctx.req, { encoding: 'utf8', limit: '2mb' }));
    ctx.status = 202;
    ctx.body = ANSWER;
  });
  return app;
}

function wholeApp(): ReturnType<typeof createHttpApp> {
  const permissions = new Set(['inference:write']);
  const caller: Caller = {
    tenantId: 't',
    actor: { kind: 'api-key', id: 'k' },
    holder: 't',
    permissions,
    permissionsIn: () => permissions,
  };
  const body = z.strictObject({
    model: z.string().max(200),
    input: z.string().max(20_000),
    parameters: z.record(z.string(), z.unknown()).default({}),
  });
  const route = { id: 'submit', method: 'POST', path: '/v1/submit', permission: 'inference:write', body } as const;
  let answers = 0;
  return createHttpApp({
    routes: [
      bindRoute(route, () => ({
        status: 202,
        headers: { location: `/v1/inferences/${ANSWER.id}`, etag: '"0"' },
        body: ANSWER,
      })),
      ...createMisdirected('command'),
      ...createMisdirected('query'),
      ...createDocumentation(),
    ],
    authentication: authentication(
      ({ headers }) => (headers.authorization === 'Bearer k' ? { ok: true, caller } : { ok: false, reason: 'unknown' }),
      problems,
    ),
    log: silent,
    access: { onAnswer: () => answers++ },
  });
}

const SERVERS = { 'bare Koa': bareKoa, 'Koa + body': koaWithBody, 'the HTTP app': wholeApp } as const;
type Name = keyof typeof SERVERS;

async function serve(name: Name): Promise<void> {
  const server = await openHttpServer({ app: SERVERS[name](), host: '127.0.0.1', port: 0, log: silent });
  process.send?.({ port: server.port });
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuMs: (user + system) / 1_000 });
  });
  process.once('disconnect', () => process.exit(0));
}

async function measure(seconds: number, rounds: number): Promise<void> {
  const names = Object.keys(SERVERS) as Name[];
  const children = await Promise.all(
    names.map(async (name) => {
      const child = fork(new URL(import.meta.url), ['serve', name]);
      const [message] = (await once(child, 'message')) as [{ port: number }];
      return { name, child, port: message.port, rates: [] as number[], cpuMicros: [] as number[] };
    }),
  );
  const cpu = async (child: (typeof children)[number]['child']) => {
    child.send('cpu');
    const [message] = (await once(child, 'message')) as [{ cpuMs: number }];
    return message.cpuMs;
  };
  for (let round = 0; round <= rounds; round++) {
    for (const { child, port, rates, cpuMicros } of children) {
      const before = await cpu(child);
      const result = await autocannon({
        url: `http://127.0.0.1:${port}/v1/submit`,
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
        body: BODY,
        connections: 64,
        duration: round === 0 ? 2 : seconds,
      });
      if (result.non2xx > 0 || result.errors > 0)
        throw new Error(`${result.non2xx} failed answers, ${result.errors} errors`);
      if (round === 0) continue;
      rates.push(result.requests.average);
      cpuMicros.push((((await cpu(child)) - before) * 1_000) / result.requests.total);
    }
  }
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
  for (const { name, child, rates, cpuMicros } of children) {
    console.log(
      `${name.padEnd(12)} ${median(rates).toFixed(0)} requests/s, ${median(cpuMicros).toFixed(1)} µs CPU each (least ${Math.min(...cpuMicros).toFixed(1)})`,
    );
    child.disconnect();
  }
}

const [mode, argument] = process.argv.slice(2);
if (mode === 'serve') await serve(argument as Name);
else await measure(Number(mode ?? 5), Number(argument ?? 3));

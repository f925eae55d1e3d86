// What it costs to know who is calling: accepted inferences a second with an API key and with an access token, each divided
// by the same route with authentication stubbed; and what others notice while two people sign in at a time. Rounds alternate,
// so that a busy machine hurts all alike.
// node bench/auth.ts [seconds per measurement] [rounds]

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { PERMISSIONS } from '#contracts/permissions.ts';
import { parseConfig } from '#platform/config.ts';
import type { Middleware } from '#platform/http/context.ts';
import type { BoundRoute, Caller } from '#platform/http/route.ts';
import { openHttpServer } from '#platform/http/serve.ts';
import type { Log } from '#platform/logging/log.ts';
import { createConsumerMetrics } from '#platform/metrics/consumer-metrics.ts';
import { createHttpMetrics } from '#platform/metrics/http-metrics.ts';
import { createThreadMetrics } from '#platform/metrics/thread-metrics.ts';
import { openPlatform } from '#platform/platform.ts';
import { openKeyUses } from '#platform/auth/key-uses.ts';
import { problemOf } from '../command-api/problem-of.ts';
import { openAccessTokens } from '../compose/access-tokens.ts';
import { eventLanguage } from '../compose/event-language.ts';
import { makeFirstThings } from '../compose/first-start.ts';
import { createHttpApp } from '../compose/http-app.ts';
import { createServiceApp } from '../compose/service-app.ts';
import { openStandingsOf } from '../compose/service-standings.ts';
import { allServices } from '../compose/services.ts';
import { startService } from '../compose/start-service.ts';

const EMAIL = 'bench@localhost';
const fault = (fields: object, message: string) => {
  console.error(message, fields);
  process.exit(1);
};
const silent: Log = { debug: () => {}, info: () => {}, warn: console.warn, error: fault };
const INFERENCE = JSON.stringify({ model: 'language-id', input: 'Günaydın, bugün hava çok güzel ve deniz sakin.' });

interface Serving {
  readonly realPort: number;
  readonly stubbedPort: number;
}

/** Both APIs in one process, behind two apps: one that asks who is calling, one that takes everybody for the same. */
async function serve(dataDir: string, key: string, password: string): Promise<void> {
  const environment = { DATA_DIR: dataDir, API_KEY: key, ADMIN_EMAIL: EMAIL, ADMIN_PASSWORD: password };
  const read = parseConfig({ ...environment, MAX_OUTSTANDING: '10000000', INFERENCE_TIMEOUT: '1d' });
  if (!read.ok) throw new Error(read.faults.join(' '));
  const { config } = read;
  const log = silent;
  const platform = await openPlatform({ config, events: eventLanguage, log });
  const ports = await platform.use(['store', 'readStore', 'live', 'keyring', 'contents', 'serverKey', 'passwords']);
  const standings = openStandingsOf(ports, config, log);
  await makeFirstThings({ ports, standings, config, shown: false, log });
  const metrics = createThreadMetrics('main');
  const fail = (error: Error) => log.error({ err: error }, 'a service failed');
  const tools = { config, log, consumers: createConsumerMetrics(metrics), standings: async () => standings, fail };
  const routes: BoundRoute[] = [];
  for (const service of allServices.filter(({ side }) => side !== undefined))
    routes.push(...((await startService(service, platform.use, tools)).routes ?? []));
  const accessTokens = await openAccessTokens(platform.use);
  const httpMetrics = createHttpMetrics(metrics);
  const logging = { log, access: { write: () => undefined } };
  const keyUses = openKeyUses(ports.readStore, log);
  const parts = { routes, standings, accessTokens, keyUses, logging, httpMetrics, checkAnswers: false };
  const real = createServiceApp(parts);
  const permissions = new Set<string>(PERMISSIONS);
  const caller: Caller = {
    tenantId: 'default',
    actor: { kind: 'api-key', id: 'stub' },
    holder: 'default',
    permissions,
    permissionsIn: () => permissions,
  };
  const stub: Middleware = (ctx, next) => {
    ctx.state.caller = caller;
    return next();
  };
  const stubbed = createHttpApp({
    routes,
    authentication: stub,
    log,
    access: {
      onRequest: () => httpMetrics.opened(),
      onAnswer: ({ method, routeId, status, durationMs }) => {
        httpMetrics.closed();
        httpMetrics.answered(method, routeId ?? 'none', status, durationMs / 1_000);
      },
    },
    translate: problemOf,
  });
  const [one, other] = [
    await openHttpServer({ app: real, host: '127.0.0.1', port: 0, log }),
    await openHttpServer({ app: stubbed, host: '127.0.0.1', port: 0, log }),
  ];
  process.send?.({ realPort: one.port, stubbedPort: other.port } satisfies Serving);
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ micros: user + system });
  });
  process.once('disconnect', () => process.exit(0));
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

interface Accepted {
  readonly perSecond: number;
  /** Microseconds of the process's time that each cost, which others on the machine change less. */
  readonly micros: number;
}

async function microsOf(child: ChildProcess): Promise<number> {
  child.send('how much');
  const [{ micros }] = (await once(child, 'message')) as [{ micros: number }];
  return micros;
}

async function accepted(child: ChildProcess, port: number, authorization: string, duration: number): Promise<Accepted> {
  const before = await microsOf(child);
  const url = `http://127.0.0.1:${port}/v1/inferences`;
  const headers = { 'content-type': 'application/json', authorization };
  const result = await autocannon({ url, method: 'POST', headers, body: INFERENCE, connections: 64, duration });
  if (result.non2xx > 0 || result.errors > 0) {
    const answer = await fetch(url, { method: 'POST', headers, body: INFERENCE });
    throw new Error(`${result.non2xx} were not accepted, ${result.errors} failed; now: ${await answer.text()}`);
  }
  const micros = ((await microsOf(child)) - before) / result.requests.total;
  return { perSecond: result.requests.average, micros };
}

/** Milliseconds that a read takes at most, but for one in a hundred, at a load that leaves time. */
async function slowest(port: number, authorization: string, duration: number): Promise<number> {
  const result = await autocannon({
    url: `http://127.0.0.1:${port}/v1/models`,
    headers: { authorization },
    connections: 16,
    overallRate: 500,
    duration,
  });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} refused, ${result.errors} failed`);
  return result.latency.p99;
}

const shown = ({ perSecond, micros }: Accepted) => `${perSecond.toFixed(0)}/s (${micros.toFixed(0)} µs)`;

type Ratio = Accepted;
const ratioOf = (one: Accepted, other: Accepted): Ratio => ({
  perSecond: one.perSecond / other.perSecond,
  micros: one.micros / other.micros,
});

type Three<T> = readonly [T, T, T];

/** Whoever comes first in one round comes later in the next. */
function rotated<T>([a, b, c]: Three<T>, by: number): Three<T> {
  const turns: Three<Three<T>> = [
    [a, b, c],
    [b, c, a],
    [c, a, b],
  ];
  return turns[((by % 3) + 3) % 3] ?? turns[0];
}

async function measure(seconds: number, rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'defter-bench-'));
  const [key, password] = [randomBytes(24).toString('hex'), randomBytes(24).toString('hex')];
  const child = fork(new URL(import.meta.url), ['serve', folder, key, password]);
  const [{ realPort, stubbedPort }] = (await once(child, 'message')) as [Serving];
  const signIn = async () => {
    const answer = await fetch(`http://127.0.0.1:${realPort}/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: EMAIL, password }),
    });
    if (!answer.ok) throw new Error(`signing in was answered ${answer.status}: ${await answer.text()}`);
    return ((await answer.json()) as { readonly accessToken: string }).accessToken;
  };
  const withKey = `Bearer ${key}`;
  const ratios = { key: [] as Ratio[], token: [] as Ratio[], slowest: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const duration = round === 0 ? 3 : seconds;
    // Anew each time: who signs in for the hundredth time ends their oldest session.
    const withToken = `Bearer ${await signIn()}`;
    const [first, second, third] = rotated(
      [
        () => accepted(child, stubbedPort, withKey, duration),
        () => accepted(child, realPort, withKey, duration),
        () => accepted(child, realPort, withToken, duration),
      ],
      round,
    );
    const [stubbed, byKey, byToken] = rotated([await first(), await second(), await third()], -round);
    const alone = await slowest(realPort, withKey, duration);
    const over = new AbortController();
    let signedIn = 0;
    const people = Promise.all(
      [1, 2].map(async () => {
        for (; !over.signal.aborted; signedIn++) await signIn();
      }),
    );
    const beside = await slowest(realPort, withKey, duration);
    over.abort();
    await people;
    console.log(
      `${round === 0 ? 'warm-up' : `round ${round}`}: stubbed ${shown(stubbed)}, key ${shown(byKey)}, token ${shown(byToken)}; ` +
        `p99 of reads ${alone} ms alone, ${beside} ms beside ${(signedIn / duration).toFixed(1)} logins/s`,
    );
    if (round === 0) continue;
    ratios.key.push(ratioOf(byKey, stubbed));
    ratios.token.push(ratioOf(byToken, stubbed));
    ratios.slowest.push(beside / alone);
  }
  child.disconnect();
  await once(child, 'exit');
  rmSync(folder, { recursive: true });
  for (const [name, found] of [
    ['a key', ratios.key],
    ['an access token', ratios.token],
  ] as const) {
    const perSecond = median(found.map((ratio) => ratio.perSecond)).toFixed(2);
    const micros = median(found.map((ratio) => ratio.micros)).toFixed(2);
    console.log(`with ${name} ÷ stubbed: ${perSecond} a second (goal at least 0.85), ${micros} in processor time`);
  }
  console.log(`p99 of reads beside two who sign in ÷ alone: ${median(ratios.slowest).toFixed(2)} (goal at most 2)`);
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'serve') await serve(rest[0] ?? '', rest[1] ?? '', rest[2] ?? '');
else await measure(Number(mode ?? 8), Number(rest[0] ?? 5));

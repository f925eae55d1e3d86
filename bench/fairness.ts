// What a tenant notices of another that floods: `node bench/fairness.ts [requests] [rounds]`. One registers four models on an
// upstream that takes 8 seconds and posts to them as fast as it is answered, over 64 connections, on a thread of its own; the
// other asks the language model, one request at a time, and reads each result. In each round, on a server of its own, it is
// measured alone and then under the flood; reported are the medians of the rounds' ratios.

import autocannon from 'autocannon';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Client } from 'undici';
import { createApi } from '../test/support/api-client.ts';
import { echo, openOpenAiUpstream } from '../test/support/openai-upstream.ts';
import { startDefter } from '../test/support/start-defter.ts';

const MODELS = ['slow-1', 'slow-2', 'slow-3', 'slow-4'];
const UPSTREAM_MS = 8_000;
const CONNECTIONS = 64;
/** Of the flood, before it is measured: by then it has filled its share. */
const FILL_MS = 5_000;

interface Flood {
  readonly url: string;
  readonly key: string;
}

/** What the flood was answered, by status. */
interface Flooded {
  readonly accepted: number;
  readonly refused: number;
}

const at = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
const shown = (values: readonly number[]) =>
  `p50 ${at(values, 0.5).toFixed(1)} ms, p99 ${at(values, 0.99).toFixed(1)} ms`;

/** On its thread, until it is told to end. */
async function flood({ url, key }: Flood): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const flooding = autocannon({
    url,
    connections: CONNECTIONS,
    duration: 600,
    requests: MODELS.map((model) => ({
      method: 'POST',
      path: '/v1/inferences',
      headers,
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hello?' }] }),
    })),
  });
  parentPort?.once('message', () => flooding.stop());
  const result = await flooding;
  parentPort?.postMessage({ accepted: result['2xx'], refused: result.non2xx } satisfies Flooded);
}

interface Times {
  readonly accepted: number[];
  readonly result: number[];
}

/** A server with a tenant that floods and one that asks. */
async function openRound(source: string, requests: number) {
  const folder = mkdtempSync(join(tmpdir(), 'defter-bench-'));
  const platformKey = randomBytes(24).toString('hex');
  const server = await startDefter(folder, { API_KEY: platformKey, ALLOW_PRIVATE_UPSTREAMS: 'on' });
  const platform = createApi(server.url, platformKey);
  const newTenant = async (name: string, scopes: readonly string[]) => {
    const { body: tenant } = await platform<{ id: string }>('POST', '/v1/tenants', { body: { name } });
    const body = { name, tenantId: tenant.id, scopes };
    return (await platform<{ key: string }>('POST', '/v1/api-keys', { body })).body.key;
  };
  const loud = await newTenant('Loud', ['models:write', 'models:read', 'inference:write']);
  for (const model of MODELS)
    await createApi(server.url, loud)('PUT', `/v1/models/${model}`, { body: { runtime: 'openai', source } });
  const quiet = await newTenant('Quiet', ['inference:write', 'inference:read', 'models:read']);
  const client = new Client(server.url);
  const headers = { authorization: `Bearer ${quiet}`, 'content-type': 'application/json' };
  const submission = JSON.stringify({ model: 'language-id', input: 'Günaydın, bugün hava çok güzel ve deniz sakin.' });

  const ask = async () => {
    const began = performance.now();
    const submitted = await client.request({ method: 'POST', path: '/v1/inferences', headers, body: submission });
    const { id } = (await submitted.body.json()) as { id: string };
    if (submitted.statusCode !== 202) throw new Error(`it was answered ${submitted.statusCode}`);
    const accepted = performance.now();
    const { body } = await client.request({ method: 'GET', path: `/v1/inferences/${id}?wait=30s`, headers });
    const { status } = (await body.json()) as { status: string };
    if (status !== 'completed') throw new Error(`it ended as ${status}`);
    return { accepted: accepted - began, result: performance.now() - began };
  };
  return {
    async askAll(): Promise<Times> {
      const all = [];
      for (let n = 0; n < requests; n++) all.push(await ask());
      return { accepted: all.map(({ accepted }) => accepted), result: all.map(({ result }) => result) };
    },
    /** Resolves, when it has been told to end, to what the flood was answered. */
    flood(): () => Promise<Flooded> {
      const worker = new Worker(new URL(import.meta.url), {
        workerData: { url: server.url, key: loud } satisfies Flood,
      });
      return async () => {
        worker.postMessage('end');
        const [answered] = (await once(worker, 'message')) as [Flooded];
        return answered;
      };
    },
    async close() {
      await client.close();
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

async function measure(): Promise<void> {
  const requests = Number(process.argv[2] ?? 400);
  const rounds = Number(process.argv[3] ?? 5);
  const upstream = await openOpenAiUpstream();
  upstream.answer((request, response) => void setTimeout(() => echo(request, response), UPSTREAM_MS));
  const ratios = { accepted: [] as number[], result: [] as number[] };
  for (let number = 1; number <= rounds; number++) {
    const round = await openRound(upstream.url, requests);
    await round.askAll();
    const alone = await round.askAll();
    const endFlood = round.flood();
    await sleep(FILL_MS);
    const under = await round.askAll();
    const { accepted, refused } = await endFlood();
    console.log(`round ${number}, of the flood ${accepted} were accepted and ${refused} refused`);
    for (const what of ['accepted', 'result'] as const) {
      ratios[what].push(at(under[what], 0.99) / at(alone[what], 0.99));
      console.log(`  until ${what}: alone ${shown(alone[what])}; under the flood ${shown(under[what])}`);
    }
    await round.close();
  }
  const [accepted, result] = [at(ratios.accepted, 0.5), at(ratios.result, 0.5)];
  console.log(
    `p99 under the flood / alone: accepted ${accepted.toFixed(2)}, result ${result.toFixed(2)} (goal at most 2)`,
  );
  await upstream.close();
}

if (isMainThread) await measure();
else await flood(workerData as Flood);

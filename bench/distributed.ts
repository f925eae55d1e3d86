// From an accepted request to its result read by id, with every service its own process: `node bench/distributed.ts
// [requests/s] [seconds]` under `npm run services --`. Requests are sent by the clock, whether earlier ones are done or
// not, so a slow system shows as latency and not as fewer requests.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { serviceEnvironment } from '../test/services/describe-on.ts';
import { SHARED_SERVICES, startDistributed } from '../test/support/start-distributed.ts';

const rate = Number(process.argv[2] ?? 200);
const seconds = Number(process.argv[3] ?? 20);
/** Until the runtimes of all processes have compiled what is used. */
const WARM_UP_MS = 30_000;

const at = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
const shown = (values: readonly number[]) =>
  `p50 ${at(values, 0.5).toFixed(1)} ms, p99 ${at(values, 0.99).toFixed(1)} ms`;

const folder = mkdtempSync(join(tmpdir(), 'defter-bench-'));
const defter = await startDistributed(folder, serviceEnvironment(SHARED_SERVICES), { PARTITIONS: '6' });
const agent = new Agent({ connections: 64 });
const headers = { authorization: `Bearer ${defter.key}`, 'content-type': 'application/json' };
const origin = (name: string) => defter.services.get(name)?.url ?? '';
const [commands, queries] = [origin('command-api'), origin('query-api')];
const body = JSON.stringify({ model: 'language-id', input: 'Günaydın, bugün hava çok güzel ve deniz sakin.' });

interface Times {
  readonly accepted: number;
  readonly result: number;
}

async function one(): Promise<Times> {
  const began = performance.now();
  const submitted = await agent.request({ origin: commands, method: 'POST', path: '/v1/inferences', headers, body });
  const { id } = (await submitted.body.json()) as { id: string };
  const accepted = performance.now();
  const path = `/v1/inferences/${id}?wait=30s`;
  const read = await agent.request({ origin: queries, method: 'GET', path, headers });
  const { status } = (await read.body.json()) as { status: string };
  if (status !== 'completed') throw new Error(`it ended as ${status}`);
  return { accepted: accepted - began, result: performance.now() - accepted };
}

async function run(forMs: number): Promise<Times[]> {
  const began = performance.now();
  const running: Promise<Times>[] = [];
  for (let sent = 0; performance.now() - began < forMs; sent++) {
    const due = began + (sent * 1_000) / rate;
    const early = due - performance.now();
    if (early > 0) await sleep(early);
    running.push(one());
  }
  return Promise.all(running);
}

await run(WARM_UP_MS);
const times = await run(seconds * 1_000);
console.log(`${times.length} requests at ${rate}/s`);
console.log(`request to 202:      ${shown(times.map(({ accepted }) => accepted))}`);
console.log(`202 to result read:  ${shown(times.map(({ result }) => result))} (goal: p50 at most 80)`);
await agent.close();
await defter.stop();
rmSync(folder, { recursive: true });

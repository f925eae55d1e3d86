// From an accepted request to its result read by id, with every service its own process: `node bench/distributed.ts
// [requests/s] [seconds]` under `npm run services --`. Requests are sent by the clock, whether earlier ones are done or
// not, so a slow system shows as latency and not as fewer requests. What of it the parts took is read from the log
// afterwards, and what each process used of the processors from the system.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { inferences } from '#events/inference.ts';
import { serviceEnvironment } from '../test/services/describe-on.ts';
import { configOf, openStores } from '../test/support/history-collect-servers.ts';
import { readLog } from '../test/support/history-collect.ts';
import { SHARED_SERVICES, startDistributed } from '../test/support/start-distributed.ts';
import { processorTimes } from './processor-time.ts';

const rate = Number(process.argv[2] ?? 200);
const seconds = Number(process.argv[3] ?? 20);
/** Until the runtimes of all processes have compiled what is used. */
const WARM_UP_MS = 30_000;
/** More than ever wait at once: a request that waits for a connection would be counted as Defter's. */
const CONNECTIONS = 2_048;

const at = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
const shown = (values: readonly number[]) =>
  `p50 ${at(values, 0.5).toFixed(1)} ms, p99 ${at(values, 0.99).toFixed(1)} ms`;

/** As the processes of one machine are told apart by their command lines. */
function nameOf(commandLine: string): string | undefined {
  if (commandLine.includes('kafka.Kafka')) return 'Kafka';
  if (commandLine.includes('apicurio')) return 'schema registry';
  if (/elasticsearch/i.test(commandLine) && commandLine.includes('java')) return 'Elasticsearch';
  if (commandLine.includes('redis-server')) return 'Redis';
  if (/versitygw|weed /.test(commandLine)) return 'S3';
  if (commandLine.includes('eventstore/server.ts')) return 'event store (stand-in)';
  if (commandLine.includes('bench/distributed.ts')) return 'this load';
  return /main\.ts (\S+)/.exec(commandLine)?.[1];
}

const folder = mkdtempSync(join(tmpdir(), 'defter-bench-'));
const defter = await startDistributed(folder, serviceEnvironment(SHARED_SERVICES), { PARTITIONS: '6' });
const agent = new Agent({ connections: CONNECTIONS });
const headers = { authorization: `Bearer ${defter.key}`, 'content-type': 'application/json' };
const origin = (name: string) => defter.services.get(name)?.url ?? '';
const [commands, queries] = [origin('command-api'), origin('query-api')];
const body = JSON.stringify({ model: 'language-id', input: 'Günaydın, bugün hava çok güzel ve deniz sakin.' });

interface Times {
  readonly stream: string;
  readonly accepted: number;
  readonly result: number;
  /** By the wall clock, as the log has its times. */
  readonly readAt: number;
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
  const result = performance.now() - accepted;
  return { stream: inferences.stream(id), accepted: accepted - began, result, readAt: Date.now() };
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

async function partsOf(times: readonly Times[]) {
  const stores = await openStores(configOf(defter.env));
  const log = Map.groupBy(await readLog(stores.store), ({ stream }) => stream);
  await stores.close();
  return times.flatMap(({ stream, readAt }) => {
    const [requested, ended] = log.get(stream) ?? [];
    if (!requested || !ended) return [];
    const { startedAt } = ended.data as { readonly startedAt: number };
    return [
      {
        toWorker: startedAt - requested.recordedAt,
        toResult: ended.recordedAt - startedAt,
        toReader: readAt - ended.recordedAt,
      },
    ];
  });
}

await run(WARM_UP_MS);
const before = processorTimes(nameOf);
const began = performance.now();
const times = await run(seconds * 1_000);
const took = (performance.now() - began) / 1_000;
const after = processorTimes(nameOf);
const parts = await partsOf(times);
console.log(`${times.length} requests at ${rate}/s`);
console.log(`request to 202:      ${shown(times.map(({ accepted }) => accepted))}`);
console.log(`202 to result read:  ${shown(times.map(({ result }) => result))} (goal: p50 at most 80)`);
console.log(`  appended to begun (relay, Kafka, worker):  ${shown(parts.map(({ toWorker }) => toWorker))}`);
console.log(`  begun to appended (model, event store):    ${shown(parts.map(({ toResult }) => toResult))}`);
console.log(`  appended to read (live channel, query):    ${shown(parts.map(({ toReader }) => toReader))}`);
console.log('processors in use meanwhile:');
const used = [...after].map(([name, time]) => [name, (time - (before.get(name) ?? 0)) / took] as const);
for (const [name, share] of used.toSorted(([, a], [, b]) => b - a)) console.log(`  ${share.toFixed(2)} ${name}`);
await agent.close();
await defter.stop();
rmSync(folder, { recursive: true });

// What an accepted inference costs: `node bench/commands.ts [seconds] [rounds] [all]`. Each round measures, one after the
// other at 64 connections, Koa with a group-committed insert and Defter with its inferences running; with `all` also bare
// Koa. Reported are the medians of the ratios within a round, so that a machine whose speed drifts does not matter.
//
// Sustained: what was accepted while the load ran, divided by the time until the slowest reader had seen all of it. A rate
// that readers do not keep up with is worth only what they do.
// Processor time: of the whole process, over that same time, divided by what was accepted. The load is not in it.

import autocannon from 'autocannon';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startDefter } from '../test/support/start-defter.ts';
import { residentMiB, threadTimes } from './processor-time.ts';

const seconds = Number(process.argv[2] ?? 15);
const rounds = Number(process.argv[3] ?? 3);
const withBareKoa = process.argv[4] === 'all';
const connections = 64;
const body = JSON.stringify({ model: 'language-id', input: 'Günaydın, bugün hava çok güzel ve deniz sakin.' });

/** Compiled code is measured, not the compiler: each server is warmed up first, however long a busy machine takes. */
const WARM_UP_REQUESTS = 25_000;
const IDLE_MS = 2_000;
const LOOK_EVERY_MS = 100;

interface Server {
  readonly url: string;
  readonly pid: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Resolves once all that was accepted has been worked off. */
  readonly drained: () => Promise<void>;
}

interface Measured {
  readonly accepted: number;
  readonly perSecond: number;
  readonly sustained: number;
  readonly drainMs: number;
  readonly p50: number;
  readonly p99: number;
  readonly other: number;
  /** Microseconds of processor time an accepted request cost, by thread. */
  readonly cost: ReadonlyMap<string, number>;
  readonly loadedMiB: number;
}

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

async function measure({ url, pid, headers, drained }: Server, started: () => Promise<void>): Promise<Measured> {
  const options = {
    url,
    connections,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  };
  await autocannon({ ...options, amount: WARM_UP_REQUESTS });
  await drained();
  await started();
  let loadedMiB = 0;
  const looking = setInterval(() => (loadedMiB = Math.max(loadedMiB, residentMiB(pid))), 500);
  const before = threadTimes(pid);
  const began = performance.now();
  const result = await autocannon({ ...options, duration: seconds });
  const ended = performance.now();
  await drained();
  const drainMs = performance.now() - ended;
  clearInterval(looking);
  const accepted = result['2xx'];
  const cost = [...threadTimes(pid)].map(
    ([name, time]) => [name, ((time - (before.get(name) ?? 0)) * 1e6) / accepted] as const,
  );
  return {
    accepted,
    perSecond: accepted / result.duration,
    sustained: (accepted * 1_000) / (performance.now() - began),
    drainMs,
    p50: result.latency.p50,
    p99: result.latency.p99,
    other: result.non2xx + result.errors,
    cost: new Map(cost),
    loadedMiB,
  };
}

async function baseline(script: string, ...args: string[]): Promise<Measured> {
  const path = fileURLToPath(new URL(`./baseline/${script}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  const port = /listening (\d+)/.exec(String(text))?.[1];
  const nothing = () => Promise.resolve();
  const server = { url: `http://127.0.0.1:${port}/`, pid: child.pid ?? 0, headers: {}, drained: nothing };
  const measured = await measure(server, nothing);
  child.kill('SIGTERM');
  await once(child, 'exit');
  return measured;
}

/** Values of a metric by their labels' text. */
function valuesOf(text: string, name: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, labels = '', value] = new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`).exec(line) ?? [];
    if (value !== undefined) found.set(labels, Number(value));
  }
  return found;
}

async function defter(folder: string) {
  const key = randomBytes(24).toString('hex');
  const started = await startDefter(folder, { API_KEY: key });
  const scrape = async () => (await fetch(`${started.url}/metrics`)).text();
  await sleep(IDLE_MS);
  const idleMiB = residentMiB(started.pid);
  const lags: number[] = [];
  const delays: number[] = [];
  const look = async () => {
    const text = await scrape();
    lags.push(Math.max(0, ...valuesOf(text, 'defter_consumer_lag_events').values()));
    delays.push((valuesOf(text, 'nodejs_eventloop_lag_p99_seconds').get('thread="main"') ?? 0) * 1_000);
  };
  const drained = async () => {
    for (await look(); lags.at(-1) !== 0; await look()) await sleep(LOOK_EVERY_MS);
  };
  const forget = async () => {
    await scrape(); // a histogram begins anew at each
    lags.length = 0;
    delays.length = 0;
  };
  const headers = { authorization: `Bearer ${key}` };
  const url = `${started.url}/v1/inferences`;
  const measured = await measure({ url, pid: started.pid, headers, drained }, forget);
  await started.stop();
  return { ...measured, idleMiB, lag: lags[0] ?? 0, delay: delays[0] ?? 0 };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const costOf = ({ cost }: Measured) => sum(cost.values());
const shown = (of: Measured) =>
  `${of.perSecond.toFixed(0)}/s, p50 ${of.p50} ms, p99 ${of.p99} ms, ${costOf(of).toFixed(0)} µs each` +
  (of.other > 0 ? `, ${of.other} not accepted` : '');
const parts = ({ cost }: Measured) =>
  [...cost]
    .filter(([, micros]) => micros >= 1)
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, micros]) => `${name} ${micros.toFixed(0)}`)
    .join(', ');

type Figures = Record<'sustained' | 'cost' | 'delay' | 'loaded' | 'idle', number>;
const figures: Figures[] = [];
for (let round = 1; round <= rounds; round++) {
  const folder = mkdtempSync(join(tmpdir(), 'defter-bench-'));
  console.log(`round ${round}`);
  if (withBareKoa) console.log(`  bare Koa                  ${shown(await baseline('bare-koa.ts'))}`);
  const sqlite = await baseline('koa-sqlite.ts', folder);
  console.log(`  Koa + durable insert      ${shown(sqlite)}`);
  const ours = await defter(folder);
  rmSync(folder, { recursive: true });
  console.log(`  Defter, inferences on     ${shown(ours)}`);
  console.log(`    behind at the end ${ours.lag} events, worked off in ${ours.drainMs.toFixed(0)} ms`);
  console.log(`    sustained ${ours.sustained.toFixed(0)}/s; µs by thread: ${parts(ours)}`);
  figures.push({
    sustained: ours.sustained / sqlite.sustained,
    cost: costOf(ours) / costOf(sqlite),
    delay: ours.delay,
    loaded: ours.loadedMiB,
    idle: ours.idleMiB,
  });
}
const figure = (name: keyof Figures, digits: number) => median(figures.map((of) => of[name])).toFixed(digits);
console.log(`sustained accepted/s ÷ Koa + durable insert: ${figure('sustained', 2)} (goal at least 0.7)`);
console.log(`processor time per accepted inference ÷ the baseline's: ${figure('cost', 2)} (goal at most 2.3)`);
console.log(`delay of the request loop under load, p99: ${figure('delay', 1)} ms (goal at most 8)`);
console.log(`resident memory under load: ${figure('loaded', 0)} MiB (goal at most 700)`);
console.log(`resident memory idle: ${figure('idle', 0)} MiB (goal at most 260)`);

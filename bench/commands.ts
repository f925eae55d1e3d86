// Accepted commands per second: `node bench/commands.ts [seconds] [rounds]`. Each round measures, one after the other at
// 64 connections: bare Koa, Koa with a group-committed insert, and Defter with its inferences running. Reported are the
// medians of the ratios within a round, so that a machine whose speed drifts does not matter.

import autocannon from 'autocannon';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDefter } from '../test/support/start-defter.ts';

const seconds = Number(process.argv[2] ?? 15);
const rounds = Number(process.argv[3] ?? 3);
const connections = 64;
const body = JSON.stringify({ model: 'language-id', input: 'Günaydın, bugün hava çok güzel ve deniz sakin.' });

interface Load {
  readonly accepted: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly other: number;
}

/** Compiled code is measured, not the compiler: each server is warmed up first. */
const warmUpSeconds = 5;

async function load(url: string, headers: Record<string, string> = {}): Promise<Load> {
  const options = {
    url,
    connections,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  };
  await autocannon({ ...options, duration: warmUpSeconds });
  const result = await autocannon({ ...options, duration: seconds });
  const accepted = result['2xx'];
  const other = result.non2xx + result.errors;
  return { accepted, perSecond: accepted / result.duration, p50: result.latency.p50, p99: result.latency.p99, other };
}

async function baseline(script: string, ...args: string[]): Promise<Load> {
  const path = fileURLToPath(new URL(`./baseline/${script}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await portOf(child);
  const measured = await load(`http://127.0.0.1:${port}/`);
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('exit', resolve));
  return measured;
}

const portOf = (child: ChildProcess) =>
  new Promise<string>((resolve) => {
    child.stdout?.on('data', (text: Buffer) => {
      const port = /listening (\d+)/.exec(String(text))?.[1];
      if (port !== undefined) resolve(port);
    });
  });

const LOOK_EVERY_MS = 4_000;

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
  const server = await startDefter(folder, { API_KEY: key });
  const { url } = server;
  const lags: number[] = [];
  const delays: number[] = [];
  // A scrape is work for the request loop too: seldom, so that it is not what is measured.
  const look = async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    lags.push(Math.max(0, ...valuesOf(text, 'defter_consumer_lag_events').values()));
    for (const [labels, delay] of valuesOf(text, 'nodejs_eventloop_lag_p99_seconds'))
      if (labels.includes('"main"')) delays.push(delay * 1_000);
  };
  const looking = setInterval(() => void look(), LOOK_EVERY_MS);
  const measured = await load(`${url}/v1/inferences`, { authorization: `Bearer ${key}` });
  clearInterval(looking);
  const until = performance.now();
  do await look();
  while ((lags.at(-1) ?? 0) > 0);
  const drainMs = performance.now() - until;
  await server.stop();
  return { ...measured, lags, delays, drainMs };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const shown = ({ perSecond, p50, p99, other }: Load) =>
  `${perSecond.toFixed(0)}/s, p50 ${p50} ms, p99 ${p99} ms${other > 0 ? `, ${other} not accepted` : ''}`;

const toSqlite: number[] = [];
const toBare: number[] = [];
for (let round = 1; round <= rounds; round++) {
  const folder = mkdtempSync(join(tmpdir(), 'defter-bench-'));
  const bare = await baseline('bare-koa.ts');
  const sqlite = await baseline('koa-sqlite.ts', folder);
  const ours = await defter(folder);
  rmSync(folder, { recursive: true });
  toSqlite.push(ours.perSecond / sqlite.perSecond);
  toBare.push(ours.perSecond / bare.perSecond);
  console.log(`round ${round}`);
  console.log(`  bare Koa                  ${shown(bare)}`);
  console.log(`  Koa + durable insert      ${shown(sqlite)}`);
  console.log(`  Defter, inferences on     ${shown(ours)}`);
  console.log(`    lag every 4 s: ${ours.lags.join(' ')}; drained in ${ours.drainMs.toFixed(0)} ms`);
  console.log(`    event-loop delay p99, every 4 s: ${ours.delays.map((delay) => delay.toFixed(1)).join(' ')} ms`);
}
console.log(
  `Defter / Koa + durable insert: ${median(toSqlite).toFixed(2)} (goal 0.5); / bare Koa: ${median(toBare).toFixed(2)}`,
);

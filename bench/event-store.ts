// What the embedded event store does on this machine: `node bench/event-store.ts [seconds]`.
// Appends of one small event each, each to a stream of its own, by concurrent callers on the main thread; then reads.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 } from 'uuid';
import type { NewEvent } from '#events/envelope.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';
import { prepareLogFile } from '#platform/event-store/sqlite-log-file.ts';
import { startSqliteLogThreads } from '#platform/event-store/sqlite-log-threads.ts';

const seconds = Number(process.argv[2] ?? 5);
const sealed = 'x'.repeat(160);

function smallEvent(): NewEvent {
  return {
    id: v7(),
    type: 'InferenceRequested',
    data: { model: 'language-id', parameters: { temperature: '0.7' }, input: { sealed, blob: null, bytes: 118 } },
    metadata: {
      tenantId: '0190a4f2-6f6c-7d3e-9c3b-0f7e4b3a2d11',
      actor: { kind: 'api-key', id: 'k_7d3e9c3b' },
      $correlationId: '0190a4f2-6f6c-7d3e-9c3b-0f7e4b3a2d12',
      $causationId: '0190a4f2-6f6c-7d3e-9c3b-0f7e4b3a2d13',
      schemaVersion: 1,
    },
  };
}

function cpuMicros(usage: NodeJS.CpuUsage): number {
  return usage.user + usage.system;
}

/** Makes the events first, so that only appending is measured. */
async function measureAppends(store: EventStore, callers: number, appendCpu: () => Promise<number>): Promise<void> {
  const events = Array.from({ length: 50_000 }, smallEvent);
  const streams = Array.from({ length: 60_000 * seconds }, () => `inference-${v7()}`);
  let started = 0;
  let done = 0;
  let slowest = 0;
  const until = performance.now() + seconds * 1_000;
  const threadBefore = await appendCpu();
  const mainBefore = cpuMicros(process.threadCpuUsage());
  const startedAt = performance.now();
  async function caller(): Promise<void> {
    for (;;) {
      const at = performance.now();
      if (at > until) return;
      const stream = streams[started] ?? `inference-${v7()}`;
      const event = events[started % events.length] ?? smallEvent();
      started += 1;
      await store.append(stream, [event], 'no_stream');
      slowest = Math.max(slowest, performance.now() - at);
      done += 1;
    }
  }
  await Promise.all(Array.from({ length: callers }, caller));
  const elapsed = (performance.now() - startedAt) / 1_000;
  const main = (cpuMicros(process.threadCpuUsage()) - mainBefore) / done;
  const thread = ((await appendCpu()) - threadBefore) / done;
  console.log(
    `${callers} callers: ${Math.round(done / elapsed)} appends/s; CPU per append: main ${main.toFixed(1)} µs, ` +
      `append thread ${thread.toFixed(1)} µs; slowest ${slowest.toFixed(1)} ms`,
  );
}

async function measureReads(store: EventStore): Promise<void> {
  const startedAt = performance.now();
  let count = 0;
  for (let after = 0n; ;) {
    const events = await store.readAll(after, 1_000);
    const last = events.at(-1);
    if (!last) break;
    after = last.position;
    count += events.length;
  }
  console.log(`readAll: ${Math.round(count / ((performance.now() - startedAt) / 1_000))} events/s of ${count}`);
  const streams = (await store.readAll((await store.head()) / 2n, 1_000)).map(({ stream }) => stream);
  const readAt = performance.now();
  for (const stream of streams) await store.readStream(stream);
  console.log(`readStream: ${(((performance.now() - readAt) * 1_000) / streams.length).toFixed(1)} µs each`);
}

/** From the append's acknowledgement to the event's arrival at a subscriber on the same thread; may be negative. */
async function measureWakeUps(store: EventStore): Promise<void> {
  const abort = new AbortController();
  const chunks = store.subscribeAll(await store.head(), abort.signal)[Symbol.asyncIterator]();
  const delays: number[] = [];
  for (let round = 0; round < 500; round += 1) {
    const append = async () => {
      await store.append(`inference-${v7()}`, [smallEvent()], 'no_stream');
      return performance.now();
    };
    const see = async () => {
      await chunks.next();
      return performance.now();
    };
    const [appendedAt, seenAt] = await Promise.all([append(), see()]);
    delays.push(seenAt - appendedAt);
  }
  abort.abort();
  delays.sort((a, b) => a - b);
  const [p50, p99] = [delays[250] ?? 0, delays[495] ?? 0];
  console.log(`subscriber woken after the acknowledgement: p50 ${p50.toFixed(3)} ms, p99 ${p99.toFixed(3)} ms`);
}

const folder = mkdtempSync(join(tmpdir(), 'event-store-bench-'));
prepareLogFile(folder);
const threads = await startSqliteLogThreads(folder);
const store = await openSqliteEventStore({ folder, port: threads.connect() });
try {
  const appendCpu = async () => cpuMicros(await threads.appendThread.cpuUsage());
  for (const callers of [1, 64, 64, 512]) await measureAppends(store, callers, appendCpu);
  await measureReads(store);
  await measureWakeUps(store);
} finally {
  await store.close();
  await threads.close();
  rmSync(folder, { recursive: true });
}

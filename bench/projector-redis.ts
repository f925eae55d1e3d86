// Events per second that a projector takes into Redis, against raw pipelined writes of the very same documents by the same
// client, in turns in one process. Goal: at least 0.6.
// Run: REDIS_URL=redis://127.0.0.1:6379 node bench/projector-redis.ts [streams]
// or: node test/services/with-services.ts --only redis node_modules/.bin/node bench/projector-redis.ts

import { Redis } from 'ioredis';
import { v4 } from 'uuid';
import type { Delivery } from '#platform/bus/bus.ts';
import type { DocumentProjection, Members } from '#platform/projection/projection.ts';
import { startProjection } from '#platform/projection/start-projection.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { openRedisReadStore } from '#platform/read-store/redis-read-store.ts';
import { createMemoryBus } from './memory-bus.ts';
import { makePairedLog } from './paired-log.ts';

const url = process.env['REDIS_URL'];
if (url === undefined) throw new Error('set REDIS_URL, or run it by test/services/with-services.ts --only redis');
const streams = Number(process.argv[2] ?? 20_000);
const maxBatch = 1_000;
const rounds = 5;
const log = { debug: () => {}, info: () => {}, warn: console.warn, error: console.error };

interface Doc {
  readonly id: string;
  readonly status: string;
  readonly seen: number;
  readonly about: Readonly<Record<string, unknown>>;
}

/** Like the standing projection: one document per stream, and with `listed` its place in a list. */
const projectionOf = (name: string, listed: boolean): DocumentProjection<Doc> => ({
  kind: 'document',
  name,
  topics: ['bench'],
  withoutCounts: true,
  keyOf: (stream) => `${name}:${stream}`,
  project(before, event) {
    const about = event.data as Doc['about'];
    const document = { id: event.stream, status: event.type, seen: (before?.seen ?? 0) + 1, about };
    const members: Members = [
      { set: `${name}-of:${String(about['tenant'])}`, member: event.stream, score: event.recordedAt },
    ];
    return listed ? { document, members } : { document };
  },
});

async function project(store: ReadStore, projection: DocumentProjection, deliveries: readonly Delivery[]) {
  const end = Promise.withResolvers<void>();
  const began = performance.now();
  const running = await startProjection({
    projection,
    bus: createMemoryBus(deliveries, maxBatch, end.resolve),
    store: { readStream: () => Promise.reject(new Error('no stream needs to be read again')) },
    readStore: store,
    searchIndex: {} as never,
    live: { publish: () => undefined },
    log,
    maxBatch,
  });
  await Promise.race([end.promise, running.failed.then((error) => Promise.reject(error))]);
  const took = performance.now() - began;
  await running.stop();
  return took;
}

/** The same documents as plain commands, a pipeline per batch, the next when the one before was answered. */
async function writeRaw(redis: Redis, projection: DocumentProjection, deliveries: readonly Delivery[]) {
  const documents = new Map<string, unknown>();
  const writes = deliveries.map(({ event }) => {
    const change = projection.project(documents.get(event.stream), event);
    if (change === 'ignore') throw new TypeError('every event here changes its document');
    documents.set(event.stream, change.document);
    return { key: `raw:${projection.name}:${event.stream}`, ...change };
  });
  const began = performance.now();
  for (let from = 0; from < writes.length; from += maxBatch) {
    const pipeline = redis.pipeline();
    for (const { key, document, members = [] } of writes.slice(from, from + maxBatch)) {
      pipeline.set(key, JSON.stringify(document));
      for (const { set, member, score } of members) pipeline.zadd(`raw:${set}`, score ?? 0, member);
    }
    await pipeline.exec();
  }
  return performance.now() - began;
}

const deliveries = makePairedLog({
  streams,
  prefix: 'user-',
  types: ['Requested', 'Completed'],
  dataOf: (tenant, at) => ({ tenant, model: 'language-id', text: 'x'.repeat(250), tokens: at }),
});
const namespace = `bench-${v4()}`;
const store = await openRedisReadStore({ url, namespace, log });
const redis = new Redis(url, { keyPrefix: `{${namespace}}:` });
const perSecond = (milliseconds: number) => Math.round(deliveries.length / (milliseconds / 1_000));
const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
try {
  console.log(`${deliveries.length.toLocaleString('en')} events, two per document, in batches of ${maxBatch}`);
  for (const listed of [false, true]) {
    const ratios: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const projection = projectionOf(`v${round}${listed ? 'l' : 'd'}`, listed) as DocumentProjection;
      const raw = await writeRaw(redis, projection, deliveries);
      const projected = await project(store, projection, deliveries);
      while ((await store.drop('', 10_000)) > 0);
      // The first is for warming up.
      if (round === 0) continue;
      ratios.push(raw / projected);
      console.log(
        `${listed ? 'a document and its place in a list' : 'a document'}: raw ${perSecond(raw).toLocaleString('en')} /s, projector ${perSecond(projected).toLocaleString('en')} /s, ratio ${(raw / projected).toFixed(2)}`,
      );
    }
    console.log(`  median ratio ${median(ratios).toFixed(2)}`);
  }
} finally {
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `{${namespace}}*`, 'COUNT', 1_000);
    if (keys.length > 0) await redis.unlink(...keys.map((key) => key.slice(namespace.length + 3)));
    cursor = next;
  } while (cursor !== '0');
  redis.disconnect();
  await store.close();
}

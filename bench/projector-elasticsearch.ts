// Events per second that a projector takes into Elasticsearch, against a raw bulk of the very same documents into an index
// of the same mapping, in turns in one process. Goal: at least 0.7.
// Run: ELASTICSEARCH_URL=http://127.0.0.1:9200 node bench/projector-elasticsearch.ts [streams]
// or: node test/services/with-services.ts --only elasticsearch node_modules/.bin/node bench/projector-elasticsearch.ts

import { Client } from '@elastic/elasticsearch';
import { v4 } from 'uuid';
import type { Delivery } from '#platform/bus/bus.ts';
import type { StreamRowProjection } from '#platform/projection/projection.ts';
import { startProjection } from '#platform/projection/start-projection.ts';
import { openElasticsearchSearchIndex } from '#platform/search-index/elasticsearch-search-index.ts';
import { foldToField } from '#platform/search-index/fold.ts';
import type { IndexWrite, SearchIndex } from '#platform/search-index/search-index.ts';
import { createMemoryBus } from './memory-bus.ts';
import { makePairedLog } from './paired-log.ts';

const url = process.env['ELASTICSEARCH_URL'];
if (url === undefined) {
  throw new Error('set ELASTICSEARCH_URL, or run it by test/services/with-services.ts --only elasticsearch');
}
const streams = Number(process.argv[2] ?? 20_000);
const maxBatch = 1_000;
const rounds = 5;
const log = { debug: () => {}, info: () => {}, warn: console.warn, error: console.error };
const vocabulary = Array.from({ length: 20_000 }, (_, i) => ((i * 2_654_435_761) % 4_294_967_296).toString(36));
const sentence = (i: number) =>
  Array.from({ length: 24 }, (_, w) => vocabulary[(i * 31 + w * w * 977) % vocabulary.length]).join(' ');

interface Row {
  readonly tenant: string;
  readonly status: string;
  readonly model: string;
  readonly createdAt: number;
  readonly endedAt: number | null;
  readonly text: string;
}

/** Like the projection of inferences: a row per stream, its text at its end. */
const projectionOf = (name: string): StreamRowProjection<Row> => ({
  kind: 'stream-row',
  name,
  topics: ['bench'],
  index: {
    name,
    fields: { tenant: 'code', status: 'code', model: 'code', createdAt: 'number', endedAt: 'number', words: 'text' },
    sortBy: 'createdAt',
    partitionBy: 'tenant',
  },
  concerns: () => true,
  idOf: (stream) => stream.slice('inference-'.length),
  project(before, { type: status, data, recordedAt }) {
    const { tenant, model, text } = data as Pick<Row, 'tenant' | 'model' | 'text'>;
    if (!before) return { tenant, status, model, createdAt: recordedAt, endedAt: null, text };
    return { ...before, status, endedAt: recordedAt, text: `${before.text}\n${text}` };
  },
  fields: ({ text, ...row }) => ({ ...row, words: row.endedAt === null ? null : foldToField(text) }),
  ended: ({ endedAt }) => endedAt !== null,
});

async function project(searchIndex: SearchIndex, projection: StreamRowProjection, deliveries: readonly Delivery[]) {
  const end = Promise.withResolvers<void>();
  const began = performance.now();
  const running = await startProjection({
    projection,
    bus: createMemoryBus(deliveries, maxBatch, end.resolve),
    store: { readStream: () => Promise.reject(new Error('no stream needs to be read again')) },
    readStore: { get: async () => [], keys: async () => [] } as never,
    searchIndex,
    live: { publish: () => undefined },
    log,
    maxBatch,
  });
  await Promise.race([end.promise, running.failed.then((error) => Promise.reject(error))]);
  const took = performance.now() - began;
  await running.stop();
  return took;
}

/** The batches of documents that the projector writes. */
function batchesOf(projection: StreamRowProjection, deliveries: readonly Delivery[]): IndexWrite[][] {
  const rows = new Map<string, unknown>();
  const batches: IndexWrite[][] = [];
  for (let from = 0; from < deliveries.length; from += maxBatch) {
    const batch = new Map<string, IndexWrite>();
    for (const { event } of deliveries.slice(from, from + maxBatch)) {
      const row = projection.project(rows.get(event.stream), event);
      rows.set(event.stream, row);
      const id = projection.idOf?.(event.stream) ?? '';
      batch.set(id, { id, revision: event.revision, fields: projection.fields(row) });
    }
    batches.push([...batch.values()]);
  }
  return batches;
}

/** As plain documents, the next bulk when the one before was answered. */
async function writeRaw(client: Client, index: string, batches: readonly (readonly IndexWrite[])[]) {
  const began = performance.now();
  for (const batch of batches) {
    const operations = batch.flatMap(({ id, revision, fields }) => {
      const document: Record<string, unknown> = { id, rev: revision, digest: '0123456789abcdef' };
      for (const [field, value] of Object.entries(fields ?? {})) document[`f_${field}`] = value;
      return [{ index: { _id: id } }, document];
    });
    const { errors } = await client.bulk({ index, operations });
    if (errors) throw new Error('the raw bulk failed');
  }
  return performance.now() - began;
}

const deliveries = makePairedLog({
  streams,
  prefix: 'inference-',
  types: ['queued', 'completed'],
  dataOf: (tenant, at) => ({ tenant, model: 'language-id', text: sentence(at) }),
});
const namespace = `bench-${v4().slice(0, 8)}`;
const index = await openElasticsearchSearchIndex({ url, namespace, log });
const client = new Client({ node: url });
const perSecond = (milliseconds: number) => Math.round(deliveries.length / (milliseconds / 1_000)).toLocaleString('en');
const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
try {
  console.log(`${deliveries.length.toLocaleString('en')} events, two per document, in batches of ${maxBatch}`);
  const ratios: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const projection = projectionOf('rows') as StreamRowProjection;
    const batches = batchesOf(projection, deliveries);
    const measures = {
      async raw() {
        await index.define({ ...projection.index, name: 'raw' });
        const took = await writeRaw(client, `${namespace}-search-raw`, batches);
        await index.drop('raw');
        return took;
      },
      async projected() {
        await index.define(projection.index);
        const took = await project(index, projection, deliveries);
        await index.drop(projection.index.name);
        return took;
      },
    };
    // In turns: who is second finds a warmer server.
    const rawFirst = round % 2 === 0 ? await measures.raw() : undefined;
    const projected = await measures.projected();
    const raw = rawFirst ?? (await measures.raw());
    // The first two are for warming up.
    if (round < 2) continue;
    ratios.push(raw / projected);
    console.log(
      `raw bulk ${perSecond(raw)} /s, projector ${perSecond(projected)} /s, ratio ${(raw / projected).toFixed(2)}`,
    );
  }
  console.log(`  median ratio ${median(ratios).toFixed(2)}`);
} finally {
  await index.drop('raw');
  await index.drop('rows');
  await client.close();
  await index.close();
}

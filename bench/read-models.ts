// Documents per second that the embedded read store and search index take in, in batches, and what look-ups cost.
// Run: node bench/read-models.ts [documents]

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteReadStore } from '#platform/read-store/sqlite-read-store.ts';
import { foldToField } from '#platform/search-index/fold.ts';
import { openSqliteSearchIndex } from '#platform/search-index/sqlite-search-index.ts';
import { v7 } from 'uuid';

const documents = Number(process.argv[2] ?? 100_000);
const batch = 500;
const statuses = ['queued', 'running', 'completed', 'failed'];
const vocabulary = Array.from({ length: 20_000 }, (_, i) => ((i * 2_654_435_761) % 4_294_967_296).toString(36));
const sentence = (i: number) =>
  Array.from({ length: 12 }, (_, w) => vocabulary[(i * 31 + w * w * 977) % (w < 4 ? 200 : vocabulary.length)]).join(
    ' ',
  );

/** Prints the rate by the clock and by the process's CPU time: the second is what a free core gives. */
async function perSecond(what: string, count: number, work: (from: number) => Promise<unknown>, step = batch) {
  const started = performance.now();
  const cpu = process.cpuUsage();
  for (let from = 0; from < count; from += step) await work(from);
  const { user, system } = process.cpuUsage(cpu);
  const rate = (milliseconds: number) =>
    Math.round(count / (milliseconds / 1_000))
      .toLocaleString('en')
      .padStart(9);
  console.log(`${what.padEnd(62)} ${rate(performance.now() - started)} /s ${rate((user + system) / 1_000)} /CPU s`);
}

const upTo = (from: number) => Array.from({ length: batch }, (_, i) => from + i);
const positionsAt = (position: number) => ({
  projection: 'bench',
  positions: new Map([['bench/0', BigInt(position)]]),
});

async function measureReadStore(folder: string) {
  const store = await openSqliteReadStore({ folder, writes: 'here' });
  const keys = Array.from({ length: documents }, () => `inference:${v7()}`);
  const value = (i: number) => ({
    id: keys[i],
    status: 'completed',
    model: 'language-id',
    output: sentence(i),
    tokens: i,
  });
  const write = (revision: number) => (from: number) =>
    store.apply(
      upTo(from).map((i) => ({ key: keys[i]!, revision, value: value(i), expiresAt: 4e12 + i })),
      positionsAt(from),
    );
  await perSecond('read store: new documents of 250 bytes', documents, write(0));
  await perSecond('read store: the same documents advance', documents, write(1));
  await perSecond('read store: the same documents again, redelivered', documents, write(1));
  await perSecond('read store: new documents with a member and a count', documents, (from) =>
    store.apply(
      upTo(from).map((i) => ({
        key: `b${keys[i]}`,
        revision: 0,
        value: value(i),
        members: [{ set: `tenant:${i % 50}`, member: keys[i]!, score: i }],
        counts: [{ counter: `tenant:${i % 50}`, by: 1 }],
      })),
      positionsAt(from),
    ),
  );
  const beside = await openSqliteReadStore({ folder, writes: 'thread' });
  await perSecond(
    'read store: get of one key',
    documents,
    (from) => beside.get([keys[(from * 7_919) % documents]!]),
    1,
  );
  await perSecond('read store: put, synced', 2_000, (from) => beside.put(`marker:${from}`, from), 1);
  await beside.close();
  await store.close();
}

async function measureSearchIndex(folder: string) {
  const index = await openSqliteSearchIndex({ folder, reads: 'thread' });
  const fields = { tenant: 'code', type: 'code', actor: 'keyword', stream: 'keyword', at: 'number' } as const;
  await index.define({ name: 'audit', sortBy: 'at', partitionBy: 'tenant', fields });
  await index.define({ name: 'inferences', sortBy: 'at', partitionBy: 'tenant', fields: { ...fields, words: 'text' } });
  const ids = Array.from({ length: documents }, () => v7());
  const document = (i: number) => ({
    tenant: `tenant-${i % 50}`,
    type: statuses[i % 4]!,
    actor: `key-${i % 500}`,
    stream: `inference-${ids[i]}`,
    at: i,
  });
  const apply = (name: string, revision: number, words: boolean) => (from: number) =>
    index.apply(
      name,
      upTo(from).map((i) => ({
        id: ids[i]!,
        revision,
        fields: words ? { ...document(i), words: foldToField(sentence(i)) } : document(i),
      })),
      positionsAt(from),
    );
  await perSecond('search index: new documents without text', documents, apply('audit', 0, false));
  await perSecond('search index: the same documents advance', documents, apply('audit', 1, false));
  await perSecond('search index: new documents with 12 words', documents, apply('inferences', 0, true));
  await perSecond('search index: the same documents with 12 words advance', documents, apply('inferences', 1, true));
  const list = { partition: 'tenant-7', order: 'descending', limit: 50 } as const;
  const words = { field: 'words', words: [vocabulary[17_000]!] };
  await perSecond('search index: newest 50 of a tenant', 2_000, () => index.search('audit', list), 1);
  await perSecond(
    'search index: newest 50 of all tenants',
    500,
    () => index.search('audit', { ...list, partition: undefined }),
    1,
  );
  await perSecond('search index: by a word', 2_000, () => index.search('inferences', { ...list, text: words }), 1);
  await perSecond('search index: aggregate a tenant by type', 200, () => index.aggregate('audit', 'type', list), 1);
  await index.close();
}

const folder = await mkdtemp(join(tmpdir(), 'defter-bench-'));
try {
  console.log(`${documents.toLocaleString('en')} documents in batches of ${batch}`);
  await measureReadStore(folder);
  await measureSearchIndex(folder);
} finally {
  await rm(folder, { recursive: true });
}

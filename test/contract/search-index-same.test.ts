// Defter folds and splits text, the engines only look it up: so SQLite and Elasticsearch find the same, whatever is written
// and whatever is asked.

import { expect } from 'chai';
import fc from 'fast-check';
import { foldQuery, foldToField } from '#platform/search-index/fold.ts';
import type { IndexDefinition, IndexWrite, SearchIndex, SearchQuery } from '#platform/search-index/search-index.ts';
import { describeOn } from '../services/describe-on.ts';
import { openTestSearchIndex } from '../support/elasticsearch-index.ts';
import { openTemporarySearchIndex } from '../support/sqlite-read-models.ts';

const shape = {
  fields: { tenant: 'code', author: 'keyword', at: 'number', words: 'text', raw: 'text' },
  sortBy: 'at',
  partitionBy: 'tenant',
} as const satisfies Omit<IndexDefinition, 'name'>;

const spoken = [
  ['Iğdır', 'ığdır', 'İSTANBUL', 'istanbul', 'Straße', 'STRASSE', 'Łódź', 'naïve', 'naïve', 'café', 'ÆON', 'ﬁne'],
  ['東京都', '京都', 'かがく', 'カガク', '한국어', 'ภาษาไทย', 'русский', 'Ёлка', 'שָׁלוֹם', 'العَرَبِيَّة', 'हिन्दी', 'ΣΊΣΥΦΟΣ'],
  ['foo_bar', 'example.com', 'a-b', "it's", 'C++', '😀', '👩‍👩‍👧', 'e=mc²', '½', '∑', '"', '*', '\\', "''", 'AND', 'NEAR('],
  [
    'x'.repeat(63),
    'x'.repeat(64),
    'x'.repeat(65),
    'é'.repeat(200),
    '😀'.repeat(33),
    'y'.repeat(40_000),
    'z'.repeat(300),
  ],
  ['\u00a0', '\u2007', '\u3000', '\ufeff', '\u200b', '\u0000', '\u001f', '\u0085', '\ud800', 'half\udc00'],
].flat();
const word = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...spoken) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 6 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
);
const text = fc
  .array(word, { maxLength: 8 })
  .chain((words) => fc.constantFrom(' ', '  ', '\t', '\u00a0', '\u3000').map((between) => words.join(between)));
const author = fc.oneof(
  fc.constantFrom('', 'é', 'e\u0301', 'A', 'a', '\uffff', '\u{10ffff}', 'x'.repeat(512)),
  text.map((t) => t.slice(0, 20)),
);
const corpus = fc.array(
  fc.record({
    id: fc.oneof(fc.uuid(), fc.constantFrom('a', 'A', 'ä', '\uffff', '\u{1f600}', '10', '9')),
    revision: fc.nat(3),
    tenant: fc.constantFrom('x', 'y', 'ı'),
    author: fc.option(author, { nil: null }),
    at: fc.oneof(
      fc.integer({ min: 0, max: 3 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
    ),
    text,
    raw: text,
  }),
  { minLength: 40, maxLength: 80 },
);
const all: SearchQuery = { partition: undefined, order: 'ascending', limit: 1_000 };

describeOn(['elasticsearch'], 'search index: SQLite and Elasticsearch', (env) => {
  let sqlite: Awaited<ReturnType<typeof openTemporarySearchIndex>>;
  let elastic: Awaited<ReturnType<typeof openTestSearchIndex>>;
  let engines: readonly SearchIndex[];
  let made = 0;
  before(async () => {
    sqlite = await openTemporarySearchIndex('here');
    elastic = await openTestSearchIndex(env, { shards: 2 });
    engines = [sqlite.index, elastic.index];
  });
  after(async () => {
    await sqlite?.close();
    await elastic?.close();
  });

  async function filled(writes: readonly IndexWrite[]): Promise<string> {
    const name = `same-${++made}`;
    for (const engine of engines) {
      await engine.define({ name, ...shape });
      await engine.apply(name, writes);
      await engine.refresh(name);
    }
    return name;
  }
  /** What both answer. */
  async function both<T>(ask: (engine: SearchIndex) => Promise<T>, about: () => string): Promise<T> {
    const [one, other] = await Promise.all([ask(sqlite.index), ask(elastic.index)]);
    expect(other, about()).to.deep.equal(one);
    return one;
  }
  const askable = (words: readonly string[]) =>
    words.filter((word) => /^[^\s\p{Cc}]+$/u.test(word) && word !== '*').slice(0, 4);

  it('find the same words, values and digests in texts of every kind', async function () {
    this.timeout(120_000);
    let hits = 0;
    await fc.assert(
      fc.asyncProperty(corpus, async (documents) => {
        const writes = documents.map(({ id, revision, text, ...fields }): IndexWrite => ({
          id,
          revision,
          fields: { ...fields, words: foldToField(text) },
        }));
        const name = await filled(writes);
        expect(
          (
            await both(
              (engine) => engine.search(name, all),
              () => 'all',
            )
          ).length,
        ).to.be.greaterThan(20);
        await both(
          (engine) => engine.search(name, { ...all, order: 'descending' }),
          () => 'all, descending',
        );
        await both(
          (engine) => engine.digests(name, { limit: 1_000 }),
          () => 'digests',
        );
        await both(
          (engine) => engine.aggregate(name, 'author', { partition: undefined }),
          () => 'authors',
        );
        for (const { text, raw, author, tenant, at, id } of documents.slice(0, 30)) {
          const folded = askable(foldQuery(text));
          const asked = askable(raw.split(/\s+/u));
          const begun = folded.slice(0, 1).map((word) => `${Array.from(word).slice(0, 2).join('')}*`);
          const queries: SearchQuery[] = [
            { ...all, text: { field: 'words', words: folded } },
            { ...all, text: { field: 'words', words: askable(begun) } },
            { ...all, text: { field: 'raw', words: asked } },
            { ...all, text: { field: 'raw', words: asked.slice(0, 1).map((word) => `${word.toUpperCase()}*`) } },
            { ...all, conditions: [{ field: 'author', in: [author ?? '', 'A'] }] },
            { ...all, partition: tenant, conditions: [{ field: 'at', from: at }] },
            { ...all, limit: 3, after: { sort: at, id } },
          ];
          for (const query of queries) {
            hits += (
              await both(
                (engine) => engine.search(name, query),
                () => JSON.stringify(query),
              )
            ).length;
          }
        }
      }),
      { numRuns: 3, endOnFailure: true },
    );
    expect(hits).to.be.greaterThan(1_000);
  });

  it('count exactly, also where a field has more values than shards tell at once', async function () {
    this.timeout(120_000);
    const many = Array.from({ length: 24_000 }, (_, n) => ({
      id: String(n),
      revision: 0,
      fields: { tenant: 'x', at: n, author: n % 40 < 3 ? `often-${n % 7}-${n % 40}` : `once-${n}` },
    }));
    const name = await filled(many);
    const buckets = await both(
      (engine) => engine.aggregate(name, 'author', { partition: 'x' }),
      () => 'authors',
    );
    expect(buckets.length).to.equal(1_000);
    expect(buckets[0]!.count).to.be.greaterThan(80);
  });

  it('take bounds and pages beyond every number for what they say', async () => {
    const writes = [1, 2, 3].map((at) => ({ id: String(at), revision: 0, fields: { tenant: 'x', at } }));
    const name = await filled([...writes, { id: 'gone', revision: 0, fields: null }]);
    const queries: Partial<SearchQuery>[] = [
      { conditions: [{ field: 'at', from: -Infinity }] },
      { conditions: [{ field: 'at', from: Infinity }] },
      { conditions: [{ field: 'at', to: -Infinity }] },
      { conditions: [{ field: 'at', from: -Infinity, to: Infinity }] },
      { conditions: [{ field: 'at', in: [Infinity] }] },
      { conditions: [{ field: 'at', in: [2, Infinity, Number.NaN] }] },
      { after: { sort: Infinity, id: '' } },
      { after: { sort: -Infinity, id: '' } },
      { after: { sort: Infinity, id: '' }, order: 'descending' },
      { after: { sort: -Infinity, id: '' }, order: 'descending' },
      { conditions: [{ field: 'author', in: ['\u0000', '"', ''] }] },
    ];
    for (const query of queries) {
      await both(
        (engine) => engine.search(name, { ...all, ...query }),
        () => Object.values(query).map(String).join(),
      );
    }
  });
});

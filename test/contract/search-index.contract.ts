// What every search index must do, whatever engine is behind it. Each test defines an index of its own.

import { expect } from 'chai';
import fc from 'fast-check';
import { v4 } from 'uuid';
import { DocumentRefused } from '#platform/document-refused.ts';
import { foldQuery, foldToField } from '#platform/search-index/fold.ts';
import {
  type FieldValue,
  type Hit,
  idOfNumber,
  type IndexDefinition,
  IndexMisused,
  IndexShapeDiffers,
  type IndexWrite,
  type SearchIndex,
  type SearchQuery,
} from '#platform/search-index/search-index.ts';
import { byBytes } from '../support/read-store-model.ts';
import { refusal } from '../support/refusal.ts';
import { createSearchModel } from '../support/search-index-model.ts';

export interface SearchIndexUnderTest {
  readonly index: SearchIndex;
  /** A further handle on the same data, as another thread or process would open it. */
  another(): Promise<SearchIndex>;
  /** The documents that whoever queries the engine itself finds by a name, each with its fields by their names. */
  published(name: string): Promise<Readonly<Record<string, unknown>>[]>;
  /** Closes `index` and removes what was made for it. */
  close(): Promise<void>;
}

export interface SearchIndexContract {
  readonly name: string;
  open(): Promise<SearchIndexUnderTest>;
  /** Runs of the random test; fewer for an adapter far away. Default 60. */
  readonly runs?: number;
}

const shape = {
  fields: {
    tenant: 'code',
    status: 'code',
    model: 'keyword',
    cost: 'number',
    at: 'number',
    words: 'text',
    note: 'text',
  },
  sortBy: 'at',
  partitionBy: 'tenant',
} as const satisfies Omit<IndexDefinition, 'name'>;

const all = { partition: undefined, order: 'ascending', limit: 1_000 } as const;

export function searchIndexContract(contract: SearchIndexContract) {
  const { runs = 60 } = contract;
  describe(`search index: ${contract.name}`, () => {
    let under: SearchIndexUnderTest;
    let index: SearchIndex;
    let definition: IndexDefinition;
    let own: string;
    before(async () => {
      under = await contract.open();
      index = under.index;
    });
    after(() => under.close());
    beforeEach(() => defineOwn());

    async function defineOwn(more: Partial<IndexDefinition> = {}) {
      own = `test-${v4()}`;
      definition = { name: own, ...shape, ...more };
      await index.define(definition);
    }
    const document = (id: string, fields: Readonly<Record<string, FieldValue>> = {}, revision = 0): IndexWrite => ({
      id,
      revision,
      fields: { tenant: 'acme', at: 1, ...fields },
    });
    const apply = async (...writes: IndexWrite[]) => {
      await index.apply(own, writes);
      await index.refresh(own);
    };
    const found = async (query: Partial<SearchQuery> = {}) =>
      (await index.search(own, { ...all, partition: 'acme', ...query })).map(({ id }) => id);
    const withWords = (...words: string[]) => found({ text: { field: 'words', words } });

    describe('definitions', () => {
      it('may be given again, by a further handle too, with fields in another order', async () => {
        await index.define(definition);
        const fields = Object.fromEntries(Object.entries(shape.fields).toReversed());
        const other = await under.another();
        await other.define({ ...definition, fields });
        await other.apply(own, [document('a')]);
        await other.close();
        await index.refresh(own);
        expect(await found()).to.deep.equal(['a']);
      });

      it('of another shape are refused by the name of the index', async () => {
        const others: Partial<IndexDefinition>[] = [
          { fields: { ...shape.fields, more: 'keyword' } },
          { fields: { ...shape.fields, model: 'code' } },
          { sortBy: 'cost' },
          { partitionBy: 'model' },
          { numbered: true },
          { findBy: ['status'] },
        ];
        for (const other of others) {
          const error = await refusal(IndexShapeDiffers, index.define({ ...definition, ...other }));
          expect(error.message).to.include(own);
          expect(error.index).to.equal(own);
        }
      });

      it('that break a rule are refused', async () => {
        const wrong: Partial<IndexDefinition>[] = [
          { name: 'Upper' },
          { name: 'a"b' },
          { name: 'x'.repeat(49) },
          { fields: { ...shape.fields, 'a b': 'keyword' } },
          { fields: { ...shape.fields, STATUS: 'keyword' } },
          { sortBy: 'model' },
          { sortBy: 'none' },
          { partitionBy: 'words' },
          { partitionBy: 'toString' },
          { findBy: ['none'] },
          { findBy: ['words'] },
          { findBy: ['cost'] },
          { findBy: ['tenant'] },
          { findBy: ['model'] },
          { findBy: ['status', 'status'] },
          { rising: 'cost' },
          { numbered: true, rising: 'model' },
          { numbered: true, rising: 'at' },
          { numbered: true, tally: { of: 'status', over: 'cost' } },
          { numbered: true, rising: 'cost', tally: { of: 'status', over: 'at' } },
          { numbered: true, rising: 'cost', tally: { of: 'model', over: 'cost' } },
        ];
        for (const part of wrong)
          await refusal(IndexMisused, index.define({ ...definition, name: `x${own}`.slice(0, 48), ...part }));
      });

      it('must be there before documents and searches', async () => {
        await refusal(IndexMisused, index.apply('never-defined', [document('a')]));
        await refusal(IndexMisused, index.search('never-defined', all));
      });
    });

    describe('documents', () => {
      it('are found with all their fields but text', async () => {
        await apply(
          document('full', { status: 'done', model: 'm/1', cost: 0.25, at: 1.5e15 + 1, words: 'a b', note: 'c' }, 3),
          document('bare', { status: null }),
        );
        expect(await index.search(own, { ...all, partition: 'acme' })).to.deep.equal([
          {
            id: 'bare',
            sort: 1,
            revision: 0,
            fields: { tenant: 'acme', status: null, model: null, cost: null, at: 1 },
          },
          {
            id: 'full',
            sort: 1.5e15 + 1,
            revision: 3,
            fields: { tenant: 'acme', status: 'done', model: 'm/1', cost: 0.25, at: 1.5e15 + 1 },
          },
        ]);
      });

      it('are replaced whole by a greater revision only', async () => {
        await apply(document('a', { status: 'old', words: 'old', cost: 1 }, 5));
        await apply(document('a', { status: 'late', words: 'late' }, 4), document('a', { status: 'same' }, 5));
        expect(await withWords('old')).to.deep.equal(['a']);
        await apply(document('a', { model: 'new', words: 'new', at: 7 }, 9), document('a', { words: 'zombie' }, 8));
        expect(await withWords('old')).to.deep.equal([]);
        expect(await withWords('zombie')).to.deep.equal([]);
        expect(await withWords('new')).to.deep.equal(['a']);
        expect(await index.search(own, { ...all, partition: 'acme' })).to.deep.equal([
          { id: 'a', sort: 7, revision: 9, fields: { tenant: 'acme', status: null, model: 'new', cost: null, at: 7 } },
        ]);
      });

      it('may move to another partition', async () => {
        await apply(document('a', { tenant: 'acme' }, 1));
        await apply(document('a', { tenant: 'other' }, 2));
        expect(await found()).to.deep.equal([]);
        expect(await found({ partition: 'other' })).to.deep.equal(['a']);
      });

      it('leave a tombstone that is never found and keeps guarding', async () => {
        await apply(document('a', { words: 'gone' }, 1), { id: 'never', revision: 4, fields: null });
        await apply(
          { id: 'a', revision: 2, fields: null },
          document('a', { words: 'gone' }, 1),
          document('never', {}, 3),
        );
        expect(await found()).to.deep.equal([]);
        expect(await found({ partition: undefined })).to.deep.equal([]);
        expect(await withWords('gone')).to.deep.equal([]);
        expect(await index.aggregate(own, 'tenant', { partition: undefined })).to.deep.equal([]);
        await apply(document('a', { words: 'back' }, 3));
        expect(await withWords('back')).to.deep.equal(['a']);
      });

      it('that break a rule are refused with the whole batch, and the field is named', async () => {
        const wrong: [string, IndexWrite][] = [
          ['model', document('b', { model: 'x'.repeat(513) })],
          ['status', document('b', { status: 5 })],
          ['cost', document('b', { cost: 'much' })],
          ['cost', document('b', { cost: Number.NaN })],
          ['unknown', document('b', { unknown: 'x' })],
          ['tenant', document('b', { tenant: null })],
          ['at', { id: 'b', revision: 0, fields: { tenant: 'acme' } }],
          ['revision', document('b', {}, 1.5)],
          ['id', document('')],
          ['id', document('b\u0001')],
          ['id', document('ä'.repeat(257))],
        ];
        for (const [field, write] of wrong) {
          const checkpoint = { projection: 'p', positions: new Map([['t/0', 9n]]) };
          const error = await refusal(DocumentRefused, index.apply(own, [document('a'), write], checkpoint));
          expect(error.message).to.include(own).and.include(field);
        }
        await index.refresh(own);
        expect(await found()).to.deep.equal([]);
        expect([...(await index.positions(own, 'p')).written]).to.deep.equal([]);
        await apply(document('a', { model: 'x'.repeat(512) }));
        expect(await found({ conditions: [{ field: 'model', in: ['x'.repeat(512)] }] })).to.deep.equal(['a']);
      });
    });

    describe('searches', () => {
      it('never cross the partition they name', async () => {
        await apply(
          document('a', { words: 'w', at: 3 }),
          document('b', { words: 'w', at: 2, tenant: 'other' }),
          document('c', { words: 'w', at: 1, tenant: 'third' }),
        );
        const text = { field: 'words', words: ['w'] };
        for (const query of [{}, { text }]) {
          expect(await found({ ...query })).to.deep.equal(['a']);
          expect(await found({ ...query, partition: 'unknown' })).to.deep.equal([]);
          expect(await found({ ...query, partition: '' })).to.deep.equal([]);
          expect(await found({ ...query, partition: undefined })).to.deep.equal(['c', 'b', 'a']);
          expect(await found({ ...query, partition: undefined, order: 'descending', limit: 2 })).to.deep.equal([
            'a',
            'b',
          ]);
        }
      });

      it('filter by values and by ranges that include their bounds', async () => {
        await apply(
          document('a', { status: 'done', cost: 1, at: 1 }),
          document('b', { status: 'failed', cost: 2, at: 2 }),
          document('c', { status: 'queued', cost: 3, model: `it's "m"`, at: 3 }),
          document('d', { at: 4 }),
        );
        const by = (...conditions: NonNullable<SearchQuery['conditions']>) => found({ conditions });
        expect(await by({ field: 'status', in: ['done', 'queued', 'unknown'] })).to.deep.equal(['a', 'c']);
        expect(await by({ field: 'status', in: ['unknown'] })).to.deep.equal([]);
        expect(await by({ field: 'status', in: [] })).to.deep.equal([]);
        expect(await by({ field: 'model', in: [`it's "m"`, 'x'] })).to.deep.equal(['c']);
        expect(await by({ field: 'cost', in: [2, 3, 9] })).to.deep.equal(['b', 'c']);
        expect(await by({ field: 'cost', from: 2 })).to.deep.equal(['b', 'c']);
        expect(await by({ field: 'cost', to: 2 })).to.deep.equal(['a', 'b']);
        expect(await by({ field: 'cost', from: 1.5, to: 2.5 })).to.deep.equal(['b']);
        expect(await by({ field: 'cost', from: 1 }, { field: 'status', in: ['failed'] })).to.deep.equal(['b']);
        expect(await by({ field: 'tenant', in: ['acme'] }, { field: 'at', from: 4 })).to.deep.equal(['d']);
      });

      it('leave values out, but find nothing that has no value', async () => {
        await apply(
          document('a', { status: 'done', cost: 1, model: 'm' }),
          document('b', { status: 'failed', cost: 2 }),
          document('c'),
        );
        const by = (...conditions: NonNullable<SearchQuery['conditions']>) => found({ conditions });
        expect(await by({ field: 'status', notIn: ['done', 'unknown'] })).to.deep.equal(['b']);
        expect(await by({ field: 'status', notIn: ['unknown'] })).to.deep.equal(['a', 'b']);
        expect(await by({ field: 'status', notIn: [] })).to.deep.equal(['a', 'b']);
        expect(await by({ field: 'cost', notIn: [1, Infinity] })).to.deep.equal(['b']);
        expect(await by({ field: 'model', notIn: ['x'] })).to.deep.equal(['a']);
        expect(await by({ field: 'status', in: ['done', 'failed'] }, { field: 'status', notIn: ['done'] }))
          .to //
          .deep.equal(['b']);
      });

      it('leave a value of one field out, not of another that has it too', async () => {
        const fields = { tenant: 'code', type: 'code', by: 'code', at: 'number' } as const;
        await defineOwn({ fields, findBy: ['type', 'by'] });
        await apply(
          document('a', { type: 'one', by: 'both' }),
          document('b', { type: 'both', by: 'both' }),
          document('c', { type: 'one', by: 'other' }),
        );
        const without = { field: 'type', notIn: ['both'] };
        expect(await found({ conditions: [without] })).to.deep.equal(['a', 'c']);
        expect(await found({ conditions: [without, { field: 'by', in: ['both'] }] })).to.deep.equal(['a']);
        expect(await found({ conditions: [{ field: 'by', notIn: ['both'] }] })).to.deep.equal(['c']);
      });

      it('find in several partitions, in their common order', async () => {
        await apply(
          ...['x', 'y', 'z', 'x'].map((tenant, n) => document(`d${n}`, { tenant, at: -n, words: 'w', status: 's' })),
        );
        const partition = ['x', 'z', 'unknown', 'x'];
        expect(await found({ partition })).to.deep.equal(['d3', 'd2', 'd0']);
        expect(await found({ partition, text: { field: 'words', words: ['w'] }, limit: 2 })).to.deep.equal([
          'd3',
          'd2',
        ]);
        expect(await found({ partition: [] })).to.deep.equal([]);
        expect(await index.aggregate(own, 'tenant', { partition })).to.deep.equal([
          { value: 'x', count: 2 },
          { value: 'z', count: 1 },
        ]);
        const many = Array.from({ length: 1_001 }, (_, n) => `t${n}`);
        await refusal(IndexMisused, index.search(own, { ...all, partition: many }));
        expect(await found({ partition: [...many.slice(0, 999), 'y'] })).to.deep.equal(['d1']);
      });

      it('page by keyset in both directions, exactly under ties', async () => {
        const ids = ['a', 'B', 'ä', '\uFFFD', '\u{1F600}', 'aa', '10', '9'];
        await apply(...ids.flatMap((id) => [1, 2].map((at) => document(`${id}-${at}`, { at }))));
        for (const partition of ['acme', undefined]) {
          const whole = await index.search(own, { ...all, partition });
          expect(whole.length).to.equal(16);
          for (const order of ['ascending', 'descending'] as const) {
            for (const limit of [1, 3, 16]) {
              const pages = await allPages(index, { partition, order, limit });
              expect(pages).to.deep.equal(order === 'ascending' ? whole : whole.toReversed());
            }
          }
        }
        const absent = { sort: 1, id: 'aa-2' };
        expect((await found({ after: absent, limit: 1 }))[0]).to.equal('ä-1');
      });

      it('that break a rule are refused', async () => {
        const text = (...words: string[]) => ({ text: { field: 'words', words } });
        const wrong: Partial<SearchQuery>[] = [
          { limit: 0 },
          { limit: 1_001 },
          { limit: 1.5 },
          { conditions: [{ field: 'none', in: ['x'] }] },
          { conditions: [{ field: 'toString', in: ['x'] }] },
          { conditions: [{ field: 'words', in: ['x'] }] },
          { conditions: [{ field: 'status', in: [1] }] },
          { conditions: [{ field: 'cost', in: ['1'] }] },
          { conditions: [{ field: 'cost', in: Array.from({ length: 1_001 }, () => 1) }] },
          { conditions: [{ field: 'status', from: 1 }] },
          { conditions: [{ field: 'cost' }] },
          { conditions: [{ field: 'cost', from: Number.NaN }] },
          { text: { field: 'model', words: ['x'] } },
          text(''),
          text('*'),
          text('two words'),
          text('zero\u0000'),
          text(...Array.from({ length: 257 }, () => 'x')),
        ];
        for (const query of wrong) await refusal(IndexMisused, index.search(own, { ...all, ...query }));
        await refusal(IndexMisused, index.aggregate(own, 'cost', all));
        await refusal(IndexMisused, index.aggregate(own, 'words', all));
        await refusal(IndexMisused, index.aggregate(own, 'none', all));
      });
    });

    describe('text', () => {
      it('is found by all of its words, in any order and field by field', async () => {
        await apply(document('a', { words: 'red green blue' }), document('b', { words: 'red blue', note: 'green' }));
        expect(await withWords('blue', 'red')).to.deep.equal(['a', 'b']);
        expect(await withWords('blue', 'green')).to.deep.equal(['a']);
        expect(await withWords('blue', 'yellow')).to.deep.equal([]);
        expect(await withWords()).to.deep.equal(['a', 'b']);
        expect(await found({ text: { field: 'note', words: ['green'] } })).to.deep.equal(['b']);
        expect(await found({ text: { field: 'note', words: ['red'] } })).to.deep.equal([]);
      });

      it('is split at white space and nowhere else', async () => {
        const words = [
          'example.com',
          'foo_bar',
          "it's",
          '"quoted"',
          'a-b',
          'c++',
          'слово',
          '東京',
          '😀',
          'é',
          'x*y',
          '(or)',
          'e=mc²',
          '\\',
        ];
        await apply(
          document('a', { words: words.join(' ') }),
          document('b', { words: 'other\tlines\nand\u00a0spaces' }),
        );
        for (const word of words) expect(await withWords(word), word).to.deep.equal(['a']);
        for (const part of ['example', 'com', 'foo', 'bar', 'it', 's', 'quoted', 'c', '東', 'e', 'or', 'mc']) {
          expect(await withWords(part), part).to.deep.equal([]);
        }
        for (const word of ['other', 'lines', 'and', 'spaces'])
          expect(await withWords(word), word).to.deep.equal(['b']);
      });

      it('knows no words of the query language', async () => {
        await apply(document('a', { words: 'and or not near words rank' }));
        for (const word of ['and', 'or', 'not', 'near', 'words', 'rank'])
          expect(await withWords(word)).to.deep.equal(['a']);
        // None of these is taken for an operator: as words they are simply not there.
        for (const word of ['words:and', '^and', 'near(', 'and+or', "'", '"', '""', '-and', '{words}', '**', '"and']) {
          expect(await withWords('rank', word), word).to.deep.equal([]);
        }
      });

      it('is found by the beginning of a word with a star', async () => {
        await apply(
          document('a', { words: 'example.com' }),
          document('b', { words: 'exam' }),
          document('c', { words: 'ex' }),
        );
        expect(await withWords('exam*')).to.deep.equal(['a', 'b']);
        expect(await withWords('example.c*')).to.deep.equal(['a']);
        expect(await withWords('xample*')).to.deep.equal([]);
        expect(await withWords('ex*', 'exam')).to.deep.equal(['b']);
      });

      it('given folded is found by what a reader writes', async () => {
        const texts = [
          'İSTANBUL’da Iğdır',
          'Straße nach Łódź, naïve café',
          '東京都に行きました',
          'E-mail: foo_bar@example.com',
        ];
        await apply(...texts.map((text, i) => document(String(i), { words: foldToField(text) })));
        const by = (query: string) => withWords(...foldQuery(query));
        expect(await by('istanbul ığdır')).to.deep.equal(['0']);
        expect(await by('IGDIR')).to.deep.equal(['0']);
        expect(await by('STRASSE lodz Cafe\u0301')).to.deep.equal(['1']);
        expect(await by('東京')).to.deep.equal(['2']);
        expect(await by('都京')).to.deep.equal([]);
        expect(await by('example.com')).to.deep.equal(['3']);
        expect(await by('exam*')).to.deep.equal(['3']);
      });
    });

    describe('aggregations', () => {
      it('count the values of a field among what is found, most frequent first', async () => {
        await apply(
          ...['b', 'b', 'c', 'a', 'b', 'c'].map((status, i) =>
            document(String(i), { status, model: `m${i % 2}`, at: i, words: i < 4 ? 'early' : 'late' }),
          ),
          document('none'),
          document('other', { tenant: 'other', status: 'z' }),
        );
        const by = (field: string, query: Partial<SearchQuery> = {}) =>
          index.aggregate(own, field, { partition: 'acme', ...query });
        expect(await by('status')).to.deep.equal([
          { value: 'b', count: 3 },
          { value: 'c', count: 2 },
          { value: 'a', count: 1 },
        ]);
        expect(await by('model', { conditions: [{ field: 'status', in: ['c', 'a'] }] })).to.deep.equal([
          { value: 'm1', count: 2 },
          { value: 'm0', count: 1 },
        ]);
        expect(await by('status', { text: { field: 'words', words: ['early'] } })).to.deep.equal([
          { value: 'b', count: 2 },
          { value: 'a', count: 1 },
          { value: 'c', count: 1 },
        ]);
        expect(await by('tenant', { partition: undefined })).to.deep.equal([
          { value: 'acme', count: 7 },
          { value: 'other', count: 1 },
        ]);
        expect(await by('status', { partition: 'unknown' })).to.deep.equal([]);
      });
    });

    describe('digests', () => {
      it('tell documents apart by any field, text included, and by nothing else', async () => {
        const full = { status: 'done', model: 'm', cost: 0.1, words: 'a b', note: 'c' };
        const variants: Readonly<Record<string, FieldValue>>[] = [
          full,
          { ...full, status: 'failed' },
          { ...full, model: 'n' },
          { ...full, cost: 0.2 },
          { ...full, words: 'b a' },
          { ...full, note: null },
        ];
        await apply(...variants.map((fields, i) => document(String(i), fields, i)));
        const digests = await index.digests(own, { limit: 10 });
        expect(digests.map(({ id, revision }) => [id, revision])).to.deep.equal(variants.map((_, i) => [String(i), i]));
        expect(new Set(digests.map(({ digest }) => digest)).size).to.equal(variants.length);
        const [note, cost, model, status] = ['c', 0.1, 'm', 'done'];
        const again = {
          id: '5',
          revision: 9,
          fields: { words: 'a b', note, cost, model, at: 1, status, tenant: 'acme' },
        };
        await apply(again);
        expect((await index.digests(own, { limit: 1, after: '4' }))[0]).to.deep.equal({
          id: '5',
          revision: 9,
          digest: digests[0]!.digest,
        });
      });

      it('come by id in pages, without tombstones, of all partitions', async () => {
        const ids = ['a', 'B', 'ä', '\uFFFD', '\u{1F600}', 'aa', '10', '9'];
        await apply(...ids.map((id, i) => document(id, { tenant: `t${i}`, at: -i })), document('gone'));
        await apply({ id: 'gone', revision: 1, fields: null });
        const sorted = ids.toSorted(byBytes);
        for (const limit of [1, 3, 8, 1_000]) {
          const found: string[] = [];
          for (let after: string | undefined; ; after = found.at(-1)) {
            const page = await index.digests(own, { limit, ...(after !== undefined && { after }) });
            found.push(...page.map(({ id }) => id));
            if (page.length < limit) break;
          }
          expect(found).to.deep.equal(sorted);
        }
        for (const limit of [0, 1_001, 1.5]) await refusal(IndexMisused, index.digests(own, { limit }));
        await refusal(IndexMisused, index.digests('never-defined', { limit: 1 }));
      });
    });

    describe('an index that is dropped', () => {
      const checkpoint = { projection: 'p', positions: new Map([['t/0', 7n]]) };

      it('is gone with its documents, guards and positions, and nothing else is', async () => {
        const kept = own;
        await index.apply(kept, [document('a')], checkpoint);
        await defineOwn();
        await index.apply(own, [document('a', { words: 'w' }, 5)], checkpoint);
        await index.refresh(own);
        await index.drop(own);
        await refusal(IndexMisused, index.search(own, all));
        await refusal(IndexMisused, index.apply(own, [document('a')]));
        await index.define({ name: own, fields: { team: 'keyword', at: 'number' }, sortBy: 'at', partitionBy: 'team' });
        const { written, visible } = await index.positions(own, 'p');
        expect([[...written], [...visible]]).to.deep.equal([[], []]);
        await index.apply(own, [{ id: 'a', revision: 0, fields: { team: 'x', at: 2 } }]);
        await index.refresh(own);
        expect((await index.search(own, all)).map(({ fields }) => fields)).to.deep.equal([{ team: 'x', at: 2 }]);
        await index.refresh(kept);
        expect((await index.search(kept, all)).map(({ id }) => id)).to.deep.equal(['a']);
        expect([...(await index.positions(kept, 'p')).written]).to.deep.equal([['t/0', 7n]]);
      });

      it('need not be there, but must have a name', async () => {
        await index.drop(own);
        await index.drop(own);
        for (const name of ['*', '', 'a b', '_all']) await refusal(IndexMisused, index.drop(name));
      });

      it('and made anew is what a further handle then works with', async () => {
        const other = await under.another();
        try {
          await other.define(definition);
          await other.apply(own, [document('a', { tenant: 'left', status: 'one' })]);
          await other.refresh(own);
          expect((await other.search(own, all)).length).to.equal(1);
          await index.drop(own);
          await index.define(definition);
          await index.apply(own, [document('b', { tenant: 'right', status: 'two' })]);
          await other.apply(own, [document('c', { tenant: 'left', status: 'one' })]);
          for (const handle of [index, other]) {
            await handle.refresh(own);
            const hits = await handle.search(own, all);
            expect(hits.map(({ id, fields }) => [id, fields['tenant'], fields['status']])).to.deep.equal([
              ['b', 'right', 'two'],
              ['c', 'left', 'one'],
            ]);
            const left = await handle.search(own, { ...all, partition: 'left' });
            expect(left.map(({ id }) => id)).to.deep.equal(['c']);
          }
        } finally {
          await other.close();
        }
      });
    });

    describe('a name for those who query the engine', () => {
      const name = () => `name-${own.slice(-12)}`;
      const shown = async () =>
        (await under.published(name())).map(({ tenant, status, at }) => ({ tenant, status, at })).sort(byTime);
      const byTime = (a: { at: unknown }, b: { at: unknown }) => Number(a.at) - Number(b.at);

      it('leads to the documents of one index and then of another, none of them a tombstone', async () => {
        const positions = { projection: 'p', positions: new Map([['t/0', 1n]]) };
        await index.apply(own, [document('a', { status: 'old' }), document('b', { at: 2 })], positions);
        await apply({ id: 'b', revision: 1, fields: null });
        const [before, called] = [own, name()];
        await index.publish(called, before);
        await index.publish(called, before);
        const said = async () => (await under.published(called)).map(({ status }) => status);
        expect(await said()).to.deep.equal(['old']);

        await defineOwn({ numbered: true });
        await apply(document(idOfNumber(7), { at: 7, status: 'new' }));
        await index.publish(called, own);
        expect(await said()).to.deep.equal(['new']);
        await index.drop(before);
        expect(await said()).to.deep.equal(['new']);
      });

      it('shows values, and what is written later', async () => {
        await index.publish(name(), own);
        await apply(document('a', { status: 'done', at: 1 }), document('b', { tenant: 'other', at: 2 }));
        const [first, second] = await shown();
        expect(first).to.deep.equal({ tenant: 'acme', status: 'done', at: 1 });
        expect(second).to.deep.include({ tenant: 'other', at: 2 });
      });

      it('must be a name, of an index that is there', async () => {
        await refusal(IndexMisused, index.publish('a"b', own));
        await refusal(IndexMisused, index.publish(name(), 'never-defined'));
      });
    });

    describe('positions', () => {
      const at = (position: bigint, partition = 't/0') => ({
        projection: 'p',
        positions: new Map([[partition, position]]),
      });

      it('are kept for each index and projection apart, never go back, and are visible after a refresh', async () => {
        expect([...(await index.positions(own, 'p')).written]).to.deep.equal([]);
        await index.apply(own, [document('a')], at(9_007_199_254_740_993n));
        await index.apply(own, [], at(5n));
        await index.apply(own, [], at(3n, 't/1'));
        await index.refresh(own);
        const { written, visible } = await index.positions(own, 'p');
        expect(new Map(written)).to.deep.equal(
          new Map([
            ['t/0', 9_007_199_254_740_993n],
            ['t/1', 3n],
          ]),
        );
        expect(new Map(visible)).to.deep.equal(new Map(written));
        expect([...(await index.positions(own, 'q')).written]).to.deep.equal([]);
        const before = own;
        await defineOwn();
        expect([...(await index.positions(own, 'p')).written]).to.deep.equal([]);
        expect(own).to.not.equal(before);
      });

      it('never run ahead of what a further handle finds', async () => {
        const other = await under.another();
        try {
          await other.define(definition);
          for (let n = 0; n < 20; n++) {
            await index.apply(own, [document('a', { at: n, words: `w${n}`, status: `s${n}` }, n)], at(BigInt(n)));
            await other.refresh(own);
            expect((await other.positions(own, 'p')).visible.get('t/0')).to.equal(BigInt(n));
            const text = { field: 'words', words: [`w${n}`] };
            const hits = await other.search(own, { ...all, partition: 'acme', text });
            expect(hits.map(({ sort, fields }) => [sort, fields['status']])).to.deep.equal([[n, `s${n}`]]);
          }
        } finally {
          await other.close();
        }
      });
    });

    describe('numbered documents', () => {
      const numbered = (number: number, fields: Readonly<Record<string, FieldValue>> = {}, revision = 0) =>
        document(idOfNumber(number), { at: number, ...fields }, revision);
      beforeEach(() => defineOwn({ numbered: true }));

      it('are in the order of their numbers, and say them', async () => {
        await apply(numbered(10, { tenant: 'other' }), numbered(9, { words: 'late' }), numbered(9_007_199_254_740_991));
        const hits = await index.search(own, all);
        expect(hits.map(({ sort, fields }) => [sort, fields['at']])).to.deep.equal([
          [9, 9],
          [10, 10],
          [9_007_199_254_740_991, 9_007_199_254_740_991],
        ]);
        expect(await withWords('late')).to.deep.equal([idOfNumber(9)]);
        expect(await found({ conditions: [{ field: 'at', from: 10 }] })).to.deep.equal([
          idOfNumber(9_007_199_254_740_991),
        ]);
      });

      it('are guarded by their revisions, as tombstones too', async () => {
        await apply(numbered(1, { status: 'new' }, 3), numbered(2));
        await apply(numbered(1, { status: 'old' }, 2), { id: idOfNumber(2), revision: 1, fields: null }, numbered(2));
        const hits = await index.search(own, all);
        expect(hits.map(({ id, fields }) => [id, fields['status']])).to.deep.equal([[idOfNumber(1), 'new']]);
      });

      it('are refused with an id that is not their number', async () => {
        for (const wrong of [document('1'), document(idOfNumber(2)), document(idOfNumber(1.5), { at: 1.5 })])
          await refusal(DocumentRefused, index.apply(own, [wrong]));
        expect(await found()).to.deep.equal([]);
      });
    });

    describe('counts over time', () => {
      const tallied = { numbered: true, rising: 'cost', tally: { of: 'status', over: 'cost' } } as const;
      const BORN = 1_785_542_400_000;
      const DAY = 86_400_000;
      const at = (number: number, time: number, more: Readonly<Record<string, FieldValue>> = {}, revision = 0) =>
        document(idOfNumber(number), { at: number, cost: time, status: 'p', ...more }, revision);
      beforeEach(() => defineOwn(tallied));

      it('are exact at both ends of a range, and count nothing twice', async () => {
        const times = [0, 999, 1_000, 3_600_000, DAY - 1, DAY, 30 * DAY];
        const writes = times.map((time, n) => at(n, BORN + time, { status: n % 2 ? 'q' : 'p' }));
        await apply(...writes);
        await apply(...writes);
        const count = async (from: number, to: number, width: number) =>
          (await index.histogram(own, { partition: 'acme', from: BORN + from, to: BORN + to, width })).map((one) => ({
            ...one,
            at: one.at - BORN,
          }));
        expect(await count(0, 31 * DAY, DAY)).to.deep.equal([
          { at: 0, value: 'p', count: 3 },
          { at: 0, value: 'q', count: 2 },
          { at: DAY, value: 'q', count: 1 },
          { at: 30 * DAY, value: 'p', count: 1 },
        ]);
        expect(await count(1, DAY, DAY)).to.deep.equal([
          { at: 0, value: 'p', count: 2 },
          { at: 0, value: 'q', count: 2 },
        ]);
        expect(await count(0, 2_000, 500)).to.deep.equal([
          { at: 0, value: 'p', count: 1 },
          { at: 500, value: 'q', count: 1 },
          { at: 1_000, value: 'p', count: 1 },
        ]);
        expect(await count(0, 0, 1)).to.deep.equal([]);
      });

      it('follow what a document becomes', async () => {
        await apply(at(1, BORN), at(2, BORN), at(3, BORN));
        await apply(at(1, BORN + DAY, {}, 1), at(2, BORN, { status: 'q', tenant: 'other' }, 1));
        await apply({ id: idOfNumber(3), revision: 1, fields: null });
        const all = { partition: undefined, from: BORN, to: BORN + 2 * DAY, width: DAY };
        expect(await index.histogram(own, all)).to.deep.equal([
          { at: BORN, value: 'q', count: 1 },
          { at: BORN + DAY, value: 'p', count: 1 },
        ]);
      });

      it('that break a rule are refused', async () => {
        const right = { partition: 'acme', from: BORN, to: BORN + 60_000, width: 1_000 };
        const wrong = [
          { from: -1 },
          { from: BORN + 0.5 },
          { width: 0 },
          { width: 59 },
          { width: 1_500, to: BORN + 60_001 },
          { conditions: [{ field: 'model', in: ['m'] }] },
          { conditions: [{ field: 'none', in: ['m'] }] },
        ];
        for (const part of wrong) await refusal(IndexMisused, index.histogram(own, { ...right, ...part }));
        await defineOwn({ numbered: true, rising: 'cost' });
        await refusal(IndexMisused, index.histogram(own, right));
      });

      it('are what the model counts, whatever the range and the width', async function () {
        this.timeout(60_000);
        const lengths = [0, 1, 250, 999, 1_000, 59_999, 60_000, 3_599_000, 3_600_000, DAY - 1, DAY, 8 * DAY, 400 * DAY];
        const time = fc
          .tuple(fc.constantFrom(...lengths), fc.constantFrom(...lengths), fc.nat(3))
          .map(([one, other, jitter]) => BORN + one + other + jitter);
        const tenants = fc.constantFrom('x', 'y', 'z');
        const write = fc
          .record({
            number: fc.nat(20),
            revision: fc.nat(2),
            time: fc.option(time, { nil: null }),
            tenant: tenants,
            status: fc.option(fc.constantFrom('p', 'q', 'ä'), { nil: null }),
            isThere: fc.boolean(),
          })
          .map(({ number, revision, time: cost, tenant, status, isThere }) =>
            isThere || revision === 0
              ? document(idOfNumber(number), { at: number, cost, tenant, status }, revision)
              : { id: idOfNumber(number), revision, fields: null },
          );
        const values = fc.array(fc.constantFrom('p', 'q', 'never'));
        const query = fc.record(
          {
            partition: fc.oneof(fc.constant(undefined), tenants, fc.array(tenants, { maxLength: 3 })),
            from: time,
            to: time,
            width: fc.constantFrom(1, 7, 250, 1_000, 1_500, 5_000, 60_000, 900_000, 3_600_000, DAY / 4, DAY, 7 * DAY),
            conditions: fc.array(
              fc.oneof(
                fc.record({ field: fc.constant('status'), in: values }),
                fc.record({ field: fc.constant('status'), notIn: values }),
              ),
              { maxLength: 2 },
            ),
          },
          { requiredKeys: ['partition', 'from', 'to', 'width'] },
        );
        const allowed = query.filter(
          ({ from, to, width }) => to - from <= 1_000 * width && (width % 1_000 === 0 || to - from <= 60_000),
        );
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.array(write, { maxLength: 20 }), { maxLength: 4 }),
            fc.array(allowed, { minLength: 3, maxLength: 10 }),
            async (batches, queries) => {
              await defineOwn(tallied);
              const model = createSearchModel(definition);
              for (const batch of [...batches, ...batches.slice(0, 1)]) {
                await index.apply(own, batch);
                model.apply(batch);
              }
              await index.refresh(own);
              for (const one of queries)
                expect(await index.histogram(own, one), JSON.stringify(one)).to.deep.equal(model.histogram(one));
              await index.drop(own);
            },
          ),
          { numRuns: runs, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: true },
        );
      });
    });

    const byValues = { findBy: ['status', 'model'] } as const;
    const kinds = {
      documents: {},
      'documents that are found by values': byValues,
      'numbered documents': { numbered: true },
      'numbered documents that are found by values and by what does not rise': {
        numbered: true,
        ...byValues,
        rising: 'cost',
      },
    } as const;
    for (const [kind, more] of Object.entries(kinds))
      it(`finds what its model finds, however ${kind} come and come again`, async function () {
        this.timeout(60_000);
        await findsWhatItsModelFinds(more);
      });

    async function findsWhatItsModelFinds(more: Partial<IndexDefinition>) {
      const { numbered } = more;
      const idOf = (number: number) => (numbered ? idOfNumber(number) : String(number));
      const value = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
      const word = fc.constantFrom('a', 'ab', 'abc', 'b', 'é', '東京');
      const tenants = fc.constantFrom('x', 'y', 'z');
      const fields = fc.record({
        tenant: tenants,
        status: value(fc.constantFrom('p', 'q', 'r')),
        model: value(fc.constantFrom('m', 'n')),
        cost: value(fc.integer({ min: -2, max: 2 })),
        at: fc.integer({ min: 0, max: 3 }),
        words: value(fc.array(word, { maxLength: 4 }).map((words) => words.join(' '))),
      });
      const write = fc
        .record({
          number: fc.integer({ min: 1, max: 7 }),
          revision: fc.nat(4),
          fields: fc.option(fields, { nil: null, freq: 6 }),
        })
        .map(({ number, revision, fields }) => ({
          id: idOf(number),
          revision,
          fields: fields && { ...fields, ...(numbered && { at: number }) },
        }));
      const query = fc.record(
        {
          partition: fc.oneof(fc.constant(undefined), tenants, fc.array(tenants, { maxLength: 3 })),
          order: fc.constantFrom('ascending' as const, 'descending' as const),
          limit: fc.integer({ min: 1, max: 5 }),
          after: numbered
            ? fc.integer({ min: 0, max: 8 }).map((sort) => ({ sort, id: idOf(sort) }))
            : fc.record({ sort: fc.integer({ min: 0, max: 3 }), id: fc.constantFrom('1', '3', '5', '55') }),
          text: fc.record({
            field: fc.constant('words'),
            words: fc.array(
              fc.tuple(word, fc.boolean()).map(([text, star]) => (star ? `${text}*` : text)),
              { maxLength: 2 },
            ),
          }),
          conditions: fc.array(
            fc.oneof(
              fc.record({ field: fc.constant('status'), in: fc.array(fc.constantFrom('p', 'q', 'never')) }),
              fc.record({ field: fc.constant('status'), notIn: fc.array(fc.constantFrom('p', 'never')) }),
              fc.record({ field: fc.constant('model'), in: fc.array(fc.constantFrom('m', 'n', 'never')) }),
              fc.record({ field: fc.constant('model'), notIn: fc.array(fc.constantFrom('m', 'never')) }),
              fc.record({ field: fc.constant('at'), from: fc.integer({ min: 0, max: 9 }) }),
              fc.record({
                field: fc.constant('cost'),
                from: fc.integer({ min: -2, max: 2 }),
                to: fc.integer({ min: -1, max: 3 }),
              }),
            ),
            { maxLength: 3 },
          ),
        },
        { requiredKeys: ['partition', 'order', 'limit'] },
      );
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(write, { maxLength: 6 }), { maxLength: 6 }),
          fc.array(query, { minLength: 1, maxLength: 5 }),
          async (batches, queries) => {
            await defineOwn(more);
            const model = createSearchModel(definition);
            for (const batch of [...batches, ...batches.slice(0, 1)]) {
              await index.apply(own, batch);
              model.apply(batch);
            }
            await index.refresh(own);
            for (const query of queries) {
              expect(await index.search(own, query)).to.deep.equal(model.search(query));
              expect(await index.aggregate(own, 'status', query)).to.deep.equal(model.aggregate('status', query));
              expect(await index.digests(own, { limit: query.limit })).to.deep.equal(
                model.digests({ limit: query.limit }),
              );
              expect(await allPages(index, query)).to.deep.equal(model.search({ ...query, limit: 1_000 }));
            }
            // A server takes long to remove all that many runs have made in the end.
            await index.drop(own);
          },
        ),
        { numRuns: runs, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: true },
      );
    }

    async function allPages(index: SearchIndex, query: SearchQuery): Promise<Hit[]> {
      const hits: Hit[] = [];
      for (let { after } = query; ; after = hits.at(-1)) {
        const page = await index.search(own, { ...query, ...(after && { after }) });
        hits.push(...page);
        if (page.length < query.limit) return hits;
      }
    }
  });
}

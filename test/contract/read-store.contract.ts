// What every read store must do, whatever keeps it. A store may hold other data already: each test uses names of its own.

import { expect } from 'chai';
import fc from 'fast-check';
import { v4 } from 'uuid';
import type { Positions } from '#platform/positions.ts';
import { isDocumentRefused } from '#platform/document-refused.ts';
import type { DocumentWrite, ReadStore } from '#platform/read-store/read-store.ts';
import { eventually } from '../support/eventually.ts';
import { byBytes, createReadModel, type ReadModel } from '../support/read-store-model.ts';
import { refusal } from '../support/refusal.ts';

export interface ReadStoreUnderTest {
  readonly store: ReadStore;
  /** A further handle on the same data, as another thread or process would open it. */
  another(): Promise<ReadStore>;
  /** Closes `store` and removes what was made for it. */
  close(): Promise<void>;
}

export interface ReadStoreContract {
  readonly name: string;
  open(): Promise<ReadStoreUnderTest>;
  /** Runs of the random test; fewer for an adapter far away. Default 60. */
  readonly runs?: number;
}

const at = (position: number, partition = 'topic/0'): Positions => new Map([[partition, BigInt(position)]]);

export function readStoreContract(contract: ReadStoreContract) {
  const { runs = 60 } = contract;
  describe(`read store: ${contract.name}`, () => {
    let under: ReadStoreUnderTest;
    let store: ReadStore;
    let own: string;
    before(async () => {
      under = await contract.open();
      store = under.store;
    });
    after(() => under.close());
    beforeEach(() => (own = v4()));

    const key = (suffix: string) => `${own}:${suffix}`;
    const one = async (name: string) => (await store.get([key(name)]))[0];
    const write = (suffix: string, revision: number, value: unknown, more: Partial<DocumentWrite> = {}) =>
      store.apply([{ key: key(suffix), revision, value, ...more }]);

    describe('documents', () => {
      it('are answered in the order of the keys, undefined where there is none', async () => {
        await store.apply([
          { key: key('a'), revision: 0, value: { n: 1 } },
          { key: key('b'), revision: 4, value: ['x', null, 1.5, true, 'çğıöşü 東京 😀 \u0000'] },
        ]);
        expect(await store.get([key('b'), key('none'), key('a'), key('b')])).to.deep.equal([
          { value: ['x', null, 1.5, true, 'çğıöşü 東京 😀 \u0000'], revision: 4 },
          undefined,
          { value: { n: 1 }, revision: 0 },
          { value: ['x', null, 1.5, true, 'çğıöşü 東京 😀 \u0000'], revision: 4 },
        ]);
        expect(await store.get([])).to.deep.equal([]);
      });

      it('are replaced whole by a greater revision, gaps or not, and answered as advanced', async () => {
        expect([...(await write('a', 1, { a: 1, b: 1 }))]).to.deep.equal([key('a')]);
        expect([...(await write('a', 7, { a: 2 }))]).to.deep.equal([key('a')]);
        expect(await one('a')).to.deep.equal({ value: { a: 2 }, revision: 7 });
      });

      it('stay as they are at the same or a lower revision', async () => {
        await write('a', 5, 'five');
        for (const revision of [5, 4, 0]) expect([...(await write('a', revision, 'other'))]).to.deep.equal([]);
        expect(await one('a')).to.deep.equal({ value: 'five', revision: 5 });
      });

      it('advance by themselves, not by what else is in the batch', async () => {
        await write('old', 3, 'old');
        const advanced = await store.apply([
          { key: key('old'), revision: 3, value: 'again' },
          { key: key('new'), revision: 3, value: 'new' },
          { key: key('new'), revision: 2, value: 'late' },
          { key: key('new'), revision: 4, value: 'newer' },
        ]);
        expect([...advanced]).to.deep.equal([key('new')]);
        expect(await one('old')).to.deep.equal({ value: 'old', revision: 3 });
        expect(await one('new')).to.deep.equal({ value: 'newer', revision: 4 });
      });

      it('leave a tombstone that keeps guarding', async () => {
        await write('a', 1, 'here');
        await write('a', 2, null);
        await write('a', 1, 'zombie');
        expect(await one('a')).to.deep.equal({ value: null, revision: 2 });
        await write('a', 3, 'again');
        expect(await one('a')).to.deep.equal({ value: 'again', revision: 3 });
      });

      it('are gone once they expire, and not before', async () => {
        const expiresAt = Date.now() + 150;
        await write('short', 0, 'short', { expiresAt });
        await write('long', 0, 'long', { expiresAt: Date.now() + 3_600_000 });
        await eventually(async () => expect(await one('short')).to.equal(undefined));
        expect(Date.now()).to.be.at.least(expiresAt);
        expect(await one('long')).to.deep.equal({ value: 'long', revision: 0 });
      });

      it('stay when a later write names no expiry', async () => {
        const expiresAt = Date.now() + 50;
        await write('a', 0, 'first', { expiresAt });
        await write('a', 1, 'second');
        await write('witness', 0, 'w', { expiresAt });
        await eventually(async () => expect(await one('witness')).to.equal(undefined));
        expect(await one('a')).to.deep.equal({ value: 'second', revision: 1 });
      });
    });

    describe('with a base', () => {
      const count = (revision: number, base: number, by = 1, handle = store) =>
        handle.apply([{ key: key('a'), revision, base, value: revision, counts: [{ counter: key('c'), by }] }]);
      const sum = async () => (await store.counters([key('c')]))[0];

      it('advance only what they were folded from', async () => {
        expect([...(await count(3, 2))]).to.deep.equal([]);
        expect(await one('a')).to.equal(undefined);
        expect([...(await count(3, -1))]).to.deep.equal([key('a')]);
        for (const base of [-1, 2, 4, 5]) expect([...(await count(5, base))]).to.deep.equal([]);
        expect(await one('a')).to.deep.equal({ value: 3, revision: 3 });
        expect([...(await count(5, 3))]).to.deep.equal([key('a')]);
        expect([...(await count(5, 5))]).to.deep.equal([]);
        await write('a', 6, null);
        expect([...(await count(7, -1))]).to.deep.equal([]);
        expect([...(await count(7, 6))]).to.deep.equal([key('a')]);
        expect(await sum()).to.equal(3);
      });

      it('hold up neither the rest of the batch nor the positions', async () => {
        const advanced = await store.apply(
          [
            { key: key('a'), revision: 4, base: 3, value: 4 },
            { key: key('b'), revision: 4, base: -1, value: 4 },
            { key: key('b'), revision: 5, base: 4, value: 5 },
          ],
          { projection: own, positions: at(9) },
        );
        expect([...advanced]).to.deep.equal([key('b')]);
        expect(await one('a')).to.equal(undefined);
        expect(await one('b')).to.deep.equal({ value: 5, revision: 5 });
        expect(new Map(await store.positions(own))).to.deep.equal(at(9));
      });

      it('take an expired document for none', async () => {
        await write('a', 4, 4, { expiresAt: Date.now() + 50 });
        await eventually(async () => expect(await one('a')).to.equal(undefined));
        expect([...(await count(5, 4))]).to.deep.equal([]);
        expect([...(await count(5, -1))]).to.deep.equal([key('a')]);
      });

      it('never let two writers add the same counts, in whatever steps they fold', async () => {
        const other = await under.another();
        try {
          const fold = async (handle: ReadStore, steps: readonly number[]) => {
            for (const step of steps) {
              for (;;) {
                const base = (await handle.get([key('a')]))[0]?.revision ?? -1;
                if (base >= step) break;
                if ((await count(step, base, step - base, handle)).size > 0) break;
              }
            }
          };
          await Promise.all([
            fold(store, [0, 3, 4, 11, 12, 29]),
            fold(other, [2, 5, 6, 7, 20, 29]),
            fold(other, [1, 29]),
          ]);
          expect(await sum()).to.equal(30);
          expect(await one('a')).to.deep.equal({ value: 29, revision: 29 });
        } finally {
          await other.close();
        }
      });
    });

    describe('sorted sets', () => {
      const set = () => key('set');
      const put = (...members: readonly (readonly [string, number | null])[]) =>
        store.apply(
          members.map(([member, score]) => ({
            key: key(v4()),
            revision: 0,
            value: 1,
            members: [{ set: set(), member, score }],
          })),
        );

      it('are by score, then by the bytes of the member, and in pages', async () => {
        await put(['b', 2], ['a', 2], ['z', -1.5], ['\u{1F600}', 2], ['\uFFFD', 2], ['top', 1e15 + 1]);
        const all = [
          { member: 'z', score: -1.5 },
          { member: 'a', score: 2 },
          { member: 'b', score: 2 },
          { member: '\uFFFD', score: 2 },
          { member: '\u{1F600}', score: 2 },
          { member: 'top', score: 1e15 + 1 },
        ];
        expect(await store.range(set(), { limit: 10 })).to.deep.equal(all);
        expect(await store.range(set(), { limit: 10, reverse: true })).to.deep.equal(all.toReversed());
        expect(await store.range(set(), { limit: 2, after: all[1]! })).to.deep.equal(all.slice(2, 4));
        expect(await store.range(set(), { limit: 2, reverse: true, after: all[3]! })).to.deep.equal([all[2], all[1]]);
        expect(await store.range(set(), { limit: 2, after: { score: 2, member: 'aa' } })).to.deep.equal(
          all.slice(2, 4),
        );
        expect(await store.range(key('none'), { limit: 2 })).to.deep.equal([]);
        expect(await store.sizes([key('none'), set(), set()])).to.deep.equal([0, 6, 6]);
        expect(await store.sizes([])).to.deep.equal([]);
      });

      it('move and lose members', async () => {
        await put(['a', 1], ['b', 2]);
        await put(['a', 3], ['b', null], ['never', null]);
        expect(await store.sizes([set()])).to.deep.equal([1]);
        expect(await store.range(set(), { limit: 10 })).to.deep.equal([{ member: 'a', score: 3 }]);
      });

      it('and counters change only with a document that advances', async () => {
        const twice: DocumentWrite = {
          key: key('a'),
          revision: 2,
          value: 1,
          members: [{ set: set(), member: 'm', score: 2 }],
          counts: [
            { counter: key('c'), by: 5 },
            { counter: key('c'), by: -2 },
            { counter: key('d'), by: 1 },
          ],
        };
        await store.apply([twice, twice]);
        await store.apply([twice]);
        await store.apply([
          {
            ...twice,
            revision: 1,
            members: [
              { set: set(), member: 'm', score: 9 },
              { set: set(), member: 'n', score: 9 },
            ],
          },
        ]);
        expect(await store.range(set(), { limit: 10 })).to.deep.equal([{ member: 'm', score: 2 }]);
        expect(await store.counters([key('d'), key('none'), key('c')])).to.deep.equal([1, 0, 3]);
      });
    });

    describe('positions', () => {
      it('are those that apply moved, for each projection apart, and exact', async () => {
        expect([...(await store.positions(own))]).to.deep.equal([]);
        const big = 9_007_199_254_740_993n;
        await store.apply([], {
          projection: own,
          positions: new Map([
            ['t/0', big],
            ['t/1', 0n],
          ]),
        });
        await store.apply([], { projection: `${own}-b`, positions: at(3, 't/0') });
        expect(new Map(await store.positions(own))).to.deep.equal(
          new Map([
            ['t/0', big],
            ['t/1', 0n],
          ]),
        );
        expect(new Map(await store.positions(`${own}-b`))).to.deep.equal(at(3, 't/0'));
      });

      it('never go back, and keep partitions that are not named', async () => {
        await store.apply([], {
          projection: own,
          positions: new Map([
            ['t/0', 10n],
            ['t/1', 10n],
          ]),
        });
        await store.apply([], { projection: own, positions: at(9, 't/0') });
        await store.apply([], { projection: own, positions: at(11, 't/1') });
        expect(new Map(await store.positions(own))).to.deep.equal(
          new Map([
            ['t/0', 10n],
            ['t/1', 11n],
          ]),
        );
      });

      it('move even when no document advances', async () => {
        await write('a', 5, 1);
        await store.apply([{ key: key('a'), revision: 5, value: 2 }], { projection: own, positions: at(7) });
        expect(new Map(await store.positions(own))).to.deep.equal(at(7));
      });

      it('and documents are written all together or not at all', async () => {
        const bad: DocumentWrite = {
          key: key('b'),
          revision: 1,
          value: 1,
          members: [{ set: key('s'), member: 'm', score: Number.NaN }],
        };
        const good = { key: key('a'), revision: 1, value: 1, counts: [{ counter: key('c'), by: 1 }] };
        for (const writes of [
          [good, bad],
          [good, { ...good, key: key('d'), counts: [{ counter: key('c'), by: 0.5 }] }],
          [good, { ...good, key: key('d'), counts: [{ counter: key('c'), by: Number.MAX_SAFE_INTEGER }] }],
          [good, { ...good, key: key('d'), value: undefined }],
          [good, { ...good, key: key('d'), value: 1n }],
        ]) {
          const error = await refusal(Error, store.apply(writes, { projection: own, positions: at(1) }));
          expect(isDocumentRefused(error), error.message).to.equal(true);
        }
        expect(await store.get([key('a'), key('b'), key('d')])).to.deep.equal([undefined, undefined, undefined]);
        expect(await store.counters([key('c')])).to.deep.equal([0]);
        expect([...(await store.positions(own))]).to.deep.equal([]);
        expect([...(await store.apply([good]))]).to.deep.equal([key('a')]);
      });
    });

    describe('what is put', () => {
      it('is read by get at revision -1, replaced without a guard, listed by prefix and removed', async () => {
        await store.put(key('x:2'), { n: 1 });
        await store.put(key('x:2'), { n: 2 });
        await store.put(key('x:1'), 'one');
        await store.put(key('y:1'), null);
        expect(await one('x:2')).to.deep.equal({ value: { n: 2 }, revision: -1 });
        expect(await one('y:1')).to.deep.equal({ value: null, revision: -1 });
        expect(await store.keys(key('x:'), 10)).to.deep.equal([key('x:1'), key('x:2')]);
        expect(await store.keys(key('x:'), 1)).to.deep.equal([key('x:1')]);
        await store.remove(key('x:1'));
        await store.remove(key('x:1'));
        expect(await one('x:1')).to.equal(undefined);
        expect(await store.keys(key(''), 10)).to.deep.equal([key('x:2'), key('y:1')]);
      });

      it('takes a prefix as it is written', async () => {
        for (const suffix of ['a%b', 'a_b', 'a*b', 'a[b', 'axb', 'a?b\\']) await store.put(key(suffix), 1);
        for (const prefix of ['a%', 'a_', 'a*', 'a[', 'a?b\\']) {
          expect(await store.keys(key(prefix), 10)).to.deep.equal([key(`${prefix}b`.replace('\\b', '\\'))]);
        }
      });

      it('never hides or takes away a document', async () => {
        await write('doc', 3, 'doc');
        expect(await refusal(Error, store.put(key('doc'), 1))).to.be.instanceOf(Error);
        await store.remove(key('doc'));
        expect(await one('doc')).to.deep.equal({ value: 'doc', revision: 3 });
        expect(await store.keys(key(''), 10)).to.deep.equal([]);
      });
    });

    describe('a scan', () => {
      const all = async (
        prefix: string,
        limit: number,
        between: (page: number) => Promise<unknown> = async () => {},
      ) => {
        const found: [key: string, revision: number, value: unknown][] = [];
        let cursor: string | undefined;
        for (let page = 0; ; page++) {
          const next = await store.scan(prefix, { limit, ...(cursor !== undefined && { cursor }) });
          for (const { key, revision, value } of next.documents) found.push([key, revision, value]);
          ({ cursor } = next);
          if (cursor === undefined) return found;
          await between(page);
        }
      };
      const distinct = (found: readonly (readonly [string, number, unknown])[]) =>
        [...new Map(found.map((one) => [one[0], one])).values()].sort((a, b) => byBytes(a[0], b[0]));

      it('gives each document under the prefix, tombstones included, and nothing else', async () => {
        const numbers = Array.from({ length: 130 }, (_, n) => n);
        const keyOf = (n: number) => key(`d:${String(n).padStart(3, '0')}`);
        await store.apply(numbers.map((n) => ({ key: keyOf(n), revision: n, value: n % 10 ? { n } : null })));
        await store.apply([
          { key: key('e:1'), revision: 1, value: 1 },
          { key: key('d'), revision: 1, value: 1 },
        ]);
        await store.put(key('d:put'), 1);
        const expected = numbers.map((n) => [keyOf(n), n, n % 10 ? { n } : null]);
        for (const limit of [1_000, 130, 50, 7]) {
          expect(distinct(await all(key('d:'), limit))).to.deep.equal(expected);
        }
        expect(await all(key('nothing'), 10)).to.deep.equal([]);
      });

      it('gives what is there throughout at least once while others come and go', async () => {
        const keys = Array.from({ length: 200 }, (_, n) => key(`d:${n}`));
        await store.apply(keys.map((key) => ({ key, revision: 0, value: 1 })));
        const found = await all(key('d:'), 20, (page) =>
          store.apply(Array.from({ length: 50 }, (_, n) => ({ key: key(`d:${page}:${n}`), revision: 0, value: page }))),
        );
        expect([...new Set(found.map(([key]) => key))]).to.include.members(keys);
      });

      it('takes a prefix as it is written, and leaves out what expired', async () => {
        for (const suffix of ['a%b', 'a_b', 'a*b', 'a[b', 'axb', 'a?b', 'a\\b', 'a^b', 'a-b', 'a]b', 'açb'])
          await write(suffix, 0, 1);
        for (const prefix of ['a%', 'a_', 'a*', 'a[', 'a?', 'a\\', 'a^', 'a-', 'a]', 'aç']) {
          expect((await all(key(prefix), 100)).map((found) => found[0])).to.deep.equal([key(`${prefix}b`)]);
        }
        await write('z', 0, 1, { expiresAt: Date.now() + 50 });
        await eventually(async () => expect(await all(key('z'), 10)).to.deep.equal([]));
      });
    });

    describe('a drop', () => {
      it('removes all that is named under the prefix, in steps, and nothing else', async () => {
        const fill = async (prefix: string) => {
          await store.apply(
            Array.from({ length: 60 }, (_, n) => ({
              key: key(`${prefix}d:${n}`),
              revision: 3,
              value: n % 2 ? n : null,
              members: [{ set: key(`${prefix}s${n % 3}`), member: `m${n}`, score: n }],
              counts: [{ counter: key(`${prefix}c${n % 5}`), by: 1 }],
            })),
            { projection: key(`${prefix}p`), positions: at(5) },
          );
          await store.put(key(`${prefix}put`), 1);
        };
        const seen = async (prefix: string) => ({
          documents: (await store.get([key(`${prefix}d:1`), key(`${prefix}d:2`), key(`${prefix}put`)])).filter(Boolean)
            .length,
          members: (await store.range(key(`${prefix}s1`), { limit: 100 })).length,
          counts: await store.counters([key(`${prefix}c1`)]),
          positions: (await store.positions(key(`${prefix}p`))).size,
          keys: await store.keys(key(`${prefix}put`), 10),
          scanned: (await store.scan(key(`${prefix}d:`), { limit: 100 })).documents.length > 0,
        });
        await fill('v1:');
        await fill('v1');
        await fill('v*:');
        const kept = [await seen('v1'), await seen('v*:')];
        let steps = 0;
        let removed = 0;
        for (let gone; (gone = await store.drop(key('v1:'), 20)) > 0; steps++) removed += gone;
        expect(steps).to.be.at.least(3);
        expect(removed).to.be.at.least(60 + 3 + 5 + 1 + 1);
        expect(await seen('v1:')).to.deep.equal({
          documents: 0,
          members: 0,
          counts: [0],
          positions: 0,
          keys: [],
          scanned: false,
        });
        expect([await seen('v1'), await seen('v*:')]).to.deep.equal(kept);
        expect([...(await write('v1:d:1', 0, 'again'))]).to.deep.equal([key('v1:d:1')]);
      });
    });

    it('shows a further handle what has resolved', async () => {
      const other = await under.another();
      try {
        for (let revision = 0; revision < 30; revision++) {
          const [writer, reader] = revision % 2 ? [store, other] : [other, store];
          const members = [{ set: key('s'), member: 'm', score: revision }];
          await writer.apply([{ key: key('a'), revision, value: revision, members }], {
            projection: own,
            positions: at(revision),
          });
          expect(await reader.get([key('a')])).to.deep.equal([{ value: revision, revision }]);
          expect(await reader.range(key('s'), { limit: 2 })).to.deep.equal([{ member: 'm', score: revision }]);
          expect(new Map(await reader.positions(own))).to.deep.equal(at(revision));
        }
      } finally {
        await other.close();
      }
    });

    it('keeps sums and guards right when handles write at once', async () => {
      const other = await under.another();
      try {
        const bump = (handle: ReadStore, revision: number) =>
          handle.apply([{ key: key('a'), revision, value: revision, counts: [{ counter: key('c'), by: 1 }] }]);
        const revisions = Array.from({ length: 60 }, (_, i) => i);
        const advanced = await Promise.all(
          revisions.flatMap((revision) => [bump(store, revision), bump(other, revision), bump(store, revision)]),
        );
        const sum = advanced.filter(({ size }) => size === 1).length;
        expect(await store.counters([key('c')])).to.deep.equal([sum]);
        expect(await other.get([key('a')])).to.deep.equal([{ value: 59, revision: 59 }]);
      } finally {
        await other.close();
      }
    });

    it('ends as its model does, whatever is redelivered or comes in another order', async function () {
      this.timeout(60_000);
      const names = fc.constantFrom('a', 'b', 'c');
      const document = fc.record(
        {
          key: names,
          revision: fc.nat(6),
          base: fc.integer({ min: -1, max: 6 }),
          value: fc.oneof(fc.constant(null), fc.jsonValue({ maxDepth: 1 })),
          members: fc.array(
            fc.record({
              set: names,
              member: fc.string({ maxLength: 2, unit: 'grapheme' }),
              score: fc.option(fc.integer({ min: -3, max: 3 })),
            }),
            { maxLength: 3 },
          ),
          counts: fc.array(fc.record({ counter: names, by: fc.integer({ min: -5, max: 5 }) }), { maxLength: 2 }),
        },
        { requiredKeys: ['key', 'revision', 'value'] },
      );
      const batch = fc.record({
        writes: fc.array(document, { maxLength: 5 }),
        position: fc.option(fc.bigInt({ min: 0n, max: 20n }), { nil: undefined }),
        times: fc.integer({ min: 1, max: 2 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(batch, { maxLength: 8 }), async (batches) => {
          own = v4();
          const model = createReadModel();
          const redelivered = batches.filter(({ times }) => times > 1);
          for (const { writes, position } of [...batches, ...redelivered]) {
            const named = writes.map((write) => toOwn(write, key));
            const checkpoint =
              position === undefined ? undefined : { projection: own, positions: new Map([['t/0', position]]) };
            expect([...(await store.apply(named, checkpoint))].sort()).to.deep.equal(
              [...model.apply(named, checkpoint)].sort(),
            );
          }
          await expectSame(store, model);
        }),
        { numRuns: runs, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: true },
      );
    });

    async function expectSame(store: ReadStore, model: ReadModel) {
      const names = ['a', 'b', 'c'].map(key);
      expect(await store.get(names)).to.deep.equal(names.map((name) => model.documents.get(name)));
      expect(await store.sizes(names)).to.deep.equal(names.map((name) => model.sets.get(name)?.size ?? 0));
      expect(await store.counters(names)).to.deep.equal(names.map((name) => model.counters.get(name) ?? 0));
      expect(new Map(await store.positions(own))).to.deep.equal(model.positions);
      for (const name of names) {
        const sorted = [...(model.sets.get(name) ?? [])]
          .map(([member, score]) => ({ member, score }))
          .sort((a, b) => a.score - b.score || byBytes(a.member, b.member));
        expect(await store.range(name, { limit: 100 })).to.deep.equal(sorted);
        const pages = [];
        for (let after = undefined; ;) {
          const page = await store.range(name, { limit: 2, reverse: true, ...(after && { after }) });
          pages.push(...page);
          if (page.length < 2) break;
          after = page[1];
        }
        expect(pages).to.deep.equal(sorted.toReversed());
      }
    }
  });
}

/** fast-check leaves out keys as undefined; names become the test's own. */
function toOwn({ members, counts, ...write }: DocumentWrite, own: (name: string) => string): DocumentWrite {
  return {
    ...write,
    key: own(write.key),
    ...(members && { members: members.map((entry) => ({ ...entry, set: own(entry.set) })) }),
    ...(counts && { counts: counts.map((entry) => ({ ...entry, counter: own(entry.counter) })) }),
  };
}

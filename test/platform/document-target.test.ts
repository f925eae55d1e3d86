// Writers of the same documents at once: the one that lost its partition and does not know it yet, and its heir.

import { expect } from 'chai';
import fc from 'fast-check';
import { createDocumentTarget } from '#platform/projection/document-target.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { recorded } from '../support/given-decider.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { numberedEvent } from '../support/numbered-events.ts';
import { numberIn, sums } from '../support/test-projections.ts';

const types = ['Counted', 'Ignored', 'Counted', 'Deleted', 'Counted'] as const;
const events = Array.from({ length: 12 }, (_, n) =>
  recorded(numberedEvent(n + 1, types[n % types.length]), 'alpha-1', n),
);
const total = events.filter(({ type }) => type === 'Counted').reduce((sum, event) => sum + numberIn(event), 0);

/** Folds the log in batches cut at `cuts`, from the store's document on. */
async function work(store: ReadStore, cuts: readonly number[]): Promise<void> {
  const target = createDocumentTarget(sums, store);
  for (const end of [...new Set(cuts), events.length].sort((a, b) => a - b)) {
    const [base] = await target.load([{ stream: 'alpha-1', first: 1 }]);
    if (!base || base.revision >= end - 1) continue;
    const folded = events.slice(base.revision + 1, end).reduce((before, event) => target.step(before, event), base);
    await target.write([target.render(folded)], new Map([['test.alpha/0', BigInt(end)]]));
  }
}

/** A store that goes on at random moments, so that two users of it interleave. */
function interleaved(store: ReadStore, seed: () => number): ReadStore {
  const later = async <T>(go: () => Promise<T>): Promise<T> => {
    for (let turns = seed(); turns > 0; turns--) await Promise.resolve();
    return go();
  };
  return {
    ...store,
    get: (keys) => later(() => store.get(keys)),
    apply: (writes, checkpoint) => later(() => store.apply(writes, checkpoint)),
  };
}

describe('document target', () => {
  it('adds what an event counts once, whatever writers of one stream come between each other', async () => {
    const cuts = fc.array(fc.integer({ min: 1, max: events.length }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(cuts, cuts, fc.infiniteStream(fc.nat(9)), async (one, two, turns) => {
        const memory = createMemoryReadStore();
        const store = interleaved(memory, () => turns.next().value ?? 0);
        await Promise.all([work(store, one), work(store, two), work(store, [])]);
        expect(await memory.counters(['total'])).to.deep.equal([total]);
        const [document] = await memory.get(['sum:alpha-1']);
        expect(document?.revision).to.equal(events.length - 1);
      }),
      { numRuns: 300 },
    );
  });

  it('moves the positions only once every document with counts is written', async () => {
    const memory = createMemoryReadStore();
    let fails = true;
    const target = createDocumentTarget(sums, {
      ...memory,
      get: (keys) => (fails ? Promise.reject(new Error('away')) : memory.get(keys)),
    });
    fails = false;
    const [base] = await target.load([{ stream: 'alpha-1', first: 0 }]);
    const folded = events.slice(0, 3).reduce((before, event) => target.step(before, event), base!);
    await work(memory, [2]);
    fails = true;
    const positions = new Map([['test.alpha/0', 99n]]);
    const failure = await target.write([target.render(folded)], positions).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(Error);
    expect((await memory.positions('sums')).get('test.alpha/0')).to.not.equal(99n);
    fails = false;
    await target.write([target.render(folded)], positions);
    expect((await memory.positions('sums')).get('test.alpha/0')).to.equal(99n);
    expect(await memory.counters(['total'])).to.deep.equal([total]);
  });
});

// Engines of read models as the contract of their generations fills them and looks at them.

import type { GenerationMark } from '#platform/log-generation.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import type { IndexDefinition, SearchIndex } from '#platform/search-index/search-index.ts';
import type { MarkedEngine } from '../contract/generation-mark.contract.ts';

const MOST = 20;
const numbers = Array.from({ length: MOST }, (_, number) => number);
const positions = (number: number) => new Map([['topic/0', BigInt(number)]]);

/** Counts a number as there only if all that was written with it is; a part of it is an error. */
export function markedReadStore(store: ReadStore & GenerationMark): MarkedEngine {
  return {
    claim: (generation) => store.claim(generation),
    startOver: (generation) => store.startOver(generation),
    close: () => store.close(),
    async fill(number) {
      const write = {
        key: `document:${number}`,
        revision: number,
        value: number,
        members: [{ set: 'set', member: String(number), score: number }],
        counts: [{ counter: `count:${number}`, by: 1 }],
      };
      await store.apply([write], { projection: `projection:${number}`, positions: positions(number) });
      await store.put(`put:${number}`, number);
    },
    async filled() {
      const documents = await store.get(numbers.map((number) => `document:${number}`));
      const puts = await store.get(numbers.map((number) => `put:${number}`));
      const counts = await store.counters(numbers.map((number) => `count:${number}`));
      const members = new Set((await store.range('set', { limit: MOST })).map(({ score }) => score));
      const keys = new Set(await store.keys('put:', MOST));
      const found: number[] = [];
      for (const number of numbers) {
        const reached = await store.positions(`projection:${number}`);
        const parts = [
          documents[number] !== undefined,
          puts[number] !== undefined,
          counts[number] !== 0,
          members.has(number),
          keys.has(`put:${number}`),
          reached.size > 0,
        ];
        if (new Set(parts).size > 1) throw new Error(`of ${number} there is a part: ${parts.join()}`);
        if (parts[0]) found.push(number);
      }
      return found;
    },
  };
}

const shape = { fields: { tenant: 'code', at: 'number', words: 'text' }, sortBy: 'at', partitionBy: 'tenant' } as const;
const indices: readonly IndexDefinition[] = [
  { name: 'odd', ...shape },
  { name: 'even', ...shape },
];
const indexOf = (number: number) => (number % 2 ? 'odd' : 'even');

export function markedSearchIndex(engine: SearchIndex & GenerationMark): MarkedEngine {
  const define = async () => {
    for (const index of indices) await engine.define(index);
  };
  return {
    claim: (generation) => engine.claim(generation),
    startOver: (generation) => engine.startOver(generation),
    close: () => engine.close(),
    async fill(number) {
      await define();
      const fields = { tenant: 'acme', at: number, words: 'some words' };
      await engine.apply(indexOf(number), [{ id: String(number), revision: number, fields }], {
        projection: `projection-${number}`,
        positions: positions(number),
      });
    },
    async filled() {
      await define();
      const found: number[] = [];
      for (const { name } of indices) {
        await engine.refresh(name);
        const text = { field: 'words', words: ['some'] };
        const hits = await engine.search(name, { partition: 'acme', order: 'ascending', limit: MOST, text });
        const there = new Set(hits.map(({ sort }) => sort));
        for (const number of numbers.filter((one) => indexOf(one) === name)) {
          const { written } = await engine.positions(name, `projection-${number}`);
          if (there.has(number) !== written.size > 0) throw new Error(`of ${number} there is a part`);
        }
        found.push(...there);
      }
      return found.sort((a, b) => a - b);
    },
  };
}

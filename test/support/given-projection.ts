// givenEvents(projection, …past events).then…(what can be read): the specification of a projection. The events go through
// the real loop, and then all of them again as after a lost checkpoint: that must change nothing.

import { expect } from 'chai';
import type { RecordedEvent } from '#events/envelope.ts';
import type { Projection } from '#platform/projection/projection.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import type { Hit, SearchIndex } from '#platform/search-index/search-index.ts';
import { createMemoryEventStore } from './memory-event-store.ts';
import { createMemoryReadStore } from './memory-read-store.ts';
import { runProjection } from './run-projection.ts';
import { openTemporarySearchIndex } from './sqlite-read-models.ts';

interface Stores {
  readonly readStore: ReadStore;
  readonly searchIndex: SearchIndex;
}

/** Events of a stream must be given in order; revisions are counted, times are kept. */
export function givenEvents(projection: Projection, ...events: readonly RecordedEvent[]) {
  async function replay(stores: Stores) {
    let now = 0;
    const store = createMemoryEventStore(() => now);
    for (const event of events) {
      now = event.recordedAt;
      await store.append(event.stream, [event], 'any');
    }
    const topicOf = () => projection.topics[0];
    const running = await runProjection({ projection, store, topicOf, ...stores });
    await running.settled();
    const parked = running.deadLetters();
    await running.stop();
    expect(parked, 'no event should fail').to.deep.equal([]);
  }

  /** Shows that `check` holds after the events, and still when they have come a second time. */
  async function then(check: (stores: Stores) => Promise<void>): Promise<void> {
    const readStore = createMemoryReadStore(() => 0);
    const opened = await openTemporarySearchIndex('here');
    const searchIndex = opened.index;
    try {
      await replay({ readStore, searchIndex });
      await check({ readStore, searchIndex });
      const forgetful: Stores = {
        readStore: { ...readStore, positions: async () => new Map() },
        searchIndex: { ...searchIndex, positions: async () => ({ written: new Map(), visible: new Map() }) },
      };
      await replay(forgetful);
      await check({ readStore, searchIndex });
    } finally {
      await opened.close();
    }
  }

  return {
    /** `undefined` where there should be none, or only what a deletion left. */
    thenDocument: (key: string, expected: unknown) =>
      then(async ({ readStore }) => {
        const [document] = await readStore.get([key]);
        expect(document?.value ?? undefined, key).to.deep.equal(expected);
      }),
    /** Members by score. */
    thenMembers: (set: string, expected: readonly string[]) =>
      then(async ({ readStore }) => {
        const members = await readStore.range(set, { limit: 1_000 });
        expect(
          members.map(({ member }) => member),
          set,
        ).to.deep.equal(expected);
      }),
    thenCount: (counter: string, expected: number) =>
      then(async ({ readStore }) => {
        expect(await readStore.counters([counter]), counter).to.deep.equal([expected]);
      }),
    /** All rows of the projection's index, by its sort field, of all its partitions. */
    thenRows: (expected: readonly Pick<Hit, 'id' | 'fields'>[]) =>
      then(async ({ searchIndex }) => {
        if (projection.kind === 'document') throw new TypeError(`${projection.name} has no index`);
        const query = { partition: undefined, order: 'ascending', limit: 1_000 } as const;
        const hits = await searchIndex.search(projection.index.name, query);
        expect(hits.map(({ id, fields }) => ({ id, fields }))).to.deep.equal(expected);
      }),
    /** Rows found by folded words in a text field, by id. */
    thenFound: (text: { readonly field: string; readonly words: readonly string[] }, expected: readonly string[]) =>
      then(async ({ searchIndex }) => {
        if (projection.kind === 'document') throw new TypeError(`${projection.name} has no index`);
        const query = { partition: undefined, text, order: 'ascending', limit: 1_000 } as const;
        const hits = await searchIndex.search(projection.index.name, query);
        expect(hits.map(({ id }) => id).sort()).to.deep.equal([...expected].sort());
      }),
  };
}

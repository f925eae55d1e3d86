// givenEvents(projection, …past events).then…(what can be read): the specification of a projection. The events go through
// the real loop, and then all of them again as after a lost checkpoint: that must change nothing. Into other stores they go
// one by one, interleaved and delivered again at random: that must make the same. Sealed contents are plain JSON here.

import { expect } from 'chai';
import type { RecordedEvent } from '#events/envelope.ts';
import { type Contents, ERASED, type Opened } from '#platform/content/content.ts';
import type { Projection } from '#platform/projection/projection.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import type { Hit, SearchIndex } from '#platform/search-index/search-index.ts';
import { createMemoryEventStore } from './memory-event-store.ts';
import { createMemoryReadStore } from './memory-read-store.ts';
import { type ProjectionRun, runProjection } from './run-projection.ts';
import { openTemporarySearchIndex } from './sqlite-read-models.ts';

/** Contents that were never sealed. */
export const plainContents: Pick<Contents, 'open'> = {
  open: async (_, { sealed }) => (sealed === null ? ERASED : (JSON.parse(sealed) as Opened)),
};

/** Plain JSON in the place of sealed content. */
export const plainContent = (value: unknown) => ({
  keyId: 'acme/2026-08-01',
  sealed: JSON.stringify(value),
  blob: null,
  bytes: 1,
});

/** What whoever invites someone says of them. */
export const AS_INVITED = {
  email: plainContent('ada@example.com'),
  name: plainContent('Ada'),
  language: 'en',
} as const;

/** What is said when an API key is issued. */
export const AS_ISSUED = {
  name: 'ci',
  hash: 'ab',
  last4: 'wxyz',
  scopes: ['inference:read'],
  expiresAt: null,
  models: null,
  personId: null,
} as const;

interface Stores {
  readonly readStore: ReadStore;
  readonly searchIndex: SearchIndex;
}

/** Events of a stream must be given in order; revisions are counted, times are kept. */
export function givenEvents(projection: Projection, ...events: readonly RecordedEvent[]) {
  async function replay(stores: Stores, run: Pick<ProjectionRun, 'mode' | 'options'> = {}) {
    let now = 0;
    const store = createMemoryEventStore(() => now);
    for (const event of events) {
      now = event.recordedAt;
      await store.append(event.stream, [event], 'any');
    }
    const topicOf = () => projection.topics[0];
    const open = projection.createOpener?.(plainContents);
    const { mode } = run;
    const options = { ...run.options, ...(open && { open }) };
    const running = await runProjection({ projection, store, topicOf, ...stores, options, ...(mode && { mode }) });
    await running.settled();
    const parked = running.deadLetters();
    await running.stop();
    expect(parked, 'no event should fail').to.deep.equal([]);
  }

  /** All that the projection has made: documents, or rows. */
  async function made({ readStore, searchIndex }: Stores): Promise<readonly unknown[]> {
    if (projection.kind === 'document') return (await readStore.scan('', { limit: 1_000 })).documents;
    return searchIndex.search(projection.index.name, { partition: undefined, order: 'ascending', limit: 1_000 });
  }

  async function inNewStores<T>(work: (stores: Stores) => Promise<T>): Promise<T> {
    const opened = await openTemporarySearchIndex('here');
    try {
      return await work({ readStore: createMemoryReadStore(() => 0), searchIndex: opened.index });
    } finally {
      await opened.close();
    }
  }

  /** Shows that `check` holds after the events, still when they have come a second time, and however they come. */
  async function then(check: (stores: Stores) => Promise<void>): Promise<readonly unknown[]> {
    const once = await inNewStores(async (stores) => {
      await replay(stores);
      await check(stores);
      const first = await made(stores);
      const { readStore, searchIndex } = stores;
      await replay({
        readStore: { ...readStore, positions: async () => new Map() },
        searchIndex: { ...searchIndex, positions: async () => ({ written: new Map(), visible: new Map() }) },
      });
      await check(stores);
      expect(await made(stores), 'after a second replay').to.deep.equal(first);
      return first;
    });
    await inNewStores(async (stores) => {
      await replay(stores, { mode: { seed: 7, rewind: 0.5, restart: 0.2 }, options: { maxBatch: 1 } });
      await check(stores);
      expect(await made(stores), 'one by one, and delivered again').to.deep.equal(once);
    });
    return once;
  }

  return {
    /** All documents or rows that were made, the same however the events come. */
    thenMade: () => then(async () => {}),
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

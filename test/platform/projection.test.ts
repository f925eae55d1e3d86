import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { LogIsNewer } from '#platform/event-store/event-store.ts';
import type { Projection } from '#platform/projection/projection.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { idOfNumber, type SearchIndex } from '#platform/search-index/search-index.ts';
import { eventually } from '../support/eventually.ts';
import { recorded } from '../support/given-decider.ts';
import { givenEvents } from '../support/given-projection.ts';
import { APART, createMemoryEventStore, FIRST } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { numberedEvent } from '../support/numbered-events.ts';
import { runProjection } from '../support/run-projection.ts';
import { openTemporaryEventStore } from '../support/sqlite-event-store.ts';
import { openTemporaryReadStore, openTemporarySearchIndex } from '../support/sqlite-read-models.ts';
import { journal, numberIn, stories, sums, type Story } from '../support/test-projections.ts';

const append = (store: EventStore, stream: string, number: number, type?: string) =>
  store.append(stream, [numberedEvent(number, type)], 'any');

const someLog = (most: number) =>
  fc.array(
    fc.record({
      stream: fc.nat(8),
      number: fc.nat(100),
      type: fc.constantFrom('Counted', 'Ignored', 'Deleted', 'Ended'),
    }),
    { maxLength: most },
  );

describe('projection', () => {
  const id = (number: number) => `018f0000-0000-7000-8000-${String(number).padStart(12, '0')}`;
  const past = (stream: string, ...events: readonly (readonly [type: string, number: number])[]) =>
    events.map(([type, number], revision) => recorded(numberedEvent(number, type, id(number)), stream, revision));

  describe('to documents', () => {
    const one = past('alpha-1', ['Counted', 1], ['Ignored', 2], ['Counted', 3]);

    it('folds a stream into its document', () =>
      givenEvents(sums, ...one).thenDocument('sum:alpha-1', { sum: 4, seen: [id(1), id(3)] }));
    it('counts once, however often events come', () => givenEvents(sums, ...one).thenCount('total', 4));
    it('sets members', () =>
      givenEvents(sums, ...one, ...past('alpha-2', ['Counted', 4])).thenMembers('sums', ['alpha-1', 'alpha-2']));
    it('deletes a document and removes its member', async () => {
      const deleted = past('alpha-1', ['Counted', 1], ['Deleted', 2]);
      await givenEvents(sums, ...deleted).thenDocument('sum:alpha-1', undefined);
      await givenEvents(sums, ...deleted).thenMembers('sums', []);
    });
    it('begins anew after a deletion', () =>
      givenEvents(sums, ...past('alpha-1', ['Counted', 1], ['Deleted', 2], ['Counted', 3])).thenDocument(
        'sum:alpha-1',
        {
          sum: 3,
          seen: [id(3)],
        },
      ));
    it('makes nothing of streams that are not its own', () =>
      givenEvents(sums, ...past('beta-none', ['Counted', 1])).thenDocument('sum:beta-none', undefined));
    it('lets documents expire', async () => {
      const store = createMemoryEventStore();
      await append(store, 'alpha-1', 1_000);
      const readStore = createMemoryReadStore(() => 10_000);
      const running = await runProjection({ projection: sums, store, readStore });
      await running.settled();
      expect(await readStore.get(['sum:alpha-1'])).to.deep.equal([undefined]);
      await running.stop();
    });
  });

  describe('to rows', () => {
    it('folds a stream into its row, its text at the end', async () => {
      const open = past('alpha-1', ['Begun', 1], ['Added', 2]);
      const done = past('alpha-2', ['Begun', 3], ['Ended', 4]);
      await givenEvents(stories, ...open, ...done).thenRows([
        { id: 'alpha-1', fields: { tenant: 'acme', status: 'open', began: 1 } },
        { id: 'alpha-2', fields: { tenant: 'acme', status: 'done', began: 3 } },
      ]);
      await givenEvents(stories, ...open, ...done).thenFound({ field: 'words', words: ['w4'] }, ['alpha-2']);
      await givenEvents(stories, ...open, ...done).thenFound({ field: 'words', words: ['w1'] }, []);
    });
    it('deletes a row', () => givenEvents(stories, ...past('alpha-1', ['Begun', 1], ['Deleted', 2])).thenRows([]));
    it('numbers rows by where their streams begin, whatever comes of them later', async () => {
      const [first, second] = [Number(FIRST), Number(FIRST + APART)];
      const index = { ...stories.index, fields: { ...stories.index.fields, born: 'number' }, sortBy: 'born' } as const;
      const numbered: Projection = { ...stories, index: { ...index, numbered: true } };
      const ignored = past('alpha-1', ['Ignored', 1]);
      const gone = past('alpha-2', ['Begun', 2], ['Deleted', 3]);
      const later = past('alpha-1', ['Ignored', 1], ['Begun', 7], ['Ended', 8]).slice(1);
      await givenEvents(numbered, ...ignored, ...gone.slice(0, 1)).thenRows([
        { id: idOfNumber(second), fields: { tenant: 'acme', status: 'open', began: 2, born: second } },
      ]);
      await givenEvents(numbered, ...ignored, ...gone, ...later).thenRows([
        { id: idOfNumber(first), fields: { tenant: 'acme', status: 'done', began: 7, born: first } },
      ]);
    });
    it('makes a row of each event', () =>
      givenEvents(journal, ...past('alpha-1', ['Begun', 1], ['Ignored', 2], ['Ended', 3])).thenRows([
        { id: id(1), fields: { tenant: 'acme', type: 'Begun', number: 1 } },
        { id: id(3), fields: { tenant: 'acme', type: 'Ended', number: 3 } },
      ]));
  });

  describe('of a batch of many streams', () => {
    const MANY = 3_000;
    async function manyStreams(): Promise<EventStore> {
      const store = createMemoryEventStore();
      for (let i = 0; i < MANY; i++) await append(store, `alpha-${i}`, 1);
      return store;
    }
    const plain: Projection = { ...sums, project: (_, event) => ({ document: { sum: numberIn(event), seen: [] } }) };

    it('folds some while others are written, and moves the positions once all are', async () => {
      const memory = createMemoryReadStore();
      let writing = 0;
      let most = 0;
      let early = 0;
      const readStore: ReadStore = {
        ...memory,
        async apply(documents, checkpoint) {
          if (checkpoint && checkpoint.positions.size > 0 && writing > 0) early++;
          most = Math.max(most, ++writing);
          for (let turns = 20; turns > 0; turns--) await new Promise(setImmediate);
          writing--;
          return memory.apply(documents, checkpoint);
        },
      };
      const running = await runProjection({ projection: plain, store: await manyStreams(), readStore });
      await running.settled();
      expect(most).to.be.above(1);
      expect(early).to.equal(0);
      const keys = Array.from({ length: MANY }, (_, i) => `sum:alpha-${i}`);
      expect((await memory.get(keys)).filter((document) => document?.revision === 0)).to.have.length(MANY);
      await running.stop();
    });

    it('moves no positions, and ends, when the store refuses one part for good', async () => {
      const memory = createMemoryReadStore();
      let calls = 0;
      let moved = false;
      const readStore: ReadStore = {
        ...memory,
        async apply(documents, checkpoint) {
          if (++calls === 2) throw Object.assign(new Error('the store is gone'), { retriable: false });
          for (let turns = 20; turns > 0; turns--) await new Promise(setImmediate);
          moved ||= (checkpoint?.positions.size ?? 0) > 0;
          return memory.apply(documents, checkpoint);
        },
      };
      const running = await runProjection({ projection: plain, store: await manyStreams(), readStore });
      expect((await running.failed).message).to.equal('the store is gone');
      expect(moved).to.equal(false);
      await running.stop();
    });
  });

  it('loads and writes a stream once per batch', async () => {
    const store = createMemoryEventStore();
    for (let i = 0; i < 100; i++) await append(store, `alpha-${i % 4}`, i);
    const memory = createMemoryReadStore();
    const gets: (readonly string[])[] = [];
    const writes: number[] = [];
    const readStore: ReadStore = {
      ...memory,
      get: (keys) => (gets.push(keys), memory.get(keys)),
      apply: (documents, checkpoint) => (writes.push(documents.length), memory.apply(documents, checkpoint)),
    };
    const running = await runProjection({ projection: sums, store, readStore });
    await running.settled();
    expect(gets.filter((keys) => keys.length > 0).map((keys) => [...keys].sort())).to.deep.equal([
      ['sum:alpha-0', 'sum:alpha-1', 'sum:alpha-2', 'sum:alpha-3'],
    ]);
    // The four documents, which carry counts, then the positions.
    expect(writes).to.deep.equal([4, 0]);
    await running.stop();
  });

  it('reads a stream again when events are missing before what came', async () => {
    const store = createMemoryEventStore();
    await append(store, 'alpha-1', 1);
    await append(store, 'alpha-1', 2);
    const { position } = await append(store, 'alpha-1', 3);
    const readStore = createMemoryReadStore();
    // The checkpoint is past two events that the document has not seen.
    const positions = new Map([0, 1, 2, 3].map((partition) => [`test.alpha/${partition}`, position - 1n]));
    await readStore.apply([], { projection: 'sums', positions });
    const running = await runProjection({ projection: sums, store, readStore });
    await running.settled();
    const [document] = await readStore.get(['sum:alpha-1']);
    expect(document).to.have.property('revision', 2);
    expect(document?.value).to.have.property('sum', 6);
    await running.stop();
  });

  it('folds a row on from what it knows, and reads the stream again only after a restart', async () => {
    const memory = createMemoryEventStore();
    const read: string[] = [];
    const store: EventStore = {
      ...memory,
      readStream: (stream, options) => (read.push(stream), memory.readStream(stream, options)),
    };
    const { index: searchIndex, ...opened } = await openTemporarySearchIndex('here');
    const readStore = createMemoryReadStore();
    const first = await runProjection({ projection: stories, store, readStore, searchIndex });
    await append(store, 'alpha-1', 1, 'Begun');
    await first.settled();
    await append(store, 'alpha-1', 2, 'Added');
    await first.settled();
    expect(read).to.deep.equal([]);
    await first.stop();
    await append(store, 'alpha-1', 3, 'Ended');
    const second = await runProjection({ projection: stories, store, readStore, searchIndex });
    await second.settled();
    expect(read).to.deep.equal(['alpha-1']);
    const [row] = await searchIndex.search('stories', { partition: 'acme', order: 'ascending', limit: 1 });
    expect(row).to.deep.include({ revision: 2, fields: { tenant: 'acme', status: 'done', began: 1 } });
    await second.stop();
    await opened.close();
  });

  it('advances the guard on ignored events', async () => {
    const store = createMemoryEventStore();
    await append(store, 'alpha-1', 1, 'Ignored');
    const readStore = createMemoryReadStore();
    const running = await runProjection({ projection: sums, store, readStore });
    await running.settled();
    expect(await readStore.get(['sum:alpha-1'])).to.deep.equal([{ value: null, revision: 0 }]);
    await running.stop();
  });

  it('gives the projection what `open` makes of an event', async () => {
    const store = createMemoryEventStore();
    await append(store, 'alpha-1', 1);
    const readStore = createMemoryReadStore();
    let attempts = 0;
    const running = await runProjection({
      projection: sums,
      store,
      readStore,
      options: {
        open: (event) => {
          if (++attempts < 5) return Promise.reject(Object.assign(new Error('the vault is away'), { retriable: true }));
          return Promise.resolve({ ...event, data: { number: numberIn(event) + 41 } });
        },
      },
    });
    await running.settled();
    expect((await readStore.get(['sum:alpha-1']))[0]?.value).to.have.property('sum', 42);
    expect(running.deadLetters()).to.deep.equal([]);
    await running.stop();
  });

  it('says after each write which positions moved', async () => {
    const store = createMemoryEventStore();
    const readStore = createMemoryReadStore();
    const said: { channel: string; value: unknown; options: unknown }[] = [];
    const live = {
      publish: (channel: string, value: unknown, options?: object) => void said.push({ channel, value, options }),
    };
    const running = await runProjection({ projection: sums, store, readStore, live });
    const { position } = await append(store, 'alpha-1', 1);
    await running.settled();
    const moved = Object.fromEntries([...(await readStore.positions('sums'))].map(([name, at]) => [name, String(at)]));
    expect(Object.values(moved)).to.deep.equal([String(position)]);
    expect(said).to.deep.equal([{ channel: 'projection:sums', value: { positions: moved }, options: { keep: false } }]);
    await running.stop();
  });

  it('keeps at a stop the positions of partitions without events', async () => {
    const store = createMemoryEventStore();
    const { position } = await append(store, 'alpha-1', 1);
    const readStore = createMemoryReadStore();
    const running = await runProjection({ projection: sums, store, readStore });
    await running.settled();
    await running.stop();
    const positions = await readStore.positions('sums');
    expect(positions.size).to.equal(8);
    expect([...positions.values()].every((at) => at === position)).to.equal(true);
  });

  it('waits out a store that fails, is not ready meanwhile, and parks nothing', async () => {
    const store = createMemoryEventStore();
    const memory = createMemoryReadStore();
    let broken = false;
    const apply: ReadStore['apply'] = (...args) =>
      broken ? Promise.reject(new Error('disk full')) : memory.apply(...args);
    const running = await runProjection({ projection: sums, store, readStore: { ...memory, apply } });
    await eventually(() => expect(running.ready()).to.equal(true));
    broken = true;
    await append(store, 'alpha-1', 1);
    await eventually(() => expect(running.ready()).to.equal(false));
    expect(running.log.lines.some((line) => line.includes('disk full'))).to.equal(true);
    broken = false;
    await eventually(() => expect(running.ready()).to.equal(true));
    await running.settled();
    expect((await memory.get(['sum:alpha-1']))[0]?.value).to.have.property('sum', 1);
    expect(running.deadLetters()).to.deep.equal([]);
    await running.stop();
  });

  it('stops while its store fails', async () => {
    const store = createMemoryEventStore();
    const memory = createMemoryReadStore();
    const readStore: ReadStore = { ...memory, apply: () => Promise.reject(new Error('disk full')) };
    await append(store, 'alpha-1', 1);
    const running = await runProjection({ projection: sums, store, readStore });
    await eventually(() => expect(running.log.lines.some((line) => line.includes('disk full'))).to.equal(true));
    await running.stop();
  });

  it('stops, is not ready and says so when the log is newer than the program', async () => {
    const store = createMemoryEventStore();
    const readStore = createMemoryReadStore();
    const newer = {
      ...sums,
      project: () => {
        throw new LogIsNewer('Counted has schema version 7');
      },
    };
    await append(store, 'alpha-1', 1);
    const running = await runProjection({ projection: newer, store, readStore });
    expect(await running.failed).to.have.property('code', 'log-is-newer');
    expect(running.ready()).to.equal(false);
    expect(running.deadLetters()).to.deep.equal([]);
    expect(await readStore.positions('sums')).to.deep.equal(new Map());
    await running.stop();
  });

  interface Stores {
    readonly store: EventStore;
    readonly readStore: ReadStore;
    readonly searchIndex?: SearchIndex;
  }
  interface Case {
    readonly log: readonly { readonly stream: number; readonly number: number; readonly type: string }[];
    readonly seed: number;
    readonly maxBatch: number;
    readonly stops: number;
  }

  /** Appends the log while the projection runs, at the bus's worst, stopped and started so many times. */
  async function runOver(projection: Projection, stores: Stores, { log, seed, maxBatch, stops }: Case) {
    for (let run = 0; run <= stops; run++) {
      const mode = { seed: seed + run, rewind: 0.3, restart: 0.1 };
      const running = await runProjection({ projection, ...stores, mode, options: { maxBatch } });
      const from = Math.floor((log.length * run) / (stops + 1));
      const to = Math.floor((log.length * (run + 1)) / (stops + 1));
      for (const { stream, number, type } of log.slice(from, to)) {
        await append(stores.store, `alpha-${stream}`, number, type);
      }
      if (run === stops) await running.settled();
      expect(running.deadLetters()).to.deep.equal([]);
      await running.stop();
    }
  }

  const property = (most: number, check: (given: Case) => Promise<void>) =>
    fc.asyncProperty(
      fc.record({
        log: someLog(most),
        seed: fc.integer(),
        maxBatch: fc.integer({ min: 1, max: 12 }),
        stops: fc.nat(3),
      }),
      check,
    );

  it('equals the fold of the log, whatever the bus does and wherever it is stopped (I4)', async function () {
    this.timeout(60_000);
    await fc.assert(
      property(80, async (given) => {
        const store = createMemoryEventStore(() => 1);
        const readStore = createMemoryReadStore(() => 0);
        await runOver(sums, { store, readStore }, given);
        await expectFoldOfTheLog(store, readStore);
      }),
      { numRuns: 100 },
    );
  });

  it('equals the fold of the log over SQLite (I4)', async function () {
    this.timeout(60_000);
    await fc.assert(
      property(30, async (given) => {
        const store = await openTemporaryEventStore();
        const read = await openTemporaryReadStore('here', () => 0);
        try {
          await runOver(sums, { store, readStore: read.store }, given);
          await expectFoldOfTheLog(store, read.store);
        } finally {
          await store.close();
          await read.close();
        }
      }),
      { numRuns: 4 },
    );
  });

  it('makes rows that equal the fold of the log (I4)', async function () {
    this.timeout(60_000);
    await fc.assert(
      property(60, async (given) => {
        const store = createMemoryEventStore(() => 1);
        const opened = await openTemporarySearchIndex('here');
        try {
          await runOver(stories, { store, readStore: createMemoryReadStore(), searchIndex: opened.index }, given);
          const query = { partition: 'acme', order: 'ascending', limit: 1_000 } as const;
          const hits = await opened.index.search('stories', query);
          const rows = hits.map(({ id, revision, fields }) => ({ id, revision, fields }));
          expect(rows).to.have.deep.members(await storiesOfTheLog(store));
        } finally {
          await opened.close();
        }
      }),
      { numRuns: 25 },
    );
  });
});

/** The rows of `stories` by a plain fold of the log; text is not returned by an index. */
async function storiesOfTheLog(store: EventStore) {
  const states = new Map<string, { revision: number; state: Story | undefined }>();
  for (const event of await store.readAll(0n, 10_000)) {
    const before = states.get(event.stream)?.state;
    const next = stories.project(before, event);
    states.set(event.stream, { revision: event.revision, state: next === 'ignore' ? before : (next ?? undefined) });
  }
  return [...states].flatMap(([id, { revision, state }]) => {
    if (!state) return [];
    const { tenant, began, status } = stories.fields(state);
    return [{ id, revision, fields: { tenant, began, status } }];
  });
}

/** Compares documents, revisions and counter with a plain fold of the log. */
async function expectFoldOfTheLog(store: EventStore, readStore: ReadStore) {
  const documents = new Map<string, { value: unknown; revision: number }>();
  let total = 0;
  for (const event of await store.readAll(0n, 10_000)) {
    const before = documents.get(event.stream)?.value as { sum: number; seen: string[] } | null | undefined;
    let value = before ?? null;
    if (event.type === 'Deleted') value = null;
    if (event.type === 'Counted' || event.type === 'Ended') {
      value = { sum: (before?.sum ?? 0) + numberIn(event), seen: [...(before?.seen ?? []), event.id] };
      total += numberIn(event);
    }
    documents.set(event.stream, { value, revision: event.revision });
  }
  const streams = [...documents.keys()];
  expect(await readStore.get(streams.map((stream) => `sum:${stream}`))).to.deep.equal(
    streams.map((stream) => documents.get(stream)),
  );
  expect(await readStore.counters(['total'])).to.deep.equal([total]);
  expect(await readStore.get([`sum:${randomUUID()}`])).to.deep.equal([undefined]);
}

import { expect } from 'chai';
import fc from 'fast-check';
import { findDeadLetter, listDeadLetters } from '#platform/bus/dead-letter-rows.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { IndexShapeDiffers, type SearchIndex } from '#platform/search-index/search-index.ts';
import { eventually } from '../support/eventually.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { numberedEvent } from '../support/numbered-events.ts';
import { runProjection } from '../support/run-projection.ts';
import { openTemporaryReadStore, openTemporarySearchIndex } from '../support/sqlite-read-models.ts';
import { journal, stories, sums } from '../support/test-projections.ts';

describe('dead letters of a projection', () => {
  let store: EventStore;
  let readStore: ReadStore;
  let searchIndex: SearchIndex;
  let closeIndex: () => Promise<void>;
  beforeEach(async () => {
    store = createMemoryEventStore(() => 1);
    readStore = createMemoryReadStore(() => 0);
    const opened = await openTemporarySearchIndex('here');
    searchIndex = opened.index;
    closeIndex = () => opened.close();
  });
  afterEach(() => closeIndex());

  const append = (stream: string, number: number, type?: string) =>
    store.append(stream, [numberedEvent(number, type)], 'any');
  const sumOf = async (stream: string) => (await readStore.get([`sum:${stream}`]))[0];
  const rows = async (index: string) => {
    const hits = await searchIndex.search(index, { partition: 'acme', order: 'ascending', limit: 100 });
    return hits.map(({ id, revision, fields }): Record<string, unknown> => ({ id, revision, ...fields }));
  };
  /** The projection after its fault was mended. */
  const mended = {
    ...sums,
    project: (document: Parameters<typeof sums.project>[0], event: Parameters<typeof sums.project>[1]) =>
      sums.project(document, event.type === 'Fault' ? { ...event, type: 'Counted' } : event),
  };

  it('parks the stream of an event that keeps failing, from that event on, and holds up nothing else', async () => {
    await append('alpha-1', 1);
    await append('alpha-1', 2, 'Fault');
    await append('alpha-1', 3);
    await append('alpha-2', 4);
    const parked: string[] = [];
    const running = await runProjection({
      projection: sums,
      store,
      readStore,
      options: { observe: { parked: (_, stream) => parked.push(stream) } },
    });
    await running.settled();
    await append('alpha-1', 5);
    const { position } = await append('alpha-2', 6);
    await running.settled();
    expect(await sumOf('alpha-1')).to.have.property('revision', 0);
    expect((await sumOf('alpha-2'))?.value).to.have.property('sum', 10);
    expect(parked).to.deep.equal(['alpha-1']);
    const [, event] = await store.readStream('alpha-1');
    const letter = await findDeadLetter(readStore, 'sums', 'alpha-1');
    expect(letter).to.deep.include({ group: 'sums', stream: 'alpha-1', revision: 1, eventId: event?.id, attempts: 3 });
    expect(letter?.error).to.equal('cannot project alpha-1 at 1');
    expect(await findDeadLetter(readStore, 'sums', 'alpha-2')).to.equal(undefined);
    expect(await listDeadLetters(readStore, { limit: 10 })).to.deep.equal([letter]);
    expect(await listDeadLetters(readStore, { group: 'other', limit: 10 })).to.deep.equal([]);
    await running.stop();
    expect([...(await readStore.positions('sums')).values()].every((at) => at >= position)).to.equal(true);
  });

  it('tries again before it parks', async () => {
    await append('alpha-1', 1);
    let tries = 0;
    const fickle = {
      ...sums,
      project: (document: Parameters<typeof sums.project>[0], event: Parameters<typeof sums.project>[1]) => {
        if (++tries < 3) throw new Error('not yet');
        return sums.project(document, event);
      },
    };
    const running = await runProjection({ projection: fickle, store, readStore });
    await running.settled();
    expect(running.deadLetters()).to.deep.equal([]);
    expect((await sumOf('alpha-1'))?.value).to.have.property('sum', 1);
    await running.stop();
  });

  it('keeps a stream parked over a restart, and takes it up again when told', async () => {
    await append('alpha-1', 1);
    await append('alpha-1', 2, 'Fault');
    const first = await runProjection({ projection: sums, store, readStore });
    await first.settled();
    expect(await first.retryDeadLetter('alpha-1')).to.equal('parked again');
    expect(await first.retryDeadLetter('alpha-2')).to.equal('not parked');
    await first.stop();

    const second = await runProjection({ projection: mended, store, readStore });
    await append('alpha-1', 3);
    await second.settled();
    expect(await sumOf('alpha-1')).to.have.property('revision', 0);
    expect(await second.retryDeadLetter('alpha-1')).to.equal('done');
    expect((await sumOf('alpha-1'))?.value).to.have.property('sum', 6);
    expect(second.deadLetters()).to.deep.equal([]);
    expect(await findDeadLetter(readStore, 'sums', 'alpha-1')).to.equal(undefined);
    await append('alpha-1', 4);
    await second.settled();
    expect((await sumOf('alpha-1'))?.value).to.have.property('sum', 10);
    expect(await readStore.counters(['total'])).to.deep.equal([10]);
    await second.stop();
  });

  it('gives an event up when told, and goes on with what came after it', async () => {
    await append('alpha-1', 1);
    await append('alpha-1', 2, 'Fault');
    await append('alpha-1', 3);
    await append('alpha-1', 4, 'Fault');
    await append('alpha-1', 5);
    const running = await runProjection({ projection: sums, store, readStore });
    await running.settled();
    expect(await running.discardDeadLetter('alpha-1')).to.equal('parked again');
    expect(running.deadLetters().map(({ revision }) => revision)).to.deep.equal([3]);
    expect(await running.discardDeadLetter('alpha-1')).to.equal('done');
    expect((await sumOf('alpha-1'))?.value).to.have.property('sum', 9);
    expect(await sumOf('alpha-1')).to.have.property('revision', 4);
    await running.stop();
  });

  it('leaves a discarded event out also when the stream is folded again from its beginning', async () => {
    await append('alpha-1', 1, 'Begun');
    await append('alpha-1', 2, 'Fault');
    const first = await runProjection({ projection: stories, store, readStore, searchIndex });
    await first.settled();
    expect(await first.discardDeadLetter('alpha-1')).to.equal('done');
    await first.stop();
    await append('alpha-1', 3, 'Ended');
    const second = await runProjection({ projection: stories, store, readStore, searchIndex });
    await second.settled();
    expect(second.deadLetters()).to.deep.equal([]);
    expect(await rows('stories')).to.deep.equal([
      { id: 'alpha-1', revision: 2, tenant: 'acme', status: 'done', began: 1 },
    ]);
    await second.stop();
  });

  it('finds the event after which a row cannot be rendered', async () => {
    await append('alpha-1', 1, 'Begun');
    await append('alpha-1', 666, 'Added');
    await append('alpha-1', 3, 'Ended');
    const running = await runProjection({ projection: stories, store, readStore, searchIndex });
    await running.settled();
    expect(running.deadLetters().map(({ revision, error }) => [revision, error])).to.deep.equal([
      [1, 'cannot be rendered'],
    ]);
    expect(await rows('stories')).to.deep.equal([
      { id: 'alpha-1', revision: 0, tenant: 'acme', status: 'open', began: 1 },
    ]);
    await running.stop();
  });

  it('parks what the store refuses, and writes the rest of the batch', async () => {
    await append('alpha-1', 999, 'Begun');
    await append('alpha-2', 2, 'Begun');
    const running = await runProjection({ projection: stories, store, readStore, searchIndex });
    await running.settled();
    expect(running.deadLetters().map(({ stream }) => stream)).to.deep.equal(['alpha-1']);
    expect((await rows('stories')).map(({ id }) => id)).to.deep.equal(['alpha-2']);
    await running.stop();
  });

  it('parks the very event that the store refuses, of several that came at once', async () => {
    // No index takes a number without an end.
    await store.append(
      'alpha-1',
      [1, Infinity, 3, 4].map((number) => numberedEvent(number)),
      'no_stream',
    );
    await append('alpha-2', 5);
    const running = await runProjection({ projection: journal, store, readStore, searchIndex });
    await running.settled();
    expect(running.deadLetters().map(({ stream, revision }) => [stream, revision])).to.deep.equal([['alpha-1', 1]]);
    expect((await rows('journal')).map(({ number }) => number)).to.deep.equal([1, 5]);
    expect(await running.discardDeadLetter('alpha-1')).to.equal('done');
    expect((await rows('journal')).map(({ number }) => number)).to.deep.equal([1, 3, 4, 5]);
    await running.stop();
  });

  it('reads a stream of rows again when an event did not come', async () => {
    await append('alpha-1', 1);
    const lossy = {
      ...store,
      subscribeAll: async function* (after: bigint, signal: AbortSignal) {
        for await (const events of store.subscribeAll(after, signal))
          yield events.filter(({ stream, revision }) => stream !== 'alpha-1' || revision !== 1);
      },
    };
    const running = await runProjection({ projection: journal, store: lossy, readStore, searchIndex });
    await running.settled();
    for (const number of [2, 3]) await append('alpha-1', number);
    await running.settled();
    expect((await rows('journal')).map(({ number }) => number)).to.deep.equal([1, 2, 3]);
    await running.stop();
  });

  it('parks each document that the store refuses, also when nothing else comes with them, and goes on', async () => {
    const refused = ['alpha-1', 'alpha-2', 'alpha-3'];
    for (const stream of refused) await append(stream, 999, 'Begun');
    const running = await runProjection({ projection: stories, store, readStore, searchIndex });
    await running.settled();
    expect(running.log.lines.filter((line) => line.includes('written stream by stream'))).to.have.length(1);
    const parked = () =>
      running
        .deadLetters()
        .map(({ stream, attempts }) => `${stream} after ${attempts}`)
        .sort();
    expect(parked()).to.deep.equal(refused.map((stream) => `${stream} after 1`));
    await append('alpha-1', 2, 'Ended');
    const { position } = await append('alpha-4', 4, 'Begun');
    await running.settled();
    expect(parked()).to.have.length(3);
    expect((await rows('stories')).map(({ id }) => id)).to.deep.equal(['alpha-4']);
    await running.stop();
    const { written } = await searchIndex.positions('stories', 'stories');
    expect([...written.values()].every((at) => at >= position)).to.equal(true);
  });

  it('parks what is about a document in each kind of store: a counter that would grow too great', async () => {
    const opened = await openTemporaryReadStore('here');
    try {
      const most = Number.MAX_SAFE_INTEGER;
      await opened.store.apply([{ key: 'full', revision: 0, value: 1, counts: [{ counter: 'total', by: most }] }]);
      for (const stream of ['alpha-1', 'alpha-2']) await append(stream, 1);
      const running = await runProjection({ projection: sums, store, readStore: opened.store });
      await running.settled();
      const streams = () => running.deadLetters().map(({ stream }) => stream);
      expect(streams().sort()).to.deep.equal(['alpha-1', 'alpha-2']);
      await append('alpha-3', -1);
      await running.settled();
      expect(await opened.store.counters(['total'])).to.deep.equal([most - 1]);
      expect(await running.retryDeadLetter('alpha-1')).to.equal('done');
      expect(await running.retryDeadLetter('alpha-2')).to.equal('parked again');
      expect(streams()).to.deep.equal(['alpha-2']);
      await running.stop();
    } finally {
      await opened.close();
    }
  });

  describe('while a store is at fault itself', () => {
    /** Fails with what `fault` gives for the streams of a write. */
    const failing = (fault: (ids: readonly string[]) => Error | undefined): SearchIndex => ({
      ...searchIndex,
      async apply(index, writes, checkpoint) {
        const error = fault(writes.map(({ id }) => id));
        if (error) throw error;
        await searchIndex.apply(index, writes, checkpoint);
      },
    });

    it('waits, parks nothing, and writes all once it is mended', async () => {
      for (let i = 0; i < 3; i++) await append(`alpha-${i}`, i, 'Begun');
      let broken = true;
      const index = failing((ids) => (broken && ids.length > 0 ? new Error('out of memory') : undefined));
      const running = await runProjection({ projection: stories, store, readStore, searchIndex: index });
      await eventually(() => expect(running.log.lines.join()).to.include('out of memory'));
      expect(running.ready()).to.equal(false);
      expect(running.deadLetters()).to.deep.equal([]);
      broken = false;
      await running.settled();
      expect(running.deadLetters()).to.deep.equal([]);
      expect(await rows('stories')).to.have.length(3);
      await running.stop();
    });

    it('stops and says why when no waiting helps, however many streams came', async () => {
      for (const [streams, error] of [
        [1, new IndexShapeDiffers('stories')],
        [3, new IndexShapeDiffers('stories')],
        [1, new TypeError('no such index')],
        [3, new TypeError('no such index')],
      ] as const) {
        for (let i = 0; i < streams; i++) await append(`alpha-${i}`, i, 'Begun');
        const index = failing((ids) => (ids.length > 0 ? error : undefined));
        const running = await runProjection({ projection: stories, store, readStore, searchIndex: index });
        expect((await running.failed).message).to.equal(error.message);
        expect(running.deadLetters()).to.deep.equal([]);
        await running.stop();
        store = createMemoryEventStore(() => 1);
      }
    });

    it('parks only what is about a document, of a batch in which both come', async () => {
      await append('alpha-1', 999, 'Begun');
      await append('alpha-2', 999, 'Begun');
      await append('alpha-3', 3, 'Begun');
      let failures = 0;
      const index = failing((ids) => (ids.join() === 'alpha-3' && failures++ < 2 ? new Error('away') : undefined));
      const running = await runProjection({ projection: stories, store, readStore, searchIndex: index });
      await running.settled();
      expect(failures).to.be.greaterThan(2);
      expect(
        running
          .deadLetters()
          .map(({ stream }) => stream)
          .sort(),
      ).to.deep.equal(['alpha-1', 'alpha-2']);
      expect((await rows('stories')).map(({ id }) => id)).to.deep.equal(['alpha-3']);
      await running.stop();
    });

    it('parks nothing when the store is found at fault after a document was refused', async () => {
      await append('alpha-1', 999, 'Begun');
      await append('alpha-2', 2, 'Begun');
      const index = failing((ids) => (ids.join() === 'alpha-2' ? new IndexShapeDiffers('stories') : undefined));
      const running = await runProjection({ projection: stories, store, readStore, searchIndex: index });
      expect((await running.failed).message).to.include('another shape');
      expect(running.deadLetters()).to.deep.equal([]);
      await running.stop();
    });
  });

  it('parks and takes up rows made per event', async () => {
    await append('alpha-1', 1, 'Begun');
    await append('alpha-1', 2, 'Fault');
    await append('alpha-1', 3, 'Added');
    const running = await runProjection({ projection: journal, store, readStore, searchIndex });
    await running.settled();
    expect((await rows('journal')).map(({ number }) => number)).to.deep.equal([1]);
    expect(await running.discardDeadLetter('alpha-1')).to.equal('done');
    expect((await rows('journal')).map(({ number }) => number)).to.deep.equal([1, 3]);
    await running.stop();
  });

  it('leaves no trace once all is retried, however events failed before (I7)', async function () {
    this.timeout(60_000);
    const events = fc.array(fc.record({ stream: fc.nat(5), number: fc.nat(50) }), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        events,
        fc.integer(),
        fc.array(fc.nat(9), { minLength: 1, maxLength: 40 }),
        async (log, seed, dice) => {
          const failing = createMemoryReadStore(() => 0);
          const log2 = createMemoryEventStore(() => 1);
          for (const { stream, number } of log.slice(0, log.length / 2)) {
            await log2.append(`alpha-${stream}`, [numberedEvent(number)], 'any');
          }
          let thrown = 0;
          let isMended = false;
          const fickle = {
            ...sums,
            project: (document: Parameters<typeof sums.project>[0], event: Parameters<typeof sums.project>[1]) => {
              if (!isMended && (dice[thrown++ % dice.length] ?? 0) < 3) throw new Error('bad luck');
              return sums.project(document, event);
            },
          };
          const running = await runProjection({
            projection: fickle,
            store: log2,
            readStore: failing,
            mode: { seed, rewind: 0.2, restart: 0.05 },
            options: { maxBatch: 5, attempts: 2, firstPause: 0 },
          });
          for (const { stream, number } of log.slice(log.length / 2)) {
            await log2.append(`alpha-${stream}`, [numberedEvent(number)], 'any');
          }
          await running.settled();
          isMended = true;
          for (const { stream } of running.deadLetters()) {
            expect(await running.retryDeadLetter(stream)).to.equal('done');
          }
          await running.settled();
          await running.stop();

          const never = createMemoryReadStore(() => 0);
          const undisturbed = await runProjection({ projection: sums, store: log2, readStore: never });
          await undisturbed.settled();
          await undisturbed.stop();
          const keys = [...new Set(log.map(({ stream }) => `sum:alpha-${stream}`))];
          expect(await failing.get(keys)).to.deep.equal(await never.get(keys));
          expect(await failing.counters(['total'])).to.deep.equal([log.reduce((sum, { number }) => sum + number, 0)]);
          expect(await failing.keys('dead-letter', 10)).to.deep.equal([]);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('waits for the store that takes the letter', async () => {
    await append('alpha-1', 1, 'Fault');
    let broken = true;
    const put: ReadStore['put'] = (...args) =>
      broken ? Promise.reject(new Error('disk full')) : readStore.put(...args);
    const running = await runProjection({ projection: sums, store, readStore: { ...readStore, put } });
    await eventually(() => expect(running.log.lines.some((line) => line.includes('disk full'))).to.equal(true));
    expect(running.ready()).to.equal(false);
    broken = false;
    await running.settled();
    expect(running.deadLetters()).to.have.length(1);
    await running.stop();
  });
});

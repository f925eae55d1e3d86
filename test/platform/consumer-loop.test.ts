import { expect } from 'chai';
import fc from 'fast-check';
import type { AdversarialOptions } from '#platform/bus/adversarial-order.ts';
import type { Bus } from '#platform/bus/bus.ts';
import { startConsumerLoop, type ConsumerLoopOptions } from '#platform/bus/consumer-loop.ts';
import { findDeadLetter } from '#platform/bus/dead-letter-rows.ts';
import type { LetterRequest, LetterRequestSource } from '#platform/bus/letter-requests.ts';
import { checkpointsInReadStore } from '#platform/bus/group-checkpoints.ts';
import { openLogBus } from '#platform/bus/log-bus.ts';
import { LogIsNewer, type EventStore } from '#platform/event-store/event-store.ts';
import type { ReadStore } from '#platform/read-store/read-store.ts';
import { eventually } from '../support/eventually.ts';
import { createMemoryEventStore } from '../support/memory-event-store.ts';
import { createMemoryReadStore } from '../support/memory-read-store.ts';
import { numberedEvent, testTopicOf } from '../support/numbered-events.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { numberIn } from '../support/test-projections.ts';

type Handler = ConsumerLoopOptions['handle'];

describe('consumer loop', () => {
  let store: EventStore;
  let letters: ReadStore;
  let buses: Bus[];
  beforeEach(() => {
    store = createMemoryEventStore();
    letters = createMemoryReadStore();
    buses = [];
  });
  afterEach(() => Promise.all(buses.map((bus) => bus.close())));

  const append = (stream: string, number: number, type?: string) =>
    store.append(stream, [numberedEvent(number, type)], 'any');

  function start(handle: Handler, options: Partial<ConsumerLoopOptions> = {}, mode?: AdversarialOptions) {
    const log = createQuietLog();
    const checkpoints = checkpointsInReadStore(letters);
    const bus = openLogBus({ store, topicOf: testTopicOf, partitions: 4, checkpoints, log, ...(mode && { mode }) });
    buses.push(bus);
    return startConsumerLoop({
      bus,
      group: 'workers',
      topics: ['test.alpha'],
      store,
      letters,
      log,
      handle,
      afterFailures: 'park',
      attempts: 3,
      firstPause: 1,
      ...options,
    });
  }

  const settled = (loop: { lag(): Promise<number> }) =>
    eventually(async () => expect(await loop.lag()).to.equal(0), 20_000);

  it('handles the events that it accepts, in order per stream', async () => {
    for (let i = 0; i < 30; i++) await append(`alpha-${i % 3}`, i, i % 5 ? 'Wanted' : 'Other');
    const seen: number[] = [];
    const loop = await start(async (event) => void seen.push(numberIn(event)), {
      accepts: ({ type }) => type === 'Wanted',
    });
    await settled(loop);
    expect(seen).to.have.length(24);
    for (const stream of [0, 1, 2]) {
      const mine = seen.filter((number) => number % 3 === stream);
      expect(mine).to.deep.equal(mine.toSorted((a, b) => a - b));
    }
    await loop.stop();
  });

  it('works on several streams at a time, as many as told, and on one stream once', async () => {
    for (let i = 0; i < 12; i++) await append(`alpha-${i % 6}`, i);
    const running = new Set<string>();
    let most = 0;
    const loop = await start(
      async ({ stream }) => {
        expect(running.has(stream)).to.equal(false);
        running.add(stream);
        most = Math.max(most, running.size);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running.delete(stream);
      },
      { concurrency: 4 },
    );
    await settled(loop);
    expect(most).to.equal(4);
    expect(loop.deadLetters()).to.deep.equal([]);
    await loop.stop();
  });

  it('tries again what fails, and says how often it tried', async () => {
    await append('alpha-1', 1);
    const attempts: number[] = [];
    const loop = await start(async (_, { attempt }) => {
      attempts.push(attempt);
      if (attempt < 3) throw new Error('not yet');
    });
    await settled(loop);
    expect(attempts).to.deep.equal([1, 2, 3]);
    expect(loop.deadLetters()).to.deep.equal([]);
    await loop.stop();
  });

  it('tries an error that passes for as long as it takes, and is not ready meanwhile', async () => {
    await append('alpha-1', 1);
    let away = true;
    let tries = 0;
    const loop = await start(async () => {
      tries++;
      if (away) throw Object.assign(new Error('no route to host'), { retriable: true });
    });
    await eventually(() => expect(tries).to.be.above(5));
    expect(loop.ready()).to.equal(false);
    away = false;
    await settled(loop);
    expect(loop.ready()).to.equal(true);
    expect(loop.deadLetters()).to.deep.equal([]);
    await loop.stop();
  });

  it('parks a stream that keeps failing, skips what follows of it, and holds up nothing else', async () => {
    await append('alpha-1', 1);
    await append('alpha-1', -1);
    await append('alpha-1', 2);
    await append('alpha-2', 3);
    const seen: number[] = [];
    const handle: Handler = async (event) => {
      if (numberIn(event) < 0) throw new Error('negative');
      seen.push(numberIn(event));
    };
    const first = await start(handle);
    await settled(first);
    expect(seen).to.have.members([1, 3]);
    expect(first.deadLetters()).to.have.length(1);
    await first.stop();
    // Still so after a restart.
    const second = await start(handle);
    await append('alpha-1', 4);
    await append('alpha-2', 5);
    await settled(second);
    expect(seen).to.have.members([1, 3, 5]);
    expect(await second.retryDeadLetter('alpha-1')).to.equal('parked again');
    expect(await second.discardDeadLetter('alpha-1')).to.equal('done');
    expect(seen).to.have.members([1, 3, 5, 2, 4]);
    await append('alpha-1', 6);
    await settled(second);
    expect(seen.at(-1)).to.equal(6);
    await second.stop();
  });

  it('does what an administrator asked for, once for each request, also when it was asked before the start', async () => {
    await append('alpha-1', -1);
    await append('alpha-1', 2);
    const requests: LetterRequest[] = [];
    let tell = () => {};
    const letterRequests: LetterRequestSource = {
      since: async (request) => requests.filter((one) => one.request > request),
      onNews: (listener) => {
        tell = listener;
        return () => {};
      },
    };
    const seen: number[] = [];
    let tries = 0;
    const handle: Handler = async (event) => {
      if (numberIn(event) < 0) {
        tries++;
        throw new Error('negative');
      }
      seen.push(numberIn(event));
    };
    const first = await start(handle, { letterRequests });
    await eventually(() => expect(first.deadLetters()).to.have.length(1));
    expect(tries).to.equal(3);
    const asked = { stream: 'alpha-1', revision: 0 };
    requests.push({ ...asked, request: 4, kind: 'retry' });
    tell();
    await eventually(() => expect(tries).to.equal(6));
    await eventually(async () =>
      expect(await findDeadLetter(letters, 'workers', 'alpha-1')).to.include({ request: 4 }),
    );
    await first.stop();
    requests.push(
      { ...asked, request: 5, kind: 'discard' },
      { ...asked, stream: 'alpha-9', request: 6, kind: 'retry' },
    );
    const second = await start(handle, { letterRequests });
    await eventually(() => expect(seen).to.deep.equal([2]));
    await eventually(() => expect(second.deadLetters()).to.deep.equal([]));
    expect(tries).to.equal(6);
    await second.stop();
  });

  it('stops and says why instead of parking, where it is told so', async () => {
    await append('alpha-1', 1);
    const loop = await start(() => Promise.reject(new Error('broken')), { afterFailures: 'stop' });
    expect((await loop.failed).message).to.equal('broken');
    expect(loop.ready()).to.equal(false);
    await loop.stop();
    const seen: number[] = [];
    const again = await start(async (event) => void seen.push(numberIn(event)));
    await settled(again);
    expect(seen).to.deep.equal([1]);
    await again.stop();
  });

  it('goes on trying where it is told never to park', async () => {
    await append('alpha-1', 1);
    let tries = 0;
    const loop = await start(
      async () => {
        if (++tries < 8) throw new Error('broken');
      },
      { afterFailures: 'retry' },
    );
    await settled(loop);
    expect(tries).to.equal(8);
    await loop.stop();
  });

  it('never parks an event that it is too old to know', async () => {
    await append('alpha-1', 1);
    const loop = await start(() => Promise.reject(new LogIsNewer('an unknown type')), { afterFailures: 'park' });
    expect(await loop.failed).to.have.property('code', 'log-is-newer');
    expect(loop.deadLetters()).to.deep.equal([]);
    await loop.stop();
  });

  it('lets go of what it is trying when it is stopped', async () => {
    await append('alpha-1', 1);
    const began = Promise.withResolvers<void>();
    const loop = await start(async (_, { signal }) => {
      began.resolve();
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    });
    await began.promise;
    await loop.stop();
    const seen: number[] = [];
    const again = await start(async (event) => void seen.push(numberIn(event)));
    await settled(again);
    expect(seen).to.deep.equal([1]);
    await again.stop();
  });

  it('handles everything at least once and in order per stream, whatever the bus does (I7 after retries)', async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(5), { minLength: 1, maxLength: 60 }),
        fc.integer(),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.nat(9), { minLength: 1, maxLength: 30 }),
        async (streams, seed, concurrency, dice) => {
          store = createMemoryEventStore();
          letters = createMemoryReadStore();
          for (const [number, stream] of streams.entries()) await append(`alpha-${stream}`, number);
          /** Per stream the next revision: what a worker that is idempotent makes of its events. */
          const done = new Map<string, number>();
          const faults: string[] = [];
          let thrown = 0;
          let isMended = false;
          const loop = await start(
            async ({ stream, revision }) => {
              await new Promise((resolve) => setImmediate(resolve));
              if (!isMended && (dice[thrown++ % dice.length] ?? 0) < 3) throw new Error('bad luck');
              const next = done.get(stream) ?? 0;
              if (revision > next) faults.push(`${stream}: ${revision} came before ${next}`);
              if (revision === next) done.set(stream, next + 1);
            },
            { concurrency, attempts: 2, firstPause: 0, maxBatch: 7 },
            { seed, rewind: 0.2, restart: 0.05 },
          );
          await settled(loop);
          isMended = true;
          for (const { stream } of loop.deadLetters()) expect(await loop.retryDeadLetter(stream)).to.equal('done');
          await loop.stop();
          expect(faults).to.deep.equal([]);
          for (const stream of new Set(streams)) {
            expect(done.get(`alpha-${stream}`)).to.equal(streams.filter((other) => other === stream).length);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

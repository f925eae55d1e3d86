// What every bus must do, whatever carries the events.

import { expect } from 'chai';
import fc from 'fast-check';
import type { AdversarialOptions } from '#platform/bus/adversarial-order.ts';
import { type Bus, type Consumer, type Delivery } from '#platform/bus/bus.ts';
import { partitionName } from '#platform/positions.ts';
import { partitionOfKey } from '#platform/bus/partition.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { createDeliveryHistory } from '../support/delivery-history.ts';
import { eventually } from '../support/eventually.ts';
import { numberedEvent, testTopicOf } from '../support/numbered-events.ts';

export const PARTITIONS = 4;

/** A fresh log with a bus over it; topics as `testTopicOf` says, with `PARTITIONS` partitions each. */
export interface BusUnderTest {
  readonly store: EventStore;
  /**
   * A bus on this log and what was kept of its groups, as another start of the program would open it. The mode is for a
   * bus that can be told to do its worst.
   */
  openBus(mode?: AdversarialOptions): Promise<Bus>;
  /** Where something else carries the log to the bus: resolves with why that stopped by itself. */
  readonly carrierFailed?: Promise<Error>;
  /** Resolves when it has carried all that the log holds. */
  readonly carried?: () => Promise<void>;
  close(): Promise<void>;
}

const TOPICS = ['test.alpha', 'test.beta'];
const allPartitions = (topics: readonly string[]) =>
  topics.flatMap((topic) => Array.from({ length: PARTITIONS }, (_, number) => partitionName(topic, number))).sort();
const numberOf = ({ event }: Delivery) => (event.data as { number: number }).number;

export function busContract(
  name: string,
  open: () => Promise<BusUnderTest>,
  options: {
    /** What a member reads: the whole log, in its turn, or the partitions that it is given, which the members share. */
    readonly reads: 'log' | 'partitions';
    readonly adversarialRuns: number;
  },
) {
  describe(`bus: ${name}`, () => {
    let under: BusUnderTest;
    let bus: Bus;
    const append = (stream: string, number: number) => under.store.append(stream, [numberedEvent(number)], 'any');

    beforeEach(async () => {
      under = await open();
      bus = await under.openBus();
    });
    afterEach(async () => {
      await bus.close();
      await under.close();
    });

    /** A consumer that acknowledges all it is given. */
    async function collect(group: string, topics: readonly string[] = TOPICS, maxBatch = 10) {
      const seen: Delivery[] = [];
      const sizes: number[] = [];
      const consumer = await bus.consume({
        group,
        topics,
        maxBatch,
        async handle(batch, ack) {
          sizes.push(batch.length);
          seen.push(...batch);
          batch.forEach((delivery) => ack(delivery));
        },
      });
      return { consumer, seen, sizes };
    }

    it('gives a group the events that are there and those that come, in order per partition', async () => {
      for (let i = 0; i < 50; i++) await append(`alpha-${i % 7}`, i);
      const { consumer, seen } = await collect('group');
      await eventually(() => expect(seen).to.have.length(50));
      for (let i = 50; i < 100; i++) await append(`beta-${i % 5}`, i);
      await eventually(() => expect(seen).to.have.length(100));
      const last = new Map<string, bigint>();
      for (const { topic, partition, event } of seen) {
        expect(topic).to.equal(testTopicOf(event.stream));
        expect(partition).to.equal(bus.partitionOf(topic, event.stream));
        expect(event.position > (last.get(partitionName(topic, partition)) ?? 0n)).to.equal(true);
        last.set(partitionName(topic, partition), event.position);
      }
      await consumer.stop();
    });

    it('puts a stream where Kafka puts its key', () => {
      for (const stream of ['alpha-1', 'alpha-abc', 'beta-ü']) {
        expect(bus.partitionOf('test.alpha', stream)).to.equal(partitionOfKey(stream, PARTITIONS));
      }
    });

    it('gives only the topics asked for, and no more than asked at once', async () => {
      for (let i = 0; i < 40; i++) await append(i % 2 ? `alpha-${i}` : `beta-${i}`, i);
      const { seen, sizes } = await collect('group', ['test.beta'], 3);
      await eventually(() => expect(seen.map(numberOf).sort((a, b) => a - b)).to.have.length(20));
      expect(seen.every(({ topic }) => topic === 'test.beta')).to.equal(true);
      expect(Math.max(...sizes)).to.be.at.most(3);
    });

    it('gives every group everything', async () => {
      for (let i = 0; i < 10; i++) await append(`alpha-${i}`, i);
      const one = await collect('one');
      const two = await collect('two');
      await eventually(() => expect([one.seen.length, two.seen.length]).to.deep.equal([10, 10]));
    });

    it('goes on after a clean stop where it was, without a repetition', async () => {
      for (let i = 0; i < 20; i++) await append(`alpha-${i}`, i);
      const first = await collect('group');
      await eventually(() => expect(first.seen).to.have.length(20));
      await first.consumer.stop();
      await bus.close();
      bus = await under.openBus();
      await append('alpha-new', 20);
      const second = await collect('group');
      await eventually(() => expect(second.seen.map(numberOf)).to.deep.equal([20]));
    });

    it('gives again after a stop what was not acknowledged, and in each partition all that follows', async () => {
      for (let i = 0; i < 30; i++) await append(`alpha-${i % 6}`, i);
      const seen: Delivery[] = [];
      const held = 7;
      const consumer = await bus.consume({
        group: 'group',
        topics: TOPICS,
        maxBatch: 5,
        async handle(batch, ack) {
          seen.push(...batch);
          batch.filter((delivery) => numberOf(delivery) !== held).forEach((delivery) => ack(delivery));
        },
      });
      await eventually(() => expect(seen).to.have.length(30));
      await consumer.stop();
      const again = await collect('group');
      const heldDelivery = seen.find((delivery) => numberOf(delivery) === held);
      const expected = seen
        .filter(
          ({ partition, event }) =>
            partition === heldDelivery?.partition && event.position >= heldDelivery.event.position,
        )
        .map(numberOf);
      await eventually(() => expect(again.seen.map(numberOf)).to.include.members(expected));
      expect(again.seen.map(numberOf)).to.deep.equal(expected);
    });

    it('goes on from where it was when it is opened anew with an event still open, as often as that happens', async () => {
      for (let i = 0; i < 12; i++) await append(`alpha-${i % 3}`, i);
      const log = await under.store.readAll(0n, 100);
      const places = [0n, ...log.map(({ position }) => position)];
      // Each start leaves the second event that it is given in every partition undone.
      for (let start = 0; start < 3; start++) {
        const seen: Delivery[] = [];
        const consumer = await bus.consume({
          group: 'group',
          topics: TOPICS,
          maxBatch: 5,
          async handle(batch, ack) {
            for (const delivery of batch) {
              seen.push(delivery);
              if (seen.filter(({ partition }) => partition === delivery.partition).length !== 2) ack(delivery);
            }
          },
        });
        const expected = log.filter(({ revision }) => revision >= start).map(({ id }) => id);
        await eventually(() => expect(seen.map(({ event }) => event.id)).to.have.members(expected));
        expect([...consumer.positions().values()].filter((position) => !places.includes(position))).to.deep.equal([]);
        await consumer.stop();
        await bus.close();
        bus = await under.openBus();
      }
      const { seen } = await collect('group');
      const expected = log.filter(({ revision }) => revision >= 3).map(({ id }) => id);
      await eventually(() => expect(seen.map(({ event }) => event.id)).to.have.members(expected));
    });

    it('asks for more before earlier events are acknowledged, and keeps the position before the first open one', async () => {
      for (let i = 0; i < 20; i++) await append('alpha-1', i);
      const open: { delivery: Delivery; ack: (delivery: Delivery) => void }[] = [];
      const consumer = await bus.consume({
        group: 'group',
        topics: ['test.alpha'],
        maxBatch: 5,
        handle: async (batch, ack) => batch.forEach((delivery) => open.push({ delivery, ack })),
      });
      await eventually(() => expect(open).to.have.length(20));
      const partition = partitionName('test.alpha', bus.partitionOf('test.alpha', 'alpha-1'));
      const positionAt = (index: number) => open[index]?.delivery.event.position ?? -1n;
      const reached = () => consumer.positions().get(partition) ?? 0n;
      open.slice(1).forEach(({ delivery, ack }) => ack(delivery));
      expect(reached() < positionAt(0)).to.equal(true);
      open.slice(0, 1).forEach(({ delivery, ack }) => ack(delivery));
      await eventually(() => expect(reached() >= positionAt(19)).to.equal(true));
    });

    it('starts a group that keeps its own positions after them, partition by partition', async () => {
      for (let i = 0; i < 30; i++) await append(`alpha-${i}`, i);
      const log = await under.store.readAll(0n, 100);
      const partitionOf = (stream: string) => bus.partitionOf('test.alpha', stream);
      const own = new Map([
        [partitionName('test.alpha', 0), log[9]?.position ?? 0n],
        [partitionName('test.alpha', 1), log[29]?.position ?? 0n],
      ]);
      const expected = log
        .filter(({ stream, position }) => position > (own.get(partitionName('test.alpha', partitionOf(stream))) ?? 0n))
        .map(({ id }) => id);
      const seen: string[] = [];
      await bus.consume({
        group: 'group',
        topics: ['test.alpha'],
        maxBatch: 10,
        positions: async () => own,
        handle: async (batch, ack) => batch.forEach((delivery) => (seen.push(delivery.event.id), ack(delivery))),
      });
      await eventually(() => expect([...seen].sort()).to.deep.equal([...expected].sort()));
    });

    it('gives a partition to one member of a group at a time, and to another when that leaves', async () => {
      const first = await collect('group');
      const second = await collect('group');
      const members = options.reads === 'partitions' ? [first, second] : [first];
      await eventually(() => expect(members.every(({ consumer }) => consumer.caughtUp())).to.equal(true));
      const named = [first, second].flatMap(({ consumer }) => [...consumer.positions().keys()]);
      expect(named.sort()).to.deep.equal(allPartitions(TOPICS));
      for (let i = 0; i < 10; i++) await append('alpha-1', i);
      await eventually(() => expect(first.seen.length + second.seen.length).to.equal(10));
      const [busy, idle] = first.seen.length > 0 ? [first, second] : [second, first];
      expect(idle.seen).to.have.length(0);
      await busy.consumer.stop();
      await append('alpha-1', 10);
      await eventually(() => expect(idle.seen.map(numberOf)).to.include(10));
    });

    it('stops a member that waits for its turn at once', async () => {
      const first = await collect('group');
      const second = await collect('group');
      await second.consumer.stop();
      const third = await collect('group');
      await first.consumer.stop();
      await append('alpha-1', 1);
      await eventually(() => expect(third.seen).to.have.length(1));
      expect(second.seen).to.have.length(0);
    });

    it('says how far a group lags, and when it has caught up', async () => {
      for (let i = 0; i < 10; i++) await append('alpha-1', i);
      await under.carried?.();
      const gate = Promise.withResolvers<void>();
      const consumer = await bus.consume({
        group: 'group',
        topics: TOPICS,
        maxBatch: 100,
        async handle(batch, ack) {
          await gate.promise;
          batch.forEach((delivery) => ack(delivery));
        },
      });
      // A coordinator that was just made may not answer yet.
      await eventually(async () => expect(await consumer.lag()).to.be.at.least(10));
      expect(consumer.caughtUp()).to.equal(false);
      gate.resolve();
      await eventually(() => expect(consumer.caughtUp()).to.equal(true));
      await eventually(async () => expect(await consumer.lag()).to.equal(0));
    });

    if (options.reads === 'log') {
      it('counts the events before a member that has read none, whatever positions count', async () => {
        const stop = Promise.withResolvers<void>();
        const working = { group: 'group', topics: TOPICS, maxBatch: 100, handle: () => stop.promise };
        await bus.consume(working);
        const waiting = await bus.consume(working);
        for (let i = 0; i < 12; i++) await append('alpha-1', i);
        expect(await waiting.lag()).to.equal(12);
        stop.resolve();
      });
    }

    it('has caught up at once with a log that holds nothing', async () => {
      const { consumer } = await collect('group');
      await eventually(() => expect(consumer.caughtUp()).to.equal(true));
      expect(await consumer.lag()).to.equal(0);
    });

    it('names all its partitions in its positions, also those in which nothing came', async () => {
      const { position } = await append('alpha-1', 1);
      const head = (await append('beta-1', 2)).position;
      const { consumer } = await collect('group', ['test.alpha']);
      const mine = partitionName('test.alpha', bus.partitionOf('test.alpha', 'alpha-1'));
      await eventually(() => {
        const positions = consumer.positions();
        expect([...positions.keys()].sort()).to.deep.equal(allPartitions(['test.alpha']));
        expect((positions.get(mine) ?? 0n) >= position).to.equal(true);
        // Who reads the log knows that nothing came elsewhere; a partition by itself tells nothing of the others.
        if (options.reads === 'log') expect([...positions.values()].every((reached) => reached >= head)).to.equal(true);
      });
    });

    it('stops and says why when a handler rejects, and the events come again', async () => {
      await append('alpha-1', 1);
      const consumer = await bus.consume({
        group: 'group',
        topics: TOPICS,
        maxBatch: 10,
        handle: () => Promise.reject(new TypeError('broken')),
      });
      expect((await consumer.failed).message).to.equal('broken');
      await consumer.stop();
      const again = await collect('group');
      await eventually(() => expect(again.seen).to.have.length(1));
    });

    it('stops at an event without a topic, after all that stands before it', async () => {
      await append('alpha-1', 1);
      await append('unknown-1', 2);
      await append('alpha-1', 3);
      const { consumer, seen } = await collect('group');
      const stopped = [consumer.failed, ...(under.carrierFailed ? [under.carrierFailed] : [])];
      expect(await Promise.race(stopped)).to.have.property('code', 'log-is-newer');
      await eventually(() => expect(seen.map(numberOf)).to.deep.equal([1]));
    });

    if (options.adversarialRuns > 0) {
      it('keeps its promises at its worst, whatever the log, the acknowledgements and the stops', async function () {
        this.timeout(60_000);
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.nat(11), { minLength: 1, maxLength: 120 }),
            fc.integer(),
            fc.integer({ min: 1, max: 20 }),
            fc.array(fc.nat(30), { maxLength: 4 }),
            async (streams, seed, maxBatch, stops) => {
              const mine = await open();
              try {
                await runAtItsWorst(mine, { streams, seed, maxBatch, stops });
              } finally {
                await mine.close();
              }
            },
          ),
          { numRuns: options.adversarialRuns },
        );
      });
    }
  });
}

interface WorstCase {
  readonly streams: readonly number[];
  readonly seed: number;
  readonly maxBatch: number;
  /** After how many batches each of the first consumers is stopped. */
  readonly stops: readonly number[];
}

async function runAtItsWorst(under: BusUnderTest, { streams, seed, maxBatch, stops }: WorstCase) {
  for (const [number, stream] of streams.entries()) {
    await under.store.append(`${stream % 3 ? 'alpha' : 'beta'}-${stream}`, [numberedEvent(number)], 'any');
  }
  const log = await under.store.readAll(0n, 1_000);
  const bus = await under.openBus({ seed, rewind: 0.2, restart: 0.1 });
  const history = createDeliveryHistory(log, bus, testTopicOf);

  /** Consumes until it was stopped after so many batches, or all is acknowledged. */
  async function consume(batches: number) {
    const enough = Promise.withResolvers<void>();
    let taken = 0;
    let consumer: Consumer | undefined;
    history.started();
    consumer = await bus.consume({
      group: 'group',
      topics: TOPICS,
      maxBatch,
      async handle(batch, ack) {
        batch.forEach((delivery) => history.delivered(delivery));
        const done = (delivery: Delivery) => {
          history.acknowledged(delivery);
          ack(delivery);
        };
        // Some work ends later than its batch, in any order.
        for (const delivery of batch.toReversed()) {
          if ((Number(delivery.event.position) + taken) % 3 === 0) setImmediate(() => done(delivery));
          else done(delivery);
        }
        if (consumer) history.reached(consumer.positions());
        if (++taken >= batches) enough.resolve();
        await new Promise((resolve) => setImmediate(resolve));
      },
    });
    const finished = eventually(() => {
      if (history.unseen().length + history.unacknowledged().length > 0)
        throw new Error(`not all seen: ${history.unseen().join()}`);
    }, 20_000);
    await Promise.race([enough.promise, finished]);
    void finished.catch(() => undefined);
    await consumer.stop();
    history.reached(consumer.positions());
  }

  try {
    for (const batches of stops) await consume(batches + 1);
    await consume(Infinity);
    expect(history.faults).to.deep.equal([]);
    expect(history.unseen()).to.deep.equal([]);
  } finally {
    await bus.close();
  }
}

// What kafkajs does when it is used as it comes, each with the number of its entry among the traps known to us, and what
// the bus makes of it. The rest of the bus's promises is in test/contract.

import { expect } from 'chai';
import { performance } from 'node:perf_hooks';
import type { Producer } from 'kafkajs';
import type { RecordedEvent } from '#events/envelope.ts';
import { type Bus, type ConsumerOptions, type Delivery } from '#platform/bus/bus.ts';
import { partitionName } from '#platform/positions.ts';
import { MEMBERSHIP } from '#platform/bus/kafka-membership.ts';
import { partitionOfKey } from '#platform/bus/partition.ts';
import { LogIsNewer } from '#platform/event-store/event-store.ts';
import { physicalGroup, physicalTopic } from '#platform/kafka/physical-name.ts';
import { describeOn } from '../services/describe-on.ts';
import { eventually } from '../support/eventually.ts';
import { sendEvents } from '../support/kafka-feeder.ts';
import { openKafkaNamespace, TEST_TOPICS, type KafkaNamespace } from '../support/kafka-namespace.ts';
import { numberedEvent } from '../support/numbered-events.ts';
import { refusal } from '../support/refusal.ts';

const PARTITIONS = 2;
const numberOf = ({ event }: Delivery) => (event.data as { number: number }).number;

/** A stream of topic alpha in this partition. */
const streamIn = (partition: number): string => {
  for (let i = 0; ; i++) if (partitionOfKey(`alpha-${i}`, PARTITIONS) === partition) return `alpha-${i}`;
};

describeOn(['kafka', 'schema-registry'], 'a consumer on Kafka', (env) => {
  let place: KafkaNamespace;
  let producer: Producer;
  let buses: Bus[];
  let position: bigint;

  beforeEach(async () => {
    place = await openKafkaNamespace({ env, partitions: PARTITIONS });
    producer = place.kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    buses = [];
    position = 0n;
  });
  afterEach(async () => {
    await Promise.all(buses.map((bus) => bus.close()));
    await producer.disconnect();
    await place.close();
  });

  async function openBus(over: Parameters<KafkaNamespace['openBus']>[0] = {}) {
    const bus = await place.openBus(over);
    buses.push(bus);
    return bus;
  }

  const event = (stream: string, number: number): RecordedEvent => ({
    ...numberedEvent(number),
    stream,
    revision: number,
    position: ++position,
    recordedAt: 1_700_000_000_000,
  });
  const send = (stream: string, numbers: readonly number[]) =>
    sendEvents(
      producer,
      numbers.map((number) => event(stream, number)),
      { ...place, partitions: PARTITIONS },
    );
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const alpha = () => physicalTopic(place.namespace, 'test.alpha');
  const groupId = (group: string) => physicalGroup(place.namespace, group, place.generation);

  /** Acknowledges what `holds` does not name. */
  async function collect(
    bus: Bus,
    group: string,
    { holds = () => false, ...more }: { holds?: (number: number) => boolean } & Partial<ConsumerOptions> = {},
  ) {
    const seen: Delivery[] = [];
    const held: (() => void)[] = [];
    const consumer = await bus.consume({
      group,
      topics: ['test.alpha'],
      maxBatch: 10,
      async handle(batch, ack) {
        seen.push(...batch);
        for (const delivery of batch) {
          if (holds(numberOf(delivery))) held.push(() => ack(delivery));
          else ack(delivery);
        }
      },
      ...more,
    });
    return { consumer, seen, held, numbers: () => seen.map(numberOf) };
  }

  const committed = async (group: string) => {
    const [topic] = await place.admin.fetchOffsets({ groupId: groupId(group), topics: [alpha()] });
    return (topic?.partitions ?? []).map(({ partition, offset, metadata }) => ({ partition, offset, metadata }));
  };

  describe('(7) what a handler throws', () => {
    for (const Kind of [TypeError, RangeError, SyntaxError]) {
      it(`${Kind.name}: stops this consumer with it, and another goes on`, async () => {
        await send('alpha-1', [1]);
        const bus = await openBus();
        const broken = await bus.consume({
          group: 'group',
          topics: ['test.alpha'],
          maxBatch: 10,
          handle: () => Promise.reject(new Kind('broken')),
        });
        expect(await broken.failed).to.be.instanceOf(Kind);
        const { numbers } = await collect(bus, 'group');
        await eventually(() => expect(numbers()).to.deep.equal([1]));
      });
    }
  });

  it('(8) commits up to the first event that is open, with its place in the log', async () => {
    await send(streamIn(0), range(0, 10));
    const bus = await openBus();
    const { consumer, held, seen } = await collect(bus, 'group', { holds: (number) => number === 4 });
    await eventually(() => expect(seen).to.have.length(10));
    await eventually(async () =>
      expect((await committed('group'))[0]).to.deep.equal({ partition: 0, offset: '4', metadata: '4' }),
    );
    held.forEach((ack) => ack());
    await eventually(async () =>
      expect((await committed('group'))[0]).to.deep.equal({ partition: 0, offset: '10', metadata: '10' }),
    );
    await consumer.stop();
  });

  it('(9) keeps its partitions while one handler works longer than a session lasts', async function () {
    this.timeout(30_000);
    await send(streamIn(0), range(0, 100));
    const bus = await openBus();
    const seen: number[] = [];
    const consumer = await bus.consume({
      group: 'group',
      topics: ['test.alpha'],
      maxBatch: 2, // the queue is full, and kafkajs's loop waits in the batch
      async handle(batch, ack) {
        if (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, MEMBERSHIP.sessionTimeout + 2_000));
        seen.push(...batch.map(numberOf));
        batch.forEach((delivery) => ack(delivery));
      },
    });
    await eventually(() => expect(seen).to.deep.equal(range(0, 100)), 20_000);
    expect(place.log.lines.filter((line) => line.includes('given its partitions'))).to.have.length(1);
    await consumer.stop();
  });

  it('(10) loses nothing to a rebalance while work is open, and ignores what is acknowledged too late', async () => {
    await send(streamIn(0), range(0, 20));
    await send(streamIn(1), range(100, 120));
    const first = await collect(await openBus(), 'group', { holds: () => true });
    await eventually(() => expect(first.seen).to.have.length(40));
    const second = await collect(await openBus(), 'group');
    // The second one gets one of the two partitions from its beginning, since nothing of it was done.
    await eventually(() => expect(second.seen).to.have.length(20));
    const lost = second.seen[0]?.partition ?? -1;
    first.held.forEach((ack) => ack());
    await eventually(async () => {
      const offsets = (await committed('group')).map(({ offset }) => offset);
      expect(offsets).to.deep.equal(['20', '20']);
    });
    expect([...first.consumer.positions().keys()]).to.deep.equal([partitionName('test.alpha', 1 - lost)]);
    // What stayed with the first one was not given again.
    expect(first.seen).to.have.length(40);
    await second.consumer.stop();
    await send(streamIn(lost), [500]);
    await eventually(() => expect(first.numbers()).to.include(500));
    expect(first.seen).to.have.length(41);
  });

  it('(10) goes on with the work that is open in the partitions that stay', async () => {
    await send(streamIn(0), range(0, 5));
    await send(streamIn(1), range(100, 105));
    const first = await collect(await openBus(), 'group', { holds: (number) => number < 100 });
    await eventually(() => expect(first.seen).to.have.length(10));
    const second = await collect(await openBus(), 'group');
    await eventually(() => expect(second.consumer.caughtUp()).to.equal(true));
    await second.consumer.stop();
    await send(streamIn(1), [105]);
    await eventually(() => expect(first.numbers()).to.include(105));
    first.held.forEach((ack) => ack());
    const again = first.numbers().filter((number) => number < 100).length + second.numbers().length;
    expect([5, 10]).to.include(again); // the held ones came once, or the partition was away meanwhile
  });

  describe('(11) offsets out of range', () => {
    it('never jumps to the newest: it says which records are gone unread', async () => {
      await send(streamIn(0), range(0, 10));
      const bus = await openBus();
      const first = await collect(bus, 'group', { holds: (number) => number >= 3 });
      await eventually(() => expect(first.seen).to.have.length(10));
      await first.consumer.stop();
      await place.admin.fetchTopicOffsets(alpha());
      await place.admin.deleteTopicRecords({ topic: alpha(), partitions: [{ partition: 0, offset: '6' }] });
      const second = await collect(bus, 'group');
      const error = await second.consumer.failed;
      expect(error).to.have.property('code', 'records-lost');
      expect(error.message).to.match(/records 3 to 5 of .*alpha\/0/);
      const stranger = await collect(bus, 'stranger');
      await eventually(() => expect(stranger.numbers()).to.deep.equal(range(6, 10)));
    });

    it('nor does it while it runs', async () => {
      await send(streamIn(0), range(0, 10));
      const gate = Promise.withResolvers<void>();
      const seen: number[] = [];
      const consumer = await (
        await openBus()
      ).consume({
        group: 'group',
        topics: ['test.alpha'],
        maxBatch: 1, // the queue is full, and nothing more is fetched
        async handle(batch, ack) {
          seen.push(...batch.map(numberOf));
          await gate.promise;
          batch.forEach((delivery) => ack(delivery));
        },
      });
      await eventually(() => expect(seen).to.deep.equal([0]));
      await send(streamIn(0), range(10, 20));
      await place.admin.fetchTopicOffsets(alpha());
      await place.admin.deleteTopicRecords({ topic: alpha(), partitions: [{ partition: 0, offset: '15' }] });
      gate.resolve();
      const error = await consumer.failed;
      expect(error.message).to.match(/records 10 to 14 of .*alpha\/0/);
    });
  });

  it('(11) sets no timers that are due at once (kafkajs #1751)', async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error) => warnings.push(warning.name);
    process.on('warning', onWarning);
    const { numbers } = await collect(await openBus(), 'group');
    await send('alpha-1', [1]);
    await eventually(() => expect(numbers()).to.deep.equal([1]));
    const before = process.cpuUsage();
    const began = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const { user, system } = process.cpuUsage(before);
    process.off('warning', onWarning);
    expect(warnings).to.not.include('TimeoutNegativeWarning');
    expect((user + system) / 1_000 / (performance.now() - began)).to.be.below(0.3);
  });

  it('(11) replaces a client that falls silent (kafkajs #659)', async () => {
    await send('alpha-1', [1]);
    const bus = await openBus({ silenceMs: 1_500, newKafka: silentAtFirst });
    const { numbers } = await collect(bus, 'group');
    await eventually(() => expect(numbers()).to.deep.equal([1]), 10_000);
    expect(place.log.lines.join()).to.match(/the client was silent for/);
  });

  /** The first consumer that it makes connects and subscribes, and then does nothing. */
  function silentAtFirst(kafka: KafkaNamespace['kafka']): KafkaNamespace['kafka'] {
    const make = kafka.consumer.bind(kafka);
    let made = 0;
    kafka.consumer = (options) => {
      const consumer = make(options);
      if (made++ === 0) consumer.run = () => Promise.resolve();
      return consumer;
    };
    return kafka;
  }

  describe('(13) with transactions', () => {
    it('gives what was committed and nothing that was aborted, and its lag comes to nought', async () => {
      const { consumer, numbers } = await collect(await openBus(), 'group');
      const writer = place.kafka.producer({
        transactionalId: `${place.namespace}.tx`,
        idempotent: true,
        maxInFlightRequests: 1,
      });
      await writer.connect();
      try {
        for (const [from, keeps] of [
          [0, true],
          [10, false],
          [20, true],
          [30, false],
        ] as const) {
          const transaction = await writer.transaction();
          const events = range(from, from + 3).map((number) => event(streamIn(0), number));
          await sendEvents(transaction, events, { ...place, partitions: PARTITIONS });
          await (keeps ? transaction.commit() : transaction.abort());
        }
        await eventually(() => expect(numbers()).to.deep.equal([0, 1, 2, 20, 21, 22]));
        await eventually(async () => expect(await consumer.lag()).to.equal(0));

        const open = await writer.transaction();
        await sendEvents(open, [event(streamIn(0), 40)], { ...place, partitions: PARTITIONS });
        const late = await collect(await openBus(), 'late');
        await eventually(() => expect(late.consumer.caughtUp()).to.equal(true));
        expect(await late.consumer.lag()).to.equal(0);
        expect(late.numbers()).to.deep.equal([0, 1, 2, 20, 21, 22]);
        await open.commit();
        await eventually(() => expect(late.numbers()).to.include(40));
      } finally {
        await writer.disconnect();
      }
    });

    it('stops quickly', async () => {
      const { consumer } = await collect(await openBus(), 'group');
      await eventually(() => expect(consumer.caughtUp()).to.equal(true));
      const began = performance.now();
      await consumer.stop();
      expect(performance.now() - began).to.be.below(1_500);
    });
  });

  describe('a group that keeps its own positions', () => {
    const own = (partition: number, position: bigint) => async () =>
      new Map([[partitionName('test.alpha', partition), position]]);

    it('is served from where it is when its store was restored from older state', async () => {
      await send(streamIn(0), range(0, 30));
      const bus = await openBus();
      const first = await collect(bus, 'group', { positions: own(0, 0n) });
      await eventually(() => expect(first.seen).to.have.length(30));
      await first.consumer.stop();
      expect((await committed('group'))[0]).to.include({ offset: '30', metadata: '30' });
      const second = await collect(bus, 'group', { positions: own(0, 12n) });
      await eventually(() => expect(second.numbers()).to.deep.equal(range(12, 30)));
    });

    it('is served from the beginning when Kafka forgot its offsets, without what it is past', async () => {
      await send(streamIn(0), range(0, 30));
      const { numbers } = await collect(await openBus(), 'group', { positions: own(0, 25n) });
      await eventually(() => expect(numbers()).to.deep.equal(range(25, 30)));
    });

    it('is told of its partitions before their first events', async () => {
      await send(streamIn(0), range(0, 3));
      const told: string[] = [];
      const gate = Promise.withResolvers<void>();
      const { numbers } = await collect(await openBus(), 'group', {
        async assigned(partitions) {
          told.push(...partitions);
          await gate.promise;
        },
      });
      await eventually(() => expect(told.sort()).to.deep.equal([0, 1].map((n) => partitionName('test.alpha', n))));
      expect(numbers()).to.deep.equal([]);
      gate.resolve();
      await eventually(() => expect(numbers()).to.deep.equal([0, 1, 2]));
    });
  });

  it('drops an event that comes again, and those of another generation of the log', async () => {
    const events = range(0, 3).map((number) => event(streamIn(0), number));
    await sendEvents(producer, [...events, ...events], { ...place, partitions: PARTITIONS });
    const other = await place.messages.encode(event(streamIn(0), 99));
    const headers = { ...other.headers, generation: 'before' };
    await producer.send({ topic: alpha(), messages: [{ ...other, headers, partition: 0 }] });
    await send(streamIn(0), [4]);
    const { consumer, numbers } = await collect(await openBus(), 'group');
    await eventually(() => expect(numbers()).to.deep.equal([0, 1, 2, 4]));
    await eventually(async () => expect(await consumer.lag()).to.equal(0));
  });

  it('stops at a record that is no event, after all that stands before it', async () => {
    await send(streamIn(0), [1, 2]);
    await producer.send({ topic: alpha(), messages: [{ key: 'x', value: 'y', partition: 0 }] });
    await send(streamIn(0), [3]);
    const { consumer, numbers } = await collect(await openBus(), 'group');
    expect(await consumer.failed).to.have.property('code', 'malformed-record');
    expect(numbers()).to.deep.equal([1, 2]);
    expect((await committed('group'))[0]).to.include({ offset: '2' });
  });

  it('stops at an event that this program does not know, after all that stands before it', async () => {
    await send(streamIn(0), [1, 2, 3]);
    const bus = await openBus({
      read(event) {
        if ((event.data as { number: number }).number === 3) throw new LogIsNewer('newer');
        return event;
      },
    });
    const { consumer, numbers } = await collect(bus, 'group');
    expect(await consumer.failed).to.have.property('code', 'log-is-newer');
    expect(numbers()).to.deep.equal([1, 2]);
  });

  it('refuses topics that are missing or have another number of partitions', async () => {
    const wrong = await refusal(Error, place.openBus({ partitions: 3 }));
    expect(wrong).to.have.property('code', 'wrong-partitions');
    const missing = await refusal(Error, place.openBus({ topics: [...TEST_TOPICS, 'test.gamma'] }));
    expect(missing).to.have.property('code', 'missing-topics');
    expect(missing.message).to.match(/gamma.*migrate/);
  });

  it('refuses to begin where the broker refuses it', async () => {
    const sasl = { mechanism: 'plain', username: 'nobody', password: 'wrong' } as const;
    const kafka = { brokers: place.brokers, clientId: 'test', sasl };
    expect((await refusal(Error, place.openBus({ kafka }))).message).to.match(/refuses us/);
  });
});

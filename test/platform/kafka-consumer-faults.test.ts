// A consumer on Kafka while its broker and its fellow members are killed.

import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RecordedEvent } from '#events/envelope.ts';
import type { Bus, Delivery } from '#platform/bus/bus.ts';
import { describeOn } from '../services/describe-on.ts';
import { eventually } from '../support/eventually.ts';
import { sendEvents } from '../support/kafka-feeder.ts';
import { clientOf, openKafkaNamespace, type KafkaNamespace } from '../support/kafka-namespace.ts';
import { numberedEvent } from '../support/numbered-events.ts';
import { openOwnKafka } from '../support/own-kafka.ts';
import { refusal } from '../support/refusal.ts';

const PARTITIONS = 4;
const CHILD = fileURLToPath(new URL('../support/kafka-consumer-child.ts', import.meta.url));

describeOn(['kafka', 'schema-registry'], 'a consumer on Kafka, under faults', (env) => {
  const numberOf = ({ event }: Delivery) => (event.data as { number: number }).number;
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const sorted = (numbers: Iterable<number>) => [...numbers].sort((a, b) => a - b);

  const eventsOf = (from: number, to: number): RecordedEvent[] =>
    range(from, to).map((number) => ({
      ...numberedEvent(number),
      stream: `alpha-${number % 23}`,
      revision: Math.floor(number / 23),
      position: BigInt(number + 1),
      recordedAt: 1_700_000_000_000,
    }));

  async function send(place: KafkaNamespace, from: number, to: number) {
    const producer = place.kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    await sendEvents(producer, eventsOf(from, to), { ...place, partitions: PARTITIONS });
    await producer.disconnect();
  }

  async function collect(bus: Bus, group: string) {
    const seen: number[] = [];
    const consumer = await bus.consume({
      group,
      topics: ['test.alpha', 'test.beta'],
      maxBatch: 10,
      async handle(batch, ack) {
        for (const delivery of batch) {
          seen.push(numberOf(delivery));
          ack(delivery);
        }
      },
    });
    return { consumer, seen };
  }

  it('goes on by itself when the broker is killed and started again', async function () {
    this.timeout(120_000);
    const own = await openOwnKafka();
    try {
      const place = await openKafkaNamespace({ env: { ...env, ...own.environment }, partitions: PARTITIONS });
      const bus = await place.openBus();
      const { consumer, seen } = await collect(bus, 'group');
      await send(place, 0, 500);
      await eventually(() => expect(new Set(seen).size).to.equal(500));
      for (const round of [1, 2]) {
        const sending = send(place, round * 500, round * 500 + 250);
        await sending;
        await own.kill9();
        expect((await refusal(Error, bus.health())).message).to.match(/does not answer/);
        await own.restart();
        await send(place, round * 500 + 250, (round + 1) * 500);
        await eventually(() => expect(sorted(new Set(seen))).to.deep.equal(range(0, (round + 1) * 500)), 30_000);
        await eventually(() => bus.health(), 10_000);
      }
      await eventually(async () => expect(await consumer.lag()).to.equal(0), 10_000);
      await consumer.stop();
      const again = await collect(bus, 'group');
      await eventually(() => expect(again.consumer.caughtUp()).to.equal(true));
      expect(again.seen).to.deep.equal([]);
      await bus.close();
      await place.close();
    } finally {
      await own.close();
    }
  });

  it('waits for a broker that is absent at its start, and says so', async function () {
    this.timeout(120_000);
    const own = await openOwnKafka();
    try {
      const place = await openKafkaNamespace({ env: { ...env, ...own.environment }, partitions: PARTITIONS });
      await own.kill9();
      const opening = place.openBus();
      await eventually(() => expect(place.log.lines.join()).to.match(/Kafka does not answer, waiting for it/), 10_000);
      const stopping = new AbortController();
      const interrupted = place.openBus({ signal: stopping.signal });
      stopping.abort();
      expect(await refusal(Error, interrupted)).to.have.property('name', 'Interrupted');
      await own.restart();
      const bus = await opening;
      const { seen } = await collect(bus, 'group');
      await send(place, 0, 10);
      await eventually(() => expect(sorted(new Set(seen))).to.deep.equal(range(0, 10)), 10_000);
      await bus.close();
      await place.close();
    } finally {
      await own.close();
    }
  });

  it('stops quickly while the broker is gone', async function () {
    this.timeout(120_000);
    const own = await openOwnKafka();
    try {
      const place = await openKafkaNamespace({ env: { ...env, ...own.environment }, partitions: PARTITIONS });
      const bus = await place.openBus();
      const { seen } = await collect(bus, 'group');
      await send(place, 0, 10);
      await eventually(() => expect(seen).to.have.length(10));
      await own.kill9();
      const began = performance.now();
      await bus.close();
      expect(performance.now() - began).to.be.below(10_000);
      await own.restart();
      await place.close();
    } finally {
      await own.close();
    }
  });

  it("takes a killed member's partitions over within ten seconds, with what it had not acknowledged", async function () {
    this.timeout(60_000);
    const place = await openKafkaNamespace({ env, partitions: PARTITIONS });
    const child = spawn(process.execPath, [CHILD, place.namespace, 'group', String(PARTITIONS), 'no'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    try {
      let printed = '';
      child.stdout.on('data', (chunk) => (printed += String(chunk)));
      await send(place, 0, 200);
      await eventually(() => expect(printed.split('\n')).to.have.length(201), 20_000);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const killedAt = performance.now();
      const bus = await place.openBus();
      const { seen } = await collect(bus, 'group');
      await eventually(() => expect(sorted(new Set(seen))).to.deep.equal(range(0, 200)), 15_000);
      expect(performance.now() - killedAt).to.be.below(10_000);
      await bus.close();
    } finally {
      child.kill('SIGKILL');
      await place.close();
    }
  });

  it('loses nothing while members come and go', async function () {
    this.timeout(60_000);
    const place = await openKafkaNamespace({ env, partitions: PARTITIONS });
    const producer = clientOf(place.brokers, place.log).producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    try {
      const home = await place.openBus();
      const steady = await collect(home, 'group');
      const all = [steady.seen];
      for (let round = 0; round < 4; round++) {
        await sendEvents(producer, eventsOf(round * 100, round * 100 + 50), { ...place, partitions: PARTITIONS });
        const bus = await place.openBus();
        const guest = await collect(bus, 'group');
        all.push(guest.seen);
        await sendEvents(producer, eventsOf(round * 100 + 50, (round + 1) * 100), { ...place, partitions: PARTITIONS });
        if (round % 2) await eventually(() => expect(guest.consumer.caughtUp()).to.equal(true));
        await bus.close();
      }
      await eventually(() => expect(sorted(new Set(all.flat()))).to.deep.equal(range(0, 400)), 15_000);
      await home.close();
    } finally {
      await producer.disconnect();
      await place.close();
    }
  });
});

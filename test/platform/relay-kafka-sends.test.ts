// TRAPS.md, kafkajs 1: a send to several partitions that is tried again loses or doubles records, also in a transaction
// that commits. The relay sends to several at once, and so must never commit after a second try.

import { expect } from 'chai';
import fc from 'fast-check';
import type { Message } from 'kafkajs';
import { openKafkaRelayProducer } from '#platform/relay/kafka-relay-producer.ts';
import { createSingleTries, sendsOf } from '#platform/relay/kafka-sends.ts';
import { createFailingBrokers, type Fault } from '../support/kafka-brokers-that-fail.ts';

const TOPICS = { events: 4, checkpoint: 1 };
const BROKERS = 2;
/** Of one event: then each partition has a send of its own. */
const LARGE = 200_000;
const events = Array.from({ length: 8 }, (_, n) => ({
  topic: 'events',
  partition: n % 4,
  position: BigInt(n + 1),
  bytes: 1,
  message: { partition: n % 4, value: `event ${n}` },
}));
const checkpoint = { topic: 'checkpoint', message: { value: 'checkpoint' } };
const expected = [...events.map(({ message }) => message.value), 'checkpoint'].toSorted();
const fault = fc.constantFrom<Fault>(
  'none',
  'none',
  'lost before',
  'lost after',
  'late',
  'leader moves',
  'leader moves, late',
);
const faultsOf = fc.array(fault, { maxLength: 6 });

describe("the relay's sends to Kafka, over brokers that fail", function () {
  this.timeout(60_000);

  it('write each record once in every transaction that commits', async () => {
    let committed = 0;
    await fc.assert(
      fc.asyncProperty(faultsOf, fc.constantFrom(1, LARGE), async (faults, bytes) => {
        const { kafka, written } = createFailingBrokers(TOPICS, BROKERS, faults);
        const producer = openKafkaRelayProducer(kafka, 'relay', Object.keys(TOPICS));
        await producer.fence();
        const sized = events.map((event) => ({ ...event, bytes }));
        const done = await producer.write(sized, checkpoint).then(
          () => true,
          () => false,
        );
        if (!done) return;
        committed++;
        expect(written().toSorted()).to.deep.equal(expected);
      }),
      { numRuns: 300 },
    );
    expect(committed).to.be.above(15);
  });

  it('would lose or double some if kafkajs were left to try them again', async () => {
    let wrong = 0;
    for (const faults of fc.sample(faultsOf, { numRuns: 150, seed: 1 })) {
      const { kafka, written } = createFailingBrokers(TOPICS, BROKERS, faults);
      const producer = kafka.producer({
        transactionalId: 'plain',
        createPartitioner:
          () =>
          ({ message }) =>
            message.partition ?? 0,
        retry: { initialRetryTime: 5, retries: 12 },
      });
      await producer.connect();
      const transaction = await producer.transaction();
      const messages = events.map(({ message }) => message);
      const metadata = await transaction.sendBatch({ topicMessages: [{ topic: 'events', messages }] }).catch(() => []);
      const isAnswered = new Set(metadata.map(({ partition }) => partition)).size === 4 && metadata.length === 4;
      if (isAnswered && written().length !== events.length) wrong++;
    }
    // Though the answers look as they should.
    expect(wrong).to.be.above(0);
  });
});

describe("the relay's sends to Kafka", () => {
  it('are one for each leader, and one for a partition without', () => {
    const leaders = new Map([
      ['events/0', 1],
      ['events/1', 2],
      ['events/2', 1],
    ]);
    const valuesOf = (sends: ReturnType<typeof sendsOf>) =>
      sends.map((topics) => topics.flatMap(({ messages }) => messages.map(({ value }) => value)));
    expect(valuesOf(sendsOf(events.slice(0, 7), leaders))).to.deep.equal([
      ['event 0', 'event 2', 'event 4', 'event 6'],
      ['event 1', 'event 5'],
      ['event 3'],
    ]);
  });

  it('are one for each partition where there is much to send', () => {
    const leaders = new Map([0, 1, 2, 3].map((partition) => [`events/${partition}`, 1]));
    const large = events.slice(0, 7).map((event) => ({ ...event, bytes: LARGE }));
    expect(sendsOf(events.slice(0, 7), leaders)).to.have.length(1);
    const partitionsOf = (sends: ReturnType<typeof sendsOf>) =>
      sends.map((topics) => topics.flatMap(({ messages }) => messages.map(({ partition }) => partition)));
    expect(partitionsOf(sendsOf(large, leaders))).to.deep.equal([[0, 0], [1, 1], [2, 2], [3]]);
  });

  it('to one partition may be tried again', async () => {
    const { partitioner, run } = createSingleTries();
    const messages: Message[] = [{ partition: 1, value: 'a' }];
    const ask = () => partitioner({ message: messages[0] as Message });
    expect(await run([{ topic: 'events', messages }], async () => [ask(), ask()])).to.deep.equal([1, 1]);
  });
});

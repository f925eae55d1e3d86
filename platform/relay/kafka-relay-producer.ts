// A transactional producer that is used until the first doubt, and then thrown away: after a commit that failed, kafkajs
// leaves it dead and the outcome unknown (kafkajs #1275).

import { type Kafka, type Message, type Producer, type RecordMetadata, type Transaction } from 'kafkajs';
import type { EncodedEvent } from './relay-target.ts';
import { within } from './kafka-within.ts';

/** The broker aborts a transaction older than this, so that the heir of a vanished relay need not. */
const TRANSACTION_MS = 15_000;
/** Well before the broker gives a transaction up, we do. */
const WRITE_MS = 10_000;
const CLOSE_MS = 5_000;

export interface KafkaRelayProducer {
  /** Fences every producer with the same transactional id: they cannot commit any more, and what they had open is aborted. */
  fence(): Promise<void>;
  /** One transaction with all of it. Once it has rejected, the producer is of no use. */
  write(events: readonly EncodedEvent[], last: { readonly topic: string; readonly message: Message }): Promise<void>;
  close(): Promise<void>;
}

export function createKafkaRelayProducer(kafka: Kafka, transactionalId: string): KafkaRelayProducer {
  // `idempotent` only concerns what is sent outside of transactions: in one, kafkajs always numbers its batches.
  const producer = kafka.producer({
    transactionalId,
    transactionTimeout: TRANSACTION_MS,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner:
      () =>
      ({ message }) =>
        namedPartition(message),
    // One transaction right after another is answered CONCURRENT_TRANSACTIONS until the broker has its markers written.
    retry: { initialRetryTime: 5, multiplier: 2, factor: 0.2, maxRetryTime: 500, retries: 12 },
  });
  let busy: Promise<unknown> = Promise.resolve();

  /** In the background after its deadline: a producer that is still at it when it is closed must not stay connected. */
  function run(what: string, work: () => Promise<void>): Promise<void> {
    const running = work();
    busy = running.catch(() => undefined);
    return within(WRITE_MS, what, running);
  }

  return {
    fence: () =>
      run('fencing', async () => {
        await producer.connect();
        // InitProducerId is sent with the first transaction, not with connect.
        const empty = await producer.transaction();
        await empty.abort();
      }),
    write: (events, last) =>
      run('a transaction', async () => {
        const transaction = await producer.transaction();
        // One send per partition: a send to several, tried again after a leader has moved, loses or doubles records
        // (kafkajs #1303).
        for (const { topic, partition, messages } of byPartition(events)) {
          await send(transaction, topic, partition, messages);
        }
        await send(transaction, last.topic, 0, [last.message]);
        await transaction.commit();
      }),
    async close() {
      await disconnect(producer);
      void busy.then(() => disconnect(producer));
    },
  };
}

function namedPartition({ partition }: Message): number {
  if (partition === undefined) throw new TypeError('a record names no partition');
  return partition;
}

async function disconnect(producer: Producer): Promise<void> {
  // Nothing depends on how this ends: a producer that was thrown away is fenced by the next.
  await within(CLOSE_MS, 'disconnecting', producer.disconnect()).catch(() => undefined);
}

interface PartitionMessages {
  readonly topic: string;
  readonly partition: number;
  readonly messages: Message[];
}

/** In the order in which the partitions come first. */
function byPartition(events: readonly EncodedEvent[]): Iterable<PartitionMessages> {
  const partitions = new Map<string, PartitionMessages>();
  for (const { topic, partition, message } of events) {
    const name = `${topic}/${partition}`;
    const found = partitions.get(name);
    if (found) found.messages.push(message as Message);
    else partitions.set(name, { topic, partition, messages: [message as Message] });
  }
  return partitions.values();
}

async function send(transaction: Transaction, topic: string, partition: number, messages: Message[]): Promise<void> {
  assertWritten(await transaction.send({ topic, messages, acks: -1 }), topic, partition);
}

/** Throws unless the broker has said of exactly this partition that it has the records. */
export function assertWritten(metadata: readonly RecordMetadata[], topic: string, partition: number): void {
  const [only] = metadata;
  const { topicName, partition: to, errorCode, baseOffset } = only ?? {};
  const isWritten = topicName === topic && to === partition && errorCode === 0 && Number(baseOffset ?? -1) >= 0;
  if (metadata.length === 1 && isWritten) return;
  throw new Error(`a send to ${topic}/${partition} was answered ${JSON.stringify(metadata)}`);
}

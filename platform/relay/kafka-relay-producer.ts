// A transactional producer that is used until the first doubt, and then thrown away: after a commit that failed, kafkajs
// leaves it dead and the outcome unknown (kafkajs #1275).

import type { Kafka, Message, Producer } from 'kafkajs';
import { assertWritten, createSingleTries, sendsOf } from './kafka-sends.ts';
import { fetchLeaders } from './kafka-leaders.ts';
import type { EncodedEvent } from './relay-target.ts';
import { within } from '../patience/within.ts';

/** The broker aborts a transaction older than this, so that the heir of a vanished relay need not. */
const TRANSACTION_MS = 15_000;
/** Well before the broker gives a transaction up, we do. */
const WRITE_MS = 10_000;
const CLOSE_MS = 5_000;

export interface KafkaRelayProducer {
  /**
   * Before anything is written. Fences every producer with the same transactional id: they cannot commit any more, and what
   * they had open is aborted.
   */
  fence(): Promise<void>;
  /** One transaction with all of it. Once it has rejected, the producer is of no use. */
  write(events: readonly EncodedEvent[], last: { readonly topic: string; readonly message: Message }): Promise<void>;
  close(): Promise<void>;
}

/** `topics` are all that it will write to, as the server calls them. */
export function openKafkaRelayProducer(
  kafka: Kafka,
  transactionalId: string,
  topics: readonly string[],
): KafkaRelayProducer {
  const singleTries = createSingleTries();
  // `idempotent` only concerns what is sent outside of transactions: in one, kafkajs always numbers its batches.
  const producer = kafka.producer({
    transactionalId,
    transactionTimeout: TRANSACTION_MS,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: () => singleTries.partitioner,
    // One transaction right after another is answered CONCURRENT_TRANSACTIONS until the broker has its markers written.
    retry: { initialRetryTime: 5, multiplier: 2, factor: 0.2, maxRetryTime: 500, retries: 12 },
  });
  let leaders: ReadonlyMap<string, number> = new Map();
  let busy: Promise<unknown> = Promise.resolve();

  /** In the background after its deadline: a producer that is still at it when it is closed must not stay connected. */
  function run(what: string, work: () => Promise<void>): Promise<void> {
    const running = work();
    busy = running.catch(() => undefined);
    return within(WRITE_MS, running, what);
  }

  return {
    fence: () =>
      run('fencing', async () => {
        leaders = await fetchLeaders(kafka, topics);
        await producer.connect();
        // InitProducerId is sent with the first transaction, not with connect.
        const empty = await producer.transaction();
        await empty.abort();
      }),
    write: (events, last) =>
      run('a transaction', async () => {
        const transaction = await producer.transaction();
        // First, for it is to one partition and may be tried again, while the broker still writes the last one's markers.
        const first = [{ topic: last.topic, messages: [{ ...last.message, partition: 0 }] }];
        assertWritten(await transaction.sendBatch({ topicMessages: first, acks: -1 }), first);
        for (const topicMessages of sendsOf(events, leaders)) {
          const send = () => transaction.sendBatch({ topicMessages, acks: -1 });
          assertWritten(await singleTries.run(topicMessages, send), topicMessages);
        }
        await transaction.commit();
      }),
    async close() {
      await disconnect(producer);
      void busy.then(() => disconnect(producer));
    },
  };
}

async function disconnect(producer: Producer): Promise<void> {
  // Nothing depends on how this ends: a producer that was thrown away is fenced by the next.
  await within(CLOSE_MS, producer.disconnect(), 'disconnecting').catch(() => undefined);
}

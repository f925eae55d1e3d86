// The bus on Kafka. Members of a group in any number of processes share its partitions.

import type { Kafka } from 'kafkajs';
import type { RecordedEvent } from '#events/envelope.ts';
import { asError, StartError } from '../errors.ts';
import { createKafka, type KafkaOptions } from '../kafka/create-kafka.ts';
import { createEventMessages } from '../kafka/event-message.ts';
import type { EventSchemas } from '../kafka/event-schemas.ts';
import { openLastingAdmin } from '../kafka/lasting-admin.ts';
import { physicalGroup, physicalTopic } from '../kafka/physical-name.ts';
import { checkTopics } from '../kafka/topics.ts';
import { waitForKafka } from '../kafka/wait-for-kafka.ts';
import type { Log } from '../logging/log.ts';
import { persist } from '../patience/persist.ts';
import { within } from '../patience/within.ts';
import type { Bus, Consumer } from './bus.ts';
import { startKafkaConsumer } from './kafka-consumer.ts';
import { createPartitionOf } from './partition.ts';

export interface KafkaBusOptions {
  readonly kafka: Omit<KafkaOptions, 'log'>;
  /** In place of the topics' first part, and before the groups' names. */
  readonly namespace: string;
  /** All that are consumed here. */
  readonly topics: readonly string[];
  /** Of each topic. */
  readonly partitions: number;
  /** The stream itself, if left out. */
  readonly partitionKeyOf?: (stream: string) => string;
  /** Of the log: records of another one are dropped. */
  readonly generation: string;
  readonly schemas: Pick<EventSchemas, 'encode' | 'decode'>;
  /** The event as this program knows it; `LogIsNewer` stops the consumer. */
  readonly read: (event: RecordedEvent) => RecordedEvent;
  readonly log: Log;
  /** Ends the waiting for a server that is absent, with `Interrupted`. */
  readonly signal?: AbortSignal;
  /** Instead of `MEMBERSHIP.silence`. */
  readonly silenceMs?: number;
  /** Changes the client of each consumer before it is used. */
  readonly newKafka?: (kafka: Kafka) => Kafka;
}

export interface KafkaBus extends Bus {
  /** Rejects with a sentence when Kafka does not answer. */
  health(): Promise<void>;
}

/** A topic that was just made may be unknown for a moment. */
const MISSING_WITHIN_MS = 5_000;
const HEALTH_WITHIN_MS = 3_000;

/**
 * Waits for Kafka while it is absent. Rejects with `StartError` when it refuses us, and when a topic is missing or has
 * another number of partitions.
 */
export async function openKafkaBus(options: KafkaBusOptions): Promise<KafkaBus> {
  const { namespace, partitions, generation, schemas, read, log, silenceMs, newKafka = (kafka) => kafka } = options;
  const { signal = new AbortController().signal } = options;
  const physical = (topic: string) => physicalTopic(namespace, topic);
  const newClient = () => createKafka({ ...options.kafka, log });
  // A member keeps its client through the restart of a broker: a new one would have to wait until the old one's session ends.
  const newMember = () => createKafka({ ...options.kafka, log, retry: { retries: 36, maxRetryTime: 400 } });
  const impatient = createKafka({ ...options.kafka, log, retry: { retries: 1 } });
  const { brokers } = options.kafka;

  const first = await waitForKafka(impatient, { log, signal, brokers });
  try {
    const wanted = options.topics.map(physical);
    await persist(
      () => checkTopics(first, wanted, partitions),
      signal,
      () => undefined,
      {
        isHopeless: (err) => !(err instanceof StartError && err.code === 'missing-topics'),
        waitMs: () => 250,
        until: performance.now() + MISSING_WITHIN_MS,
      },
    );
  } finally {
    await first.disconnect();
  }

  const admin = openLastingAdmin(newClient());
  const messages = createEventMessages({ schemas, generation });
  const consumers = new Set<Consumer>();
  return {
    consume(consumerOptions) {
      const unknown = consumerOptions.topics.filter((topic) => !options.topics.includes(topic));
      if (unknown.length > 0) return Promise.reject(new TypeError(`${unknown.join(', ')}: not a topic of this bus`));
      const groupId = physicalGroup(namespace, consumerOptions.group, generation);
      const consumer = startKafkaConsumer(
        {
          membership: { kafka: newKafka(newMember()), groupId, ...(silenceMs && { silenceMs }) },
          admin,
          messages,
          read,
          generation,
          partitions,
          physical,
          log,
        },
        consumerOptions,
      );
      consumers.add(consumer);
      return Promise.resolve({
        ...consumer,
        async stop() {
          await consumer.stop();
          consumers.delete(consumer);
        },
      });
    },
    partitionOf: createPartitionOf(partitions, options.partitionKeyOf),
    async health() {
      try {
        const answer = admin.use((admin) => admin.describeCluster());
        await within(HEALTH_WITHIN_MS, answer, 'an answer');
      } catch (err) {
        throw new Error(`Kafka at ${brokers.join(', ')} does not answer: ${asError(err).message}`, { cause: err });
      }
    },
    async close() {
      await Promise.all([...consumers].map((consumer) => consumer.stop()));
      consumers.clear();
      await admin.close();
    },
  };
}

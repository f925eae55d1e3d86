// A namespace of its own on a Kafka server that tests share, with the topics that `testTopicOf` names and the schema of
// `numberedEvent`; all but the schema is removed at the end.

import { randomUUID } from 'node:crypto';
import type { Admin, Kafka } from 'kafkajs';
import { openKafkaBus, type KafkaBus, type KafkaBusOptions } from '#platform/bus/kafka-bus.ts';
import { createKafka } from '#platform/kafka/create-kafka.ts';
import { createEventMessages, type EventMessages } from '#platform/kafka/event-message.ts';
import { openEventSchemas, type EventSchemas, type ReleasedSchema } from '#platform/kafka/event-schemas.ts';
import { physicalTopic } from '#platform/kafka/physical-name.ts';
import { migrateTopics } from '#platform/kafka/topics.ts';
import type { Log } from '#platform/logging/log.ts';
import { testTopicOf } from './numbered-events.ts';
import { createQuietLog } from './quiet-log.ts';

export const countedSchema: ReleasedSchema = {
  type: 'Counted',
  version: 1,
  schema: { type: 'record', name: 'Counted', namespace: 'test', fields: [{ name: 'number', type: 'long' }] },
};

export const TEST_TOPICS = ['test.alpha', 'test.beta'];

export interface KafkaNamespace {
  readonly namespace: string;
  readonly brokers: readonly string[];
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly schemas: EventSchemas;
  readonly messages: EventMessages;
  readonly generation: string;
  readonly log: ReturnType<typeof createQuietLog>;
  topicOf(stream: string): string | undefined;
  openBus(over?: Partial<KafkaBusOptions>): Promise<KafkaBus>;
  close(): Promise<void>;
}

export interface KafkaNamespaceOptions {
  /** KAFKA_BROKERS and SCHEMA_REGISTRY_URL. */
  readonly env: Readonly<Record<string, string>>;
  readonly partitions: number;
  readonly topics?: readonly string[];
  readonly generation?: string;
  readonly released?: readonly ReleasedSchema[];
}

export async function openKafkaNamespace(options: KafkaNamespaceOptions): Promise<KafkaNamespace> {
  const { env, partitions, topics = TEST_TOPICS, generation = 'first', released = [countedSchema] } = options;
  const namespace = `t${randomUUID().slice(0, 8)}`;
  const log = createQuietLog();
  const brokers = (env['KAFKA_BROKERS'] ?? '').split(',');
  const kafka = clientOf(brokers, log);
  const admin = kafka.admin();
  await admin.connect();
  const physical = topics.map((topic) => physicalTopic(namespace, topic));
  const checkpointTopic = `${namespace}.checkpoint`;
  await migrateTopics({ admin, topics: physical, partitions, checkpointTopic });
  const schemas = openEventSchemas({ url: env['SCHEMA_REGISTRY_URL'] ?? '', released, log });
  await schemas.register();
  return {
    namespace,
    brokers,
    kafka,
    admin,
    schemas,
    messages: createEventMessages({ schemas, generation }),
    generation,
    log,
    topicOf(stream) {
      const topic = testTopicOf(stream);
      return topic && physicalTopic(namespace, topic);
    },
    openBus: (over = {}) =>
      openKafkaBus({
        kafka: { brokers, clientId: 'test' },
        namespace,
        topics,
        partitions,
        generation,
        schemas,
        read: (event) => event,
        log,
        ...over,
      }),
    async close() {
      schemas.close();
      await admin.deleteTopics({ topics: [...physical, checkpointTopic] });
      await admin.disconnect();
    },
  };
}

export const clientOf = (brokers: readonly string[], log: Log): Kafka =>
  createKafka({ brokers, clientId: 'test', log });

// A namespace of its own on a Kafka: made, filled by relays, read back as a read-committed consumer would, removed.

import { randomUUID } from 'node:crypto';
import type { Consumer, KafkaMessage } from 'kafkajs';
import { createKafka, type KafkaOptions } from '#platform/kafka/create-kafka.ts';
import { createEventMessages } from '#platform/kafka/event-message.ts';
import { openEventSchemas } from '#platform/kafka/event-schemas.ts';
import { physicalTopic } from '#platform/kafka/physical-name.ts';
import { migrateTopics } from '#platform/kafka/topics.ts';
import type { Log } from '#platform/logging/log.ts';
import { openKafkaRelayTarget, relayCheckpointTopic } from '#platform/relay/kafka-relay-target.ts';
import { readCheckpointRecord } from '#platform/relay/kafka-checkpoint.ts';
import type { RelayCheckpoint, RelayTarget } from '#platform/relay/relay-target.ts';
import type { RelayedRecord } from './check-relayed.ts';
import { createQuietLog } from './quiet-log.ts';
import { RELAY_PARTITIONS, RELAY_TOPICS, relaySchemas } from './relay-language.ts';

export interface RelayServers {
  readonly brokers: readonly string[];
  readonly registry: string;
}

export const relayServers = (env: Readonly<Record<string, string>>): RelayServers => ({
  brokers: (env['KAFKA_BROKERS'] ?? '').split(','),
  registry: env['SCHEMA_REGISTRY_URL'] ?? '',
});

export const newRelayNamespace = (): string => `relay-${randomUUID().slice(0, 8)}`;

const optionsOf = ({ brokers }: RelayServers, log: Log): KafkaOptions => ({ brokers, clientId: 'relay-test', log });

export function createRelaySchemas({ registry }: RelayServers, log: Log) {
  return openEventSchemas({ url: registry, released: relaySchemas, log });
}

/** Topics and schemas. */
export async function migrateRelay(
  servers: RelayServers,
  namespace: string,
  log: Log = createQuietLog(),
): Promise<void> {
  const admin = createKafka(optionsOf(servers, log)).admin();
  const schemas = createRelaySchemas(servers, log);
  await admin.connect();
  try {
    await migrateTopics({
      admin,
      topics: RELAY_TOPICS.map((topic) => physicalTopic(namespace, topic)),
      partitions: RELAY_PARTITIONS,
      checkpointTopic: relayCheckpointTopic(namespace),
    });
    await schemas.register();
  } finally {
    schemas.close();
    await admin.disconnect();
  }
}

export async function removeRelay(servers: RelayServers, namespace: string): Promise<void> {
  const admin = createKafka(optionsOf(servers, createQuietLog())).admin();
  await admin.connect();
  try {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${namespace}.`));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  } finally {
    await admin.disconnect();
  }
}

/** Closes the schemas with the target. */
export function openRelayTarget(servers: RelayServers, namespace: string, generation: string, log: Log): RelayTarget {
  const schemas = createRelaySchemas(servers, log);
  const messages = createEventMessages({ schemas, generation });
  const target = openKafkaRelayTarget({
    kafka: optionsOf(servers, log),
    namespace,
    topics: RELAY_TOPICS,
    partitions: RELAY_PARTITIONS,
    encode: (event) => messages.encode(event),
    log,
  });
  return {
    ...target,
    async close() {
      schemas.close();
      await target.close();
    },
  };
}

export interface RelayedContents {
  /** By `<topic>/<partition>`, the topic as the relay calls it. */
  readonly records: ReadonlyMap<string, readonly RelayedRecord[]>;
  readonly checkpoints: readonly RelayCheckpoint[];
}

/** All that the namespace's topics hold, read committed. */
export async function readRelayed(servers: RelayServers, namespace: string): Promise<RelayedContents> {
  const log = createQuietLog();
  const schemas = createRelaySchemas(servers, log);
  const messages = createEventMessages({ schemas, generation: '' });
  const checkpointTopic = relayCheckpointTopic(namespace);
  const names = new Map<string, string>(RELAY_TOPICS.map((topic) => [physicalTopic(namespace, topic), topic]));
  const raw = await readTopics(servers, [...names.keys(), checkpointTopic]);
  try {
    const records = new Map<string, RelayedRecord[]>();
    const checkpoints: RelayCheckpoint[] = [];
    for (const { topic, partition, message } of raw) {
      const name = names.get(topic);
      if (name === undefined) {
        const record = readCheckpointRecord(topic, message);
        if (!('claim' in record)) checkpoints.push(record);
        continue;
      }
      const place = `${name}/${partition}`;
      const list = records.get(place) ?? [];
      list.push(await messages.decode(message));
      records.set(place, list);
    }
    return { records, checkpoints };
  } finally {
    schemas.close();
  }
}

interface RawRecord {
  readonly topic: string;
  readonly partition: number;
  readonly message: KafkaMessage;
}

/** Every committed record up to the ends that the topics have now. */
export async function readTopics(servers: RelayServers, topics: readonly string[]): Promise<RawRecord[]> {
  const kafka = createKafka(optionsOf(servers, createQuietLog()));
  const admin = kafka.admin();
  await admin.connect();
  const unread = new Map<string, bigint>();
  try {
    for (const topic of topics) {
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
        if (BigInt(high) > BigInt(low)) unread.set(`${topic}/${partition}`, BigInt(high));
      }
    }
  } finally {
    await admin.disconnect();
  }
  if (unread.size === 0) return [];
  const consumer = kafka.consumer({ groupId: `reader-${randomUUID()}`, maxWaitTimeInMs: 100 });
  try {
    return await collect(consumer, topics, unread);
  } finally {
    await consumer.disconnect();
  }
}

async function collect(consumer: Consumer, topics: readonly string[], unread: Map<string, bigint>) {
  const records: RawRecord[] = [];
  const read = Promise.withResolvers<void>();
  consumer.on(consumer.events.CRASH, ({ payload }) => read.reject(payload.error));
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { topic, partition, lastOffset } }) => {
    const place = `${topic}/${partition}`;
    if (BigInt(lastOffset) + 1n >= (unread.get(place) ?? 0n)) unread.delete(place);
    if (unread.size === 0) read.resolve();
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch: { topic, partition, messages } }) => {
      for (const message of messages) records.push({ topic, partition, message });
    },
  });
  await read.promise;
  return records;
}

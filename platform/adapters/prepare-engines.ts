// What must be on the servers before services work with them: topics, schemas, buckets. Idempotent.

import { kafkaSettings } from './kafka-settings.ts';
import { type AdapterOptions } from './opened.ts';
import { s3Settings } from './s3-settings.ts';

/** Waits for servers that are absent. Rejects with a `StartError` for what is there and must not be so. */
export async function prepareEngines(options: AdapterOptions): Promise<void> {
  await Promise.all([prepareKafka(options), prepareBuckets(options)]);
}

async function prepareKafka(options: AdapterOptions): Promise<void> {
  const settings = kafkaSettings(options);
  if (!settings) return;
  const { createKafka } = await import('../kafka/create-kafka.ts');
  const { openEventSchemas } = await import('../kafka/event-schemas.ts');
  const { physicalTopic } = await import('../kafka/physical-name.ts');
  const { migrateTopics } = await import('../kafka/topics.ts');
  const { relayCheckpointTopic } = await import('../relay/kafka-relay-target.ts');
  const { waitForKafka } = await import('../kafka/wait-for-kafka.ts');
  const { namespace, partitions, kafkaReplication: replication } = options.config;
  const schemas = openEventSchemas(settings.schemas);
  const { brokers } = settings.kafka;
  const { log, signal = new AbortController().signal } = options;
  const admin = await waitForKafka(createKafka(settings.kafka), { log, signal, brokers });
  try {
    const checkpointTopic = relayCheckpointTopic(namespace);
    const topics = options.events.topics.map((topic) => physicalTopic(namespace, topic));
    await migrateTopics({ admin, topics, partitions, replication, checkpointTopic });
    await schemas.register();
  } finally {
    schemas.close();
    await admin.disconnect();
  }
}

async function prepareBuckets(options: AdapterOptions): Promise<void> {
  const { openBucket } = await import('../s3/open-bucket.ts');
  for (const settings of [s3Settings(options, 'blobs'), s3Settings(options, 'vault')]) {
    if (!settings) continue;
    const { calls } = await openBucket({ ...settings, createBucket: true });
    calls.close();
  }
}

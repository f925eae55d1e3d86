// Events per second that the relay moves from the log to Kafka, against raw kafkajs producing the same bytes in
// transactions of the same size, in the same run: `npm run services -- node bench/relay.ts [events] [rounds]`.
// Needs KAFKA_BROKERS and SCHEMA_REGISTRY_URL. The log is an embedded one, filled beforehand.

import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Message } from 'kafkajs';
import { v7 } from 'uuid';
import { topicOf, topics } from '#events/aggregates.ts';
import type { NewEvent } from '#events/envelope.ts';
import { inferences } from '#events/inference.ts';
import { readReleasedSchemas } from '#events/released-schemas.ts';
import { partitionOfKey } from '#platform/bus/partition.ts';
import type { EventStore } from '#platform/event-store/event-store.ts';
import { openSqliteEventStore } from '#platform/event-store/sqlite-event-store.ts';
import { createKafka, type KafkaOptions } from '#platform/kafka/create-kafka.ts';
import { createEventMessages, type EventMessages } from '#platform/kafka/event-message.ts';
import { openEventSchemas } from '#platform/kafka/event-schemas.ts';
import { physicalTopic } from '#platform/kafka/physical-name.ts';
import { migrateTopics } from '#platform/kafka/topics.ts';
import { openKafkaRelayTarget, relayCheckpointTopic } from '#platform/relay/kafka-relay-target.ts';
import { startRelay } from '../workers/relay/start.ts';

const count = Number(process.argv[2] ?? 100_000);
const rounds = Number(process.argv[3] ?? 3);
const partitions = 6;
const say = (fields: object, message: string) => console.error(message, fields);
const log = { debug: () => undefined, info: () => undefined, warn: say, error: say };
const { KAFKA_BROKERS: brokers, SCHEMA_REGISTRY_URL: url } = process.env;
if (!brokers || !url)
  throw new Error('set KAFKA_BROKERS and SCHEMA_REGISTRY_URL, or run it by `npm run services -- …`');
const kafka: KafkaOptions = { brokers: brokers.split(','), clientId: 'bench', log: { ...log, warn: log.debug } };
const schemas = openEventSchemas({ url, released: readReleasedSchemas(), log });
const partitionOf = (_topic: string, stream: string) => partitionOfKey(stream, partitions);

/** About 600 bytes of JSON. */
function request(): NewEvent {
  const tenantId = '0190a4f2-6f6c-7d3e-9c3b-0f7e4b3a2d11';
  return {
    id: v7(),
    type: 'InferenceRequested',
    data: {
      model: 'language-id',
      modelOwner: 'platform',
      form: 'input',
      input: { keyId: `${tenantId}/2026-08-01`, sealed: 'x'.repeat(160), blob: null, bytes: 118 },
      parameters: { temperature: '0.7', top_k: '3' },
      deadline: 1_790_000_000_000,
    },
    metadata: {
      tenantId,
      actor: { kind: 'api-key', id: 'k_7d3e9c3b' },
      $correlationId: randomUUID(),
      $causationId: randomUUID(),
      schemaVersion: 1,
    },
  };
}

async function fill(store: EventStore): Promise<void> {
  let left = count;
  const caller = async () => {
    while (left-- > 0) await store.append(`inference-${v7()}`, [request()], 'no_stream');
  };
  await Promise.all(Array.from({ length: 512 }, caller));
}

async function migrate(namespace: string): Promise<void> {
  const admin = createKafka(kafka).admin();
  await admin.connect();
  await migrateTopics({
    admin,
    topics: topics.map((topic) => physicalTopic(namespace, topic)),
    partitions,
    checkpointTopic: relayCheckpointTopic(namespace),
  });
  await admin.disconnect();
}

async function remove(namespace: string): Promise<void> {
  const admin = createKafka(kafka).admin();
  await admin.connect();
  const made = [...topics.map((topic) => physicalTopic(namespace, topic)), relayCheckpointTopic(namespace)];
  await admin.deleteTopics({ topics: made });
  await admin.disconnect();
}

interface Measured {
  readonly perSecond: number;
  readonly batches: readonly number[];
  readonly cpuPerEvent: number;
}

async function measured(batches: readonly number[], work: () => Promise<unknown>): Promise<Measured> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: count / seconds, batches, cpuPerEvent: (user + system) / count };
}

/** From the session's opening to the last event's commit. */
async function measureRelay(store: EventStore, messages: EventMessages): Promise<Measured> {
  const namespace = `bench-${randomUUID().slice(0, 8)}`;
  await migrate(namespace);
  const head = await store.head();
  const opened = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  const batches: number[] = [];
  const relay = startRelay({
    store,
    target: openKafkaRelayTarget({
      kafka,
      namespace,
      topics,
      partitions,
      encode: (event) => messages.encode(event),
      log,
    }),
    topicOf,
    partitionOf,
    log,
    observe: {
      opened: () => opened.resolve(),
      relayed(events, _milliseconds, position) {
        batches.push(events);
        if (position >= head) done.resolve();
      },
    },
  });
  void relay.failed.then(done.reject);
  await opened.promise;
  const result = await measured(batches, () => done.promise);
  await relay.stop();
  await remove(namespace);
  return result;
}

/** The same records, ready to be sent, in transactions of so many. */
async function measureRaw(records: readonly Message[], batches: readonly number[], way: 'sends' | 'sendBatch') {
  const namespace = `bench-${randomUUID().slice(0, 8)}`;
  await migrate(namespace);
  const topic = physicalTopic(namespace, inferences.topic);
  const producer = createKafka(kafka).producer({
    transactionalId: namespace,
    maxInFlightRequests: 1,
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition ?? 0,
    retry: { initialRetryTime: 5, retries: 12 },
  });
  await producer.connect();
  await (await producer.transaction()).abort();
  const result = await measured(batches, async () => {
    let from = 0;
    for (const size of batches) {
      const messages = records.slice(from, (from += size));
      const transaction = await producer.transaction();
      if (way === 'sendBatch') await transaction.sendBatch({ topicMessages: [{ topic, messages }] });
      else
        for (const some of Map.groupBy(messages, ({ partition }) => partition).values()) {
          await transaction.send({ topic, messages: some });
        }
      const checkpoint = { key: 'relay', value: String(from), partition: 0 };
      await transaction.send({ topic: relayCheckpointTopic(namespace), messages: [checkpoint] });
      await transaction.commit();
    }
  });
  await producer.disconnect();
  await remove(namespace);
  return result;
}

function print(what: string, { perSecond, batches, cpuPerEvent }: Measured): number {
  const rate = Math.round(perSecond).toLocaleString('en').padStart(8);
  console.log(
    `${what.padEnd(34)} ${rate} events/s, ${cpuPerEvent.toFixed(1)} µs of CPU each, ${batches.length} transactions`,
  );
  return perSecond;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

const folder = mkdtempSync(join(tmpdir(), 'relay-bench-'));
const store = await openSqliteEventStore({ folder });
try {
  await schemas.register();
  await fill(store);
  const messages = createEventMessages({ schemas, generation: store.generation });
  const records: Message[] = [];
  let bytes = 0;
  for (let after = 0n; ;) {
    const events = await store.readAll(after, 1_000);
    if (events.length === 0) break;
    for (const event of events) {
      const made = await messages.encode(event);
      bytes += made.value.length + JSON.stringify(made.headers).length;
      records.push({ ...made, partition: partitionOf('', event.stream) });
      after = event.position;
    }
  }
  console.log(`${records.length} events of about ${Math.round(bytes / records.length)} bytes each`);
  const rates: Record<'relay' | 'sends' | 'sendBatch', number[]> = { relay: [], sends: [], sendBatch: [] };
  for (let round = 0; round < rounds; round += 1) {
    const relay = await measureRelay(store, messages);
    rates.relay.push(print('relay', relay));
    rates.sendBatch.push(
      print('raw, one sendBatch per transaction', await measureRaw(records, relay.batches, 'sendBatch')),
    );
    rates.sends.push(print('raw, one send per partition', await measureRaw(records, relay.batches, 'sends')));
  }
  const [relay, sends, sendBatch] = [median(rates.relay), median(rates.sends), median(rates.sendBatch)];
  console.log(
    `relay / raw: ${(relay / Math.max(sends, sendBatch)).toFixed(2)} of the quicker way (goal: at least 0.8)`,
  );
} finally {
  schemas.close();
  await store.close();
  rmSync(folder, { recursive: true });
}

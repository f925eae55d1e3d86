// Brings a log into Kafka for tests of what reads it there: in order, one send per partition, as the relay does but
// without its checkpoints and transactions.

import type { Kafka, Producer } from 'kafkajs';
import type { RecordedEvent } from '#events/envelope.ts';
import { partitionOfKey } from '#platform/bus/partition.ts';
import { LogIsNewer, type EventStore } from '#platform/event-store/event-store.ts';
import type { EventMessage, EventMessages } from '#platform/kafka/event-message.ts';

export interface KafkaFeederOptions {
  readonly kafka: Kafka;
  readonly store: Pick<EventStore, 'subscribeAll'>;
  readonly messages: Pick<EventMessages, 'encode'>;
  /** As it is called on the server. */
  readonly topicOf: (stream: string) => string | undefined;
  readonly partitions: number;
}

export interface KafkaFeeder {
  /** Resolves with the reason when it stopped by itself. */
  readonly failed: Promise<Error>;
  /** Of the last event that is in Kafka; 0n before the first. */
  position(): bigint;
  stop(): Promise<void>;
}

export async function startKafkaFeeder(options: KafkaFeederOptions): Promise<KafkaFeeder> {
  const producer = options.kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
  await producer.connect();
  const stopping = new AbortController();
  const failure = Promise.withResolvers<Error>();
  let position = 0n;

  async function run() {
    for await (const events of options.store.subscribeAll(0n, stopping.signal)) {
      const unknown = events.findIndex(({ stream }) => options.topicOf(stream) === undefined);
      await sendEvents(producer, unknown < 0 ? events : events.slice(0, unknown), options);
      position = events.at(-1)?.position ?? position;
      if (unknown >= 0) throw new LogIsNewer(`there is no topic for ${events[unknown]?.stream}`);
    }
  }

  const running = run().catch((err: unknown) => failure.resolve(err as Error));
  return {
    failed: failure.promise,
    position: () => position,
    async stop() {
      stopping.abort();
      await running;
      await producer.disconnect();
    },
  };
}

/** One send per partition. */
export async function sendEvents(
  sender: Pick<Producer, 'send'>,
  events: readonly RecordedEvent[],
  { messages, topicOf, partitions }: Pick<KafkaFeederOptions, 'messages' | 'topicOf' | 'partitions'>,
): Promise<void> {
  const sends = new Map<string, { topic: string; partition: number; messages: EventMessage[] }>();
  for (const event of events) {
    const topic = topicOf(event.stream) ?? '';
    const partition = partitionOfKey(event.stream, partitions);
    const of = sends.get(`${topic}/${partition}`) ?? { topic, partition, messages: [] };
    of.messages.push(await messages.encode(event));
    sends.set(`${topic}/${partition}`, of);
  }
  for (const { topic, partition, messages } of sends.values()) {
    await sender.send({ topic, acks: -1, messages: messages.map((message) => ({ ...message, partition })) });
  }
}

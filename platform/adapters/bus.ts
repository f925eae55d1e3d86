import type { Bus } from '../bus/bus.ts';
import { checkpointsInReadStore } from '../bus/group-checkpoints.ts';
import { openLogBus } from '../bus/log-bus.ts';
import { createEventCodec } from '../event-store/event-codec.ts';
import type { EventStore } from '../event-store/event-store.ts';
import type { ReadStore } from '../read-store/read-store.ts';
import type { KafkaSettings } from './kafka-settings.ts';
import { type AdapterOptions, opened, type Opened } from './opened.ts';

/** The log itself, read in this process. */
export function openLogBusOf(
  { config, events, log }: AdapterOptions,
  store: EventStore,
  readStore: ReadStore,
): Opened<Bus> {
  return opened(
    openLogBus({
      store,
      topicOf: events.topicOf,
      categoriesOf: (wanted) =>
        events.topics.every((topic) => wanted.includes(topic)) ? undefined : events.categoriesOf(wanted),
      partitions: config.partitions,
      partitionKeyOf: events.partitionKeyOf,
      checkpoints: checkpointsInReadStore(readStore),
      log,
      mode: config.busMode.kind === 'normal' ? 'normal' : { seed: config.busMode.seed },
    }),
  );
}

/** Kafka. */
export async function openKafkaBus(
  options: AdapterOptions,
  settings: KafkaSettings,
  store: Pick<EventStore, 'generation'>,
): Promise<Opened<Bus>> {
  const { config, events, log, signal } = options;
  const kafkaBus = await import('../bus/kafka-bus.ts');
  const { openEventSchemas } = await import('../kafka/event-schemas.ts');
  const codec = createEventCodec(events);
  const schemas = openEventSchemas(settings.schemas);
  const bus = opened(
    await kafkaBus.openKafkaBus({
      kafka: settings.kafka,
      schemas,
      namespace: config.namespace,
      topics: events.topics,
      partitions: config.partitions,
      partitionKeyOf: events.partitionKeyOf,
      generation: store.generation,
      read: (event) => codec.read(event),
      log,
      ...(signal && { signal }),
    }),
  );
  return {
    ...bus,
    async close() {
      await bus.close();
      schemas.close();
    },
  };
}

import type { EventStore } from '../event-store/event-store.ts';
import type { RelayTarget } from '../relay/relay-target.ts';
import { kafkaSettings } from './kafka-settings.ts';
import type { AdapterOptions, Opened } from './opened.ts';

/** Kafka: nothing is relayed to an embedded bus, which reads the log itself. */
export async function openRelayTarget(
  options: AdapterOptions,
  store: Pick<EventStore, 'generation'>,
): Promise<Opened<RelayTarget>> {
  const settings = kafkaSettings(options);
  if (!settings) throw new TypeError('KAFKA_BROKERS is not set: there is nothing to relay to');
  const { openKafkaRelayTarget } = await import('../relay/kafka-relay-target.ts');
  const { openEventSchemas } = await import('../kafka/event-schemas.ts');
  const { createEventMessages } = await import('../kafka/event-message.ts');
  const { namespace, partitions } = options.config;
  const schemas = openEventSchemas(settings.schemas);
  const messages = createEventMessages({ schemas, generation: store.generation });
  const target = openKafkaRelayTarget({
    kafka: settings.kafka,
    namespace,
    topics: options.events.topics,
    partitions,
    encode: (event) => messages.encode(event),
    log: options.log,
  });
  return {
    port: target,
    health: () => target.health(),
    async close() {
      await target.close();
      schemas.close();
    },
  };
}

import type { KafkaOptions } from '../kafka/create-kafka.ts';
import type { EventSchemasOptions } from '../kafka/event-schemas.ts';
import type { AdapterOptions } from './opened.ts';

export interface KafkaSettings {
  readonly kafka: KafkaOptions;
  readonly schemas: EventSchemasOptions;
}

/** undefined where KAFKA_BROKERS is not set. */
export function kafkaSettings({ config, events, log }: AdapterOptions): KafkaSettings | undefined {
  const { kafkaBrokers: brokers, schemaRegistryUrl: url, kafkaUsername, kafkaPassword, namespace } = config;
  if (brokers === undefined || url === undefined) return undefined;
  const sasl =
    kafkaUsername !== undefined && kafkaPassword !== undefined
      ? { mechanism: 'scram-sha-512' as const, username: kafkaUsername, password: kafkaPassword }
      : undefined;
  return {
    kafka: { brokers, clientId: namespace, log, ssl: config.kafkaTls, ...(sasl && { sasl }) },
    schemas: { url, released: events.released(), log },
  };
}

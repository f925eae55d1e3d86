// Which engines a configuration chooses, and what it lacks: pure, for both ways to run.

import type { Config } from '../config.ts';

type Engines = Pick<
  Config,
  | 'eventStoreUrl'
  | 'kafkaBrokers'
  | 'schemaRegistryUrl'
  | 'redisUrl'
  | 'elasticsearchUrl'
  | 's3Endpoint'
  | 's3AccessKeyId'
  | 's3SecretAccessKey'
  | 'masterKey'
  | 'smtpUrl'
  | 'mailFrom'
>;

/** What must be set beside what is set: a sentence each. */
export function engineFaults(config: Engines): readonly string[] {
  const faults: string[] = [];
  if (config.kafkaBrokers && !config.schemaRegistryUrl)
    faults.push('KAFKA_BROKERS is set, so SCHEMA_REGISTRY_URL must be too: the bus carries Avro.');
  if (config.s3Endpoint && !(config.s3AccessKeyId && config.s3SecretAccessKey))
    faults.push('S3_ENDPOINT is set, so S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY must be too.');
  if (config.s3Endpoint && !config.masterKey)
    faults.push(
      'S3_ENDPOINT is set, so MASTER_KEY must be too: the vault in S3 is shared, a key made here would not be.',
    );
  if (config.smtpUrl && !config.mailFrom)
    faults.push('SMTP_URL is set, so MAIL_FROM must be too: mails need a sender that the server sends for.');
  return faults;
}

/** What each port needs so that services in several processes share it. */
const SHARED: readonly (readonly [keyof Engines, string, string])[] = [
  ['eventStoreUrl', 'EVENTSTORE_URL', 'the event store'],
  ['kafkaBrokers', 'KAFKA_BROKERS', 'the bus'],
  ['schemaRegistryUrl', 'SCHEMA_REGISTRY_URL', "the bus's schemas"],
  ['redisUrl', 'REDIS_URL', 'the read store, the live channel and quotas'],
  ['elasticsearchUrl', 'ELASTICSEARCH_URL', 'the search index'],
  ['s3Endpoint', 'S3_ENDPOINT', 'blobs and the vault'],
  ['masterKey', 'MASTER_KEY', "the vault's keys"],
];

/** Why a service cannot be started alone with this configuration; nothing when it can. */
export function faultsOfAlone(service: string, config: Engines): readonly string[] {
  const missing = SHARED.filter(([key]) => config[key] === undefined);
  if (missing.length === 0) return engineFaults(config);
  const named = missing.map(([, variable, what]) => `${variable} (${what})`).join(', ');
  return [`${service} cannot run alone on engines of its own. Not set: ${named}.`, ...engineFaults(config)];
}

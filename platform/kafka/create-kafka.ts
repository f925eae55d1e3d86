// A kafkajs client with its deadlines and retries in the open. Each consumer and transactional producer takes a client of
// its own: consumers of one client and one group share a table of committed offsets, and spoil it for each other.

import './mend-request-queue.ts';
import { Kafka, logLevel, type LogEntry, type RetryOptions, type SASLOptions } from 'kafkajs';
import type { Log } from '../logging/log.ts';

export interface KafkaOptions {
  /** `host:port` of one or more brokers to begin with. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly log: Log;
  readonly sasl?: SASLOptions;
  /** Default false. */
  readonly ssl?: boolean;
  /** Instead of `KAFKA_RETRY`, in part. */
  readonly retry?: RetryOptions;
}

/** Milliseconds. */
export const KAFKA_DEADLINES = {
  connectionTimeout: 3_000,
  authenticationTimeout: 5_000,
  requestTimeout: 10_000,
} as const;

/**
 * Within one request; who asks tries again when they are used up. `initialRetryTime` is short because one transaction
 * right after another is answered CONCURRENT_TRANSACTIONS, and waits so long: 20 ms instead of 300.
 */
export const KAFKA_RETRY = {
  initialRetryTime: 20,
  factor: 0.2,
  multiplier: 2,
  maxRetryTime: 1_000,
  retries: 8,
} as const;

/** Pure: it connects when a producer, consumer or admin made from it does. */
export const createKafka = ({ brokers, clientId, log, sasl, ssl = false, retry }: KafkaOptions): Kafka =>
  new Kafka({
    brokers: [...brokers],
    clientId,
    ssl,
    ...(sasl && { sasl }),
    ...KAFKA_DEADLINES,
    enforceRequestTimeout: true,
    retry: { ...KAFKA_RETRY, ...retry },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => say(log, entry),
  });

/** kafkajs calls each connection refused an error, several a second: what it cannot mend is thrown, and told by who catches it. */
function say(log: Log, { namespace, log: entry }: LogEntry): void {
  const { message, timestamp: _, logger: __, stack: ___, ...fields } = entry;
  log.debug({ kafka: namespace, ...fields }, `Kafka client: ${message}`);
}

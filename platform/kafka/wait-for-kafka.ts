import type { Admin, Kafka } from 'kafkajs';
import { asError, StartError } from '../errors.ts';
import { persist } from '../patience/persist.ts';
import { saySeldom } from '../patience/say-seldom.ts';
import type { Log } from '../logging/log.ts';

const TRY_EVERY_MS = 500;

/**
 * A connected admin client, once a broker answers. While none does, it says so now and then, and goes on trying.
 * Rejects with `StartError` when the broker refuses who asks, with `Interrupted` when the signal aborts.
 */
export async function waitForKafka(
  kafka: Kafka,
  { log, signal, brokers }: { readonly log: Log; readonly signal: AbortSignal; readonly brokers: readonly string[] },
): Promise<Admin> {
  const connect = async () => {
    const admin = kafka.admin({ retry: { retries: 1 } });
    try {
      await admin.connect();
      await admin.describeCluster();
      return admin;
    } catch (err) {
      // What it failed with is told by the error above; a client that never connected may fail once more.
      await admin.disconnect().catch(() => undefined);
      if (isRefusal(err)) throw new StartError(`Kafka at ${brokers.join(', ')} refuses us: ${asError(err).message}`);
      throw err;
    }
  };
  const warn = saySeldom((err: unknown) => log.warn({ err, brokers }, 'Kafka does not answer, waiting for it'));
  // The client's own errors say `retriable: false` once it has given up by itself.
  const isHopeless = (err: unknown) => err instanceof StartError;
  return persist(connect, signal, warn, { isHopeless, waitMs: () => TRY_EVERY_MS });
}

const REFUSALS = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'ILLEGAL_SASL_STATE',
  'UNSUPPORTED_SASL_MECHANISM',
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
]);

/** Whether an error of kafkajs says that we may not, which no trying again mends. */
export function isRefusal(err: unknown): boolean {
  if (typeof err !== 'object' || err === null) return false;
  const { name, type, cause } = err as { name?: unknown; type?: unknown; cause?: unknown };
  if (name === 'KafkaJSSASLAuthenticationError' || (typeof type === 'string' && REFUSALS.has(type))) return true;
  return cause !== err && isRefusal(cause);
}

// The relay's target on Kafka: one transaction per batch, with the checkpoint in it. See DESIGN.md section 7; the reasons
// are kafkajs's faults and the broker's rules, each told where it is met.

import type { Message } from 'kafkajs';
import { v7 } from 'uuid';
import { Interrupted } from '../patience/persist.ts';
import { StartError } from '../errors.ts';
import { createKafka, type KafkaOptions } from '../kafka/create-kafka.ts';
import type { EventMessage, EventMessages } from '../kafka/event-message.ts';
import { physicalTopic } from '../kafka/physical-name.ts';
import { checkTopics } from '../kafka/topics.ts';
import type { Log } from '../logging/log.ts';
import { assertAscending } from './assert-ascending.ts';
import { checkpointMessage, claimMessage } from './kafka-checkpoint.ts';
import { writeFailure } from './kafka-fencing.ts';
import { findLastWritten } from './kafka-last-written.ts';
import { openKafkaRelayMembership } from './kafka-relay-membership.ts';
import { openKafkaRelayProducer, type KafkaRelayProducer } from './kafka-relay-producer.ts';
import { within } from '../patience/within.ts';
import type {
  EncodedEvent,
  RelayCheckpoint,
  RelayLimits,
  RelaySession,
  RelayTarget,
  RelayTurn,
  RoutedEvent,
} from './relay-target.ts';

/** How long a broker may take to confirm membership, and the checkpoint topic to be read. */
const CONFIRM_MS = 15_000;
const READ_MS = 15_000;
/** A send is one record batch, which brokers refuse from 1 MiB (`message.max.bytes`) by default. */
const LIMITS: RelayLimits = { maxEvents: 5_000, maxBytes: 8 * 1_048_576, maxPartitionBytes: 768 * 1_024 };
/** Of a record in its batch: lengths and deltas. */
const RECORD_OVERHEAD = 48;

export interface KafkaRelayTargetOptions {
  /** For the clients that it makes: one for its membership, one for each session's producer. */
  readonly kafka: KafkaOptions;
  /** Relays of one namespace are one group and share one checkpoint; see `relayCheckpointTopic`. */
  readonly namespace: string;
  /** All topics that it may write to, as the relay calls them: where a lost checkpoint is looked for. */
  readonly topics: readonly string[];
  /** Of each of these. */
  readonly partitions: number;
  /** See event-message.ts. */
  readonly encode: EventMessages['encode'];
  readonly log: Log;
}

/** On the server: of one partition, compacted, and the relay's alone. */
export const relayCheckpointTopic = (namespace: string): string => `${namespace}.relay-checkpoint`;

/** At once; it waits for Kafka in `turn`. */
export function openKafkaRelayTarget(options: KafkaRelayTargetOptions): RelayTarget {
  const { namespace, encode, log } = options;
  const name = `${namespace}.relay`;
  const checkpointTopic = relayCheckpointTopic(namespace);
  const physical = new Map(options.topics.map((topic) => [topic, physicalTopic(namespace, topic)]));
  const topics = [...physical.values()];
  // What kafkajs mends by itself it calls an error, each CONCURRENT_TRANSACTIONS too; what it cannot mend is told here.
  const createClient = () => createKafka({ ...options.kafka, log: { ...log, warn: (...said) => log.debug(...said) } });
  const membership = openKafkaRelayMembership({
    createClient,
    group: name,
    topic: checkpointTopic,
    async check(admin) {
      await checkTopics(admin, topics, options.partitions);
      await checkTopics(admin, [checkpointTopic], 1);
    },
    log,
  });
  /** After a failure, membership must be confirmed anew: a relay that was frozen still believes in its own. */
  let doubtedAt = -Infinity;

  const producers = new Set<KafkaRelayProducer>();

  function doubt(what: string, err: unknown): Error {
    doubtedAt = performance.now();
    return err instanceof StartError || err instanceof Interrupted ? err : writeFailure(what, err);
  }

  async function closeProducer(producer: KafkaRelayProducer): Promise<void> {
    producers.delete(producer);
    await producer.close();
  }

  async function open(lost: AbortSignal): Promise<RelaySession> {
    const producer = openKafkaRelayProducer(createClient(), name, topics);
    producers.add(producer);
    try {
      await within(CONFIRM_MS, membership.confirmed(lost, doubtedAt), 'confirming that this relay is to work');
      await producer.fence();
      const claim = v7();
      const read = membership.checkpointBefore(claim);
      read.catch(() => undefined); // reported where it is awaited
      await producer.write([], { topic: checkpointTopic, message: claimMessage(claim) });
      const kept = await within(READ_MS, read, 'reading the checkpoint').catch((err: Error) => {
        membership.rejoin(err);
        throw err;
      });
      const checkpoint = kept ?? (await recover());
      let last = checkpoint?.position ?? 0n;
      let isUseless = false;
      return {
        checkpoint,
        async write(events, next) {
          if (isUseless) throw writeFailure('writing to Kafka', new Error('this session has failed before'));
          isUseless = true;
          assertAscending(last, events, next.position);
          try {
            await producer.write(events, { topic: checkpointTopic, message: checkpointMessage(next) });
          } catch (err) {
            throw doubt('writing to Kafka', err);
          }
          last = next.position;
          isUseless = false;
        },
        close: () => closeProducer(producer),
      };
    } catch (err) {
      await closeProducer(producer);
      throw doubt('opening a session with Kafka', err);
    }
  }

  async function recover(): Promise<RelayCheckpoint | undefined> {
    const found = await findLastWritten(createClient(), { topics, name });
    if (found)
      log.warn(
        { position: String(found.position) },
        'the relay had lost its checkpoint, and found it in the last records of the topics',
      );
    return found;
  }

  return {
    limits: LIMITS,
    async turn(signal): Promise<RelayTurn> {
      const lost = await membership.assigned(signal);
      return { lost, open: () => open(lost) };
    },
    encode: (events) => encodeAll(events, physical, encode),
    waitsFor: () => membership.waitsFor(),
    async health() {
      const reason = membership.waitsFor();
      if (reason !== null) throw new Error(reason);
    },
    async close() {
      await Promise.all([...producers].map(closeProducer));
      await membership.close();
    },
  };
}

async function encodeAll(
  events: readonly RoutedEvent[],
  physical: ReadonlyMap<string, string>,
  encode: EventMessages['encode'],
): Promise<EncodedEvent[]> {
  const encoded: EncodedEvent[] = [];
  for (const { event, topic, partition } of events) {
    const to = physical.get(topic);
    if (to === undefined) throw new StartError(`the relay was not told of topic ${topic} when it was started`);
    const found = encode(event);
    const made = found instanceof Promise ? await found : found;
    const message: Message = { ...made, partition };
    encoded.push({ topic: to, partition, position: event.position, bytes: bytesOf(made), message });
  }
  return encoded;
}

/** A record's length in its batch, about. */
function bytesOf({ key, value, headers }: EventMessage): number {
  let bytes = Buffer.byteLength(key) + value.length + RECORD_OVERHEAD;
  for (const name in headers) bytes += name.length + Buffer.byteLength(headers[name] ?? '');
  return bytes;
}

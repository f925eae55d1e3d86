// One member of a consumer group, as kafkajs has it, kept alive: a client that crashes or falls silent is thrown away and
// a new one joins. Nothing of ours runs for long in kafkajs's loop: it fetches, hands records over, and beats its heart.

import type { Batch, Consumer, Kafka, TopicPartitionOffsetAndMetadata } from 'kafkajs';
import { backOff, pause } from '../patience/back-off.ts';
import { atMost } from '../patience/within.ts';
import { asError } from '../errors.ts';
import { isRefusal } from '../kafka/wait-for-kafka.ts';
import type { Log } from '../logging/log.ts';

/** Milliseconds. A killed member's partitions move when its session ends; 6 s is the least that brokers allow by default. */
export const MEMBERSHIP = {
  sessionTimeout: 6_000,
  heartbeatInterval: 500,
  /** How long the others are waited for when the group divides its partitions anew. */
  rebalanceTimeout: 10_000,
  /** Disconnecting waits for the fetch under way. */
  maxWaitTimeInMs: 100,
  /** Without a fetch or a heartbeat for so long the client is replaced (kafkajs #659). */
  silence: 20_000,
  watchEvery: 1_000,
  join: 2_000,
  disconnect: 2_000,
} as const;
const HEARTBEAT_WHILE_FULL_MS = 250;
/** Errors of the client's own code, as opposed to the broker's: it is replaced, but not for ever. */
const MOST_DEFECTS = 3;

/** By topic on the server. */
export type Assignment = ReadonlyMap<string, readonly number[]>;

export interface FetchedBatch {
  readonly topic: string;
  readonly partition: number;
  /** The offset that was asked for. */
  readonly from: bigint;
  /** The offset after the last record, those of aborted transactions and the marks of transactions' ends included. */
  readonly next: bigint;
  readonly messages: Batch['messages'];
}

export interface MembershipOptions {
  readonly kafka: Kafka;
  readonly groupId: string;
  /** As they are called on the server. */
  readonly topics: readonly string[];
  readonly log: Log;
  /** The client has joined and fetches nothing until `resume`. Whatever it was assigned before is void. */
  readonly onAssigned: (assignment: Assignment) => void;
  /** True when the batch was taken; else it is fetched again, from where `seek` says. */
  readonly onBatch: (batch: FetchedBatch) => boolean;
  /** Only records that no reader sees stood from `from` up to `next`. */
  readonly onNothing: (nothing: Pick<FetchedBatch, 'topic' | 'partition' | 'from' | 'next'>) => void;
  /** While true, the batch just taken is the last one for now. */
  readonly isFull: () => boolean;
  /** Resolves when `isFull` may have changed. */
  readonly room: () => Promise<void>;
  /** Default `MEMBERSHIP.silence`. */
  readonly silenceMs?: number;
}

export interface Membership {
  /** Resolves with what no new client mends. */
  readonly failed: Promise<Error>;
  seek(topic: string, partition: number, offset: bigint): void;
  pause(topic: string, partition: number): void;
  resume(assignment: Assignment): void;
  /**
   * `too late`: the group has been divided anew, or this member was given up; who owns the partitions now commits them.
   * Rejects when there is no client now, or no broker.
   */
  commit(offsets: TopicPartitionOffsetAndMetadata[]): Promise<'done' | 'too late'>;
  /** Throws this client away for a new one. */
  replace(reason: Error): void;
  /** Leaves the group. */
  stop(): Promise<void>;
}

export function startMembership(options: MembershipOptions): Membership {
  const { groupId, log, silenceMs = MEMBERSHIP.silence } = options;
  const failure = Promise.withResolvers<Error>();
  const stopping = new AbortController();
  let client: { readonly consumer: Consumer; readonly end: (reason: Error) => void } | undefined;
  let defects = 0;

  /** One client's life; resolves with the reason of its end. */
  async function live(): Promise<Error> {
    const ended = Promise.withResolvers<Error>();
    const onStop = () => ended.resolve(new Error('stopped'));
    stopping.signal.addEventListener('abort', onStop, { once: true });
    const over = new AbortController();
    void ended.promise.then(() => over.abort());
    const { sessionTimeout, heartbeatInterval, rebalanceTimeout, maxWaitTimeInMs } = MEMBERSHIP;
    const consumer = options.kafka.consumer({
      groupId,
      sessionTimeout,
      heartbeatInterval,
      rebalanceTimeout,
      maxWaitTimeInMs,
      readUncommitted: false,
      allowAutoTopicCreation: false,
      // It is replaced as a whole instead, so that there is one way back.
      retry: { restartOnFailure: () => Promise.resolve(false) },
    });
    let signOfLife = performance.now();
    const alive = () => void (signOfLife = performance.now());
    const { CRASH, FETCH, HEARTBEAT, GROUP_JOIN, START_BATCH_PROCESS } = consumer.events;
    consumer.on(FETCH, alive);
    consumer.on(HEARTBEAT, alive);
    consumer.on(CRASH, ({ payload }) => ended.resolve(payload.error));
    consumer.on(GROUP_JOIN, ({ payload }) => {
      alive();
      if (over.signal.aborted) return;
      const assignment = new Map(Object.entries(payload.memberAssignment));
      consumer.pause([...assignment].map(([topic, partitions]) => ({ topic, partitions })));
      options.onAssigned(assignment);
    });
    consumer.on(START_BATCH_PROCESS, ({ payload }) => {
      const { topic, partition, batchSize, firstOffset, lastOffset } = payload;
      if (batchSize > 0 || !firstOffset || over.signal.aborted) return; // `eachBatch` gets it
      options.onNothing({ topic, partition, from: BigInt(firstOffset), next: BigInt(lastOffset) + 1n });
    });
    const watch = setInterval(() => {
      const silence = performance.now() - signOfLife;
      if (silence > silenceMs) ended.resolve(new Error(`the client was silent for ${Math.round(silence)} ms`));
    }, MEMBERSHIP.watchEvery);

    try {
      client = { consumer, end: ended.resolve };
      const running = start(consumer, over.signal).catch((err: unknown) => ended.resolve(asError(err)));
      const reason = await ended.promise;
      over.abort();
      client = undefined;
      // A member that leaves while it joins would be waited for by the others until its session ends.
      await atMost(MEMBERSHIP.join, running);
      const left = consumer.disconnect().then(() => running);
      await atMost(MEMBERSHIP.disconnect, left.then(() => consumer.disconnect()).catch(sayLateEnd));
      return reason;
    } finally {
      clearInterval(watch);
      stopping.signal.removeEventListener('abort', onStop);
    }
  }

  const sayLateEnd = (err: unknown) => log.debug({ err, group: groupId }, 'a Kafka client did not end in good order');

  async function start(consumer: Consumer, over: AbortSignal): Promise<void> {
    await consumer.connect();
    if (over.aborted) return;
    // Not the default: an offset out of range would jump to the newest record without a word.
    await consumer.subscribe({ topics: [...options.topics], fromBeginning: true });
    if (over.aborted) return;
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      async eachBatch(fetched) {
        const { batch } = fetched;
        const { topic, partition, messages } = batch;
        const last = messages.at(-1);
        if (!last || over.aborted) return;
        const from = BigInt((batch as Batch & { readonly fetchedOffset: string }).fetchedOffset);
        const taken = options.onBatch({ topic, partition, from, next: BigInt(batch.lastOffset()) + 1n, messages });
        if (!taken) return;
        fetched.resolveOffset(last.offset);
        // The partition keeps its owner for as long as work is under way, however long it takes.
        while (options.isFull() && !over.aborted) {
          await atMost(HEARTBEAT_WHILE_FULL_MS, options.room(), over);
          if (!over.aborted) await fetched.heartbeat();
        }
      },
    });
  }

  async function run(): Promise<void> {
    for (let attempt = 1; !stopping.signal.aborted; attempt++) {
      const began = performance.now();
      const reason = await live();
      if (stopping.signal.aborted) return;
      if (isRefusal(reason) || (isDefect(reason) && ++defects > MOST_DEFECTS)) {
        failure.resolve(reason);
        return;
      }
      if (performance.now() - began > 60_000) attempt = 1;
      log.warn({ err: reason, group: groupId }, 'a Kafka consumer broke off, and begins again');
      await pause(backOff(attempt, 100, 2_000), stopping.signal);
    }
  }

  const running = run();
  return {
    failed: failure.promise,
    seek: (topic, partition, offset) => client?.consumer.seek({ topic, partition, offset: String(offset) }),
    pause: (topic, partition) => client?.consumer.pause([{ topic, partitions: [partition] }]),
    resume: (assignment) =>
      client?.consumer.resume([...assignment].map(([topic, partitions]) => ({ topic, partitions: [...partitions] }))),
    async commit(offsets) {
      if (!client) throw new Error('there is no Kafka client now');
      try {
        await client.consumer.commitOffsets(offsets);
        return 'done';
      } catch (err) {
        if (!TOO_LATE.has(typeOf(err))) throw err;
        return 'too late';
      }
    },
    replace: (reason) => client?.end(reason),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

const TOO_LATE = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);

/** The broker's name for an error; kafkajs wraps it when it gives up. */
function typeOf(err: unknown): string {
  const { type, cause } = err as { readonly type?: unknown; readonly cause?: unknown };
  if (typeof type === 'string') return type;
  return cause instanceof Error && cause !== err ? typeOf(cause) : '';
}

/** kafkajs stops for good at these, wherever they come from (its retry/index.js); ours never run in its loop. */
const isDefect = (err: Error): boolean =>
  ['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError'].includes(err.name) ||
  (err.cause instanceof Error && err.cause !== err && isDefect(err.cause));

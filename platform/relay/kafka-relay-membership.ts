// A relay's place in the consumer group on the checkpoint topic, and its reader of that topic. The group has one member
// assigned at a time; that is liveness, not safety: a frozen member learns late that it lost the partition.

import type { Admin, Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { backOff, pause } from '../patience/back-off.ts';
import { Interrupted } from '../patience/persist.ts';
import { saySeldom } from '../patience/say-seldom.ts';
import { within } from '../patience/within.ts';
import { asError, StartError } from '../errors.ts';
import type { Log } from '../logging/log.ts';
import { readCheckpointRecord } from './kafka-checkpoint.ts';
import { createIncumbentAssigner } from './kafka-incumbent-assigner.ts';
import type { RelayCheckpoint } from './relay-target.ts';

/** The shortest that brokers allow by default: how long the work stands still after a kill -9, mostly. */
const SESSION_MS = 6_000;
const HEARTBEAT_MS = 500;
/** kafkajs sends heartbeats between fetches. Nobody waits for checkpoints but a session that opens, so a fetch gathers. */
const FETCH_WAIT_MS = 250;
const FETCH_BYTES = 65_536;
/** kafkajs's consumers have been seen to stall without a word: one that was told nothing for so long is made anew. */
const SILENCE_MS = 20_000;
const LEAVE_MS = 5_000;

export interface KafkaRelayMembership {
  /** Resolves when this member is the one assigned; the signal answered aborts when it is no longer. */
  assigned(signal: AbortSignal): Promise<AbortSignal>;
  /** Resolves once the broker has confirmed after `since` (of performance.now) that it is still the one. */
  confirmed(lost: AbortSignal, since: number): Promise<void>;
  /** The last checkpoint before this claim, which must be in the topic or on its way. */
  checkpointBefore(claim: string): Promise<RelayCheckpoint | undefined>;
  /** Leaves the group and joins anew, with new connections. */
  rejoin(why: Error): void;
  /** Why the broker is out of reach; null while it answers. */
  waitsFor(): string | null;
  close(): Promise<void>;
}

export interface KafkaRelayMembershipOptions {
  /** Each consumer takes a client of its own. */
  readonly createClient: () => Kafka;
  readonly group: string;
  /** Of the checkpoints: one partition. */
  readonly topic: string;
  /** Once, before it joins: rejects with `StartError` when the topics are not as they must be. */
  readonly check: (admin: Admin) => Promise<void>;
  readonly log: Log;
}

interface Tenure {
  readonly memberId: string;
  readonly ended: AbortController;
}

export function openKafkaRelayMembership(options: KafkaRelayMembershipOptions): KafkaRelayMembership {
  const { createClient, group, topic, check, log } = options;
  const closing = new AbortController();
  const waiting = new Set<() => void>();
  const claims = new Map<string, (checkpoint: RelayCheckpoint | undefined) => void>();
  let tenure: Tenure | undefined;
  let heardAt = -Infinity;
  let tenureHeardAt = 0;
  let latest: RelayCheckpoint | undefined;
  let hopeless: StartError | undefined;
  let isChecked = false;
  let trouble: string | undefined = 'it has not been reached yet';
  let leave: (why: Error) => void = () => undefined;

  const tell = () => {
    for (const look of waiting) look();
  };

  /** Resolves with what `look` answers once that is something. */
  function until<T>(look: () => T | undefined, signals: readonly AbortSignal[]): Promise<T> {
    const ended = AbortSignal.any([...signals, closing.signal]);
    return new Promise((resolve, reject) => {
      const again = () => {
        const found = hopeless || ended.aborted ? undefined : look();
        if (found === undefined && !ended.aborted && !hopeless) return;
        waiting.delete(again);
        ended.removeEventListener('abort', again);
        if (found !== undefined) resolve(found);
        else reject(hopeless ?? new Interrupted('the turn ended'));
      };
      waiting.add(again);
      ended.addEventListener('abort', again);
      again();
    });
  }

  function endTenure() {
    tenure?.ended.abort();
    tenure = undefined;
    tenureHeardAt = 0;
  }

  function heard() {
    heardAt = performance.now();
    trouble = undefined;
    if (tenure) tenureHeardAt = Date.now();
  }

  function joined(memberId: string, partitions: readonly number[] | undefined) {
    const isMine = partitions?.includes(0) ?? false;
    // Another member id: the broker had forgotten this one, and another may have worked in between.
    if (!isMine || tenure?.memberId !== memberId) endTenure();
    if (isMine) tenure ??= { memberId, ended: new AbortController() };
    heard();
    log.info({ group, memberId, assigned: isMine }, isMine ? 'this relay is to work' : 'this relay waits for its turn');
    tell();
  }

  async function take(payload: EachBatchPayload): Promise<void> {
    for (const message of payload.batch.messages) {
      try {
        const record = readCheckpointRecord(topic, message);
        if (!('claim' in record)) latest = record;
        else claims.get(record.claim)?.(latest);
      } catch (err) {
        hopeless = err as StartError;
        tell();
      }
      payload.resolveOffset(message.offset);
    }
  }

  async function checkOnce(): Promise<void> {
    if (isChecked) return;
    const admin = createClient().admin();
    await admin.connect();
    try {
      await check(admin);
      isChecked = true;
    } catch (err) {
      if (err instanceof StartError) hopeless = err;
      throw err;
    } finally {
      await admin.disconnect();
    }
  }

  /** Ends, always by a rejection, when the consumer is of no more use. */
  async function consume(consumer: Consumer): Promise<never> {
    const gone = Promise.withResolvers<never>();
    leave = (why) => gone.reject(why);
    const { GROUP_JOIN, HEARTBEAT, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => joined(payload.memberId, payload.memberAssignment[topic]));
    consumer.on(HEARTBEAT, () => {
      heard();
      tell();
    });
    consumer.on(CRASH, ({ payload }) => gone.reject(payload.error));
    const started = performance.now();
    const watch = setInterval(() => {
      if (performance.now() - Math.max(heardAt, started) > SILENCE_MS) gone.reject(new Error('the broker fell silent'));
    }, 1_000);
    try {
      const work = async () => {
        await checkOnce();
        await consumer.connect();
        await consumer.subscribe({ topic, fromBeginning: true });
        await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: take });
        return gone.promise;
      };
      return await Promise.race([work(), gone.promise]);
    } finally {
      clearInterval(watch);
    }
  }

  async function stayJoined(): Promise<void> {
    const warn = saySeldom((err: unknown) => log.warn({ err, group, topic }, 'the relay lost Kafka, and joins again'));
    const isOver = () => closing.signal.aborted || hopeless !== undefined;
    for (let attempt = 1; !isOver(); attempt++) {
      const began = performance.now();
      const consumer = createClient().consumer({
        groupId: group,
        sessionTimeout: SESSION_MS,
        rebalanceTimeout: SESSION_MS,
        heartbeatInterval: HEARTBEAT_MS,
        maxWaitTimeInMs: FETCH_WAIT_MS,
        minBytes: FETCH_BYTES,
        allowAutoTopicCreation: false,
        partitionAssigners: [createIncumbentAssigner(() => tenureHeardAt)],
        // For about as long as a session lasts it tries as the member that it is: a new one would wait until the broker
        // gives the old one up. After that the consumer crashes, and the next one is made below.
        retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 15, restartOnFailure: async () => false },
      });
      try {
        await consume(consumer);
      } catch (err) {
        if (!closing.signal.aborted) {
          trouble = asError(err).message;
          warn(err);
        }
      }
      endTenure();
      tell();
      await within(LEAVE_MS, consumer.disconnect(), 'leaving the group').catch((err: unknown) =>
        log.warn({ err, group }, 'the relay could not leave its group; the broker will drop it'),
      );
      if (performance.now() - began > SILENCE_MS) attempt = 1;
      await pause(backOff(attempt, 50, 1_000), closing.signal);
    }
  }

  const running = stayJoined();
  return {
    assigned: (signal) => until(() => tenure?.ended.signal, [signal]),
    confirmed: async (lost, since) => void (await until(() => (heardAt > since ? true : undefined), [lost])),
    checkpointBefore(claim) {
      const found = Promise.withResolvers<RelayCheckpoint | undefined>();
      claims.set(claim, found.resolve);
      // At most two claims' worth is kept: an open that was given up must not leave its own for ever.
      for (const old of [...claims.keys()].slice(0, -2)) claims.delete(old);
      return Promise.race([found.promise, until<never>(() => undefined, [])]);
    },
    rejoin: (why) => leave(why),
    waitsFor() {
      if (hopeless) return hopeless.message;
      if (trouble !== undefined) return `Kafka: ${trouble}`;
      const silence = performance.now() - heardAt;
      return silence > 2 * SESSION_MS ? `Kafka has not answered for ${Math.round(silence / 1_000)} s` : null;
    },
    async close() {
      closing.abort();
      leave(new Interrupted('the relay stops'));
      endTenure();
      tell();
      await running;
    },
  };
}

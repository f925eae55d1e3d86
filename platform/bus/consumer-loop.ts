// The loop of a worker group: one handler call per event, in order per stream, several streams at a time. What fails is
// tried again with back-off; what keeps failing is parked as a dead letter of its stream, or stops the group, as it is told.

import type { RecordedEvent } from '#events/envelope.ts';
import type { EventStore } from '../event-store/event-store.ts';
import { readWholeStream } from '../event-store/read-whole-stream.ts';
import type { Log } from '../logging/log.ts';
import { backOff, pause } from '../patience/back-off.ts';
import { Interrupted, persist } from '../patience/persist.ts';
import { asError, isFinal, isTransient } from '../errors.ts';
import { createBell } from '../patience/bell.ts';
import { type Bus, type Consumer, type Delivery } from './bus.ts';
import { partitionName } from '../positions.ts';
import { loadDeadLetters, type DeadLetters, type DeadLetterStore } from './dead-letters.ts';
import { type LetterRequestSource, startLetterRequests } from './letter-requests.ts';

export interface EventContext {
  /** 1 for the first try. */
  readonly attempt: number;
  /** Aborts when the loop stops: what then ends without success comes again at the next start. */
  readonly signal: AbortSignal;
}

export interface ConsumerLoopOptions {
  readonly bus: Bus;
  readonly group: string;
  readonly topics: readonly string[];
  readonly store: Pick<EventStore, 'readStream'>;
  readonly letters: DeadLetterStore;
  readonly log: Log;
  /** Events that it does not accept are done at once. */
  readonly accepts?: (event: RecordedEvent) => boolean;
  /** Must bear the same event again. An error with `retriable: true` is tried again for as long as it takes. */
  readonly handle: (event: RecordedEvent, context: EventContext) => Promise<void>;
  /** What becomes of a stream whose event fails `attempts` times. `retry` goes on trying. */
  readonly afterFailures: 'park' | 'stop' | 'retry';
  /** Default 5. */
  readonly attempts?: number;
  /** Milliseconds before the second try, doubled for each further one; default 50. */
  readonly firstPause?: number;
  /** Streams worked on at a time; default 1. */
  readonly concurrency?: number;
  readonly maxBatch?: number;
  /** What administrators ask to be done with its dead letters. */
  readonly letterRequests?: LetterRequestSource;
  /** The topic of a stream; without it a stream may be in any topic of the group. */
  readonly topicOf?: (stream: string) => string | undefined;
  readonly observe?: {
    handled?(event: RecordedEvent, milliseconds: number): void;
    failed?(event: RecordedEvent, attempt: number): void;
    parked?(event: RecordedEvent): void;
  };
}

export type RetryOutcome = 'done' | 'parked again' | 'not parked';

export interface ConsumerLoop {
  readonly failed: Promise<Error>;
  lag(): Promise<number>;
  caughtUp(): boolean;
  /** False while something is being tried again, and after it stopped by itself. */
  ready(): boolean;
  deadLetters(): readonly { readonly stream: string; readonly revision: number }[];
  /** Handles the stream from its failed event on, as the log has it now, and deletes the letter. */
  retryDeadLetter(stream: string): Promise<RetryOutcome>;
  /** Gives the failed event up, and handles what came after it. */
  discardDeadLetter(stream: string): Promise<RetryOutcome>;
  stop(): Promise<void>;
}

/** How often rows are read again: partitions that came to this member may have letters of another's. */
const RELOAD_MS = 5_000;

/** Whether the event is done with, for now or for good. */
type Outcome = 'done' | 'parked';

export async function startConsumerLoop(options: ConsumerLoopOptions): Promise<ConsumerLoop> {
  const { bus, group, topics, store, log, handle, afterFailures, observe } = options;
  const { attempts = 5, concurrency = 1, maxBatch = 100, firstPause, accepts = () => true } = options;
  const stopping = new AbortController();
  const broken = Promise.withResolvers<Error>();
  const slotFree = createBell();
  /** The last work on each stream that has some: what comes next for the stream waits for it. */
  const tails = new Map<string, Promise<void>>();
  let working = 0;
  let failing = 0;
  let dead = false;
  let consumer: Consumer | undefined;

  const trying = (what: string) => (err: unknown, attempt: number) => log.warn({ err, group, attempt }, what);
  const letters: DeadLetters = await persist(
    () => loadDeadLetters(options.letters, group),
    stopping.signal,
    trying('dead letters cannot be read, trying again'),
  );

  function breakDown(err: unknown) {
    if (dead) return;
    dead = true;
    log.error({ err, group }, 'a consumer group stopped by itself');
    broken.resolve(asError(err));
    stopping.abort();
    slotFree.ring();
    void consumer?.stop();
  }

  async function park(event: RecordedEvent, err: unknown, tries: number): Promise<Outcome> {
    const error = asError(err).message;
    const letter = { stream: event.stream, revision: event.revision, eventId: event.id, error, attempts: tries };
    await persist(() => letters.park(letter), stopping.signal, trying('a dead letter cannot be written, trying again'));
    log.error({ err, group, stream: event.stream, revision: event.revision }, 'a stream was parked as a dead letter');
    observe?.parked?.(event);
    return 'parked';
  }

  async function handleOne(event: RecordedEvent): Promise<Outcome> {
    let counted = 0;
    let inTrouble = false;
    try {
      for (let attempt = 1; ; attempt++) {
        if (stopping.signal.aborted) throw new Interrupted('stopped before the event was done');
        const began = performance.now();
        try {
          await handle(event, { attempt, signal: stopping.signal });
          observe?.handled?.(event, performance.now() - began);
          return 'done';
        } catch (err) {
          if (stopping.signal.aborted) throw new Interrupted('stopped before the event was done', { cause: err });
          observe?.failed?.(event, attempt);
          if ((err as { code?: unknown }).code === 'log-is-newer') throw err;
          if (!isTransient(err)) counted++;
          if (afterFailures !== 'retry' && (counted >= attempts || isFinal(err))) {
            if (afterFailures === 'park') return await park(event, err, attempt);
            throw err;
          }
          log.warn(
            { err, group, stream: event.stream, revision: event.revision, attempt },
            'an event failed, trying again',
          );
          if (!inTrouble) failing++;
          inTrouble = true;
          await pause(backOff(attempt, firstPause), stopping.signal);
        }
      }
    } finally {
      if (inTrouble) failing--;
    }
  }

  /** Runs after all earlier work on the stream. Never rejects: what cannot be borne stops the loop. */
  function onStream(stream: string, work: () => Promise<void>): Promise<void> {
    const before = tails.get(stream);
    const mine = (before ? before.then(work) : work()).catch((err: unknown) => {
      if (!(err instanceof Interrupted)) breakDown(err);
    });
    const tail = mine.finally(() => {
      if (tails.get(stream) === tail) tails.delete(stream);
    });
    tails.set(stream, tail);
    return tail;
  }

  const isFull = () => working >= concurrency && !stopping.signal.aborted;

  /** Partitions that have come to this member bring letters with them that another one wrote. */
  let held: ReadonlySet<string> | undefined;
  async function readLettersOfNewPartitions(): Promise<void> {
    const now = new Set(consumer?.positions().keys());
    const gained = held !== undefined && [...now].some((partition) => !held?.has(partition));
    held = now;
    if (!gained) return;
    await persist(() => letters.reload(), stopping.signal, trying('dead letters cannot be read, trying again'));
    requests?.again();
  }

  async function take(batch: readonly Delivery[], ack: (delivery: Delivery) => void): Promise<void> {
    if (afterFailures === 'park') await readLettersOfNewPartitions().catch(unlessStopping);
    for (const delivery of batch) {
      const { event } = delivery;
      if (!accepts(event)) {
        ack(delivery);
        continue;
      }
      while (isFull()) await slotFree.wait();
      if (stopping.signal.aborted) return;
      working++;
      void onStream(event.stream, async () => {
        if (!letters.skips(event.stream, event.revision) && !letters.isDiscarded(event.stream, event.revision)) {
          await handleOne(event);
        }
        ack(delivery);
      }).finally(() => {
        working--;
        slotFree.ring();
      });
    }
  }

  function unlessStopping(err: unknown): void {
    if (!(err instanceof Interrupted)) throw err;
  }

  async function again(stream: string, discard: boolean): Promise<RetryOutcome> {
    let outcome: RetryOutcome = 'not parked';
    await onStream(stream, async () => {
      const letter = letters.find(stream);
      if (!letter) return;
      const patiently = <T>(work: () => Promise<T>) =>
        persist(work, stopping.signal, trying('a dead letter cannot be taken up, trying again'));
      if (discard) await patiently(() => letters.discard(stream));
      const events = await patiently(() => readWholeStream(store, stream, letter.revision));
      for (const event of events) {
        if (letters.isDiscarded(stream, event.revision) || !accepts(event)) continue;
        if ((await handleOne(event)) === 'parked') {
          outcome = 'parked again';
          return;
        }
      }
      await patiently(() => letters.release(stream));
      outcome = 'done';
    });
    return outcome;
  }

  let requests: ReturnType<typeof startLetterRequests> | undefined;
  const member = await bus.consume({ group, topics, maxBatch, handle: take });
  consumer = member;
  void member.failed.then(breakDown);

  const owns = (stream: string) => {
    const topic = options.topicOf?.(stream);
    const mine = member.positions();
    return topics.some((one) => (topic ?? one) === one && mine.has(partitionName(one, bus.partitionOf(one, stream))));
  };
  const { letterRequests: source } = options;
  const discard = (stream: string, revision: number) => letters.discard(stream, revision);
  if (source) requests = startLetterRequests({ source, group, letters, owns, takeUp: again, discard, log });
  const reloading = setInterval(() => {
    if (afterFailures !== 'park' || dead) return;
    letters.reload().catch((err: unknown) => log.warn({ err, group }, 'dead letters cannot be read again'));
  }, RELOAD_MS);
  reloading.unref();

  return {
    failed: broken.promise,
    lag: () => member.lag(),
    caughtUp: () => member.caughtUp(),
    ready: () => !dead && failing === 0,
    deadLetters: () => letters.list(),
    retryDeadLetter: (stream) => again(stream, false),
    discardDeadLetter: (stream) => again(stream, true),
    async stop() {
      stopping.abort();
      clearInterval(reloading);
      slotFree.ring();
      await Promise.all([...tails.values(), requests?.stop()]);
      await member.stop();
      await Promise.all(tails.values());
    },
  };
}

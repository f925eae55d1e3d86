// The loop of workers whose events are each a piece of work of its own (a mail, a call to elsewhere): takes events from the
// bus, does the work of several at once, tries again what may pass, and parks what will not as a dead letter.
// At least once: an event that is done is written down, but work whose process died right after it is done again, so it
// must do no harm twice.
// Unlike a projection's, a dead letter holds up no later event of its stream; of several events of a stream that are
// parked the latest stands.

import { bulkhead } from 'cockatiel';
import type { RecordedEvent } from '#events/envelope.ts';
import type { Bus, Delivery } from '../bus/bus.ts';
import type { DeadLetter } from '../bus/dead-letter-rows.ts';
import { loadDeadLetters } from '../bus/dead-letters.ts';
import type { LetterReports } from '../bus/letter-reports.ts';
import { type LetterRequestSource, startLetterRequests } from '../bus/letter-requests.ts';
import { asError, isFinal, isTransient } from '../errors.ts';
import type { EventStore } from '../event-store/event-store.ts';
import type { Log } from '../logging/log.ts';
import { backOff } from '../patience/back-off.ts';
import { createBell } from '../patience/bell.ts';
import { Interrupted, persist } from '../patience/persist.ts';
import { atMost } from '../patience/within.ts';
import { partitionName } from '../positions.ts';
import type { ReadStore } from '../read-store/read-store.ts';
import { isLogNewer } from '../projection/projection-errors.ts';

export interface WorkerPatience {
  /** Tries of an event whose error says nothing of whether another helps. */
  readonly attempts: number;
  /** Milliseconds before the second try; doubled for each further one, */
  readonly firstPauseMs: number;
  /** up to this. */
  readonly longestPauseMs: number;
  /** What may pass is tried again for so many milliseconds, then parked. */
  readonly giveUpAfterMs: number;
}

const PATIENCE: WorkerPatience = {
  attempts: 3,
  firstPauseMs: 1_000,
  longestPauseMs: 5 * 60_000,
  giveUpAfterMs: 24 * 3_600_000,
};

export interface WorkerOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly bus: Bus;
  readonly store: Pick<EventStore, 'readStream'>;
  /** Keeps the dead letters, and for a while which events are done. */
  readonly readStore: ReadStore;
  readonly topicOf: (stream: string) => string | undefined;
  /** Whether an event is work at all. */
  readonly concerns: (event: RecordedEvent) => boolean;
  /**
   * Does the work of one event. An error with `retriable: false` parks it, with `retriable: true` it is tried again for long,
   * any other a few times.
   */
  readonly work: (event: RecordedEvent) => Promise<void>;
  /** What administrators ask to be done with the group's dead letters. */
  readonly letterRequests: LetterRequestSource;
  /** Told of each of its dead letters. */
  readonly letterReports: Pick<LetterReports, 'tell'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log: Log;
  readonly patience?: Partial<WorkerPatience>;
  readonly observe?: {
    /** An event's work is done, after so many milliseconds in all. */
    done?(milliseconds: number): void;
    retried?(): void;
    parked?(): void;
  };
}

export interface RunningWorker {
  /** Resolves with the reason when it stopped by itself. */
  readonly failed: Promise<Error>;
  lag(): Promise<number>;
  /** Lets what is being done end, for a short time; the rest comes again after the next start. */
  stop(): Promise<void>;
}

/** Events worked on at once, */
const AT_ONCE = 8;
/** and taken and not ended: those that wait for another try must not keep the others from theirs. */
const WINDOW = 1_000;
/** How much longer than an event can be tried it is known to be done: the bus may bring it again until all before it are. */
const REMEMBERED_TIMES = 2;
const DRAIN_MS = 3_000;

export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { group, bus, store, readStore, log, observe, now } = options;
  const patience = { ...PATIENCE, ...options.patience };
  const stopping = new AbortController();
  const { signal } = stopping;
  const failure = Promise.withResolvers<Error>();
  const places = bulkhead(AT_ONCE, Infinity);
  const room = createBell();
  /** By event: what is told when it has ended. */
  const open = new Map<string, { readonly ended: Promise<void>; readonly acks: (() => void)[] }>();

  const patiently = <T>(what: string, work: () => Promise<T>): Promise<T> =>
    persist(work, signal, (err) => log.warn({ err, group }, `${what}, trying again`));
  const letters = await patiently('the dead letters cannot be read', () => loadDeadLetters(readStore, group));

  const report = (letter: DeadLetter | undefined) => letter && options.letterReports.tell(letter);
  // Who parked them may have died before the log was told.
  letters.list().forEach(report);
  const doneKey = ({ id }: RecordedEvent) => `done:${group}:${id}`;
  const isDone = async (event: RecordedEvent) => (await readStore.get([doneKey(event)]))[0] !== undefined;
  const remember = (event: RecordedEvent) =>
    readStore.apply([
      {
        key: doneKey(event),
        revision: event.revision,
        value: true,
        expiresAt: now() + REMEMBERED_TIMES * patience.giveUpAfterMs,
      },
    ]);

  async function tryLong(event: RecordedEvent, tries: { count: number }): Promise<void> {
    const { stream, revision } = event;
    await persist(
      async (attempt) => {
        tries.count = attempt;
        await places.execute(() => options.work(event));
      },
      signal,
      (err, attempt) => {
        log.warn({ err, group, stream, revision, attempt }, 'the work of an event failed, trying again');
        observe?.retried?.();
      },
      {
        isHopeless: (err) => isFinal(err) || (!isTransient(err) && tries.count >= patience.attempts),
        waitMs: (failures) => backOff(failures, patience.firstPauseMs, patience.longestPauseMs),
        until: performance.now() + patience.giveUpAfterMs,
      },
    );
  }

  async function park({ stream, revision, id: eventId }: RecordedEvent, err: unknown, attempts: number): Promise<void> {
    const error = asError(err).message;
    await patiently('a dead letter cannot be written', () =>
      letters.park({ stream, revision, eventId, error, attempts }),
    );
    report(letters.find(stream));
    log.error({ err, group, stream, revision }, 'an event was parked as a dead letter');
    observe?.parked?.();
  }

  /** Ends with the event done or parked; or throws, and it stays unacknowledged. */
  async function handle(event: RecordedEvent): Promise<'done' | 'parked'> {
    const began = performance.now();
    const tries = { count: 0 };
    if (await patiently('what is done cannot be read', () => isDone(event))) return 'done';
    try {
      await tryLong(event, tries);
    } catch (err) {
      if (err instanceof Interrupted || isLogNewer(err)) throw err;
      await park(event, err, tries.count);
      return 'parked';
    }
    await patiently('what is done cannot be written', () => remember(event));
    observe?.done?.(performance.now() - began);
    return 'done';
  }

  type After = (outcome: 'done' | 'parked') => Promise<void>;

  async function run(event: RecordedEvent, acks: readonly (() => void)[], after: After | undefined): Promise<void> {
    try {
      const outcome = await handle(event);
      await after?.(outcome);
      for (const acknowledge of acks) acknowledge();
    } catch (err) {
      // What a stop cut off comes again after the next start.
      if (!signal.aborted) failure.resolve(asError(err));
    } finally {
      open.delete(event.id);
      room.ring();
    }
  }

  function begin(event: RecordedEvent, acks: (() => void)[], after?: After): void {
    const known = open.get(event.id);
    if (known) known.acks.push(...acks);
    else open.set(event.id, { acks, ended: run(event, acks, after) });
  }

  const isEnded = ({ stream, revision }: RecordedEvent) =>
    letters.isDiscarded(stream, revision) || letters.find(stream)?.revision === revision;

  async function take(deliveries: readonly Delivery[], ack: (delivery: Delivery) => void): Promise<void> {
    for (const delivery of deliveries) {
      const { event } = delivery;
      if (!options.concerns(event) || isEnded(event)) ack(delivery);
      else begin(event, [() => ack(delivery)]);
    }
    while (open.size >= WINDOW && !signal.aborted) await room.wait();
  }

  /** The work of a parked event, once more; or not, for good. */
  async function takeUp(stream: string, discard: boolean): Promise<void> {
    const letter = letters.find(stream);
    if (!letter) return;
    const { revision } = letter;
    const release = () => patiently('a dead letter cannot be deleted', () => letters.release(stream));
    if (discard) {
      await patiently('a dead letter cannot be discarded', () => letters.discard(stream));
      return release();
    }
    const [event] = await patiently('a parked event cannot be read', () =>
      store.readStream(stream, { from: revision, limit: 1 }),
    );
    if (!event) throw new Error(`${stream} has no event ${revision}, which is parked`);
    begin(event, [], async (outcome) => {
      // Another event of the stream may have been parked meanwhile.
      if (outcome === 'done' && letters.find(stream)?.revision === revision) await release();
    });
  }

  let requests: ReturnType<typeof startLetterRequests> | undefined;
  const consumer = await bus.consume({
    group,
    topics: options.topics,
    maxBatch: 100,
    // The letters of partitions that come to this member are others' work.
    assigned: async () => {
      await patiently('the dead letters cannot be read', () => letters.reload()).catch(unlessStopping);
      letters.list().forEach(report);
      requests?.again();
    },
    handle: take,
  });

  function unlessStopping(err: unknown): void {
    if (!(err instanceof Interrupted)) throw err;
  }

  const owns = (stream: string) => {
    const topic = options.topicOf(stream);
    return topic !== undefined && consumer.positions().has(partitionName(topic, bus.partitionOf(topic, stream)));
  };
  requests = startLetterRequests({ source: options.letterRequests, group, letters, owns, takeUp, log });

  return {
    failed: Promise.race([failure.promise, consumer.failed]),
    lag: () => consumer.lag(),
    async stop() {
      stopping.abort();
      room.ring();
      await atMost(DRAIN_MS, Promise.all([...open.values()].map(({ ended }) => ended)));
      await Promise.all([consumer.stop(), requests.stop()]);
    },
  };
}

// The projector loop: takes a projection's events from the bus, applies them, and wakes those who wait for its positions.

import type { RecordedEvent } from '#events/envelope.ts';
import { Interrupted, persist } from '../patience/persist.ts';
import { pause } from '../patience/back-off.ts';
import type { Bus, Delivery } from '../bus/bus.ts';
import type { Positions } from '../positions.ts';
import { partitionName } from '../positions.ts';
import type { DeadLetter } from '../bus/dead-letter-rows.ts';
import { loadDeadLetters } from '../bus/dead-letters.ts';
import type { LetterReports } from '../bus/letter-reports.ts';
import { type LetterRequestSource, startLetterRequests } from '../bus/letter-requests.ts';
import type { EventStore } from '../event-store/event-store.ts';
import type { LiveChannel } from '../live-channel/live-channel.ts';
import type { Log } from '../logging/log.ts';
import type { ReadStore } from '../read-store/read-store.ts';
import type { SearchIndex } from '../search-index/search-index.ts';
import { createDocumentTarget } from './document-target.ts';
import { createEventRowTarget } from './event-row-target.ts';
import type { StreamBatch } from './fold-stream.ts';
import { type OpenEvent, projectionChannel, type Projection } from './projection.ts';
import type { ProjectionTarget } from './projection-target.ts';
import { createStreamProjector } from './stream-projector.ts';
import { createStreamRowTarget } from './stream-row-target.ts';
import { createStreamRowsTarget } from './stream-rows-target.ts';

export interface ProjectionOptions {
  readonly projection: Projection;
  readonly bus: Bus;
  readonly store: Pick<EventStore, 'readStream'>;
  /** Holds the dead letters of every kind of projection, and the documents. */
  readonly readStore: ReadStore;
  /** Holds the documents, if they are under other names than they are written by (see versions.ts). */
  readonly documents?: Pick<ReadStore, 'get' | 'apply' | 'positions'>;
  readonly searchIndex: SearchIndex;
  readonly live: Pick<LiveChannel, 'publish'>;
  readonly log: Log;
  /** What administrators ask to be done with its dead letters. */
  readonly letterRequests?: LetterRequestSource;
  /** Told of each of its dead letters. */
  readonly letterReports?: Pick<LetterReports, 'tell'>;
  /** Aborting it gives up the start. */
  readonly signal?: AbortSignal;
  /** The topic of a stream; without it a stream may be in any topic of the projection. */
  readonly topicOf?: (stream: string) => string | undefined;
  readonly open?: OpenEvent;
  readonly maxBatch?: number;
  /** How often an event may fail before its stream is parked; default 3. */
  readonly attempts?: number;
  /** Milliseconds before the second try, doubled for each further one; default 50. */
  readonly firstPause?: number;
  /** Given the events of each batch once they are written. */
  readonly onWritten?: (events: readonly Delivery[]) => void;
  readonly observe?: {
    applied?(projection: string, batch: { readonly events: number; readonly milliseconds: number }): void;
    parked?(projection: string, stream: string): void;
  };
}

export interface RunningProjection {
  readonly name: string;
  /** Resolves with the reason when it stopped by itself. */
  readonly failed: Promise<Error>;
  lag(): Promise<number>;
  /** True once it has caught up with the log, and while no store fails it. */
  ready(): boolean;
  /** Up to where (inclusive) it is done with the whole log; undefined while another member works. */
  position(): bigint | undefined;
  /** Writes down the positions of partitions in which nothing came. */
  writePositions(): Promise<void>;
  deadLetters(): readonly DeadLetter[];
  /** Applies the stream from its failed event on, as the log has it now, and deletes the letter. */
  retryDeadLetter(stream: string): Promise<'done' | 'parked again' | 'not parked'>;
  /** Gives the failed event up for good, and applies what came after it. */
  discardDeadLetter(stream: string): Promise<'done' | 'parked again' | 'not parked'>;
  stop(): Promise<void>;
}

/**
 * Milliseconds between the beginnings of batches that are not full: a few larger transactions cost much less than many
 * small ones. Batches of a few events mean that there is little to do, and somebody who waits to read them; but one that
 * took long means a store, or a machine, that is better asked less often.
 */
const PACE = { few: 16, fewMs: 5, manyMs: 50, times: 4, mostMs: 250 } as const;
/** How often the positions of partitions without events are written down. */
const IDLE_POSITIONS_MS = 5_000;

export async function startProjection(options: ProjectionOptions): Promise<RunningProjection> {
  const { projection, bus, store, readStore, searchIndex, live, log, observe } = options;
  const { maxBatch = 1_000, attempts = 3, firstPause = 50 } = options;
  const { name, topics } = projection;
  const stopping = new AbortController();
  const giveUp = () => stopping.abort();
  options.signal?.addEventListener('abort', giveUp, { once: true });
  let troubles = 0;
  let dead = false;
  let ending = false;

  if (projection.kind !== 'document') await searchIndex.define(projection.index);
  const target = createTarget(projection, options.documents ?? readStore, searchIndex);
  const letters = await persist(
    () => loadDeadLetters(readStore, name),
    stopping.signal,
    (err) => log.warn({ err, projection: name }, 'the dead letters cannot be read, trying again'),
  );
  const report = (letter: DeadLetter | undefined) => letter && options.letterReports?.tell(letter);
  const projector = createStreamProjector({
    name,
    target,
    store,
    letters,
    open: options.open,
    attempts,
    firstPause,
    signal: stopping.signal,
    log,
    onTrouble(troubled) {
      troubles += troubled ? 1 : -1;
      if (ending && troubled) stopping.abort();
    },
    onParked(stream) {
      report(letters.find(stream));
      observe?.parked?.(name, stream);
    },
  });

  /** What runs here runs alone: batches, dead letters, positions. */
  let turn: Promise<unknown> = Promise.resolve();
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  }

  let reached: Positions = new Map();
  async function advance(batches: readonly StreamBatch[], positions: Positions): Promise<void> {
    const moved = new Map([...positions].filter(([partition, position]) => position > (reached.get(partition) ?? 0n)));
    if (batches.length === 0 && moved.size === 0) return;
    await projector.apply(batches, moved);
    reached = new Map([...reached, ...moved]);
    if (moved.size === 0) return;
    const said = Object.fromEntries([...moved].map(([partition, position]) => [partition, String(position)]));
    live.publish(projectionChannel(name), { positions: said }, { keep: false });
  }

  async function take(deliveries: readonly Delivery[], ack: (delivery: Delivery) => void): Promise<void> {
    const began = performance.now();
    const wanted = ({ stream, revision }: RecordedEvent) => target.concerns(stream) && !letters.skips(stream, revision);
    await advance(byStream(deliveries, wanted), positionsOf(deliveries));
    options.onWritten?.(deliveries);
    for (const delivery of deliveries) ack(delivery);
    const milliseconds = performance.now() - began;
    observe?.applied?.(name, { events: deliveries.length, milliseconds });
    const least = deliveries.length < PACE.few ? PACE.fewMs : PACE.manyMs;
    const paceMs = Math.max(least, Math.min(PACE.times * milliseconds, PACE.mostMs));
    if (deliveries.length < maxBatch && milliseconds < paceMs) await pause(paceMs - milliseconds, stopping.signal);
  }

  let requests: ReturnType<typeof startLetterRequests> | undefined;
  const consumer = await bus.consume({
    group: name,
    topics,
    maxBatch,
    // Read at start, and whenever partitions are assigned to this member: the letters of those may be others' work.
    positions: () =>
      alone(async () => {
        await letters.reload();
        letters.list().forEach(report);
        requests?.again();
        return target.positions();
      }),
    handle: (deliveries, ack) => alone(() => take(deliveries, ack)).catch(unlessStopping),
  });
  options.signal?.removeEventListener('abort', giveUp);
  const writeIdlePositions = () => alone(() => advance([], consumer.positions())).catch(unlessStopping);
  const timer = setInterval(() => {
    writeIdlePositions().catch((err: unknown) => log.warn({ err, projection: name }, 'positions could not be written'));
  }, IDLE_POSITIONS_MS);
  timer.unref();

  const takeUp = (stream: string, discard: boolean) => alone(() => projector.takeUp(stream, discard));
  const owns = (stream: string) => {
    const topic = options.topicOf?.(stream);
    const held = consumer.positions();
    return topics.some((one) => (topic ?? one) === one && held.has(partitionName(one, bus.partitionOf(one, stream))));
  };
  const { letterRequests: source } = options;
  if (source) {
    const discard = (stream: string, revision: number) => alone(() => letters.discard(stream, revision));
    requests = startLetterRequests({ source, group: name, letters, owns, takeUp, discard, log });
  }

  function unlessStopping(err: unknown): void {
    if (!(err instanceof Interrupted)) throw err;
  }

  const failed = consumer.failed.then((err) => {
    dead = true;
    clearInterval(timer);
    return err;
  });

  return {
    name,
    failed,
    lag: () => consumer.lag(),
    ready: () => !dead && troubles === 0 && consumer.caughtUp(),
    position() {
      const positions = [...consumer.positions().values()];
      return positions.length === 0 ? undefined : positions.reduce((a, b) => (a < b ? a : b));
    },
    writePositions: writeIdlePositions,
    deadLetters: () => letters.list(),
    retryDeadLetter: (stream) => takeUp(stream, false),
    discardDeadLetter: (stream) => takeUp(stream, true),
    async stop() {
      clearInterval(timer);
      ending = true;
      // Work under way ends, unless it waits for a store.
      if (troubles > 0) stopping.abort();
      await Promise.all([consumer.stop(), requests?.stop()]);
      await alone(async () => {
        if (dead || troubles > 0) return;
        // One try: at worst the next start reads a little more of the log.
        await target.write([], consumer.positions()).catch((err: unknown) => {
          log.warn({ err, projection: name }, 'positions could not be written');
        });
      });
      stopping.abort();
    },
  };
}

type Documents = NonNullable<ProjectionOptions['documents']>;

function createTarget(projection: Projection, documents: Documents, searchIndex: SearchIndex): ProjectionTarget {
  switch (projection.kind) {
    case 'document':
      return createDocumentTarget(projection, documents);
    case 'stream-row':
      return createStreamRowTarget(projection, searchIndex);
    case 'event-row':
      return createEventRowTarget(projection, searchIndex);
    case 'stream-rows':
      return createStreamRowsTarget(projection, searchIndex);
  }
}

function byStream(deliveries: readonly Delivery[], wanted: (event: RecordedEvent) => boolean): StreamBatch[] {
  const streams = new Map<string, { stream: string; first: number; events: RecordedEvent[] }>();
  for (const { event } of deliveries) {
    if (!wanted(event)) continue;
    const known = streams.get(event.stream);
    if (known) known.events.push(event);
    else streams.set(event.stream, { stream: event.stream, first: event.revision, events: [event] });
  }
  return [...streams.values()];
}

/** The last position of each partition in a batch: its events come in order, but may come again. */
function positionsOf(deliveries: readonly Delivery[]): Positions {
  const positions = new Map<string, bigint>();
  for (const { topic, partition, event } of deliveries) {
    const name = partitionName(topic, partition);
    if (event.position > (positions.get(name) ?? 0n)) positions.set(name, event.position);
  }
  return positions;
}

// Reading EventStoreDB, in pages, each with a deadline of ours (the client sets none) and tried again while there is time.
//
// A position of this log is the commit position. An event that was not written in an explicit transaction (a feature of
// the old TCP protocol, which Defter never speaks) has its prepare position equal to it, so one number says both, and
// both are given wherever the server is asked for a place. An event where they differ is not Defter's: `ForeignEvent`.
// $all also holds the server's own events ($…) and Defter's bookkeeping; neither is visible.

import { ErrorType, type EventStoreDBClient } from '@eventstore/db-client';
import type { RecordedEvent } from '#events/envelope.ts';
import { asError } from '../errors.ts';
import { backOff } from '../patience/back-off.ts';
import { persist } from '../patience/persist.ts';
import { within } from '../patience/within.ts';
import { EventStoreBusy, type ReadStreamOptions } from './event-store.ts';
import type { EventStoreConnection } from './eventstore-connection.ts';
import {
  commandError,
  EventStoreAccessDenied,
  EventStoreUnavailable,
  ForeignEvent,
  isAccessDenied,
  isHopeless,
  isType,
  noAnswer,
} from './eventstore-errors.ts';
import { callRead, type ReadCall } from './eventstore-read-call.ts';
import { NoSlot, type Slots } from './eventstore-slots.ts';
import type { ReadAnswer, ServerEvent } from './eventstore-wire.ts';

export interface ReadDeadlines {
  /** Without a sign of life of a page that was asked for. */
  readonly attemptMs: number;
  /** For a page with all its retries. */
  readonly totalMs: number;
}

export interface EventStoreReads {
  readStream(stream: string, options?: ReadStreamOptions): Promise<RecordedEvent[]>;
  readAll(after: bigint, limit: number): Promise<RecordedEvent[]>;
  head(): Promise<bigint>;
  /** One read of a stream's last event, tried once. */
  lastOf(stream: string, deadlineMs: number): Promise<RecordedEvent | undefined>;
}

/** Where Defter keeps what it must know of the log itself; not part of the log. */
export const bookkeepingStream = 'defter-log';

const pageLength = 1_000;
/** Enough to pass over some of the server's own events. */
const headPageLength = 16;
const longestPauseMs = 500;

/** Pages under way together are bounded by `slots`; `closed` ends what waits to be tried again. */
export function createEventStoreReads(
  connection: EventStoreConnection,
  deadlines: ReadDeadlines,
  slots: Slots,
  closed: AbortSignal,
): EventStoreReads {
  async function persistently<T>(
    what: string,
    read: (client: EventStoreDBClient, ms: number) => Promise<T>,
  ): Promise<T> {
    const until = performance.now() + deadlines.totalMs;
    const once = async () => {
      const client = connection.client();
      try {
        return await read(client, Math.max(1, Math.min(deadlines.attemptMs, until - performance.now())));
      } catch (thrown) {
        const error = commandError(thrown);
        if (!isHopeless(error)) connection.failed(client, error);
        throw error;
      }
    };
    const leave = await slots.enter(deadlines.totalMs, closed).catch((error: unknown) => {
      throw error instanceof NoSlot ? new EventStoreBusy(`${what} waited too long for a slot`) : error;
    });
    try {
      return await persist(once, closed, () => undefined, {
        isHopeless: (error) => isHopeless(asError(error)),
        waitMs: (failures) => backOff(failures, 25, longestPauseMs),
        until,
      });
    } catch (thrown) {
      const error = asError(thrown);
      if (isHopeless(error)) throw asRefusal(what, error);
      throw new EventStoreUnavailable(`${what} failed: ${error.message}`, { cause: error });
    } finally {
      leave();
    }
  }

  const pageOfAll = (place: bigint | 'start' | 'end', limit: number, backwards: boolean) =>
    persistently('reading the log', (client, ms) => collect(callRead(client, { place, limit, backwards }), ms));

  async function readStream(stream: string, options: ReadStreamOptions = {}): Promise<RecordedEvent[]> {
    const { from, limit = 1_000, backwards = false } = options;
    const events: RecordedEvent[] = [];
    let next = from;
    for (;;) {
      const asked = Math.min(limit - events.length, pageLength);
      if (asked <= 0 || (next !== undefined && next < 0)) return events;
      const page = await persistently(`reading ${stream}`, (client, ms) =>
        readStreamPage(client, stream, { from: next, limit: asked, backwards }, ms),
      );
      for (const event of page) events.push(event);
      if (page.length < asked) return events;
      next = (page.at(-1)?.revision ?? 0) + (backwards ? -1 : 1);
    }
  }

  async function readAll(after: bigint, limit: number): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    let from = after;
    while (events.length < limit) {
      // The place itself comes along, as the server reads from it inclusively.
      const asked = Math.min(limit - events.length, pageLength) + (from > 0n ? 1 : 0);
      const page = await pageOfAll(placeAfter(from), asked, false);
      for (const answer of page) {
        const event = visibleEvent(answer);
        if (event && event.position > from) events.push(event);
      }
      const reached = positionOf(page.at(-1));
      if (page.length < asked || reached === undefined || reached <= from) return events;
      from = reached;
    }
    return events;
  }

  async function head(): Promise<bigint> {
    let before: bigint | 'end' = 'end';
    for (;;) {
      const page: readonly EventAnswer[] = await pageOfAll(before, headPageLength, true);
      for (const answer of page) {
        const event = visibleEvent(answer);
        if (event) return event.position;
      }
      const reached = positionOf(page.at(-1));
      if (page.length < headPageLength || reached === undefined || reached === before) return 0n;
      before = reached;
    }
  }

  return {
    readStream,
    readAll,
    head,
    async lastOf(stream, deadlineMs) {
      const [last] = await readStreamPage(
        connection.client(),
        stream,
        { from: undefined, limit: 1, backwards: true },
        deadlineMs,
      );
      return last;
    },
  };
}

export const placeAfter = (after: bigint): bigint | 'start' => (after === 0n ? 'start' : after);

type EventAnswer = ReadAnswer & { readonly kind: 'event' };

async function readStreamPage(
  client: EventStoreDBClient,
  stream: string,
  asked: { readonly from: number | undefined; readonly limit: number; readonly backwards: boolean },
  deadlineMs: number,
): Promise<RecordedEvent[]> {
  try {
    const page = await collect(callRead(client, { stream, ...asked }), deadlineMs);
    return page.map(({ event }) => {
      if (!event) throw new ForeignEvent(`${stream} holds a link without its event`);
      return recorded(event);
    });
  } catch (thrown) {
    const error = commandError(thrown);
    if (isType(error, ErrorType.STREAM_NOT_FOUND)) return [];
    throw error;
  }
}

/** All events of a read, or an error when nothing came of it for so long; then it is cancelled. */
async function collect(begun: Promise<ReadCall>, deadlineMs: number): Promise<EventAnswer[]> {
  const gather = async (progress: () => void) => {
    const found: EventAnswer[] = [];
    const read = await begun;
    // The loop below throws it. It may also come when nobody iterates any more, and would end the process.
    read.on('error', () => undefined);
    for await (const answer of read as AsyncIterable<ReadAnswer>) {
      if (answer.kind === 'event') found.push(answer);
      progress();
    }
    return found;
  };
  try {
    return await within(deadlineMs, gather, () => noAnswer(deadlineMs));
  } catch (error) {
    void begun.then(
      (read) => read.cancel(),
      () => undefined, // It never began.
    );
    throw error;
  }
}

function positionOf(answer: EventAnswer | undefined): bigint | undefined {
  return (answer?.link ?? answer?.event)?.commit;
}

/** Undefined for the server's own events and Defter's bookkeeping. */
export function visibleEvent({ event, link }: EventAnswer): RecordedEvent | undefined {
  if (!event || link) return undefined;
  if (event.stream.startsWith('$') || event.type.startsWith('$')) return undefined;
  if (event.stream === bookkeepingStream) return undefined;
  if (event.commit !== event.prepare) throw foreign(event, 'it was written in an explicit transaction');
  return recorded(event);
}

const lastPlace = 2n ** 63n - 1n;

function recorded(event: ServerEvent): RecordedEvent {
  const { id, type, stream, revision, created, isJson, commit } = event;
  if (commit > lastPlace) {
    throw foreign(event, 'the server does not say where it stands, as EventStoreDB does since 22.6');
  }
  if (!isJson) throw foreign(event, 'it is not JSON');
  const metadata = event.metadata.length > 0 ? parse(event, event.metadata) : undefined;
  if (typeof metadata !== 'object' || metadata === null) throw foreign(event, 'it has no metadata');
  return {
    id,
    type,
    data: parse(event, event.data),
    metadata: metadata as RecordedEvent['metadata'],
    stream,
    revision,
    position: commit,
    recordedAt: created,
  };
}

function parse(event: ServerEvent, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw foreign(event, 'it is not JSON');
  }
}

function foreign({ stream, revision }: ServerEvent, why: string): ForeignEvent {
  return new ForeignEvent(`${stream} revision ${revision} is not Defter's: ${why}`);
}

function asRefusal(what: string, error: Error): Error {
  if (!isAccessDenied(error) || error instanceof EventStoreAccessDenied) return error;
  return new EventStoreAccessDenied(`${what}: EventStoreDB does not accept these credentials`, { cause: error });
}

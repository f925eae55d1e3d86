// Appends to EventStoreDB until the outcome is known or the time is up.
//
// Only an append at a numeric revision (or `no_stream`) can be tried again without fear: the server compares ids at that
// place, whatever happened to the first try. With `any` and `stream_exists` it remembers ids in memory only, which a
// restart empties. So those two are turned into a place here: the stream's end is read, a recent repeat is looked for
// there, and the append is made at the revision read; if somebody was quicker, the same again.
// https://docs.kurrent.io/server/v24.10/http-api/optional-http-headers/expected-version

import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import { backOff, pause } from '../patience/back-off.ts';
import { asError } from '../errors.ts';
import { createAppendRoom } from './append-room.ts';
import { type AppendRequest, createAppendRequest } from './append-request.ts';
import {
  AppendOutcomeUnknown,
  type Appended,
  EventRefused,
  EventStoreBusy,
  type ExpectedRevision,
  WrongExpectedRevision,
} from './event-store.ts';
import { type AppendCallAnswer, callAppend, type PlacedAppend } from './eventstore-append-call.ts';
import type { EventStoreConnection } from './eventstore-connection.ts';
import { EventStoreUnavailable, isHopeless } from './eventstore-errors.ts';
import { bookkeepingStream, type EventStoreReads } from './eventstore-reads.ts';
import { createStreamEnds } from './eventstore-stream-ends.ts';
import { NoSlot, type Slots } from './eventstore-slots.ts';

export interface AppendDeadlines {
  /** For one call. */
  readonly attemptMs: number;
  /** For an append with all its retries; after it `AppendOutcomeUnknown`. */
  readonly totalMs: number;
}

export interface EventStoreAppends {
  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<Appended>;
  /** Waits for what is under way; after it appends are refused. */
  close(): Promise<void>;
}

/** How far back a repeat is looked for with `any` and `stream_exists`. */
const rememberedEvents = 64;
const newestOf = { backwards: true, limit: rememberedEvents };
const longestPauseMs = 1_000;

export function createEventStoreAppends(
  connection: EventStoreConnection,
  reads: EventStoreReads,
  deadlines: AppendDeadlines,
  slots: Slots,
  maxQueued: number,
): EventStoreAppends {
  const unplaced = new Map<string, Promise<unknown>>();
  const ends = createStreamEnds(rememberedEvents);
  const room = createAppendRoom(maxQueued);

  /** What another append, or this one's earlier try, may have done is known to the server: it compares the ids. */
  async function appendAt(request: PlacedAppend, until: number): Promise<Appended> {
    const { stream, expected } = request;
    let doubt: Error | undefined;
    for (let attempt = 1; ; attempt += 1) {
      const client = connection.client();
      try {
        const left = Math.max(1, Math.min(deadlines.attemptMs, until - performance.now()));
        return await complete(request, await callAppend(client, request, left));
      } catch (thrown) {
        const error = asError(thrown);
        if (error instanceof AppendOutcomeUnknown) throw error;
        // A try still under way can win after all only where the stream has not come to the place yet.
        const isSettled = error instanceof WrongExpectedRevision && !isBefore(error.actual, expected);
        if (isSettled || (isHopeless(error) && !doubt)) throw error;
        connection.failed(client, error);
        doubt ??= error;
        const wait = backOff(attempt, 25, longestPauseMs);
        if (isHopeless(error) || performance.now() + wait >= until) {
          throw new AppendOutcomeUnknown(`${stream}: ${error.message}`, { cause: error });
        }
        await pause(wait);
      }
    }
  }

  /** The position named is the last event's, by which a reader knows that it has seen them all. */
  async function complete({ stream }: AppendRequest, answer: AppendCallAnswer): Promise<Appended> {
    const { revision, position } = answer;
    if (position !== undefined) return { revision, position };
    try {
      const [last] = await reads.readStream(stream, { from: revision, limit: 1 });
      if (last?.revision === revision) return asAppended(last);
      throw new EventStoreUnavailable(`revision ${revision} is not to be read yet`);
    } catch (error) {
      throw new AppendOutcomeUnknown(`${stream} was appended to, but its position could not be read`, { cause: error });
    }
  }

  async function readEnd(stream: string): Promise<RecordedEvent[]> {
    try {
      return await reads.readStream(stream, newestOf);
    } catch (error) {
      if (!(error instanceof EventStoreUnavailable)) throw error;
      throw new AppendOutcomeUnknown(`${stream}: its end could not be read`, { cause: error });
    }
  }

  async function appendAnywhere(request: AppendRequest, until: number): Promise<Appended> {
    const { stream, events, expected } = request;
    const ids = events.map(({ id }) => id);
    for (;;) {
      const end = ends.get(stream) ?? ends.read(stream, await readEnd(stream));
      const { last } = end;
      if (expected === 'stream_exists' && last === undefined) {
        ends.forget(stream);
        throw new WrongExpectedRevision(stream, expected, last);
      }
      const known = end.repeated(ids);
      if (known === 'in part') throw new WrongExpectedRevision(stream, expected, last);
      if (known !== undefined) return complete(request, { revision: known });
      try {
        const appended = await appendAt({ ...request, expected: last ?? 'no_stream' }, until);
        ends.appended(stream, ids, appended.revision);
        return appended;
      } catch (error) {
        ends.forget(stream);
        if (!(error instanceof WrongExpectedRevision)) throw error;
        if (performance.now() >= until) throw new EventStoreBusy(`${stream}: others append to it all the time`);
      }
    }
  }

  /** One after the other in a stream, so that this process does not compete with itself for the end. */
  async function inTurn<T>(stream: string, work: () => Promise<T>): Promise<T> {
    const before = unplaced.get(stream) ?? Promise.resolve();
    const mine = before.then(work, work);
    unplaced.set(stream, mine);
    try {
      return await mine;
    } finally {
      if (unplaced.get(stream) === mine) unplaced.delete(stream);
    }
  }

  async function run(request: AppendRequest): Promise<Appended> {
    const { stream, expected } = request;
    const waitsUntil = performance.now() + deadlines.totalMs;
    const work = async () => {
      const left = waitsUntil - performance.now();
      if (left <= 0) throw nothingWritten();
      const leave = await slots.enter(left).catch((error: unknown) => {
        throw error instanceof NoSlot ? nothingWritten() : error;
      });
      try {
        const until = performance.now() + deadlines.totalMs;
        if (!isPlaced(request)) return await appendAnywhere(request, until);
        ends.forget(stream);
        return await appendAt(request, until).finally(() => ends.forget(stream));
      } finally {
        leave();
      }
    };
    const nothingWritten = () => new EventStoreBusy(`${stream}: the append waited too long for a slot`);
    return typeof expected === 'number' || expected === 'no_stream' ? work() : inTurn(stream, work);
  }

  return {
    async append(stream, events, expected) {
      room.assertOpen();
      const request = createAppendRequest(stream, events, expected);
      refuseReserved(request);
      return room.hold(request, () => run(request));
    },
    close: () => room.close(),
  };
}

function isPlaced(request: AppendRequest): request is PlacedAppend {
  return request.expected !== 'any' && request.expected !== 'stream_exists';
}

function isBefore(actual: number | undefined, expected: number | 'no_stream'): boolean {
  return expected !== 'no_stream' && (actual ?? -1) < expected;
}

function asAppended({ revision, position, recordedAt }: RecordedEvent): Appended {
  return { revision, position, recordedAt };
}

function refuseReserved({ stream, events }: AppendRequest): void {
  if (stream.startsWith('$') || stream === bookkeepingStream) {
    throw new EventRefused(`${stream} is not a name for a stream of the log`);
  }
  const type = events.find((event) => event.type.startsWith('$'))?.type;
  if (type !== undefined) throw new EventRefused(`${type} is not a name for an event: $… are the server's own`);
}

// The adapter to EventStoreDB (22.6 or newer), and to what speaks its protocol: catch-up subscriptions, never persistent
// ones (those are unordered). One connection per process; every deadline is in the open here.
// Defter keeps one stream of its own in the log, `defter-log`, which no reader of the port sees: the id of its last event
// is the log's generation.

import { randomUUID } from 'node:crypto';
import type { NewEvent } from '#events/envelope.ts';
import { persist } from '../patience/persist.ts';
import { saySeldom } from '../patience/say-seldom.ts';
import type { EventStoreAddress } from '../config/event-store-url.ts';
import { asError, StartError } from '../errors.ts';
import type { Log } from '../logging/log.ts';
import { createAppendRequest } from './append-request.ts';
import { type EventStore, WrongExpectedRevision } from './event-store.ts';
import { callAppend } from './eventstore-append-call.ts';
import { createEventStoreAppends } from './eventstore-appends.ts';
import { type EventStoreConnection, openEventStoreConnection } from './eventstore-connection.ts';
import {
  commandError,
  EventStoreAccessDenied,
  EventStoreUnavailable,
  ForeignEvent,
  isAccessDenied,
} from './eventstore-errors.ts';
import { bookkeepingStream, createEventStoreReads, type EventStoreReads } from './eventstore-reads.ts';
import { createSlots } from './eventstore-slots.ts';
import { subscribeToLog } from './eventstore-subscription.ts';

/** In milliseconds. */
export interface EventStoreDbDeadlines {
  /** One append call. Default 3,000. */
  readonly appendAttempt?: number;
  /** An append with its retries, then `AppendOutcomeUnknown`. Default 10,000. */
  readonly append?: number;
  /** A page of a read without a sign of life. Default 5,000. */
  readonly readAttempt?: number;
  /** A page with its retries, then `EventStoreUnavailable`. Default 10,000. */
  readonly read?: number;
  /** A subscription's confirmation. Default 10,000. */
  readonly confirmation?: number;
  /** Silence of a subscription after which it is compared with the log's head. Default 10,000. */
  readonly silence?: number;
  /** Time it then has to deliver what is there. Default 5,000. */
  readonly grace?: number;
  /** The answer that `health` waits for. Default 2,000. */
  readonly health?: number;
}

export interface EventStoreDbOptions {
  readonly address: EventStoreAddress;
  readonly log: Log;
  /** Ends the wait for a server that does not answer at open. */
  readonly signal?: AbortSignal;
  readonly deadlines?: EventStoreDbDeadlines;
  /** Appends of this process that may wait at once; beyond it `EventStoreBusy`. Default 10,000. */
  readonly maxQueued?: number;
}

export interface EventStoreDbEventStore extends EventStore {
  /** Rejects with a sentence when the server does not answer now. */
  health(): Promise<void>;
  /**
   * Begins another generation, for a log that was restored. Whoever has the log open keeps the former until it opens anew.
   */
  changeGeneration(): Promise<string>;
}

/** Calls at once on the one connection; servers allow about 100, and subscriptions need some. */
const appendsAtOnce = 48;
const readsAtOnce = 32;
const mostReadsWaiting = 10_000;
const openAttemptMs = 5_000;
const askAgainMs = 250;

/**
 * Waits for a server that does not answer, saying so in the log. Throws `StartError` for a certificate that cannot be read,
 * credentials that the server does not accept, and a server that does not do; `Interrupted` when the signal aborts.
 */
export async function openEventStoreDbEventStore(options: EventStoreDbOptions): Promise<EventStoreDbEventStore> {
  const { address, log, maxQueued = 10_000, deadlines: given = {}, signal } = options;
  const deadlines = { ...defaultDeadlines, ...given };
  const connection = openEventStoreConnection(address, log);
  // Subscriptions end first; reads may go on while the appends that were asked for come to their end.
  const closing = new AbortController();
  const closed = new AbortController();
  const readDeadlines = { attemptMs: deadlines.readAttempt, totalMs: deadlines.read };
  const reads = createEventStoreReads(
    connection,
    readDeadlines,
    createSlots(readsAtOnce, mostReadsWaiting),
    closed.signal,
  );
  const generation = await openLog(connection, reads, log, signal ?? closing.signal).catch(async (error: unknown) => {
    await connection.close();
    throw error;
  });
  const appends = createEventStoreAppends(
    connection,
    reads,
    { attemptMs: deadlines.appendAttempt, totalMs: deadlines.append },
    createSlots(appendsAtOnce, maxQueued),
    maxQueued,
  );
  const limits = {
    confirmedWithinMs: deadlines.confirmation,
    silenceMs: deadlines.silence,
    graceMs: deadlines.grace,
  };
  let closes: Promise<void> | undefined;

  async function close(): Promise<void> {
    closing.abort(new Error('the event store was closed'));
    await appends.close();
    closed.abort(closing.signal.reason);
    await connection.close();
  }

  return {
    append: (stream, events, expected) => appends.append(stream, events, expected),
    readStream: (stream, read) => reads.readStream(stream, read),
    readAll: (after, limit) => reads.readAll(after, limit),
    head: () => reads.head(),
    // All are delivered: a filtered subscription's places have been wrong in several versions of the server.
    subscribeAll: (after, until) =>
      subscribeToLog({ connection, head: () => reads.head(), limits, closed: closing.signal }, after, until),
    generation,
    async health() {
      const client = connection.client();
      try {
        await reads.lastOf(bookkeepingStream, deadlines.health);
      } catch (thrown) {
        const error = commandError(thrown);
        connection.failed(client, error);
        throw new EventStoreUnavailable(`EventStoreDB at ${connection.server}: ${error.message}`, { cause: error });
      }
    },
    changeGeneration: () => beginGeneration(connection, reads, deadlines.append),
    close: () => (closes ??= close()),
  };
}

const defaultDeadlines = {
  appendAttempt: 3_000,
  append: 10_000,
  readAttempt: 5_000,
  read: 10_000,
  confirmation: 10_000,
  silence: 10_000,
  grace: 5_000,
  health: 2_000,
} satisfies Required<EventStoreDbDeadlines>;

/** The log's generation, once the server answers; a log without one gets its first. */
async function openLog(
  connection: EventStoreConnection,
  reads: EventStoreReads,
  log: Log,
  signal: AbortSignal,
): Promise<string> {
  const { server } = connection;
  const open = async () => {
    const client = connection.client();
    try {
      const last = await reads.lastOf(bookkeepingStream, openAttemptMs);
      const generation = last?.id ?? (await beginGeneration(connection, reads, openAttemptMs));
      // Shows whether the whole log may be read, and is Defter's.
      await reads.head();
      return generation;
    } catch (thrown) {
      const error = commandError(thrown);
      refuseUnfit(server, error);
      connection.failed(client, error);
      throw error;
    }
  };
  const warn = saySeldom((err: unknown) =>
    log.warn({ server, reason: asError(err).message }, 'Waiting for EventStoreDB.'),
  );
  return persist(open, signal, warn, {
    isHopeless: (err) => err instanceof StartError,
    waitMs: () => askAgainMs,
  });
}

/** Of several at once one wins, and the others take its answer. */
async function beginGeneration(
  connection: EventStoreConnection,
  reads: EventStoreReads,
  deadlineMs: number,
): Promise<string> {
  const last = await reads.lastOf(bookkeepingStream, deadlineMs);
  const expected = last?.revision ?? 'no_stream';
  const event = generationEvent();
  try {
    const request = createAppendRequest(bookkeepingStream, [event], expected);
    await callAppend(connection.client(), { ...request, expected }, deadlineMs);
  } catch (error) {
    if (!(error instanceof WrongExpectedRevision)) throw error;
  }
  const begun = await reads.lastOf(bookkeepingStream, deadlineMs);
  if (!begun) throw new EventStoreUnavailable(`${bookkeepingStream} is not to be read yet`);
  return begun.id;
}

function generationEvent(): NewEvent {
  const id = randomUUID();
  return {
    id,
    type: 'LogGenerationBegan',
    data: {},
    metadata: {
      tenantId: 'platform',
      actor: { kind: 'system', id: 'event-store' },
      $correlationId: id,
      $causationId: id,
      schemaVersion: 1,
    },
  };
}

function refuseUnfit(server: string, error: Error): void {
  if (isAccessDenied(error) || error instanceof EventStoreAccessDenied) {
    throw new StartError(
      `EventStoreDB at ${server} does not accept the credentials in EVENTSTORE_URL, or does not let them read $all and write ${bookkeepingStream}.`,
      'event-store-access-denied',
    );
  }
  if (error instanceof ForeignEvent) {
    throw new StartError(`EventStoreDB at ${server} cannot be used: ${asError(error).message}.`, 'event-store-unfit');
  }
}

// The embedded adapter: one file on node:sqlite. One thread of the process appends, in groups; every thread that opens a
// handle reads for itself. Durable when an append resolves: WAL, `synchronous=FULL`. Other processes may use the file too.

import type { MessagePort } from 'node:worker_threads';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { NewEvent, RecordedEvent } from '#events/envelope.ts';
import type { Log } from '../logging/log.ts';
import { openAppendCaller } from './append-caller.ts';
import type { EventStore, ExpectedRevision, SubscriptionChoice } from './event-store.ts';
import { createLogWatch, type LogWatcher } from './log-watch.ts';
import { openLogReader, prepareLogFile, readGeneration } from './sqlite-log-file.ts';
import { createSqliteLogReader } from './sqlite-log-reader.ts';
import { type SqliteLogThreads, startSqliteLogThreads } from './sqlite-log-threads.ts';

export interface SqliteEventStoreOptions {
  /** The log is `events.sqlite` in it; made if absent. */
  readonly folder: string;
  readonly log?: Log;
  /** Appends of this handle that may wait at once; beyond it `EventStoreBusy`. Default 10,000. */
  readonly maxQueued?: number;
}

/** A thread's own handle. */
export interface SqliteEventStore extends EventStore {
  /** Resolves if the append thread is lost; the process should end then. */
  readonly failed: Promise<Error>;
}

/** The handle that started the threads, and ends them with `close`: close the other threads' handles first. */
export interface SqliteEventStoreHost extends SqliteEventStore {
  /** For `openSqliteEventStore({ folder, port })` on another thread: transfer it there. */
  connect(): MessagePort;
}

const chunkLength = 1_000;

export async function openSqliteEventStore(options: SqliteEventStoreOptions): Promise<SqliteEventStoreHost>;
export async function openSqliteEventStore(
  options: SqliteEventStoreOptions & { readonly port: MessagePort },
): Promise<SqliteEventStore>;
/** Throws `StartError` when the folder or the file cannot be used. */
export async function openSqliteEventStore(
  options: SqliteEventStoreOptions & { readonly port?: MessagePort },
): Promise<SqliteEventStore> {
  const { folder, log, port, maxQueued } = options;
  if (port) return openHandle(folder, port, maxQueued);
  prepareLogFile(folder);
  const threads = await startSqliteLogThreads(folder, log);
  return openHost(folder, threads, maxQueued);
}

function openHost(folder: string, threads: SqliteLogThreads, maxQueued?: number): SqliteEventStoreHost {
  const handle = openHandle(folder, threads.connect(), maxQueued);
  return {
    ...handle,
    connect: () => threads.connect(),
    failed: Promise.race([threads.failed, handle.failed]),
    async close() {
      await handle.close();
      await threads.close();
    },
  };
}

function openHandle(folder: string, port: MessagePort, maxQueued = 10_000): SqliteEventStore {
  const db = openLogReader(folder);
  const reader = createSqliteLogReader(db);
  const watch = createLogWatch(() => reader.head());
  const appends = openAppendCaller(port, maxQueued, (head) => watch.advance(head));
  void appends.failed.then((error) => watch.end(error));
  /** Where each subscription of this thread is. */
  const places = new Map<LogWatcher, bigint>();
  /** Subscriptions of this thread to all there is: what they read and decode the others share. */
  let whole = 0;
  let closed = false;

  function slowestPlace(): bigint {
    let slowest: bigint | undefined;
    for (const place of places.values()) if (slowest === undefined || place < slowest) slowest = place;
    return slowest ?? 0n;
  }

  async function* subscribeAll(
    after: bigint,
    signal: AbortSignal,
    { only, passed }: SubscriptionChoice = {},
  ): AsyncGenerator<readonly RecordedEvent[]> {
    const watcher = watch.join(signal);
    places.set(watcher, after);
    if (!only) whole += 1;
    try {
      for (let from = after; !signal.aborted;) {
        const { events, to } = await reader.readSome(from, chunkLength, whole > 0 ? undefined : only);
        if (signal.aborted) return;
        if (to === from) {
          await watcher.newer(from);
          continue;
        }
        from = to;
        places.set(watcher, from);
        reader.passed(slowestPlace());
        if (events.length > 0) yield events;
        if (events.at(-1)?.position !== to) passed?.(to);
        // A log that is written as fast as it is read must not keep this thread from everything else.
        await turnOfTheLoop();
      }
    } finally {
      if (!only) whole -= 1;
      places.delete(watcher);
      watcher.leave();
    }
  }

  return {
    append: (stream: string, events: readonly NewEvent[], expected: ExpectedRevision) =>
      appends.append(stream, events, expected),
    readStream: (stream, read) => reader.readStream(stream, read),
    readAll: (after, limit) => reader.readAll(after, limit),
    head: async () => reader.head(),
    subscribeAll,
    generation: readGeneration(db),
    failed: appends.failed,
    async close() {
      if (closed) return;
      closed = true;
      watch.end(new Error('the event store was closed'));
      await appends.close();
      db.close();
    },
  };
}

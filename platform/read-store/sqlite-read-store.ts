// The read store in one node:sqlite file, shared by the threads and processes of one machine. Look-ups by key run on the
// calling thread (microseconds); what writes or scans runs there too, or on a thread of its own where nothing may wait.

import { join } from 'node:path';
import type { GenerationMark } from '../log-generation.ts';
import { openSqliteReader } from '../sqlite/open-sqlite.ts';
import { openSqliteThread } from '../sqlite/sqlite-thread.ts';
import { openDocumentFile } from './open-document-file.ts';
import type { ReadStore } from './read-store.ts';
import { createDocumentReader } from './sqlite-document-reader.ts';
import { readStoreFile } from './sqlite-read-store-schema.ts';

export interface SqliteReadStoreSettings {
  readonly folder: string;
  /** `thread` on a thread that answers requests; `here` where the caller may wait for the disk, as projectors do. */
  readonly writes: 'here' | 'thread';
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number;
}

export interface SqliteReadStore extends ReadStore, GenerationMark {
  /** Frees the room of at most `limit` documents that had expired by `now` (they are hidden already). Answers how many. */
  sweepExpired(now: number, limit: number): Promise<number>;
  /** After it no file holds content that was deleted or overwritten before. Rejects while a reader holds the old state. */
  purge(): Promise<void>;
}

export async function openSqliteReadStore({
  folder,
  writes,
  now = Date.now,
}: SqliteReadStoreSettings): Promise<SqliteReadStore> {
  const path = join(folder, readStoreFile);
  return writes === 'here' ? openHere(path, now) : openBesideThread(path, now);
}

async function openHere(path: string, now: () => number): Promise<SqliteReadStore> {
  const { writer, reader, generation: mark, close } = await openDocumentFile(path);
  let open = true;
  return {
    get: async (keys) => reader.get(keys, now()),
    counters: async (names) => reader.counters(names),
    positions: async (projection) => reader.positions(projection),
    range: async (set, options) => reader.range(set, options),
    sizes: async (sets) => reader.sizes(sets),
    keys: async (prefix, limit) => reader.keys(prefix, limit),
    scan: async (prefix, options) => reader.scan(prefix, options, now()),
    drop: async (prefix, limit) => writer.drop(prefix, limit),
    apply: async (documents, checkpoint) => writer.apply(documents, checkpoint, now()),
    put: async (key, value) => writer.put(key, value),
    remove: async (key) => writer.remove(key),
    sweepExpired: async (until, limit) => writer.sweepExpired(until, limit),
    purge: async () => writer.purge(),
    claim: async (generation) => mark.claim(generation),
    startOver: async (generation) => mark.startOver(generation),
    async close() {
      if (open) close();
      open = false;
    },
  };
}

async function openBesideThread(path: string, now: () => number): Promise<SqliteReadStore> {
  const thread = await openSqliteThread(new URL('./sqlite-read-store-thread.ts', import.meta.url), path);
  // The thread has made the file.
  const database = openSqliteReader(path);
  const reader = createDocumentReader(database);
  const call = <T>(method: string, ...input: readonly unknown[]) => thread.call(method, input) as Promise<T>;
  return {
    get: async (keys) => reader.get(keys, now()),
    counters: async (names) => reader.counters(names),
    positions: async (projection) => reader.positions(projection),
    range: (set, options) => call('range', set, options),
    sizes: (sets) => call('sizes', sets),
    keys: (prefix, limit) => call('keys', prefix, limit),
    scan: (prefix, options) => call('scan', prefix, options, now()),
    drop: (prefix, limit) => call('drop', prefix, limit),
    apply: (documents, checkpoint) => call('apply', documents, checkpoint, now()),
    put: (key, value) => call('put', key, value),
    remove: (key) => call('remove', key),
    sweepExpired: (until, limit) => call('sweepExpired', until, limit),
    purge: () => call('purge'),
    claim: (generation) => call('claim', generation),
    startOver: (generation) => call('startOver', generation),
    async close() {
      if (database.isOpen) database.close();
      await thread.close();
    },
  };
}

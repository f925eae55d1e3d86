// Opens a database file the way the stores of read models need it. What they keep can be derived again from the log, so
// a commit is not synced (a power cut rolls documents and their checkpoint back together), but what is deleted must
// really go: `purgeDeleted` sees to that.

import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isSqliteBusy } from '../errors.ts';
import { spread } from '../patience/back-off.ts';
import { persist } from '../patience/persist.ts';

/** How long a connection waits for another one's transaction (a purge is the longest) before it gives up, in milliseconds. */
const busyMs = 30_000;
/** Pages of the write-ahead log after which the writing connection moves them into the database: 32 MiB. */
const checkpointPages = 8_000;
const cacheKib = 32 * 1024;

/**
 * Opens the file for writing, makes its folder and, by `schema` (statements that may run again), its tables.
 * Several threads and processes may do so at once. Throws when the file was written by a newer version.
 */
export async function openSqlite(file: string, schema: string, version: number): Promise<DatabaseSync> {
  await mkdir(dirname(file), { recursive: true });
  const open = async () => {
    const database = new DatabaseSync(file, { timeout: busyMs });
    try {
      database.exec(
        `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON; PRAGMA cache_size = -${cacheKib};
         PRAGMA wal_autocheckpoint = ${checkpointPages}; PRAGMA journal_size_limit = ${64 * 1024 * 1024}`,
      );
      inTransaction(database, () => makeTables(database, file, schema, version));
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  };
  // Changing the journal mode does not wait for other connections as statements do.
  return persist(open, undefined, () => undefined, {
    isHopeless: (error) => !isSqliteBusy(error),
    waitMs: () => spread(15),
    until: performance.now() + busyMs,
  });
}

/** A connection that only reads; it neither checkpoints nor waits for writers. The file must exist. */
export function openSqliteReader(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: busyMs, readOnly: true });
  database.exec(`PRAGMA cache_size = -${cacheKib}`);
  return database;
}

function makeTables(database: DatabaseSync, file: string, schema: string, version: number): void {
  const found = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  if (found > version) throw new Error(`${file} was written by a newer version of this program`);
  if (found === version) return;
  database.exec(schema);
  database.exec(`PRAGMA user_version = ${version}`);
}

/** All or nothing; takes the write lock at once, since a transaction that reads first could not wait for it later. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** Runs `work` so that its commit survives a power cut. */
export function durably<T>(database: DatabaseSync, work: () => T): T {
  database.exec('PRAGMA synchronous = FULL');
  try {
    return work();
  } finally {
    database.exec('PRAGMA synchronous = NORMAL');
  }
}

/**
 * After it no file holds what was deleted or overwritten before. `secure_delete` alone does not do: a page that was split
 * keeps copies of the rows that moved away, so the file is written anew, and the write-ahead log is emptied. Other
 * writers wait meanwhile, some seconds per gigabyte. Throws when a reader holds on to the old state.
 */
export function purgeDeleted(database: DatabaseSync): void {
  database.exec('VACUUM');
  const result = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
  if (result?.['busy'] !== 0) throw new Error('deleted content is still in the write-ahead log: a reader holds it');
}

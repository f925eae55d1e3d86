// The file of the embedded log: its layout, its settings, and what is said when it cannot be used.

import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { asError, codeOf, StartError } from '../errors.ts';
import { syncFolderNow } from '../files/sync-folder.ts';

/** Goes up when a program of today could not read a file of tomorrow. */
export const logFormat = 1;

/** How long a writer waits for another process's transaction, in milliseconds. */
const busyTimeoutMs = 5_000;

// AUTOINCREMENT: a position once given is never given again, even after the newest events were removed.
const layout = `
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    metadata TEXT NOT NULL,
    recorded_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS events_by_stream ON events (stream, revision);
`;

export function logFilePath(folder: string): string {
  return join(folder, 'events.sqlite');
}

/**
 * Makes the log where there is none, and answers its generation. Throws `StartError`: `data-is-newer` when a later
 * program wrote it, `data-unusable` when the folder or the file cannot be used.
 */
export function prepareLogFile(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const generation = withConnection(folder, prepareTables);
    // SQLite syncs the file, not its name in the folder.
    syncFolderNow(folder);
    return generation;
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`The event log ${logFilePath(folder)} cannot be used: ${reason(error)}.`, 'data-unusable');
  }
}

/** Throws `StartError` where there is no log: who only looks in makes none. */
export function requireLogFile(folder: string): void {
  if (existsSync(logFilePath(folder))) return;
  throw new StartError(
    `There is no event log in ${resolve(folder)}: set DATA_DIR to the folder of the Defter that is meant; npm start makes a new one.`,
    'data-missing',
  );
}

/** The generation of a log that another thread has prepared. */
export function readGeneration(db: DatabaseSync): string {
  return readMeta(db, 'generation') ?? '';
}

/** A connection that may write. Every commit is on disk when it returns. */
export function openLogWriter(folder: string): DatabaseSync {
  const db = new DatabaseSync(logFilePath(folder), { timeout: busyTimeoutMs });
  // fullfsync: on macOS a plain fsync leaves the data in the drive's cache. Checkpoints have a thread of their own.
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -32768;
  `);
  return db;
}

export function openLogReader(folder: string): DatabaseSync {
  return new DatabaseSync(logFilePath(folder), { readOnly: true, timeout: busyTimeoutMs });
}

function withConnection<T>(folder: string, use: (db: DatabaseSync) => T): T {
  const db = openLogWriter(folder);
  try {
    return use(db);
  } finally {
    db.close();
  }
}

function prepareTables(db: DatabaseSync): string {
  db.exec('BEGIN IMMEDIATE');
  try {
    refuseNewer(db);
    db.exec(layout);
    const put = db.prepare('INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING');
    put.run('format', String(logFormat));
    put.run('generation', randomUUID());
    db.exec('COMMIT');
    return readGeneration(db);
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}

function refuseNewer(db: DatabaseSync): void {
  const isNew = !db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").get();
  const format = isNew ? logFormat : Number(readMeta(db, 'format'));
  if (format <= logFormat) return;
  throw new StartError(
    `The event log was written by a newer Defter (format ${format}; this one knows ${logFormat}): start that one.`,
    'data-is-newer',
  );
}

function readMeta(db: DatabaseSync, name: string): string | undefined {
  const row = db.prepare('SELECT value FROM meta WHERE name = ?').get(name);
  return typeof row?.['value'] === 'string' ? row['value'] : undefined;
}

function reason(error: unknown): string {
  if (['EACCES', 'EROFS', 'EPERM'].includes(codeOf(error) ?? '')) return 'the folder is read-only';
  return asError(error).message;
}

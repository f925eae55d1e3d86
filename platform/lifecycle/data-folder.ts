// The folder that holds everything a server keeps: made, held by one process at a time, and of a format this program
// knows. The hold is an SQLite transaction on `lock`: the operating system ends it with the process, however that ends.
// `defter.pid` only tells people who holds it.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { asError, codeOf, isSqliteBusy, StartError } from '../errors.ts';
import { makeFolder } from '../files/make-folder.ts';

/** Raised when the files in a data folder change so that an older program would misread them. */
export const dataFormat = 1;

export interface DataFolder {
  readonly path: string;
  /** True when this start made it what it is: there was no data yet. */
  readonly isNew: boolean;
  /** Lets go of it. */
  close(): void;
}

/**
 * Throws a StartError of one sentence when the folder cannot be made or written, is in use by another process
 * (`data-in-use`), or was written by a newer program (`data-is-newer`).
 */
export function openDataFolder(path: string): DataFolder {
  try {
    makeFolder(path);
  } catch (error) {
    throw new StartError(`DATA_DIR ${path} cannot be made (${reason(error)}).`, 'data-unwritable');
  }
  const lock = takeLock(path);
  try {
    writeFileSync(join(path, 'defter.pid'), `${JSON.stringify({ pid: process.pid, host: hostname() })}\n`);
    return { path, isNew: checkFormat(path), close: () => lock.close() };
  } catch (error) {
    lock.close();
    throw error instanceof StartError ? error : unwritable(path, error);
  }
}

function takeLock(path: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    // Proves that the folder can be written, which opening a database does not.
    writeFileSync(join(path, 'lock'), '', { flag: 'a', mode: 0o600 });
    lock = new DatabaseSync(join(path, 'lock'), { timeout: 250 });
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    if (isSqliteBusy(error))
      throw new StartError(`DATA_DIR ${path} is in use by another Defter${holder(path)}.`, 'data-in-use');
    throw unwritable(path, error);
  }
}

function holder(path: string): string {
  try {
    const { pid, host } = JSON.parse(readFileSync(join(path, 'defter.pid'), 'utf8')) as { pid: number; host: string };
    return host === hostname() ? ` (pid ${pid})` : ` (pid ${pid} on ${host})`;
  } catch {
    // It has only just taken the lock and not yet written who it is.
    return '';
  }
}

/** Returns whether the folder was new. */
function checkFormat(path: string): boolean {
  const file = join(path, 'format');
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    writeFileSync(`${file}.new`, `${dataFormat}\n`, { flush: true });
    renameSync(`${file}.new`, file);
    return true;
  }
  const found = /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  if (found === undefined || found < 1) {
    throw new StartError(`DATA_DIR ${path} holds a file "format" that is not Defter's.`, 'data-unknown');
  }
  if (found > dataFormat) {
    throw new StartError(
      `DATA_DIR ${path} was written by a newer Defter (data format ${found}; this program knows ${dataFormat}).`,
      'data-is-newer',
    );
  }
  return false;
}

function unwritable(path: string, error: unknown): StartError {
  return new StartError(`DATA_DIR ${path} cannot be written (${reason(error)}).`, 'data-unwritable');
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'the system does not allow it there',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'part of the path is not a folder',
  EEXIST: 'it is not a folder',
};

function reason(error: unknown): string {
  const code = codeOf(error);
  return (code && reasons[code]) ?? asError(error).message;
}

// A read-only connection to the search file with a reader for each index that is asked for. Each piece of work sees one
// state of the file, and ends when its time is up: SQLite asks `in_time` for every row that it looks at.

import { finalError } from '../errors.ts';
import { openSqliteReader } from '../sqlite/open-sqlite.ts';
import { SearchTimedOut } from './search-index.ts';
import { forEachIndex } from './sqlite-index-schema.ts';
import { createIndexReader, type IndexReader } from './sqlite-index-reader.ts';

export interface Allowed {
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** Rows that may be looked at, more or less; as many as it takes where it is left out. */
  readonly rows?: number;
}

export interface IndexReaders {
  /** Throws `SearchTimedOut` or `SearchTooLong` when what is allowed does not do. */
  read<T>(index: string, allowed: Allowed, work: (reader: IndexReader) => T): T;
  close(): void;
}

/** It looks at more rows than it is allowed to. Rows and not time, as on a busy machine anything takes long. */
export class SearchTooLong extends finalError('search-too-long') {}

const rowsBetweenLooks = 256;

export function openIndexReaders(path: string): IndexReaders {
  const database = openSqliteReader(path);
  const readerOf = forEachIndex(database, (definition) => createIndexReader(database, definition, look));
  let rows = 0;
  let nextLook = 0;
  let allowed: Allowed = { until: 0 };
  const check = () => {
    if (Date.now() >= allowed.until) throw new SearchTimedOut('the search took too long and was given up');
    if (rows > (allowed.rows ?? Infinity))
      throw new SearchTooLong(`more than ${allowed.rows} rows are to be looked at`);
  };
  function look(count: number): void {
    rows += count;
    if (rows < nextLook) return;
    nextLook = rows + rowsBetweenLooks;
    check();
  }
  database.function('in_time', { deterministic: false }, () => {
    look(1);
    return 1;
  });

  return {
    read(index, given, work) {
      allowed = given;
      [rows, nextLook] = [0, rowsBetweenLooks];
      check();
      database.exec('BEGIN');
      try {
        return work(readerOf(index));
      } finally {
        database.exec('COMMIT');
      }
    },
    close: () => database.close(),
  };
}

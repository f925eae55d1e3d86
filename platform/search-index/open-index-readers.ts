// A read-only connection to the search file with a reader for each index that is asked for. Each piece of work sees one
// state of the file, and ends when its time is up: SQLite asks `in_time` for every row that it looks at.

import { openSqliteReader } from '../sqlite/open-sqlite.ts';
import { SearchTimedOut } from './search-index.ts';
import { forEachIndex } from './sqlite-index-schema.ts';
import { createIndexReader, type IndexReader } from './sqlite-index-reader.ts';

export interface IndexReaders {
  /** Throws `SearchTimedOut` when `until` (milliseconds since the epoch) passes before the work is done. */
  read<T>(index: string, until: number, work: (reader: IndexReader) => T): T;
  close(): void;
}

const rowsBetweenLooks = 256;

export function openIndexReaders(path: string): IndexReaders {
  const database = openSqliteReader(path);
  const readerOf = forEachIndex(database, (definition) => createIndexReader(database, definition));
  let rows = 0;
  let deadline = 0;
  const checkTime = () => {
    if (Date.now() >= deadline) throw new SearchTimedOut('the search took too long and was given up');
  };
  database.function('in_time', { deterministic: false }, () => {
    if (++rows % rowsBetweenLooks === 0) checkTime();
    return 1;
  });

  return {
    read(index, until, work) {
      deadline = until;
      checkTime();
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

// A read-only connection to the search file with a reader for each index that is asked for.

import { openSqliteReader } from '../sqlite/open-sqlite.ts';
import { readDefinition } from './sqlite-index-schema.ts';
import { createIndexReader, type IndexReader } from './sqlite-index-reader.ts';

export function openIndexReaders(path: string) {
  const database = openSqliteReader(path);
  const readers = new Map<string, IndexReader>();
  return {
    of(index: string): IndexReader {
      let reader = readers.get(index);
      if (!reader) readers.set(index, (reader = createIndexReader(database, readDefinition(database, index))));
      return reader;
    },
    close: () => database.close(),
  };
}

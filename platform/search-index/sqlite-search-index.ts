// The search index in one node:sqlite file with FTS5, shared by the threads and processes of one machine. Writes run on
// the calling thread (projectors have one of their own); searches there too, or on a read-only thread where nothing may
// wait. What is written is visible at once.

import { join } from 'node:path';
import { openSqlite, purgeDeleted } from '../sqlite/open-sqlite.ts';
import { createPositionsReader } from '../sqlite/sqlite-positions.ts';
import { openSqliteThread } from '../sqlite/sqlite-thread.ts';
import { plainError, type ThrownHere } from '../threads/thread-calls.ts';
import { checkDefinition } from './check-index.ts';
import { openIndexReaders } from './open-index-readers.ts';
import { type Bucket, type Hit, IndexMisused, type SearchIndex } from './search-index.ts';
import { defineIndex, readDefinition, searchFile, searchSchema, searchVersion } from './sqlite-index-schema.ts';
import { createIndexWriter, type IndexWriter } from './sqlite-index-writer.ts';

export interface SqliteSearchIndexSettings {
  readonly folder: string;
  /** `thread` on a thread that answers requests; `here` where the caller may wait. */
  readonly reads: 'here' | 'thread';
}

export interface SqliteSearchIndex extends SearchIndex {
  /** After it no file holds content that was deleted or overwritten before. Rejects while a reader holds the old state. */
  purge(): Promise<void>;
}

type Searches = Pick<SearchIndex, 'search' | 'aggregate' | 'close'>;

export async function openSqliteSearchIndex({ folder, reads }: SqliteSearchIndexSettings): Promise<SqliteSearchIndex> {
  const path = join(folder, searchFile);
  const database = await openSqlite(path, searchSchema, searchVersion);
  const searches = reads === 'here' ? searchHere(path) : await searchOnThread(path);
  const readPositions = createPositionsReader(database);
  const writers = new Map<string, IndexWriter>();

  function writerOf(index: string): IndexWriter {
    let writer = writers.get(index);
    if (!writer) writers.set(index, (writer = createIndexWriter(database, readDefinition(database, index))));
    return writer;
  }

  return {
    async define(index) {
      checkDefinition(index);
      defineIndex(database, index);
    },
    apply: async (index, writes, checkpoint) => writerOf(index).apply(writes, checkpoint),
    search: searches.search,
    aggregate: searches.aggregate,
    async positions(index, projection) {
      const written = readPositions(index, projection);
      return { written, visible: written };
    },
    refresh: async () => {},
    purge: async () => purgeDeleted(database),
    async close() {
      if (!database.isOpen) return;
      database.close();
      await searches.close();
    },
  };
}

function searchHere(path: string): Searches {
  const readers = openIndexReaders(path);
  return {
    search: async (index, query) => readers.of(index).search(query),
    aggregate: async (index, field, query) => readers.of(index).aggregate(field, query),
    close: async () => readers.close(),
  };
}

async function searchOnThread(path: string): Promise<Searches> {
  const thread = await openSqliteThread(new URL('./sqlite-search-index-thread.ts', import.meta.url), path, revive);
  return {
    search: (index, query) => thread.call('search', [index, query]) as Promise<Hit[]>,
    aggregate: (index, field, query) => thread.call('aggregate', [index, field, query]) as Promise<Bucket[]>,
    close: () => thread.close(),
  };
}

function revive(thrown: ThrownHere): Error {
  return thrown.name === 'IndexMisused' ? new IndexMisused(thrown.message) : plainError(thrown);
}

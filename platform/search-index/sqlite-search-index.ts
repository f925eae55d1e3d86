// The search index in one node:sqlite file with FTS5, shared by the threads and processes of one machine. Writes run on
// the calling thread (projectors have one of their own); searches there too, or on a read-only thread where nothing may
// wait. What is written is visible at once.

import { join } from 'node:path';
import type { GenerationMark } from '../log-generation.ts';
import { inTransaction, openSqlite, purgeDeleted } from '../sqlite/open-sqlite.ts';
import { createSqliteGeneration } from '../sqlite/sqlite-generation.ts';
import { createPositionsReader } from '../sqlite/sqlite-positions.ts';
import { openSqliteThread } from '../sqlite/sqlite-thread.ts';
import { plainError, type ThrownHere } from '../threads/thread-calls.ts';
import { checkDefinition, checkName } from './check-index.ts';
import { openIndexReaders } from './open-index-readers.ts';
import {
  type Bucket,
  type DocumentDigest,
  type Hit,
  IndexMisused,
  type SearchIndex,
  SearchTimedOut,
  searchWithinMs as usualTime,
} from './search-index.ts';
import {
  defineIndex,
  dropEveryIndex,
  dropIndex,
  forEachIndex,
  searchFile,
  searchSchema,
  searchVersion,
} from './sqlite-index-schema.ts';
import { createIndexWriter, type IndexWriter } from './sqlite-index-writer.ts';

export interface SqliteSearchIndexSettings {
  readonly folder: string;
  /** `thread` on a thread that answers requests; `here` where the caller may wait. */
  readonly reads: 'here' | 'thread';
  /** Default: the port's. */
  readonly searchWithinMs?: number;
}

export interface SqliteSearchIndex extends SearchIndex, GenerationMark {
  /** After it no file holds content that was deleted or overwritten before. Rejects while a reader holds the old state. */
  purge(): Promise<void>;
}

type Searches = Pick<SearchIndex, 'search' | 'aggregate' | 'digests' | 'close'>;

export async function openSqliteSearchIndex(settings: SqliteSearchIndexSettings): Promise<SqliteSearchIndex> {
  const { folder, reads, searchWithinMs = usualTime } = settings;
  const path = join(folder, searchFile);
  const database = await openSqlite(path, searchSchema, searchVersion);
  const until = () => Date.now() + searchWithinMs;
  const searches = reads === 'here' ? searchHere(path, until) : await searchOnThread(path, until);
  const readPositions = createPositionsReader(database);
  const mark = createSqliteGeneration(database, () => dropEveryIndex(database));
  const writerOf = forEachIndex(database, (definition) => createIndexWriter(database, definition));

  return {
    async define(index) {
      checkDefinition(index);
      defineIndex(database, index);
    },
    async apply(index, writes, checkpoint) {
      let writer = undefined as IndexWriter | undefined;
      try {
        inTransaction(database, () => (writer = writerOf(index)).apply(writes, checkpoint));
      } catch (error) {
        writer?.forget();
        throw error;
      }
    },
    search: searches.search,
    aggregate: searches.aggregate,
    digests: searches.digests,
    async positions(index, projection) {
      const written = readPositions(index, projection);
      return { written, visible: written };
    },
    refresh: async () => {},
    async drop(index) {
      checkName(index);
      dropIndex(database, index);
    },
    purge: async () => purgeDeleted(database),
    claim: async (generation) => mark.claim(generation),
    startOver: async (generation) => mark.startOver(generation),
    async close() {
      if (!database.isOpen) return;
      database.close();
      await searches.close();
    },
  };
}

function searchHere(path: string, until: () => number): Searches {
  const readers = openIndexReaders(path);
  return {
    search: async (index, query) => readers.read(index, until(), (reader) => reader.search(query)),
    aggregate: async (index, field, query) => readers.read(index, until(), (reader) => reader.aggregate(field, query)),
    digests: async (index, options) => readers.read(index, until(), (reader) => reader.digests(options)),
    close: async () => readers.close(),
  };
}

async function searchOnThread(path: string, until: () => number): Promise<Searches> {
  const thread = await openSqliteThread(new URL('./sqlite-search-index-thread.ts', import.meta.url), path, revive);
  return {
    search: (index, query) => thread.call('search', [until(), index, query]) as Promise<Hit[]>,
    aggregate: (index, field, query) => thread.call('aggregate', [until(), index, field, query]) as Promise<Bucket[]>,
    digests: (index, options) => thread.call('digests', [until(), index, options]) as Promise<DocumentDigest[]>,
    close: () => thread.close(),
  };
}

function revive(thrown: ThrownHere): Error {
  if (thrown.name === 'IndexMisused') return new IndexMisused(thrown.message);
  return thrown.name === 'SearchTimedOut' ? new SearchTimedOut(thrown.message) : plainError(thrown);
}

// The search index in one node:sqlite file with FTS5, shared by the threads and processes of one machine. Writes run on
// the calling thread (projectors have one of their own); searches there too, or on read-only threads where nothing may
// wait. What is written is visible at once.

import { join } from 'node:path';
import type { GenerationMark } from '../log-generation.ts';
import { inTransaction, openSqlite, purgeDeleted } from '../sqlite/open-sqlite.ts';
import { createSqliteGeneration } from '../sqlite/sqlite-generation.ts';
import { createPositionsReader } from '../sqlite/sqlite-positions.ts';
import { checkDefinition, checkName } from './check-index.ts';
import { openIndexReaders } from './open-index-readers.ts';
import { type SearchIndex, searchWithinMs as usualTime } from './search-index.ts';
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
import { publishIndex } from './sqlite-views.ts';
import { openSearchThreads, type Searches } from './sqlite-search-threads.ts';

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

export async function openSqliteSearchIndex(settings: SqliteSearchIndexSettings): Promise<SqliteSearchIndex> {
  const { folder, reads, searchWithinMs = usualTime } = settings;
  const path = join(folder, searchFile);
  const database = await openSqlite(path, searchSchema, searchVersion);
  const searches = reads === 'here' ? searchHere(path, searchWithinMs) : await openSearchThreads(path, searchWithinMs);
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
    histogram: searches.histogram,
    async positions(index, projection) {
      const written = readPositions(index, projection);
      return { written, visible: written };
    },
    refresh: async () => {},
    async drop(index) {
      checkName(index);
      dropIndex(database, index);
    },
    async publish(name, index) {
      checkName(name);
      publishIndex(database, name, index);
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

function searchHere(path: string, withinMs: number): Searches {
  const readers = openIndexReaders(path);
  const allowed = () => ({ until: Date.now() + withinMs });
  return {
    search: async (index, query) => readers.read(index, allowed(), (reader) => reader.search(query)),
    aggregate: async (index, field, query) =>
      readers.read(index, allowed(), (reader) => reader.aggregate(field, query)),
    histogram: async (index, query) => readers.read(index, allowed(), (reader) => reader.histogram(query)),
    digests: async (index, options) => readers.read(index, allowed(), (reader) => reader.digests(options)),
    close: async () => readers.close(),
  };
}

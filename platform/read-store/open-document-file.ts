// One connection to the read store's file that reads and writes.

import { openSqlite } from '../sqlite/open-sqlite.ts';
import { createSqliteGeneration } from '../sqlite/sqlite-generation.ts';
import { createDocumentReader } from './sqlite-document-reader.ts';
import { createDocumentWriter } from './sqlite-document-writer.ts';
import { readStoreSchema, readStoreVersion } from './sqlite-read-store-schema.ts';

export async function openDocumentFile(path: string) {
  const database = await openSqlite(path, readStoreSchema, readStoreVersion);
  const writer = createDocumentWriter(database);
  return {
    writer,
    generation: createSqliteGeneration(database, () => writer.empty()),
    reader: createDocumentReader(database),
    close: () => database.close(),
  };
}

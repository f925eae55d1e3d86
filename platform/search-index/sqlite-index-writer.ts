// What changes one index in the file. Synchronous: it runs on a thread that may wait.

import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Positions } from '../positions.ts';
import { createPositionsWriter } from '../sqlite/sqlite-positions.ts';
import { checkWrite } from './check-index.ts';
import { digestOf } from './digest-of.ts';
import { fieldsOf, shownFields } from './index-shape.ts';
import type { FieldValue, IndexDefinition, IndexWrite } from './search-index.ts';
import { createCodes } from './sqlite-codes.ts';
import { column, documentsTable, wordsTable } from './sqlite-index-schema.ts';
import { toWords } from './words.ts';

export type IndexWriter = ReturnType<typeof createIndexWriter>;

export function createIndexWriter(database: DatabaseSync, index: IndexDefinition) {
  const table = documentsTable(index.name);
  const fields = shownFields(index);
  const columns = ['id', 'revision', 'digest', ...fields.map(column)];
  const insert = database.prepare(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) ON CONFLICT (id) DO NOTHING`,
  );
  const find = database.prepare(`SELECT doc, revision FROM ${table} WHERE id = ?`);
  const update = database.prepare(
    `UPDATE ${table} SET ${columns.map((name) => `${name} = ?`).join(', ')} WHERE doc = ?`,
  );
  const texts = fieldsOf(index, 'text').map((field) => ({
    field,
    read: database.prepare(`SELECT words FROM ${wordsTable(index.name, field)} WHERE rowid = ?`),
    add: database.prepare(`INSERT INTO ${wordsTable(index.name, field)} (rowid, words) VALUES (?, ?)`),
    remove: database.prepare(`DELETE FROM ${wordsTable(index.name, field)} WHERE rowid = ?`),
  }));
  const codes = createCodes(database, index.name);
  const movePositions = createPositionsWriter(database);

  function stored(field: string, value: FieldValue | undefined): SQLInputValue {
    if (value === undefined || value === null) return null;
    return index.fields[field] === 'code' ? codes.give(String(value)) : value;
  }

  function write({ id, revision, fields: given }: IndexWrite): void {
    const digest = given && digestOf(given);
    const row = [id, revision, digest, ...fields.map((field) => stored(field, given?.[field]))];
    const { changes, lastInsertRowid } = insert.run(...row);
    if (changes > 0) return writeTexts(lastInsertRowid, given, true);
    const found = find.get(id);
    if (!found || (found['revision'] as number) >= revision) return;
    update.run(...row, found['doc'] as number);
    writeTexts(found['doc'] as number, given, false);
  }

  function writeTexts(doc: number | bigint, given: IndexWrite['fields'], isNew: boolean): void {
    for (const { field, read, add, remove } of texts) {
      const words = toWords(String(given?.[field] ?? ''));
      const before = isNew ? '' : (read.get(doc)?.['words'] ?? '');
      // Taking words out of the index costs five times what adding them does.
      if (words === before) continue;
      if (before !== '') remove.run(doc);
      if (words !== '') add.run(doc, words);
    }
  }

  return {
    /** Only in a transaction; `forget` when it is rolled back. */
    apply(writes: readonly IndexWrite[], checkpoint?: { projection: string; positions: Positions }): void {
      for (const document of writes) checkWrite(index, document);
      for (const document of writes) write(document);
      if (checkpoint) movePositions(index.name, checkpoint.projection, checkpoint.positions);
    },
    forget: () => codes.forget(),
  };
}

// What changes one index in the file. Synchronous: it runs on a thread that may wait.

import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Positions } from '../positions.ts';
import { createPositionsWriter } from '../sqlite/sqlite-positions.ts';
import { checkWrite, numberOf } from './check-index.ts';
import { fieldsOf } from './index-shape.ts';
import type { FieldValue, IndexDefinition, IndexWrite } from './search-index.ts';
import { createCodes } from './sqlite-codes.ts';
import { column, columnFields, documentsTable, keyColumn, wordsTable } from './sqlite-index-schema.ts';
import { toWords } from './words.ts';

export type IndexWriter = ReturnType<typeof createIndexWriter>;

export function createIndexWriter(database: DatabaseSync, index: IndexDefinition) {
  const table = documentsTable(index.name);
  const fields = columnFields(index);
  const key = keyColumn(index);
  /** Columns of the secondary index, which a write of the same value would move in it all the same. */
  const ordered = fields.filter((field) => field === index.partitionBy || field === index.sortBy);
  const others = fields.filter((field) => !ordered.includes(field));
  const columns = [key, 'revision', ...[...others, ...ordered].map((field) => column(index, field))];
  const setTo = (names: readonly string[]) => names.map((name) => `${name} = ?`).join(', ');
  const insert = database.prepare(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`,
  );
  const find = database.prepare(
    `SELECT doc, ${['revision', ...ordered.map((field) => column(index, field))].join(', ')} FROM ${table} WHERE ${key} = ?`,
    { returnArrays: true },
  );
  const update = database.prepare(`UPDATE ${table} SET ${setTo(columns.slice(1))} WHERE doc = ?`);
  const updateInPlace = database.prepare(
    `UPDATE ${table} SET ${setTo(columns.slice(1, 2 + others.length))} WHERE doc = ?`,
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
    const own = index.numbered ? numberOf(index, id) : id;
    const inPlace = [revision, ...others.map((field) => stored(field, given?.[field]))];
    const place = ordered.map((field) => stored(field, given?.[field]));
    const insertNew = () => {
      const { changes, lastInsertRowid } = insert.run(own, ...inPlace, ...place);
      if (changes > 0) writeTexts(lastInsertRowid, given, true);
      return changes > 0;
    };
    // What a stream's first event makes is new, and so is nearly every numbered one.
    const isLikelyNew = revision === 0 || index.numbered;
    if (isLikelyNew && insertNew()) return;
    const [doc, before, ...placeBefore] = (find.get(own) ?? []) as unknown as [number?, number?, ...SQLInputValue[]];
    if (doc === undefined || before === undefined) return void insertNew();
    if (before >= revision) return;
    if (place.every((value, at) => value === placeBefore[at])) updateInPlace.run(...inPlace, doc);
    else update.run(...inPlace, ...place, doc);
    writeTexts(doc, given, false);
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

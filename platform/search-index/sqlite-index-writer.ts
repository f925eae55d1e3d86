// What changes one index in the file. Synchronous: it runs on a thread that may wait.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Positions } from '../positions.ts';
import { createPositionsWriter } from '../sqlite/sqlite-positions.ts';
import { checkWrite } from './check-index.ts';
import { fieldsOf } from './index-shape.ts';
import type { FieldValue, IndexDefinition, IndexWrite } from './search-index.ts';
import { createCodes } from './sqlite-codes.ts';
import { column, columnFields, documentsTable, keptWordsTable, keyColumn, wordsTable } from './sqlite-index-schema.ts';
import { createRisingWriter } from './sqlite-rising.ts';
import { createTallyWriter, type Tallied } from './sqlite-tally.ts';
import { toWords } from './words.ts';

export type IndexWriter = ReturnType<typeof createIndexWriter>;

export function createIndexWriter(database: DatabaseSync, index: IndexDefinition) {
  const table = documentsTable(index.name);
  const fields = columnFields(index);
  const key = keyColumn(index);
  const { rising, findBy = [], tally } = index;
  /** Columns of secondary indices, which a write of the same value would move in them all the same. */
  const watched = fields.filter((field) =>
    [index.partitionBy, index.sortBy, rising, tally?.of, ...findBy].includes(field),
  );
  const risingAt = watched.indexOf(rising ?? '');
  const others = fields.filter((field) => !watched.includes(field));
  const columns = [key, 'revision', ...[...others, ...watched].map((field) => column(index, field))];
  const insert = database.prepare(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`,
  );
  const find = database.prepare(
    `SELECT doc, ${['revision', ...watched.map((field) => column(index, field))].join(', ')} FROM ${table} WHERE ${key} = ?`,
    { returnArrays: true },
  );
  const updates = new Map<string, StatementSync>();
  const texts = fieldsOf(index, 'text').map((field) => ({
    field,
    read: database.prepare(`SELECT c0 AS words FROM ${keptWordsTable(index.name, field)} WHERE id = ?`),
    add: database.prepare(`INSERT INTO ${wordsTable(index.name, field)} (rowid, words) VALUES (?, ?)`),
    remove: database.prepare(`DELETE FROM ${wordsTable(index.name, field)} WHERE rowid = ?`),
  }));
  const codes = createCodes(database, index.name);
  const movePositions = createPositionsWriter(database);
  const tallies = tally && createTallyWriter(database, index.name);
  const blocks = rising === undefined ? undefined : createRisingWriter(database, index.name);

  /** Sets all that may change in place, and of the watched fields those that change, each followed by a space. */
  function updateOf(changed: string): StatementSync {
    let update = updates.get(changed);
    if (!update) {
      const names = [...others, ...changed.split(' ').slice(0, -1)].map((field) => column(index, field));
      const set = ['revision', ...names].map((name) => `${name} = ?`);
      update = database.prepare(`UPDATE ${table} SET ${set.join(', ')} WHERE doc = ?`);
      updates.set(changed, update);
    }
    return update;
  }

  function stored(field: string, value: FieldValue | undefined): FieldValue {
    if (value === undefined || value === null) return null;
    return index.fields[field] === 'code' ? codes.give(String(value)) : value;
  }

  /** Of the numbers that were written here. */
  let highest = -1;

  function write({ id, revision, fields: given }: IndexWrite): void {
    const own = index.numbered ? Number(id) : id;
    const inPlace: FieldValue[] = [revision];
    for (const field of others) inPlace.push(stored(field, given?.[field]));
    const after = watched.map((field) => stored(field, given?.[field]));
    // What a stream's first event makes is new, and so is a number beyond all others.
    const isLikelyNew = revision === 0 || Number(own) > highest;
    if (index.numbered) highest = Math.max(highest, Number(own));
    if (isLikelyNew && insertNew(own, inPlace, after, given)) return;
    const [doc, reached, ...before] = (find.get(own) ?? []) as unknown as [number?, number?, ...FieldValue[]];
    if (doc === undefined || reached === undefined) return void insertNew(own, inPlace, after, given);
    if (reached >= revision) return;
    let changed = '';
    const values = inPlace;
    for (const [at, field] of watched.entries()) {
      if (after[at] === before[at]) continue;
      changed += `${field} `;
      values.push(after[at] ?? null);
      if (at === risingAt) noteRising(own, after);
    }
    updateOf(changed).run(...values, doc);
    if (changed !== '') tallies?.note(talliedIn(before), talliedIn(after));
    writeTexts(doc, given, false);
  }

  function insertNew(
    own: number | string,
    inPlace: readonly FieldValue[],
    after: readonly FieldValue[],
    given: IndexWrite['fields'],
  ): boolean {
    const { changes, lastInsertRowid } = insert.run(own, ...inPlace, ...after);
    if (changes === 0) return false;
    noteRising(own, after);
    tallies?.note(undefined, talliedIn(after));
    writeTexts(lastInsertRowid, given, true);
    return true;
  }

  function noteRising(number: string | number, watchedValues: readonly FieldValue[]): void {
    const value = watchedValues[risingAt];
    if (typeof value === 'number') blocks?.note(Number(number), value);
  }

  const [partitionAt, valueAt] = [watched.indexOf(index.partitionBy), watched.indexOf(tally?.of ?? '')];

  const talliedIn = (values: readonly FieldValue[]): Tallied => ({
    partition: values[partitionAt]!,
    value: values[valueAt]!,
    at: values[risingAt]!,
  });

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
      blocks?.begin();
      tallies?.begin();
      for (const document of writes) write(document);
      blocks?.end();
      tallies?.end();
      if (checkpoint) movePositions(index.name, checkpoint.projection, checkpoint.positions);
    },
    forget: () => codes.forget(),
  };
}

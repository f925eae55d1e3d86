// How an index lies in the file: one table of typed columns, one dictionary of its codes, one full-text table per text
// field, and of a rising field a small table of what lies where. Writes are hot, so beside the id (or the number) there are
// few secondary indices: in each partition the documents of each value of a field that documents are found by, in their
// order, or where there is no such field all documents in their order. An index that was dropped and made again has another
// generation: what a handle keeps of it in memory (codes, statements) holds for one.

import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../sqlite/open-sqlite.ts';
import { positionsSchema } from '../sqlite/sqlite-positions.ts';
import { fieldsOf, shapeOf, shownFields } from './index-shape.ts';
import { type IndexDefinition, IndexMisused, IndexShapeDiffers } from './search-index.ts';

export const searchFile = 'search.sqlite';
export const searchVersion = 2;

export const searchSchema = `
  DROP TABLE IF EXISTS definition;
  CREATE TABLE IF NOT EXISTS search_index (
    name TEXT PRIMARY KEY, shape TEXT NOT NULL, generation TEXT NOT NULL
  ) WITHOUT ROWID, STRICT;
  ${positionsSchema}`;

export const documentsTable = (index: string) => `"docs ${index}"`;
export const codesTable = (index: string) => `"codes ${index}"`;
export const blocksTable = (index: string) => `"blocks ${index}"`;
export const tallyTable = (index: string) => `"tally ${index}"`;
export const wordsTable = (index: string, field: string) => `"words ${index} ${field}"`;
/** FTS5's own table of what it was given, in its column `c0`: quicker by number than by way of FTS5. */
export const keptWordsTable = (index: string, field: string) => `"words ${index} ${field}_content"`;

/** Raised with every change of what is below: an index that an older program made is built anew. */
const layout = 3;

/** Where a field that is shown or sorted by stands. A numbered document's number is its row's. */
export const column = ({ numbered, sortBy }: IndexDefinition, field: string) =>
  numbered && field === sortBy ? 'doc' : `"f_${field}"`;

/** What puts documents in order, as columns: all that a page's end has to say. */
export const placeColumns = (index: IndexDefinition) =>
  index.numbered ? ['doc'] : [column(index, index.sortBy), 'id'];

/** The secondary index with the documents of each value of a field, or with all in their order. */
export const laneIndex = ({ name }: IndexDefinition, field?: string) =>
  field === undefined ? `"order ${name}"` : `"find ${name} ${field}"`;

/** The column that a document is found by. */
export const keyColumn = ({ numbered }: IndexDefinition) => (numbered ? 'doc' : 'id');

/** The fields that have a column, besides the key. */
export const columnFields = (index: IndexDefinition) =>
  shownFields(index).filter((field) => column(index, field) !== keyColumn(index));

const columnTypes = { keyword: 'TEXT', code: 'INTEGER', number: 'REAL', text: '' } as const;

// Letters and digits and all that is not ASCII belong to words by themselves: so only white space parts them.
const tokenizer = `ascii tokenchars '${quote('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~')}'`;

export interface StoredIndex {
  readonly definition: IndexDefinition;
  readonly generation: string;
}

/** Makes the index unless it is there with this very shape; throws `IndexShapeDiffers` when it has another. */
export function defineIndex(database: DatabaseSync, index: IndexDefinition): void {
  const shape = JSON.stringify({ layout, ...shapeOf(index) });
  const same = (found: string | undefined) => {
    if (found !== undefined && found !== shape) throw new IndexShapeDiffers(index.name);
    return found !== undefined;
  };
  const read = () => readRow(database, index.name)?.shape;
  if (same(read())) return;
  inTransaction(database, () => {
    if (same(read())) return;
    // An older version of this program may have left tables of that name, in another form.
    removeTables(database, index.name);
    database.exec(tablesOf(index));
    database.prepare('INSERT INTO search_index VALUES (?, ?, ?)').run(index.name, shape, randomUUID());
  });
}

/** Takes the index out of the file with its positions; nothing happens when there is none. */
export function dropIndex(database: DatabaseSync, name: string): void {
  inTransaction(database, () => {
    removeTables(database, name);
    database.prepare('DELETE FROM search_index WHERE name = ?').run(name);
  });
}

/** Takes all indices out of the file, within a transaction. */
export function dropEveryIndex(database: DatabaseSync): void {
  for (const row of database.prepare('SELECT name FROM search_index').all())
    removeTables(database, String(row['name']));
  database.exec('DELETE FROM search_index; DELETE FROM checkpoint');
}

function removeTables(database: DatabaseSync, name: string): void {
  const words = database
    .prepare(`SELECT name FROM sqlite_schema WHERE name GLOB ? AND sql LIKE 'CREATE VIRTUAL TABLE%'`)
    .all(`words ${name} *`);
  for (const table of words) database.exec(`DROP TABLE "${String(table['name'])}"`);
  const views = database
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'view' AND instr(sql, ?) > 0`)
    .all(`FROM ${documentsTable(name)} `);
  for (const view of views) database.exec(`DROP VIEW "${String(view['name'])}"`);
  const tables = [documentsTable(name), codesTable(name), blocksTable(name), tallyTable(name)];
  for (const table of tables) database.exec(`DROP TABLE IF EXISTS ${table}`);
  database.prepare('DELETE FROM checkpoint WHERE space = ?').run(name);
}

/** The index as it is in the file; throws `IndexMisused` when there is none. */
export function readIndex(database: DatabaseSync, name: string): StoredIndex {
  const row = readRow(database, name);
  if (!row) throw new IndexMisused(`the index ${name} is not defined`);
  const shape = JSON.parse(row.shape) as ReturnType<typeof shapeOf>;
  return { definition: { name, ...shape }, generation: row.generation };
}

/** What is made of an index by its definition: once, and anew when the index is another of that name. */
export function forEachIndex<Made>(database: DatabaseSync, make: (definition: IndexDefinition) => Made) {
  const known = new Map<string, { readonly generation: string; readonly made: Made }>();
  return (name: string): Made => {
    const { generation, definition } = readIndex(database, name);
    const before = known.get(name);
    if (before?.generation === generation) return before.made;
    const made = make(definition);
    known.set(name, { generation, made });
    return made;
  };
}

function readRow(database: DatabaseSync, name: string): { shape: string; generation: string } | undefined {
  const row = database.prepare('SELECT shape, generation FROM search_index WHERE name = ?').get(name);
  return row && { shape: String(row['shape']), generation: String(row['generation']) };
}

function tablesOf(index: IndexDefinition): string {
  const { name, fields, partitionBy, numbered, findBy = [], rising, tally } = index;
  const columns = columnFields(index).map((field) => `${column(index, field)} ${columnTypes[fields[field]!]}`);
  const lanes = (findBy.length > 0 ? findBy : [undefined]).map((field) => {
    const by = [partitionBy, ...(field === undefined ? [] : [field])].map((one) => column(index, one));
    // A row's number stands at the end of every entry of an index anyway.
    const parts = [...by, ...(numbered ? [] : placeColumns(index))];
    return `CREATE INDEX ${laneIndex(index, field)} ON ${documentsTable(name)} (${parts.join(', ')});`;
  });
  const words = fieldsOf(index, 'text').map((field) => {
    const table = wordsTable(name, field);
    // Which words a document has is all that is asked: no places, no sizes. `secure-delete` takes words really out; with
    // `detail = none` it would leave some in (a fault of SQLite 3.53, which the integrity check of a test finds).
    return `CREATE VIRTUAL TABLE ${table} USING fts5(words, detail = column, columnsize = 0, tokenize = "${tokenizer.replaceAll('"', '""')}");
      INSERT INTO ${table} (${table}, rank) VALUES ('secure-delete', 1);`;
  });
  return `
    CREATE TABLE ${documentsTable(name)} (
      doc INTEGER PRIMARY KEY, ${numbered ? '' : 'id TEXT NOT NULL UNIQUE,'} revision INTEGER NOT NULL, ${columns.join(', ')}
    ) STRICT;
    ${lanes.join('\n')}
    ${rising === undefined ? '' : blocksOf(name)}
    ${tally ? tallyOf(index) : ''}
    CREATE TABLE ${codesTable(name)} (code INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE) STRICT;
    ${words.join('\n')}`;
}

/** From the number `start` to the next one's: how many rows there were when they came, and what their field is between. */
const blocksOf = (name: string) =>
  `CREATE TABLE ${blocksTable(name)} (start INTEGER PRIMARY KEY, rows INTEGER NOT NULL, least REAL, most REAL) STRICT;`;

/** `at` counts the unit, of so many milliseconds, from 1970 on. */
const tallyOf = ({ name, fields, partitionBy }: IndexDefinition) =>
  `CREATE TABLE ${tallyTable(name)} (
     unit INTEGER NOT NULL, part ${columnTypes[fields[partitionBy]!]} NOT NULL, at INTEGER NOT NULL,
     value INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (unit, part, at, value)
   ) WITHOUT ROWID, STRICT;`;

function quote(text: string): string {
  return text.replaceAll("'", "''");
}

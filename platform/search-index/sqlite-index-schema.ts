// How an index lies in the file: one table of typed columns, one dictionary of its codes, one full-text table per text
// field. Writes are hot, so beside the id there is one secondary index only: partition, sort field, id.

import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../sqlite/open-sqlite.ts';
import { positionsSchema } from '../sqlite/sqlite-positions.ts';
import { type FieldKind, type IndexDefinition, IndexMisused, IndexShapeDiffers } from './search-index.ts';

export const searchFile = 'search.sqlite';
export const searchVersion = 1;

export const searchSchema = `
  CREATE TABLE IF NOT EXISTS definition (name TEXT PRIMARY KEY, shape TEXT NOT NULL) WITHOUT ROWID, STRICT;
  ${positionsSchema}`;

export const documentsTable = (index: string) => `"docs ${index}"`;
export const codesTable = (index: string) => `"codes ${index}"`;
export const wordsTable = (index: string, field: string) => `"words ${index} ${field}"`;
export const column = (field: string) => `"f_${field}"`;

export const fieldsOf = ({ fields }: IndexDefinition, ...kinds: FieldKind[]): string[] =>
  Object.keys(fields)
    .filter((field) => kinds.includes(fields[field]!))
    .sort();

/** The fields that are columns, in the order of the columns. */
export const columnFields = (index: IndexDefinition) => fieldsOf(index, 'keyword', 'code', 'number');

const columnTypes = { keyword: 'TEXT', code: 'INTEGER', number: 'REAL', text: '' } as const;

// Letters and digits and all that is not ASCII belong to words by themselves: so only white space parts them.
const tokenizer = `ascii tokenchars '${quote('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~')}'`;

/** Makes the index unless it is there with this very shape; throws `IndexShapeDiffers` when it has another. */
export function defineIndex(database: DatabaseSync, index: IndexDefinition): void {
  const shape = shapeOf(index);
  const same = (found: string | undefined) => {
    if (found !== undefined && found !== shape) throw new IndexShapeDiffers(index.name);
    return found !== undefined;
  };
  if (same(readShape(database, index.name))) return;
  inTransaction(database, () => {
    if (same(readShape(database, index.name))) return;
    database.exec(tablesOf(index));
    database.prepare('INSERT INTO definition VALUES (?, ?)').run(index.name, shape);
  });
}

/** The definition as it is in the file; throws `IndexMisused` when there is none. */
export function readDefinition(database: DatabaseSync, name: string): IndexDefinition {
  const shape = readShape(database, name);
  if (shape === undefined) throw new IndexMisused(`the index ${name} is not defined`);
  return { name, ...(JSON.parse(shape) as Omit<IndexDefinition, 'name'>) };
}

function readShape(database: DatabaseSync, name: string): string | undefined {
  return database.prepare('SELECT shape FROM definition WHERE name = ?').get(name)?.['shape'] as string | undefined;
}

function shapeOf({ fields, sortBy, partitionBy }: IndexDefinition): string {
  const sorted = Object.keys(fields)
    .sort()
    .map((field) => [field, fields[field]]);
  return JSON.stringify({ fields: Object.fromEntries(sorted), sortBy, partitionBy });
}

function tablesOf(index: IndexDefinition): string {
  const { name, fields, partitionBy, sortBy } = index;
  const columns = columnFields(index).map((field) => `${column(field)} ${columnTypes[fields[field]!]}`);
  const words = fieldsOf(index, 'text').map((field) => {
    const table = wordsTable(name, field);
    // Which words a document has is all that is asked: no places, no sizes. `secure-delete` takes words really out; with
    // `detail = none` it would leave some in (a fault of SQLite 3.53, which the integrity check of a test finds).
    return `CREATE VIRTUAL TABLE ${table} USING fts5(words, detail = column, columnsize = 0, tokenize = "${tokenizer.replaceAll('"', '""')}");
      INSERT INTO ${table} (${table}, rank) VALUES ('secure-delete', 1);`;
  });
  return `
    CREATE TABLE ${documentsTable(name)} (
      doc INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL, ${columns.join(', ')}
    ) STRICT;
    CREATE INDEX "order ${name}" ON ${documentsTable(name)} (${column(partitionBy)}, ${column(sortBy)}, id);
    CREATE TABLE ${codesTable(name)} (code INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE) STRICT;
    ${words.join('\n')}`;
}

function quote(text: string): string {
  return text.replaceAll("'", "''");
}

// A view for whoever reads the file itself: the documents of an index with their values in the place of codes, without
// tombstones. It names every column after its field; the words of a text are those that it is found by.

import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../sqlite/open-sqlite.ts';
import { fieldsOf, shownFields } from './index-shape.ts';
import type { IndexDefinition } from './search-index.ts';
import { codesTable, column, documentsTable, keptWordsTable, readIndex } from './sqlite-index-schema.ts';

export function publishIndex(database: DatabaseSync, name: string, index: string): void {
  const read = () =>
    database.prepare(`SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ?`).get(name)?.['sql'];
  const view = viewOf(name, readIndex(database, index).definition);
  // What is so already is left alone: every reader would prepare its statements anew.
  if (read() === view) return;
  inTransaction(database, () => database.exec(`DROP VIEW IF EXISTS "${name}"; ${view}`));
}

function viewOf(name: string, index: IndexDefinition): string {
  const documents = documentsTable(index.name);
  const valueOf = (field: string) => {
    const stored = `${documents}.${column(index, field)}`;
    return index.fields[field] === 'code'
      ? `(SELECT value FROM ${codesTable(index.name)} WHERE code = ${stored})`
      : stored;
  };
  const wordsOf = (field: string) =>
    `(SELECT c0 FROM ${keptWordsTable(index.name, field)} WHERE id = ${documents}.doc)`;
  const columns = [
    ...(index.numbered ? [] : [`${documents}.id AS "id"`]),
    ...shownFields(index).map((field) => `${valueOf(field)} AS "${field}"`),
    ...fieldsOf(index, 'text').map((field) => `${wordsOf(field)} AS "${field}"`),
  ];
  const isThere = `${documents}.${column(index, index.partitionBy)} IS NOT NULL`;
  return `CREATE VIEW "${name}" AS SELECT ${columns.join(', ')} FROM ${documents} WHERE ${isThere}`;
}

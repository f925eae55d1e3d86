// A query as SQL. Values are always bound, so statements of the same form are prepared once.

import type { SQLInputValue } from 'node:sqlite';
import { kindOf } from './check-index.ts';
import type { Condition, IndexDefinition, SearchQuery } from './search-index.ts';
import type { Codes } from './sqlite-codes.ts';
import { column, documentsTable, wordsTable } from './sqlite-index-schema.ts';
import { toWantedWord } from './words.ts';

export interface SqlFilter {
  readonly from: string;
  readonly where: readonly string[];
  readonly values: readonly SQLInputValue[];
}

/** What a query filters by, but not its partition; undefined when nothing can be found. */
export function toFilter(
  index: IndexDefinition,
  codes: Codes,
  { conditions = [], text }: Pick<SearchQuery, 'conditions' | 'text'>,
): SqlFilter | undefined {
  const table = documentsTable(index.name);
  const where: string[] = [];
  const values: SQLInputValue[] = [];
  let from = table;
  if (text && text.words.length > 0) {
    const words = wordsTable(index.name, text.field);
    // The words first, then their documents: CROSS JOIN keeps SQLite from asking the word list once per document.
    from = `${words} AS words CROSS JOIN ${table} ON doc = words.rowid`;
    where.push(`${words} MATCH ?`);
    values.push(text.words.map(toMatch).join(' '));
  }
  for (const condition of conditions) {
    const clause = toClause(index, codes, condition);
    if (!clause) return undefined;
    where.push(...clause.where);
    values.push(...clause.values);
  }
  return { from, where, values };
}

function toClause(index: IndexDefinition, codes: Codes, condition: Condition): Omit<SqlFilter, 'from'> | undefined {
  const name = column(index, condition.field);
  if (!('in' in condition)) {
    const { from, to } = condition;
    return {
      where: [...(from === undefined ? [] : [`${name} >= ?`]), ...(to === undefined ? [] : [`${name} <= ?`])],
      values: [from, to].filter((bound) => bound !== undefined),
    };
  }
  const wanted =
    kindOf(index, condition.field) === 'code'
      ? condition.in.map((value) => codes.find(String(value))).filter((code) => code !== undefined)
      : condition.in;
  const [first] = wanted;
  if (first === undefined) return undefined;
  if (wanted.length === 1) return { where: [`${name} = ?`], values: [first] };
  return { where: [`${name} IN (SELECT value FROM json_each(?))`], values: [JSON.stringify(wanted.map(wellFormed))] };
}

/** Half a character is stored as a replacement character, which JSON's escapes would not become. */
const wellFormed = (value: string | number) => (typeof value === 'string' ? value.toWellFormed() : value);

/** A word as a string of FTS5's query language; a prefix keeps its star outside. */
function toMatch(word: string): string {
  const { text, isPrefix } = toWantedWord(word);
  return `"${text.replaceAll('"', '""')}"${isPrefix ? '*' : ''}`;
}

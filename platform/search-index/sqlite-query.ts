// A query as SQL. Values are always bound, so statements of the same form are prepared once.

import type { SQLInputValue } from 'node:sqlite';
import { kindOf } from './check-index.ts';
import type { Condition, IndexDefinition } from './search-index.ts';
import type { Codes } from './sqlite-codes.ts';
import { column } from './sqlite-index-schema.ts';
import { toWantedWord } from './words.ts';

export interface Clauses {
  readonly where: readonly string[];
  readonly values: readonly SQLInputValue[];
}

/** A range that is open to a side has no bound there. */
export const isRange = (condition: Condition): condition is Extract<Condition, { from?: number; to?: number }> =>
  !('in' in condition) && !('notIn' in condition);

/** All of these; undefined when nothing can be found. */
export function toClauses(index: IndexDefinition, codes: Codes, conditions: readonly Condition[]): Clauses | undefined {
  const where: string[] = [];
  const values: SQLInputValue[] = [];
  for (const condition of conditions) {
    const clauses = toClause(index, codes, condition);
    if (!clauses) return undefined;
    where.push(...clauses.where);
    values.push(...clauses.values);
  }
  return { where, values };
}

function toClause(index: IndexDefinition, codes: Codes, condition: Condition): Clauses | undefined {
  // With the plus SQLite does not take the condition for what it should find rows by: that is chosen elsewhere.
  const name = `+${column(index, condition.field)}`;
  if (isRange(condition)) {
    const { from, to } = condition;
    return {
      where: [...(from === undefined ? [] : [`${name} >= ?`]), ...(to === undefined ? [] : [`${name} <= ?`])],
      values: [from, to].filter((bound) => bound !== undefined),
    };
  }
  if ('notIn' in condition) {
    const unwanted = storedValues(index, codes, condition.field, condition.notIn);
    const isThere = `${name} IS NOT NULL`;
    if (unwanted.length === 0) return { where: [isThere], values: [] };
    return {
      where: [isThere, `${name} NOT IN (SELECT value FROM json_each(?))`],
      values: [JSON.stringify(unwanted)],
    };
  }
  const wanted = storedValues(index, codes, condition.field, condition.in);
  const [first] = wanted;
  if (first === undefined) return undefined;
  if (wanted.length === 1) return { where: [`${name} = ?`], values: [first] };
  return { where: [`${name} IN (SELECT value FROM json_each(?))`], values: [JSON.stringify(wanted)] };
}

/** As they stand in the field's column, each once; what no document can have is left out. */
export function storedValues(
  index: IndexDefinition,
  codes: Codes,
  field: string,
  values: readonly (string | number)[],
): (string | number)[] {
  const isCode = kindOf(index, field) === 'code';
  const stored = values.flatMap((value) => {
    if (isCode) return codes.find(String(value)) ?? [];
    // Half a character is stored as a replacement character, which JSON's escapes would not become.
    if (typeof value === 'string') return value.toWellFormed();
    return Number.isFinite(value) ? value : [];
  });
  return [...new Set(stored)];
}

/** Words as FTS5's query language has them; a prefix keeps its star outside. */
export function toMatch(words: readonly string[]): string {
  return words
    .map((word) => {
      const { text, isPrefix } = toWantedWord(word);
      return `"${text.replaceAll('"', '""')}"${isPrefix ? '*' : ''}`;
    })
    .join(' ');
}

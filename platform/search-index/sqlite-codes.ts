// The dictionary of an index: values of its code fields as small integers. A code once given is never changed or removed,
// so what is cached stays true in every thread and process.

import type { DatabaseSync } from 'node:sqlite';
import { codesTable } from './sqlite-index-schema.ts';

export type Codes = ReturnType<typeof createCodes>;

export function createCodes(database: DatabaseSync, index: string) {
  const table = codesTable(index);
  const findCode = database.prepare(`SELECT code FROM ${table} WHERE value = ?`);
  const findValue = database.prepare(`SELECT value FROM ${table} WHERE code = ?`);
  const codes = new Map<string, number>();
  const values = new Map<number, string>();

  function find(value: string): number | undefined {
    const known = codes.get(value);
    if (known !== undefined) return known;
    const code = findCode.get(value)?.['code'] as number | undefined;
    if (code !== undefined) codes.set(value, code);
    return code;
  }

  return {
    find,
    /** Only in a transaction; `forget` when it is rolled back. */
    give(value: string): number {
      const known = find(value);
      if (known !== undefined) return known;
      const code = Number(database.prepare(`INSERT INTO ${table} (value) VALUES (?)`).run(value).lastInsertRowid);
      codes.set(value, code);
      return code;
    },
    forget(): void {
      codes.clear();
    },
    valueOf(code: number): string {
      const known = values.get(code);
      if (known !== undefined) return known;
      const value = findValue.get(code)?.['value'] as string | undefined;
      if (value === undefined) throw new Error(`index ${index}: the dictionary has no code ${code}`);
      values.set(code, value);
      return value;
    },
  };
}

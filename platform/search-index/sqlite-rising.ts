// Where in an index its rising field has which values: its rows in blocks of some size, one after the other by their
// numbers, each with the least and the greatest value that it ever had. So a range of values becomes a range of numbers,
// which is as narrow as the field rises steadily, and never too narrow.

import type { DatabaseSync } from 'node:sqlite';
import { blocksTable } from './sqlite-index-schema.ts';

const ROWS = 1_024;

interface Block {
  readonly start: number;
  readonly isNew: boolean;
  rows: number;
  least: number;
  most: number;
}

export interface RisingWriter {
  /** Only in a transaction, before its notes: other handles write too. */
  begin(): void;
  /** Of a row that is new, or has another value than before. */
  note(number: number, value: number): void;
  /** Writes down what was noted. */
  end(): void;
}

export function createRisingWriter(database: DatabaseSync, index: string): RisingWriter {
  const table = blocksTable(index);
  const readLast = database.prepare(`SELECT start, rows, least, most FROM ${table} ORDER BY start DESC LIMIT 1`);
  const insert = database.prepare(`INSERT INTO ${table} (start, rows, least, most) VALUES (?, ?, ?, ?)`);
  const update = database.prepare(`UPDATE ${table} SET rows = ?, least = ?, most = ? WHERE start = ?`);
  const widen = database.prepare(
    `UPDATE ${table} SET least = min(least, ?1), most = max(most, ?1)
     WHERE start = (SELECT max(start) FROM ${table} WHERE start <= ?2) AND (least > ?1 OR most < ?1)`,
  );
  let last: Block | undefined;
  let isChanged = false;

  function write(): void {
    if (!last || !isChanged) return;
    const { start, rows, least, most } = last;
    if (last.isNew) insert.run(start, rows, least, most);
    else update.run(rows, least, most, start);
    isChanged = false;
  }

  return {
    begin() {
      const found = readLast.get() as Omit<Block, 'isNew'> | undefined;
      last = found && { ...found, isNew: false };
      isChanged = false;
    },
    note(number, value) {
      if (last && number < last.start) return void widen.run(value, number);
      if (!last || (last.rows >= ROWS && number > last.start)) {
        write();
        // The first begins before all numbers, so that each number has its block.
        last = { start: last ? number : 0, isNew: true, rows: 0, least: value, most: value };
      }
      last.rows++;
      last.least = Math.min(last.least, value);
      last.most = Math.max(last.most, value);
      isChanged = true;
    },
    end: write,
  };
}

export interface Span {
  readonly low: number;
  readonly high: number;
}

/** Answers between which numbers all rows with a value in the range are; undefined when there are none. */
export function createRisingReader(
  database: DatabaseSync,
  index: string,
): (from: number, to: number) => Span | undefined {
  const table = blocksTable(index);
  const find = database.prepare(
    `SELECT low, (SELECT min(start) FROM ${table} WHERE start > high) AS next
     FROM (SELECT min(start) AS low, max(start) AS high FROM ${table} WHERE most >= ? AND least <= ?)`,
  );
  return (from, to) => {
    const { low, next } = find.get(from, to) as { low: number | null; next: number | null };
    return low === null ? undefined : { low, high: next === null ? Number.MAX_SAFE_INTEGER : next - 1 };
  };
}

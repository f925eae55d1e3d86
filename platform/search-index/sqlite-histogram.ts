// Counts over time from what is tallied (sqlite-tally.ts), and from the rows where a second is too long.

import type { SQLInputValue, StatementSync } from 'node:sqlite';
import type { HistogramCount, HistogramQuery, IndexDefinition } from './search-index.ts';
import type { Codes } from './sqlite-codes.ts';
import { column, documentsTable, tallyTable } from './sqlite-index-schema.ts';
import { storedValues } from './sqlite-query.ts';
import type { Span } from './sqlite-rising.ts';
import { floorTo, type Part, partsOf } from './sqlite-tally.ts';
import { inTime } from './sqlite-walk.ts';

/** Of the unit that has the fewest rows: each partition has one there. */
const LONGEST_MS = 86_400_000;

type Tally = NonNullable<IndexDefinition['tally']>;
type Found = (partition: SQLInputValue, part: Part) => { start: number; value: SQLInputValue; count: number }[];

export function createHistogram(
  index: IndexDefinition,
  tally: Tally,
  codes: Codes,
  prepared: (sql: string) => StatementSync,
  spanOf: (from: number, to: number) => Span | undefined,
) {
  const table = tallyTable(index.name);
  const [of, over, part] = [tally.of, tally.over, index.partitionBy].map((field) => column(index, field));

  /** Every partition that has or had rows. */
  function partitions(): SQLInputValue[] {
    const next = `SELECT min(part) AS next FROM ${table} WHERE unit = ${LONGEST_MS}`;
    const found: SQLInputValue[] = [];
    let row = prepared(next).get();
    while (row && row['next'] !== null) {
      found.push(row['next']!);
      row = prepared(`${next} AND part > ?`).get(row['next']!);
    }
    return found;
  }

  const inTally =
    (width: number): Found =>
    (partition, { unit = 1, from, to }) => {
      const where = inTime(['unit = ?', 'part = ?', 'at >= ?', 'at < ?']);
      return prepared(
        `SELECT at - at % ? AS start, value, sum(count) AS count FROM ${table} WHERE ${where} GROUP BY 1, 2`,
      )
        .all(width / unit, unit, partition, from / unit, to / unit)
        .map((row) => ({ ...counted(row), start: Number(row['start']) * unit }));
    };

  const inRows: Found = (partition, { from, to }) => {
    const span = spanOf(from, to);
    if (!span) return [];
    const where = inTime([
      'doc >= ?',
      'doc <= ?',
      `+${part} = ?`,
      `+${over} >= ?`,
      `+${over} < ?`,
      `+${of} IS NOT NULL`,
    ]);
    return prepared(
      `SELECT ${over} AS start, ${of} AS value, count(*) AS count FROM ${documentsTable(index.name)} NOT INDEXED
       WHERE ${where} GROUP BY 1, 2`,
    )
      .all(span.low, span.high, partition, from, to)
      .map(counted);
  };

  const counted = (row: Record<string, unknown>) => ({
    start: Number(row['start']),
    value: row['value'] as SQLInputValue,
    count: Number(row['count']),
  });

  function toFilter(conditions: HistogramQuery['conditions'] = []) {
    const tests = conditions.map((condition) => {
      const isIn = 'in' in condition;
      const values = new Set<unknown>(storedValues(index, codes, tally.of, isIn ? condition.in : condition.notIn));
      return (value: unknown) => values.has(value) === isIn;
    });
    return (value: unknown) => tests.every((test) => test(value));
  }

  return (within: readonly SQLInputValue[] | undefined, { from, to, width, conditions }: HistogramQuery) => {
    const isWanted = toFilter(conditions);
    const counts = new Map<number, Map<SQLInputValue, number>>();
    const parts = partsOf(from, to, width);
    const inUnits = inTally(width);
    for (const partition of within ?? partitions()) {
      for (const one of parts) {
        for (const { start, value, count } of (one.unit === undefined ? inRows : inUnits)(partition, one)) {
          if (!isWanted(value)) continue;
          const at = floorTo(start, width);
          const bucket = counts.get(at) ?? new Map<SQLInputValue, number>();
          counts.set(at, bucket.set(value, (bucket.get(value) ?? 0) + count));
        }
      }
    }
    const values = [...new Set([...counts.values()].flatMap((bucket) => [...bucket.keys()]))]
      .map((code) => ({ code, value: codes.valueOf(Number(code)) }))
      .sort((one, other) => Buffer.compare(Buffer.from(one.value), Buffer.from(other.value)));
    const countsAt = (at: number) =>
      values.map(({ code, value }): HistogramCount => ({ at, value, count: counts.get(at)?.get(code) ?? 0 }));
    return [...counts.keys()]
      .sort((one, other) => one - other)
      .flatMap(countsAt)
      .filter(({ count }) => count > 0);
  };
}

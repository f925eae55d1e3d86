// How many rows of an index have each value of a field in each tenth of a second, second, minute, hour and day of another:
// kept as rows come, in their transaction, so that a count over years reads some thousand numbers and no rows. What is
// shorter is counted in the rows themselves.

import type { DatabaseSync } from 'node:sqlite';
import { tallyTable } from './sqlite-index-schema.ts';

const UNITS_MS = [100, 1_000, 60_000, 3_600_000, 86_400_000] as const;
export type Unit = (typeof UNITS_MS)[number];

/** What of a row is counted: each as it stands in its column. */
export interface Tallied {
  readonly partition: Stored;
  readonly value: Stored;
  readonly at: Stored;
}

export interface TallyWriter {
  /** Only in a transaction, before its notes. */
  begin(): void;
  /** What a row said before, and what it says now. */
  note(before: Tallied | undefined, after: Tallied | undefined): void;
  /** Writes down what was noted. */
  end(): void;
}

type Stored = string | number | null;

interface Counted extends Tallied {
  readonly at: number;
  readonly unit: Unit;
  count: number;
}

export function createTallyWriter(database: DatabaseSync, index: string): TallyWriter {
  const add = database.prepare(
    `INSERT INTO ${tallyTable(index)} (unit, part, at, value, count) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET count = count + excluded.count`,
  );
  const noted = new Map<string, Counted>();

  function count({ partition, value, at }: Tallied, change: 1 | -1): void {
    if (partition === null || value === null || typeof at !== 'number') return;
    for (const unit of UNITS_MS) {
      const start = floorTo(at, unit) / unit;
      const key = `${unit} ${start} ${value} ${partition}`;
      const known = noted.get(key);
      if (known) known.count += change;
      else noted.set(key, { partition, value, unit, at: start, count: change });
    }
  }

  return {
    begin: () => noted.clear(),
    note(before, after) {
      if (before) count(before, -1);
      if (after) count(after, 1);
    },
    end() {
      for (const { unit, partition, at, value, count: change } of noted.values())
        if (change !== 0) add.run(unit, partition, at, value, change);
    },
  };
}

/** A part of a range: counted by the unit, or in the rows. `to` is not in it. */
export interface Part {
  readonly unit: Unit | undefined;
  readonly from: number;
  readonly to: number;
}

/** The fewest parts that make up the range, whose units fit into the width. */
export function partsOf(from: number, to: number, width: number, units: readonly Unit[] = UNITS_MS): Part[] {
  if (from >= to) return [];
  const unit = units.findLast((one) => width % one === 0);
  if (unit === undefined) return [{ unit, from, to }];
  const start = floorTo(from + unit - 1, unit);
  const end = floorTo(to, unit);
  const finer = units.slice(0, units.indexOf(unit));
  if (start >= end) return partsOf(from, to, width, finer);
  return [...partsOf(from, start, width, finer), { unit, from: start, to: end }, ...partsOf(end, to, width, finer)];
}

export const floorTo = (at: number, unit: number) => Math.floor(at / unit) * unit;

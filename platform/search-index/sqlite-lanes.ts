// Ways to documents in their order. A lane is a part of a secondary index in which they lie in the order of lists: those of
// a partition, or those of a partition with one value of a field. A query is answered from as many lanes as it takes, each
// read only as far as its documents can still be among the first ones of all.

import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import type { Condition, IndexDefinition } from './search-index.ts';
import type { Codes } from './sqlite-codes.ts';
import { column, documentsTable, laneIndex } from './sqlite-index-schema.ts';
import { type Clauses, storedValues } from './sqlite-query.ts';

export interface Lane extends Clauses {
  /** The secondary index; undefined for the table itself, in the order of its numbers. */
  readonly by?: string;
}

type Stored = SQLOutputValue;

/** Documents counted to learn which condition few of them meet; a value that more have is common. */
const COUNTED = 1_000;

export interface Lanes {
  /**
   * Of the partitions (undefined: of all) in which documents that meet the conditions lie. They still must be held against
   * the conditions.
   */
  of(partitions: readonly SQLInputValue[] | undefined, conditions: readonly Condition[]): Iterable<Lane>;
}

export function createLanes(database: DatabaseSync, index: IndexDefinition, codes: Codes): Lanes {
  const { numbered, findBy = [] } = index;
  const table = documentsTable(index.name);
  const partitionColumn = column(index, index.partitionBy);
  const [inOrder] = findBy;
  const firstPartition = database.prepare(`SELECT min(${partitionColumn}) AS next FROM ${table}`);
  const nextPartition = database.prepare(
    `SELECT min(${partitionColumn}) AS next FROM ${table} WHERE ${partitionColumn} > ?`,
  );
  const fields = new Map(findBy.map((field) => [field, prepareField(field)]));

  function prepareField(field: string) {
    const name = column(index, field);
    const from = `${table} INDEXED BY ${laneIndex(index, field)} WHERE ${partitionColumn} = ?`;
    return {
      first: database.prepare(`SELECT ${name} AS next FROM ${from} AND ${name} IS NOT NULL ORDER BY ${name} LIMIT 1`),
      next: database.prepare(`SELECT ${name} AS next FROM ${from} AND ${name} > ? ORDER BY ${name} LIMIT 1`),
      count: database.prepare(`SELECT count(*) AS count FROM (SELECT 1 FROM ${from} AND ${name} = ? LIMIT ${COUNTED})`),
    };
  }

  function* everyPartition(): Generator<Stored> {
    let next = firstPartition.get()?.['next'];
    while (next !== null && next !== undefined) {
      yield next;
      next = nextPartition.get(next)?.['next'];
    }
  }

  /** The values that a field has in a partition. */
  function* valuesIn(partition: SQLInputValue, field: string): Generator<Stored> {
    const { first, next } = fields.get(field)!;
    for (let row = first.get(partition); row; row = next.get(partition, row['next']!)) yield row['next']!;
  }

  /** Counts documents with the values, no further than it takes to know which of two fields has fewer. */
  function isMet(partitions: Iterable<SQLInputValue>, field: string, values: readonly SQLInputValue[]): number {
    const { count } = fields.get(field)!;
    let met = 0;
    for (const partition of partitions) {
      for (const value of values) {
        met += count.get(partition, value)?.['count'] as number;
        if (met >= COUNTED) return COUNTED;
      }
    }
    return met;
  }

  /** The field that the documents are found by, and its values. */
  function leadOf(partitions: readonly SQLInputValue[] | undefined, conditions: readonly Condition[]) {
    const leads = conditions.flatMap((condition) =>
      'in' in condition && findBy.includes(condition.field)
        ? [{ field: condition.field, values: storedValues(index, codes, condition.field, condition.in) }]
        : [],
    );
    const [first] = leads;
    if (leads.length < 2) return first;
    const counted = leads.map((lead) => ({
      lead,
      met: isMet(partitions ?? everyPartition(), lead.field, lead.values),
    }));
    return counted.reduce((a, b) => (b.met < a.met ? b : a)).lead;
  }

  const ofValue = (partition: SQLInputValue, field: string, value: SQLInputValue): Lane => {
    const name = column(index, field);
    const by = laneIndex(index, field);
    if (value === null) return { by, where: [`${partitionColumn} = ?`, `${name} IS NULL`], values: [partition] };
    return { by, where: [`${partitionColumn} = ?`, `${name} = ?`], values: [partition, value] };
  };

  return {
    *of(partitions, conditions) {
      const lead = leadOf(partitions, conditions);
      // Tombstones are in no partition.
      if (!lead && !partitions && numbered) return yield { where: [`+${partitionColumn} IS NOT NULL`], values: [] };
      // Values of another field that are not wanted are left out row by row: it may have any number of values.
      const without = conditions.find((condition) => 'notIn' in condition && condition.field === inOrder);
      const unwanted = without && 'notIn' in without ? storedValues(index, codes, without.field, without.notIn) : [];
      for (const partition of partitions ?? everyPartition()) {
        if (lead) {
          for (const value of lead.values) yield ofValue(partition, lead.field, value);
        } else if (inOrder === undefined) {
          yield { by: laneIndex(index), where: [`${partitionColumn} = ?`], values: [partition] };
        } else {
          if (!without) yield ofValue(partition, inOrder, null);
          for (const value of valuesIn(partition, inOrder))
            if (!unwanted.includes(value as never)) yield ofValue(partition, inOrder, value);
        }
      }
    },
  };
}

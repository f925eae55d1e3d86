// What reads one index in the file. Synchronous: a search over many documents takes its time, so it has a thread of its
// own where requests are answered. `in_time` ends what takes too long (open-index-readers.ts).

import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { checkAggregation, checkLimit, checkQuery, maxBuckets, numberOf } from './check-index.ts';
import { digestOf, keptFields } from './digest-of.ts';
import { fieldsOf, shownFields } from './index-shape.ts';
import {
  type Bucket,
  type DigestOptions,
  type DocumentDigest,
  type FieldValue,
  type Hit,
  idOfNumber,
  type IndexDefinition,
  type SearchQuery,
} from './search-index.ts';
import { createCodes } from './sqlite-codes.ts';
import { codesTable, column, documentsTable, keyColumn, wordsTable } from './sqlite-index-schema.ts';
import { type SqlFilter, toFilter } from './sqlite-query.ts';

export type IndexReader = ReturnType<typeof createIndexReader>;
type Row = Record<string, SQLOutputValue>;

const maxStatements = 200;

/** It stands first: SQLite asks it for the rows that the conditions leave out, too. */
const inTime = (where: readonly string[]) => ['in_time()', ...where].join(' AND ');

export function createIndexReader(database: DatabaseSync, index: IndexDefinition) {
  const table = documentsTable(index.name);
  const partitionColumn = column(index, index.partitionBy);
  const sortColumn = column(index, index.sortBy);
  /** Tombstones are in no partition. With the plus SQLite takes no index for it, but the one that is in order. */
  const isThere = `+${partitionColumn} IS NOT NULL`;
  const sortName = index.numbered ? 'doc' : `f_${index.sortBy}`;
  const fields = shownFields(index);
  const key = keyColumn(index);
  const selected = [...new Set(['doc', key, 'revision', ...fields.map((field) => column(index, field))])]
    .map((name) => `${table}.${name}`)
    .join(', ');
  const texts = fieldsOf(index, 'text').map((field) => ({
    field,
    read: database.prepare(`SELECT words FROM ${wordsTable(index.name, field)} WHERE rowid = ?`),
  }));
  const codes = createCodes(database, index.name);
  const firstPartition = database.prepare(`SELECT min(${partitionColumn}) AS next FROM ${table}`);
  const nextPartition = database.prepare(`${firstPartition.sourceSQL} WHERE ${partitionColumn} > ?`);
  const statements = new Map<string, StatementSync>();

  function prepared(sql: string): StatementSync {
    const known = statements.get(sql);
    if (known) return known;
    if (statements.size >= maxStatements) statements.clear();
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  }

  const isCode = (field: string) => index.fields[field] === 'code';
  const storedPartition = (value: string) => (isCode(index.partitionBy) ? codes.find(value) : value);

  function* partitions(): Generator<SQLOutputValue> {
    let next = firstPartition.get()?.['next'];
    while (next !== null && next !== undefined) {
      yield next;
      next = nextPartition.get(next)?.['next'];
    }
  }

  function select(filter: SqlFilter, partition: SQLInputValue | undefined, query: Page): Row[] {
    const descending = query.order === 'descending';
    const direction = descending ? 'DESC' : 'ASC';
    const where = [...filter.where];
    const values = [...filter.values];
    if (partition !== undefined) {
      where.push(`${partitionColumn} = ?`);
      values.push(partition);
    }
    if (query.after) {
      const { sort, id } = query.after;
      const place = index.numbered ? ['doc', '?'] : [`(${sortColumn}, id)`, '(?, ?)'];
      where.push(place.join(descending ? ' < ' : ' > '));
      values.push(sort, ...(index.numbered ? [] : [id]));
    }
    if (partition === undefined) where.push(isThere);
    const order = [sortColumn, ...(index.numbered ? [] : ['id'])].map((name) => `${name} ${direction}`);
    return prepared(
      `SELECT ${selected} FROM ${filter.from} WHERE ${inTime(where)} ORDER BY ${order.join(', ')} LIMIT ?`,
    ).all(...values, query.limit);
  }

  /** Only what can still come before the worst of the hits so far. */
  const boundedBy = (filter: SqlFilter, worst: Row, sign: number): SqlFilter => ({
    ...filter,
    where: [...filter.where, `${sortColumn} ${sign < 0 ? '>=' : '<='} ?`],
    values: [...filter.values, worst[sortName] as number],
  });

  /** Over all partitions in their common order: the secondary index gives each one's first hits. */
  function selectAcross(filter: SqlFilter, query: Page): Row[] {
    const sign = query.order === 'descending' ? -1 : 1;
    const compare = (a: Row, b: Row) =>
      sign * ((a[sortName] as number) - (b[sortName] as number) || compareBytes(idOf(a), idOf(b)));
    let best: Row[] = [];
    for (const partition of partitions()) {
      const worst = best.length < query.limit ? undefined : best.at(-1);
      const found = select(worst ? boundedBy(filter, worst, sign) : filter, partition, query);
      if (found.length > 0) best = [...best, ...found].sort(compare).slice(0, query.limit);
    }
    return best;
  }

  const idOf = (row: Row) => (index.numbered ? idOfNumber(row['doc'] as number) : (row['id'] as string));

  function toHit(row: Row): Hit {
    const values: Record<string, FieldValue> = {};
    for (const field of fields) {
      const value = row[field === index.sortBy ? sortName : `f_${field}`] as string | number | null;
      values[field] = isCode(field) && value !== null ? codes.valueOf(value as number) : value;
    }
    return { id: idOf(row), sort: values[index.sortBy] as number, revision: row['revision'] as number, fields: values };
  }

  function toDigest(row: Row): DocumentDigest {
    const { id, revision, fields: values } = toHit(row);
    const given: Record<string, FieldValue> = { ...values };
    for (const { field, read } of texts)
      given[field] = (read.get(row['doc'] as number)?.['words'] ?? null) as string | null;
    return { id, revision, digest: digestOf(keptFields(index, given)) };
  }

  return {
    search(query: SearchQuery): Hit[] {
      checkQuery(index, query);
      checkLimit(index, query.limit);
      const filter = toFilter(index, codes, query);
      if (!filter) return [];
      if (query.partition === undefined) {
        const isOrdered = index.numbered || filter.from !== table;
        return (isOrdered ? select(filter, undefined, query) : selectAcross(filter, query)).map(toHit);
      }
      const partition = storedPartition(query.partition);
      return partition === undefined ? [] : select(filter, partition, query).map(toHit);
    },

    aggregate(field: string, query: Omit<SearchQuery, keyof Page>): Bucket[] {
      checkQuery(index, query);
      checkAggregation(index, field);
      const filter = toFilter(index, codes, query);
      const partition = query.partition === undefined ? null : storedPartition(query.partition);
      if (!filter || partition === undefined) return [];
      const grouped = column(index, field);
      const where = [...filter.where, `${grouped} IS NOT NULL`];
      if (partition !== null) where.push(`${partitionColumn} = ?`);
      // Codes are put in order by what they stand for.
      const value = isCode(field) ? `(SELECT value FROM ${codesTable(index.name)} WHERE code = ${grouped})` : grouped;
      return prepared(
        `SELECT ${value} AS value, count FROM (
           SELECT ${grouped}, count(*) AS count FROM ${filter.from} WHERE ${inTime(where)} GROUP BY 1
         ) ORDER BY count DESC, value LIMIT ${maxBuckets}`,
      )
        .all(...filter.values, ...(partition === null ? [] : [partition]))
        .map((row) => ({ value: row['value'] as string, count: row['count'] as number }));
    },

    digests({ limit, after }: DigestOptions): DocumentDigest[] {
      checkLimit(index, limit);
      const where = [isThere, ...(after === undefined ? [] : [`${key} > ?`])];
      const from = after === undefined ? [] : [index.numbered ? numberOf(index, after) : after];
      return prepared(`SELECT ${selected} FROM ${table} WHERE ${inTime(where)} ORDER BY ${key} LIMIT ?`)
        .all(...from, limit)
        .map(toDigest);
    },
  };
}

const compareBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

type Page = Pick<SearchQuery, 'order' | 'limit' | 'after'>;

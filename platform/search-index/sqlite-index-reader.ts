// What reads one index in the file. Synchronous: a search over many documents takes its time, so it has a thread of its
// own where requests are answered. `in_time` ends what takes too long (open-index-readers.ts).

import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { checkAggregation, checkLimit, checkQuery, maxBuckets } from './check-index.ts';
import { shownFields } from './index-shape.ts';
import type {
  Bucket,
  DigestOptions,
  DocumentDigest,
  FieldValue,
  Hit,
  IndexDefinition,
  SearchQuery,
} from './search-index.ts';
import { createCodes } from './sqlite-codes.ts';
import { column, documentsTable } from './sqlite-index-schema.ts';
import { type SqlFilter, toFilter } from './sqlite-query.ts';

export type IndexReader = ReturnType<typeof createIndexReader>;
type Row = Record<string, SQLOutputValue>;

const maxStatements = 200;

/** It stands first: SQLite asks it for the rows that the conditions leave out, too. */
const inTime = (where: readonly string[]) => ['in_time()', ...where].join(' AND ');

export function createIndexReader(database: DatabaseSync, index: IndexDefinition) {
  const table = documentsTable(index.name);
  const partitionColumn = column(index.partitionBy);
  const sortColumn = column(index.sortBy);
  const sortName = `f_${index.sortBy}`;
  const fields = shownFields(index);
  const selected = ['id', 'revision', ...fields.map(column)].map((name) => `${table}.${name}`).join(', ');
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
      where.push(`(${sortColumn}, ${table}.id) ${descending ? '<' : '>'} (?, ?)`);
      values.push(query.after.sort, query.after.id);
    } else {
      where.push(`${sortColumn} IS NOT NULL`);
    }
    return prepared(
      `SELECT ${selected} FROM ${filter.from} WHERE ${inTime(where)}
       ORDER BY ${sortColumn} ${direction}, ${table}.id ${direction} LIMIT ?`,
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
      sign *
      ((a[sortName] as number) - (b[sortName] as number) ||
        Buffer.compare(Buffer.from(a['id'] as string), Buffer.from(b['id'] as string)));
    let best: Row[] = [];
    for (const partition of partitions()) {
      const worst = best.length < query.limit ? undefined : best.at(-1);
      const found = select(worst ? boundedBy(filter, worst, sign) : filter, partition, query);
      if (found.length > 0) best = [...best, ...found].sort(compare).slice(0, query.limit);
    }
    return best;
  }

  function toHit(row: Row): Hit {
    const values: Record<string, FieldValue> = {};
    for (const field of fields) {
      const value = row[`f_${field}`] as string | number | null;
      values[field] = isCode(field) && value !== null ? codes.valueOf(value as number) : value;
    }
    return {
      id: row['id'] as string,
      sort: values[index.sortBy] as number,
      revision: row['revision'] as number,
      fields: values,
    };
  }

  return {
    search(query: SearchQuery): Hit[] {
      checkQuery(index, query);
      checkLimit(index, query.limit);
      const filter = toFilter(index, codes, query);
      if (!filter) return [];
      if (query.partition === undefined) {
        const byWords = filter.from !== table;
        return (byWords ? select(filter, undefined, query) : selectAcross(filter, query)).map(toHit);
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
      const where = [...filter.where, `${column(field)} IS NOT NULL`];
      if (partition !== null) where.push(`${partitionColumn} = ?`);
      // Codes are put in order by what they stand for.
      const value = isCode(field)
        ? `(SELECT value FROM "codes ${index.name}" WHERE code = ${column(field)})`
        : column(field);
      return prepared(
        `SELECT ${value} AS value, count FROM (
           SELECT ${column(field)}, count(*) AS count FROM ${filter.from} WHERE ${inTime(where)} GROUP BY 1
         ) ORDER BY count DESC, value LIMIT ${maxBuckets}`,
      )
        .all(...filter.values, ...(partition === null ? [] : [partition]))
        .map((row) => ({ value: row['value'] as string, count: row['count'] as number }));
    },

    digests({ limit, after }: DigestOptions): DocumentDigest[] {
      checkLimit(index, limit);
      const where = ['digest IS NOT NULL', ...(after === undefined ? [] : ['id > ?'])];
      return prepared(`SELECT id, revision, digest FROM ${table} WHERE ${inTime(where)} ORDER BY id LIMIT ?`)
        .all(...(after === undefined ? [] : [after]), limit)
        .map(({ id, revision, digest }) => ({
          id: id as string,
          revision: revision as number,
          digest: digest as string,
        }));
    },
  };
}

type Page = Pick<SearchQuery, 'order' | 'limit' | 'after'>;

// What reads one index in the file. Synchronous: a search over many documents takes its time, so it has a thread of its
// own where requests are answered. `in_time` ends what takes too long (open-index-readers.ts).

import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { checkAggregation, checkHistogram, checkLimit, checkQuery, maxBuckets, numberOf } from './check-index.ts';
import { digestOf, keptFields } from './digest-of.ts';
import { fieldsOf, shownFields } from './index-shape.ts';
import {
  type Bucket,
  type Condition,
  type DigestOptions,
  type DocumentDigest,
  type FieldValue,
  type HistogramCount,
  type HistogramQuery,
  type Hit,
  idOfNumber,
  type IndexDefinition,
  type SearchQuery,
} from './search-index.ts';
import { createCodes } from './sqlite-codes.ts';
import { codesTable, column, documentsTable, keptWordsTable, keyColumn } from './sqlite-index-schema.ts';
import { createHistogram } from './sqlite-histogram.ts';
import { createLanes } from './sqlite-lanes.ts';
import { isRange, storedValues, toClauses } from './sqlite-query.ts';
import { createRisingReader, type Span } from './sqlite-rising.ts';
import { createTextSearch } from './sqlite-text.ts';
import { createWalk, inTime, type Way } from './sqlite-walk.ts';

export type IndexReader = ReturnType<typeof createIndexReader>;
type Row = Record<string, SQLOutputValue>;

const maxStatements = 200;
const EVERYWHERE: Span = { low: 0, high: Number.MAX_SAFE_INTEGER };

/** `look` is told of work for which SQLite does not ask `in_time`, in rows that cost as much. */
export function createIndexReader(database: DatabaseSync, index: IndexDefinition, look: (rows: number) => void) {
  const { numbered, rising, tally } = index;
  const table = documentsTable(index.name);
  const partitionColumn = column(index, index.partitionBy);
  /** Tombstones are in no partition. With the plus SQLite takes no index for it, but the one that is in order. */
  const isThere = `+${partitionColumn} IS NOT NULL`;
  const sortName = numbered ? 'doc' : `f_${index.sortBy}`;
  const fields = shownFields(index);
  const key = keyColumn(index);
  const selected = [...new Set(['doc', key, 'revision', ...fields.map((field) => column(index, field))])].join(', ');
  const readRow = database.prepare(`SELECT ${selected} FROM ${table} WHERE doc = ?`);
  const texts = fieldsOf(index, 'text').map((field) => ({
    field,
    read: database.prepare(`SELECT c0 AS words FROM ${keptWordsTable(index.name, field)} WHERE id = ?`),
  }));
  const codes = createCodes(database, index.name);
  const lanes = createLanes(database, index, codes);
  const spanOf = rising === undefined ? undefined : createRisingReader(database, index.name);
  const statements = new Map<string, StatementSync>();
  const walk = createWalk(index, prepared, look);
  const histogram = tally && spanOf && createHistogram(index, tally, codes, prepared, spanOf);
  const byText = createTextSearch(index, prepared, walk);

  function prepared(sql: string): StatementSync {
    const known = statements.get(sql);
    if (known) return known;
    if (statements.size >= maxStatements) statements.clear();
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  }

  const isCode = (field: string) => index.fields[field] === 'code';

  /** As they stand in their column; undefined for all. */
  const storedPartitions = (partition: SearchQuery['partition']): SQLInputValue[] | undefined =>
    partition === undefined ? undefined : storedValues(index, codes, index.partitionBy, [partition].flat());

  /** Of numbered documents: the numbers that ranges of the number, and of what rises with it, leave. */
  function spanWithin(conditions: readonly Condition[]): Span | undefined {
    let { low, high } = EVERYWHERE;
    if (!numbered) return EVERYWHERE;
    for (const condition of conditions) {
      if (!isRange(condition)) continue;
      const { field, from = -Infinity, to = Infinity } = condition;
      const span = field === index.sortBy ? { low: Math.ceil(from), high: Math.floor(to) } : undefined;
      const within = span ?? (field === rising && spanOf ? spanOf(from, to) : EVERYWHERE);
      if (!within) return undefined;
      [low, high] = [Math.max(low, within.low), Math.min(high, within.high)];
    }
    return low > high ? undefined : { low, high };
  }

  /** How the documents are found; undefined when there can be none. */
  function wayTo({ partition, conditions = [] }: Pick<SearchQuery, 'partition' | 'conditions'>) {
    const partitions = storedPartitions(partition);
    const clauses = toClauses(index, codes, conditions.filter(isFilter));
    const span = clauses && spanWithin(conditions);
    if (!clauses || !span || partitions?.length === 0) return undefined;
    const way: Way = { ...clauses, span, lanes: () => lanes.of(partitions, conditions) };
    return { ...way, within: withinPartitions(partitions) };
  }

  /** A range of the number itself is a bound. */
  const isFilter = (condition: Condition) => !(numbered && condition.field === index.sortBy && isRange(condition));

  function withinPartitions(partitions: readonly SQLInputValue[] | undefined) {
    if (!partitions) return { where: [isThere], values: [] };
    if (partitions.length === 1) return { where: [`${partitionColumn} = ?`], values: partitions };
    const where = [`${partitionColumn} IN (SELECT value FROM json_each(?))`];
    return { where, values: [JSON.stringify(partitions)] };
  }

  const idOf = (row: Row) => (numbered ? idOfNumber(row['doc'] as number) : (row['id'] as string));

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
      const way = wayTo(query);
      if (!way) return [];
      const { text } = query;
      const found =
        text && text.words.length > 0 ? byText.search(way, text, query) : walk(way, query).map(({ doc }) => doc);
      return found.map((doc) => toHit(readRow.get(doc)!));
    },

    aggregate(field: string, query: Omit<SearchQuery, 'order' | 'limit' | 'after'>): Bucket[] {
      checkQuery(index, query);
      checkAggregation(index, field);
      const way = wayTo(query);
      if (!way) return [];
      const { text } = query;
      const grouped = column(index, field);
      const words = text && text.words.length > 0 ? byText.matching(text) : undefined;
      const bounds = numbered ? { where: ['doc >= ?', 'doc <= ?'], values: [way.span.low, way.span.high] } : NOTHING;
      const parts = [words ?? NOTHING, way.within, way, bounds];
      const where = [...parts.flatMap((part) => part.where), `${grouped} IS NOT NULL`];
      // Codes are put in order by what they stand for.
      const value = isCode(field) ? `(SELECT value FROM ${codesTable(index.name)} WHERE code = ${grouped})` : grouped;
      return prepared(
        `SELECT ${value} AS value, count FROM (
           SELECT ${grouped}, count(*) AS count FROM ${words?.from ?? table} WHERE ${inTime(where)} GROUP BY 1
         ) ORDER BY count DESC, value LIMIT ${maxBuckets}`,
      )
        .all(...parts.flatMap((part) => part.values))
        .map((row) => ({ value: row['value'] as string, count: row['count'] as number }));
    },

    histogram(query: HistogramQuery): HistogramCount[] {
      checkHistogram(index, query);
      return histogram!(storedPartitions(query.partition), query);
    },

    digests({ limit, after }: DigestOptions): DocumentDigest[] {
      checkLimit(index, limit);
      const where = [isThere, ...(after === undefined ? [] : [`${key} > ?`])];
      const from = after === undefined ? [] : [numbered ? numberOf(index, after) : after];
      return prepared(`SELECT ${selected} FROM ${table} WHERE ${inTime(where)} ORDER BY ${key} LIMIT ?`)
        .all(...from, limit)
        .map(toDigest);
    },
  };
}

const NOTHING = { where: [], values: [] };

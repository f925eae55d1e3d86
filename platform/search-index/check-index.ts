// The port's rules about definitions, documents and queries, the same for every adapter. Each check throws `IndexMisused`,
// that of a document `DocumentRefused`, with a sentence that names the index and the field, never the value.

import { DocumentRefused } from '../document-refused.ts';
import { asError } from '../errors.ts';
import {
  type Condition,
  type FieldKind,
  type HistogramQuery,
  type IndexDefinition,
  IndexMisused,
  type IndexWrite,
  type SearchQuery,
} from './search-index.ts';

export const maxHits = 1_000;
export const maxBuckets = 1_000;
const maxHistogramBuckets = 1_000;
const maxKeywordLength = 512;
const maxIdBytes = 512;
const maxConditionValues = 1_000;
const maxQueryTextWords = 256;

const indexName = /^[a-z][a-z0-9-]{0,47}$/;
const fieldName = /^[A-Za-z][A-Za-z0-9_]{0,47}$/;
const numberedId = /^\d{20}$/;
const documentId = /^\P{Cc}+$/u;
const wordPattern = /^[^\s\p{Cc}]+$/u;

export function checkName(name: string): void {
  if (!indexName.test(name)) throw new IndexMisused(`${name} cannot be the name of an index`);
}

export function checkDefinition(index: IndexDefinition): void {
  const { name, fields, sortBy, partitionBy, numbered, findBy = [], rising, tally } = index;
  checkName(name);
  const names = Object.keys(fields);
  const wrong = names.find((field) => !fieldName.test(field));
  if (wrong !== undefined) throw new IndexMisused(`${wrong} cannot be the name of a field of the index ${name}`);
  if (new Set(names.map((field) => field.toLowerCase())).size < names.length) {
    throw new IndexMisused(`fields of the index ${name} differ only in case`);
  }
  if (fields[sortBy] !== 'number') throw new IndexMisused(`the index ${name} must be sorted by a number field`);
  if (!['keyword', 'code'].includes(fields[partitionBy] ?? '')) {
    throw new IndexMisused(`the index ${name} must be partitioned by a keyword or code field`);
  }
  if (findBy.some((field) => !['keyword', 'code'].includes(fields[field] ?? '')) || findBy.includes(partitionBy)) {
    throw new IndexMisused(`the index ${name} finds by keyword and code fields only, besides its partitions`);
  }
  if (new Set(findBy).size < findBy.length || (findBy[0] !== undefined && fields[findBy[0]] !== 'code')) {
    throw new IndexMisused(`the index ${name} must find by a code field first, and by each field once`);
  }
  if (rising !== undefined && (!numbered || fields[rising] !== 'number' || rising === sortBy)) {
    throw new IndexMisused(`in the index ${name} a number field other than its numbers may rise with them`);
  }
  if (tally && (fields[tally.of] !== 'code' || rising === undefined || tally.over !== rising)) {
    throw new IndexMisused(`the index ${name} tallies values of a code field over the field that rises`);
  }
}

export function checkWrite(index: IndexDefinition, write: IndexWrite): void {
  try {
    checkDocument(index, write);
  } catch (error) {
    throw new DocumentRefused(asError(error).message, { cause: error });
  }
}

function checkDocument(index: IndexDefinition, { id, revision, fields }: IndexWrite): void {
  const number = index.numbered && numberOf(index, id);
  if (number === undefined && (!documentId.test(id) || Buffer.byteLength(id) > maxIdBytes)) {
    throw misused(index, `an id has 1 to ${maxIdBytes} bytes and no control characters`);
  }
  if (!Number.isSafeInteger(revision) || revision < 0) throw misused(index, 'a revision must be a whole number');
  if (fields === null) return;
  for (const field of Object.keys(fields)) {
    const kind = kindOf(index, field);
    const value = fields[field];
    if (value === null) continue;
    if (typeof value !== (kind === 'number' ? 'number' : 'string')) throw misused(index, `${field} must be a ${kind}`);
    if (typeof value === 'number' && !Number.isFinite(value)) throw misused(index, `${field} must be finite`);
    if (kind !== 'text' && typeof value === 'string' && value.length > maxKeywordLength) {
      throw misused(index, `${field} is longer than ${maxKeywordLength} characters`);
    }
  }
  for (const needed of [index.sortBy, index.partitionBy]) {
    if (fields[needed] === undefined || fields[needed] === null) throw misused(index, `a document needs ${needed}`);
  }
  if (number !== undefined && fields[index.sortBy] !== number) throw misused(index, `an id says the ${index.sortBy}`);
}

/** Of a numbered document, by its id. */
export function numberOf(index: IndexDefinition, id: string): number {
  const number = numberedId.test(id) ? Number(id) : NaN;
  if (!Number.isSafeInteger(number)) throw misused(index, 'an id is a number of 20 digits');
  return number;
}

export function checkQuery(index: IndexDefinition, query: Omit<SearchQuery, 'order' | 'limit' | 'after'>): void {
  for (const condition of query.conditions ?? []) checkCondition(index, condition);
  if (Array.isArray(query.partition) && query.partition.length > maxConditionValues) {
    throw misused(index, `a query names at most ${maxConditionValues} partitions`);
  }
  if (!query.text) return;
  const { field, words } = query.text;
  if (kindOf(index, field) !== 'text') throw misused(index, `${field} is not a text field`);
  if (words.length > maxQueryTextWords) throw misused(index, `a query has at most ${maxQueryTextWords} words`);
  if (!words.every((word) => wordPattern.test(word) && word !== '*')) {
    throw misused(index, 'a word of a query is empty or has a space in it');
  }
}

export function checkLimit(index: IndexDefinition, limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > maxHits) {
    throw misused(index, `limit must be between 1 and ${maxHits}`);
  }
}

/** The field must be one that can be aggregated. */
export function checkAggregation(index: IndexDefinition, field: string): void {
  if (!['keyword', 'code'].includes(kindOf(index, field))) throw misused(index, `${field} cannot be aggregated`);
}

/** Answers what the index tallies. */
export function checkHistogram(index: IndexDefinition, query: HistogramQuery): NonNullable<IndexDefinition['tally']> {
  const { tally } = index;
  if (!tally) throw misused(index, 'it tallies nothing');
  checkQuery(index, query);
  const { from, to, width, conditions = [] } = query;
  if (![from, to, width].every(Number.isSafeInteger) || from < 0 || width < 1) {
    throw misused(index, 'a histogram has whole bounds, not before 1970, and a whole width');
  }
  if (to - from > maxHistogramBuckets * width)
    throw misused(index, `a histogram has at most ${maxHistogramBuckets} buckets`);
  if (width % 1_000 !== 0 && to - from > 60_000) throw misused(index, 'in more than a minute seconds are the shortest');
  if (conditions.some(({ field }) => field !== tally.of)) throw misused(index, `it tallies by ${tally.of} alone`);
  return tally;
}

function checkCondition(index: IndexDefinition, condition: Condition): void {
  const { field } = condition;
  const kind = kindOf(index, field);
  if (kind === 'text') throw misused(index, `${field} is text: it is found by its words`);
  if ('in' in condition || 'notIn' in condition) {
    const values = 'in' in condition ? condition.in : condition.notIn;
    const type = kind === 'number' ? 'number' : 'string';
    if (!values.every((value) => typeof value === type)) throw misused(index, `${field} is compared with ${type}s`);
    if (values.length > maxConditionValues) {
      throw misused(index, `${field} is compared with more than ${maxConditionValues} values`);
    }
    return;
  }
  if (kind !== 'number') throw misused(index, `${field} has no range: it is not a number field`);
  const bounds = [condition.from, condition.to].filter((bound) => bound !== undefined);
  if (bounds.length === 0) throw misused(index, `the range of ${field} has no bound`);
  if (bounds.some((bound) => Number.isNaN(bound))) throw misused(index, `the range of ${field} is not a number`);
}

export function kindOf(index: IndexDefinition, field: string): FieldKind {
  const kind = Object.hasOwn(index.fields, field) ? index.fields[field] : undefined;
  if (!kind) throw misused(index, `it has no field ${field}`);
  return kind;
}

const misused = (index: IndexDefinition, what: string) => new IndexMisused(`index ${index.name}: ${what}`);

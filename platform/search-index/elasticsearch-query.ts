// A query as Elasticsearch takes it. All of it is in filter context: nothing is scored.

import type { estypes } from '@elastic/elasticsearch';
import { digestOf, keptFields } from './digest-of.ts';
import { hasText, sourceField } from './elasticsearch-mapping.ts';
import { shownFields } from './index-shape.ts';
import type { Condition, DocumentDigest, FieldValue, Hit, IndexDefinition, SearchQuery } from './search-index.ts';
import { toWantedWord } from './words.ts';

type Filter = estypes.QueryDslQueryContainer;

export type StoredSource = Readonly<Record<string, FieldValue>> & { readonly id: string; readonly rev: number };

/** Tombstones and positions have no sort value, every document has one. */
export const isDocument = (index: IndexDefinition): Filter => ({ exists: { field: sourceField(index.sortBy) } });

/** `undefined` when nothing can be found. */
export function toFilters(
  index: IndexDefinition,
  { partition, conditions = [], text }: Pick<SearchQuery, 'partition' | 'conditions' | 'text'>,
): Filter[] | undefined {
  const filters: Filter[] = [
    partition === undefined
      ? isDocument(index)
      : { terms: { [sourceField(index.partitionBy)]: [partition].flat().map((one) => one.toWellFormed()) } },
  ];
  for (const condition of conditions) {
    const filter = toFilter(condition);
    if (!filter) return undefined;
    filters.push(filter);
  }
  for (const word of text?.words ?? []) {
    const { text: value, isPrefix } = toWantedWord(word.toWellFormed());
    const field = sourceField(text!.field);
    filters.push(isPrefix ? { prefix: { [field]: { value } } } : { term: { [field]: { value } } });
  }
  return filters;
}

function toFilter(condition: Condition): Filter | undefined {
  const field = sourceField(condition.field);
  if ('in' in condition) {
    const values = comparable(condition.in);
    return values.length === 0 ? undefined : { terms: { [field]: values } };
  }
  if ('notIn' in condition) {
    const values = comparable(condition.notIn);
    const exists = { exists: { field } };
    return values.length === 0 ? exists : { bool: { filter: [exists], must_not: [{ terms: { [field]: values } }] } };
  }
  const { from = -Infinity, to = Infinity } = condition;
  if (from === Infinity || to === -Infinity) return undefined;
  const bounds = { ...(from !== -Infinity && { gte: from }), ...(to !== Infinity && { lte: to }) };
  return Object.keys(bounds).length === 0 ? { exists: { field } } : { range: { [field]: bounds } };
}

/** What a document may have. */
const comparable = (values: readonly (string | number)[]) =>
  values
    .filter((value) => typeof value === 'string' || Number.isFinite(value))
    .map((value) => (typeof value === 'string' ? value.toWellFormed() : value));

/** Order by the sort field, then the id, which as a keyword is ordered by its UTF-8 bytes. */
export function toPage(index: IndexDefinition, { order, limit, after }: SearchQuery) {
  const direction = order === 'ascending' ? 'asc' : 'desc';
  const sort = [{ [sourceField(index.sortBy)]: { order: direction } }, { id: { order: direction } }] as const;
  return {
    size: limit,
    sort: [...sort],
    ...(after && Number.isFinite(after.sort) && { search_after: [after.sort, after.id.toWellFormed()] }),
  };
}

/** Whether the page lies behind the last document: after a sort value that is beyond every number. */
export function isBehindAll({ order, after }: SearchQuery): boolean {
  if (!after || Number.isFinite(after.sort)) return false;
  return Number.isNaN(after.sort) || after.sort > 0 === (order === 'ascending');
}

export function toDigest(index: IndexDefinition, source: StoredSource): DocumentDigest {
  const { id, rev: revision } = source;
  if (hasText(index)) return { id, revision, digest: String(source['digest']) };
  return { id, revision, digest: digestOf(keptFields(index, toHit(index, source).fields)) };
}

export function toHit(index: IndexDefinition, source: StoredSource): Hit {
  const fields: Record<string, FieldValue> = {};
  for (const field of shownFields(index)) fields[field] = source[sourceField(field)] ?? null;
  return { id: source.id, sort: fields[index.sortBy] as number, revision: source.rev, fields };
}

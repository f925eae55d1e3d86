// What a search index should find, said as plainly as possible.

import { digestOf, keptFields } from '#platform/search-index/digest-of.ts';
import type {
  Bucket,
  Condition,
  DigestOptions,
  DocumentDigest,
  FieldValue,
  HistogramCount,
  HistogramQuery,
  Hit,
  IndexDefinition,
  IndexWrite,
  SearchQuery,
} from '#platform/search-index/search-index.ts';
import { byBytes } from './read-store-model.ts';

type Fields = Readonly<Record<string, FieldValue>>;
type Filter = Pick<SearchQuery, 'partition' | 'conditions' | 'text'>;

export function createSearchModel(index: IndexDefinition) {
  const { fields: kinds, sortBy, partitionBy } = index;
  const documents = new Map<string, { revision: number; fields: Fields | null }>();
  const shown = Object.keys(kinds).filter((field) => kinds[field] !== 'text');

  const meets = (fields: Fields, condition: Condition) => {
    const value = fields[condition.field] ?? null;
    if (value === null) return false;
    if ('in' in condition) return condition.in.includes(value);
    if ('notIn' in condition) return !condition.notIn.includes(value);
    const { from = -Infinity, to = Infinity } = condition;
    return Number(value) >= from && Number(value) <= to;
  };
  const hasWord = (words: readonly string[], wanted: string) =>
    wanted.endsWith('*') ? words.some((word) => word.startsWith(wanted.slice(0, -1))) : words.includes(wanted);

  function find({ partition, conditions = [], text }: Filter): Hit[] {
    const hits: Hit[] = [];
    for (const [id, { revision, fields }] of documents) {
      if (!fields || (partition !== undefined && ![partition].flat().includes(String(fields[partitionBy])))) continue;
      if (!conditions.every((condition) => meets(fields, condition))) continue;
      const words = String((text && fields[text.field]) ?? '').split(' ');
      if (!(text?.words ?? []).every((word) => hasWord(words, word))) continue;
      hits.push({
        id,
        revision,
        sort: Number(fields[sortBy]),
        fields: Object.fromEntries(shown.map((field) => [field, fields[field] ?? null])),
      });
    }
    return hits;
  }

  const compare = (a: { sort: number; id: string }, b: { sort: number; id: string }) =>
    a.sort - b.sort || byBytes(a.id, b.id);

  return {
    apply(writes: readonly IndexWrite[]): void {
      for (const { id, revision, fields } of writes) {
        if (revision > (documents.get(id)?.revision ?? -1)) documents.set(id, { revision, fields });
      }
    },
    search({ order, limit, after, ...filter }: SearchQuery): Hit[] {
      const sign = order === 'ascending' ? 1 : -1;
      return find(filter)
        .sort((a, b) => sign * compare(a, b))
        .filter((hit) => !after || sign * compare(hit, after) > 0)
        .slice(0, limit);
    },
    digests({ limit, after }: DigestOptions): DocumentDigest[] {
      return [...documents]
        .flatMap(([id, { revision, fields }]) =>
          fields ? [{ id, revision, digest: digestOf(keptFields(index, fields)) }] : [],
        )
        .sort((a, b) => byBytes(a.id, b.id))
        .filter(({ id }) => after === undefined || byBytes(id, after) > 0)
        .slice(0, limit);
    },
    histogram({ partition, from, to, width, conditions = [] }: HistogramQuery): HistogramCount[] {
      const { of = '', over = '' } = index.tally ?? {};
      const counts = new Map<string, HistogramCount>();
      const inRange = from < to ? [...conditions, { field: over, from, to: to - 1 }] : [{ field: over, in: [] }];
      for (const { fields } of find({ partition, conditions: inRange })) {
        const value = fields[of];
        if (typeof value !== 'string') continue;
        const at = Math.floor(Number(fields[over]) / width) * width;
        const key = `${at} ${value}`;
        counts.set(key, { at, value, count: (counts.get(key)?.count ?? 0) + 1 });
      }
      return [...counts.values()].sort((a, b) => a.at - b.at || byBytes(a.value, b.value));
    },
    aggregate(field: string, filter: Filter): Bucket[] {
      const counts = new Map<string, number>();
      for (const { fields } of find(filter)) {
        const value = fields[field];
        if (value !== null && value !== undefined) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
      }
      return [...counts]
        .map(([value, count]) => ({ value, count }))
        .sort((a, b) => b.count - a.count || byBytes(a.value, b.value));
    },
  };
}

// Exact counts of a field's values. One aggregation answers nearly always; where a field has so many values that shards
// would have to leave some out, all are counted page by page.

import type { estypes } from '@elastic/elasticsearch';
import { maxBuckets } from './check-index.ts';
import { sourceField } from './elasticsearch-mapping.ts';
import type { Bucket, HistogramCount } from './search-index.ts';

type Filter = estypes.QueryDslQueryContainer;
export type RunSearch = (body: estypes.SearchRequest) => Promise<estypes.SearchResponse>;

/** Values that each shard tells: up to so many per shard are counted at once. */
const SHARD_SIZE = 10_000;
const PAGE = 10_000;

interface TermsAnswer {
  readonly doc_count_error_upper_bound: number;
  readonly buckets: readonly { readonly key: string; readonly doc_count: number }[];
}

interface CompositeAnswer {
  readonly after_key?: { readonly value: string };
  readonly buckets: readonly { readonly key: { readonly value: string }; readonly doc_count: number }[];
}

export async function countValues(run: RunSearch, name: string, filter: Filter[]): Promise<Bucket[]> {
  const field = sourceField(name);
  const query = { bool: { filter } };
  const terms = {
    field,
    size: maxBuckets,
    shard_size: SHARD_SIZE,
    order: [{ _count: 'desc' as const }, { _key: 'asc' as const }],
  };
  const { aggregations } = await run({ size: 0, query, aggs: { values: { terms } } });
  const answer = aggregations?.['values'] as unknown as TermsAnswer;
  if (answer.doc_count_error_upper_bound === 0) {
    return answer.buckets.map(({ key, doc_count }) => ({ value: key, count: doc_count }));
  }
  return countAll(run, field, query);
}

interface HistogramAnswer {
  readonly buckets: readonly {
    readonly key: number;
    readonly values: { readonly buckets: readonly { readonly key: string; readonly doc_count: number }[] };
  }[];
}

/** Counts of the values of a tally in buckets of a width, by bucket and value. A code field has few values. */
export async function countOverTime(
  run: RunSearch,
  { of, over }: { readonly of: string; readonly over: string },
  width: number,
  filter: Filter[],
): Promise<HistogramCount[]> {
  const aggs = {
    values: { terms: { field: sourceField(of), size: maxBuckets, order: { _key: 'asc' as const } } },
  };
  const times = { histogram: { field: sourceField(over), interval: width, min_doc_count: 1 }, aggs };
  const { aggregations } = await run({ size: 0, query: { bool: { filter } }, aggs: { times } });
  const answer = aggregations?.['times'] as unknown as HistogramAnswer;
  return answer.buckets.flatMap(({ key: at, values }) =>
    values.buckets.map(({ key: value, doc_count: count }) => ({ at, value, count })),
  );
}

async function countAll(run: RunSearch, field: string, query: Filter): Promise<Bucket[]> {
  const buckets: Bucket[] = [];
  let after: { value: string } | undefined;
  do {
    const composite = { size: PAGE, sources: [{ value: { terms: { field } } }], ...(after && { after }) };
    const { aggregations } = await run({ size: 0, query, aggs: { values: { composite } } });
    const page = aggregations?.['values'] as unknown as CompositeAnswer;
    buckets.push(...page.buckets.map(({ key, doc_count }) => ({ value: key.value, count: doc_count })));
    after = page.buckets.length < PAGE ? undefined : page.after_key;
  } while (after);
  // Composite pages come in the order of the values, which an equal count keeps.
  return buckets.sort((a, b) => b.count - a.count).slice(0, maxBuckets);
}

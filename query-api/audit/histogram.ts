// How many events there were over time, by what they were about: in buckets of a width that a person would choose.

import type { HistogramView } from '#contracts/audit.ts';
import { isoTime } from '#contracts/views.ts';
import { kindOfType } from '#events/aggregates.ts';
import type { HistogramCount } from '#platform/search-index/search-index.ts';

const MS = 1;
const S = 1_000 * MS;
const MIN = 60 * S;
const H = 60 * MIN;
const DAY = 24 * H;

/** Milliseconds; each bucket begins at a multiple of its width since 1970, in UTC. */
const WIDTHS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((n) => n * MS),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * S),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MIN),
  ...[1, 2, 3, 6, 12].map((n) => n * H),
  ...[1, 2, 7, 14, 28, 91, 182, 365, 1_000, 3_650, 10_000, 36_500, 365_000, 3_650_000].map((n) => n * DAY),
];

/** Beyond it counts are kept for whole seconds only. */
const LONGEST_OF_MILLISECONDS = MIN;

export interface Buckets {
  readonly width: number;
  /** Where each begins. */
  readonly starts: readonly number[];
}

/** The narrowest that cover the range, `to` exclusive, in at most `most`. */
export function bucketsOf(from: number, to: number, most: number): Buckets {
  const fits = (width: number) =>
    countOf(from, to, width) <= most && (width >= S || to - from <= LONGEST_OF_MILLISECONDS);
  const width = WIDTHS.find(fits) ?? WIDTHS.at(-1)!;
  const first = Math.floor(from / width) * width;
  return { width, starts: Array.from({ length: countOf(from, to, width) }, (_, i) => first + i * width) };
}

const countOf = (from: number, to: number, width: number) =>
  to <= from ? 0 : Math.ceil(to / width) - Math.floor(from / width);

export function viewHistogram(
  from: number,
  to: number,
  { width, starts }: Buckets,
  counts: readonly HistogramCount[],
): HistogramView {
  const found = Map.groupBy(counts, ({ at }) => at);
  return {
    object: 'histogram',
    from: isoTime(from),
    to: isoTime(to),
    bucketMs: width,
    buckets: starts.map((at) => {
      const byKind: Record<string, number> = {};
      let total = 0;
      for (const { value, count } of found.get(at) ?? []) {
        const kind = kindOfType(value) ?? '';
        byKind[kind] = (byKind[kind] ?? 0) + count;
        total += count;
      }
      return { start: isoTime(at), counts: byKind, total };
    }),
  };
}

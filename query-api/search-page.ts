import type { Hit, SearchQuery } from '#platform/search-index/search-index.ts';
import type { FreshIndex } from './freshness.ts';
import { readCursor, writeCursor } from './page-cursor.ts';

/** A page of what a search finds, the newest first, and what the page after it is asked for by. */
export async function searchPage(
  list: string,
  index: FreshIndex,
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
  query: Pick<SearchQuery, 'partition' | 'conditions' | 'text'>,
): Promise<{ readonly hits: Hit[]; readonly next: string | null }> {
  const from = readCursor(list, after);
  const found = await index.search({ ...query, order: 'descending', limit: limit + 1, ...(from && { after: from }) });
  const hits = found.slice(0, limit);
  const last = hits.at(-1);
  return { hits, next: found.length > limit && last ? writeCursor(list, last) : null };
}

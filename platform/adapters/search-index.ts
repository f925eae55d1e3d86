import type { SearchIndex } from '../search-index/search-index.ts';
import { openSqliteSearchIndex } from '../search-index/sqlite-search-index.ts';
import { type AdapterOptions, opened, type Opened } from './opened.ts';

/** Elasticsearch, or else SQLite. */
export async function openSearchIndex(
  { config, log, signal }: AdapterOptions,
  slowWork: 'here' | 'thread',
): Promise<Opened<SearchIndex>> {
  const { elasticsearchUrl: url, elasticsearchApiKey: apiKey, namespace, dataDir } = config;
  if (url === undefined) return opened(await openSqliteSearchIndex({ folder: dataDir, reads: slowWork }));
  const { openElasticsearchSearchIndex } = await import('../search-index/elasticsearch-search-index.ts');
  return opened(
    await openElasticsearchSearchIndex({
      url,
      namespace,
      log,
      ...(apiKey !== undefined && { apiKey }),
      ...(signal && { signal }),
    }),
  );
}

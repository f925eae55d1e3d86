import { type LogInUse, ofThisLog } from '../log-generation.ts';
import type { SearchIndex } from '../search-index/search-index.ts';
import { openSqliteSearchIndex } from '../search-index/sqlite-search-index.ts';
import { type AdapterOptions, opened, type Opened } from './opened.ts';

/** Elasticsearch, or else SQLite. */
export async function openSearchIndex(
  { config, log, signal, thread }: AdapterOptions,
  logInUse: LogInUse,
): Promise<Opened<SearchIndex>> {
  const { elasticsearchUrl: url, elasticsearchApiKey: apiKey, namespace, dataDir } = config;
  if (url === undefined) {
    const sqlite = await openSqliteSearchIndex({ folder: dataDir, reads: thread ? 'here' : 'thread' });
    return opened(await ofThisLog(sqlite, 'search index (SQLite)', logInUse, log));
  }
  const { openElasticsearchSearchIndex } = await import('../search-index/elasticsearch-search-index.ts');
  const elasticsearch = await openElasticsearchSearchIndex({
    url,
    namespace,
    log,
    ...(apiKey !== undefined && { apiKey }),
    ...(signal && { signal }),
  });
  return opened(await ofThisLog(elasticsearch, 'search index (Elasticsearch)', logInUse, log));
}

import { Client } from '@elastic/elasticsearch';
import { v4 } from 'uuid';
import {
  type ElasticsearchSearchIndexOptions,
  openElasticsearchSearchIndex,
} from '#platform/search-index/elasticsearch-search-index.ts';
import type { Environment } from '../services/describe-on.ts';
import { createQuietLog } from './quiet-log.ts';

/** A search index in a namespace of its own on a server that is there; `close` removes all that was made in it. */
export async function openTestSearchIndex(
  env: Environment,
  more: Partial<Omit<ElasticsearchSearchIndexOptions, 'url' | 'apiKey'>> = {},
) {
  const url = String(env['ELASTICSEARCH_URL']);
  const apiKey = env['ELASTICSEARCH_API_KEY'];
  const namespace = `test-${v4().slice(0, 8)}`;
  const open = () =>
    openElasticsearchSearchIndex({ url, namespace, log: createQuietLog(), ...(apiKey && { apiKey }), ...more });
  const index = await open();
  const client = new Client({ node: url, ...(apiKey && { auth: { apiKey } }) });
  return {
    index,
    /** To look at the server, and to do to it what operators may. */
    client,
    namespace,
    another: open,
    /** What whoever queries the server finds by a name. */
    async published(name: string) {
      const { hits } = await client.search<Record<string, unknown>>({ index: `${namespace}-${name}`, size: 1_000 });
      return hits.hits.map(({ _source = {} }) =>
        Object.fromEntries(Object.entries(_source).map(([field, value]) => [field.replace(/^f_/, ''), value])),
      );
    },
    async close() {
      await index.close();
      const made = await client.indices.get({ index: `${namespace}-*`, expand_wildcards: 'all' });
      for (const name of Object.keys(made)) await client.indices.delete({ index: name });
      await client.close();
    },
  };
}

import { describeOn } from '../services/describe-on.ts';
import { openTestSearchIndex } from '../support/elasticsearch-index.ts';
import { searchIndexContract } from './search-index.contract.ts';

describeOn(['elasticsearch'], 'on Elasticsearch', (env) => {
  searchIndexContract({ name: 'Elasticsearch', open: () => openTestSearchIndex(env), runs: 15 });
  searchIndexContract({
    name: 'Elasticsearch, three shards',
    open: () => openTestSearchIndex(env, { shards: 3 }),
    runs: 15,
  });
});

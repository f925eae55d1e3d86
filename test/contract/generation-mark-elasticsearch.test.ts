import { Client } from '@elastic/elasticsearch';
import { expect } from 'chai';
import { v4 } from 'uuid';
import { openElasticsearchSearchIndex } from '#platform/search-index/elasticsearch-search-index.ts';
import { describeOn } from '../services/describe-on.ts';
import { markedSearchIndex } from '../support/marked-engines.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { generationMarkContract } from './generation-mark.contract.ts';

describeOn(['elasticsearch'], 'on Elasticsearch', (env) => {
  const url = String(env['ELASTICSEARCH_URL']);
  const apiKey = env['ELASTICSEARCH_API_KEY'];
  const open = async (namespace: string) =>
    markedSearchIndex(
      await openElasticsearchSearchIndex({ url, namespace, log: createQuietLog(), ...(apiKey && { apiKey }) }),
    );

  async function removeIndices(namespace: string): Promise<void> {
    const client = new Client({ node: url, ...(apiKey && { auth: { apiKey } }) });
    const made = await client.indices.get({ index: `${namespace}-*`, expand_wildcards: 'all' });
    for (const index of Object.keys(made)) await client.indices.delete({ index });
    await client.close();
  }

  generationMarkContract('the Elasticsearch search index', async () => {
    const namespace = `test-${v4().slice(0, 8)}`;
    return { open: () => open(namespace), remove: () => removeIndices(namespace) };
  });

  describe('generation of the log: the Elasticsearch search index, beside others', () => {
    it('takes indices of an older program, which have no mark', async function () {
      this.timeout(30_000);
      const namespace = `test-${v4().slice(0, 8)}`;
      const old = await open(namespace);
      await old.fill(1);
      const store = await open(namespace);
      expect(await store.claim('first')).to.equal('first');
      expect(await store.filled()).to.deep.equal([1]);
      expect(await old.claim('second')).to.equal('first');
      await Promise.all([old.close(), store.close()]);
      await removeIndices(namespace);
    });

    it('leaves other installations when it is emptied, whatever their names', async function () {
      this.timeout(60_000);
      const namespace = `test-${v4().slice(0, 8)}`;
      const neighbour = await open(`${namespace}-search-odd`);
      await neighbour.claim('first');
      await neighbour.fill(1);
      const store = await open(namespace);
      expect(await store.claim('second')).to.equal('second');
      await store.fill(2);
      await store.startOver('third');
      expect(await store.filled()).to.deep.equal([]);
      expect(await neighbour.filled()).to.deep.equal([1]);
      await Promise.all([neighbour.close(), store.close()]);
      await removeIndices(namespace);
    });
  });
});

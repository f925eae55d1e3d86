import { openRedisReadStore } from '#platform/read-store/redis-read-store.ts';
import { describeOn } from '../services/describe-on.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { redisNamespace } from '../support/redis-namespace.ts';
import { readStoreContract } from './read-store.contract.ts';

describeOn(['redis'], 'read store over the network', (env) => {
  readStoreContract({
    name: 'Redis',
    async open() {
      const url = env['REDIS_URL'] ?? '';
      const { namespace, remove } = redisNamespace(url);
      const another = () => openRedisReadStore({ url, namespace, log: createQuietLog() });
      const store = await another();
      return {
        store,
        another,
        async close() {
          await store.close();
          await remove();
        },
      };
    },
  });
});

import { expect } from 'chai';
import { openRedisRateStore } from '#platform/limits/redis-rate-store.ts';
import type { RateStore } from '#platform/limits/rate-store.ts';
import { problemOf as translate } from '../../command-api/problem-of.ts';
import { type TestServer } from '../platform/http-test-server.ts';
import { describeOn } from '../services/describe-on.ts';
import { openOwnRedis } from '../support/own-redis.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { redisNamespace } from '../support/redis-namespace.ts';
import { askLimited, openLimitedServer, rateStoreContract } from './rate-store.contract.ts';

describeOn(['redis'], 'rate store over the network', (env) => {
  const url = env['REDIS_URL'] ?? '';
  const log = createQuietLog();

  rateStoreContract('Redis', async () => {
    const { namespace, remove } = redisNamespace(url);
    const store = await openRedisRateStore({ url, namespace, log });
    return {
      store,
      async close() {
        await store.close();
        await remove();
      },
    };
  });

  describe('rate store: Redis, two replicas', () => {
    it('count together', async () => {
      const { namespace, remove } = redisNamespace(url);
      const stores = [
        await openRedisRateStore({ url, namespace, log }),
        await openRedisRateStore({ url, namespace, log }),
      ];
      const servers = await Promise.all(stores.map((store) => openLimitedServer(store)));
      try {
        const answers = await Promise.all(
          Array.from({ length: 30 }, (_, n) => askLimited(servers[n % 2] as TestServer, 'shared=10')),
        );
        expect(answers.filter(({ status }) => status === 200)).to.have.length(10);
      } finally {
        await Promise.all(servers.map((server) => server.close(1_000)));
        await Promise.all(stores.map((store) => store.close()));
        await remove();
      }
    });
  });

  describe('rate store: Redis, its server lost', function () {
    this.timeout(30_000);
    it('refuses with 503 while it is away, and counts again when it is back', async () => {
      const redis = await openOwnRedis();
      const store: RateStore = await openRedisRateStore({ url: redis.url, namespace: 'lost', log });
      const server = await openLimitedServer(store, { translate });
      try {
        expect((await askLimited(server, 'one=100')).status).to.equal(200);
        await redis.kill9();
        const refused = await askLimited(server, 'one=100');
        expect([refused.status, refused.headers.get('retry-after')]).to.deep.equal([503, '1']);
        await redis.restart();
        expect((await askLimited(server, 'one=100')).status).to.equal(200);
      } finally {
        await server.close(1_000);
        await store.close();
        await redis.close();
      }
    });
  });
});

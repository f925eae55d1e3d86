import { expect } from 'chai';
import { Redis } from 'ioredis';
import { openRedisReadStore, StoreOfOtherLog } from '#platform/read-store/redis-read-store.ts';
import { describeOn } from '../services/describe-on.ts';
import { markedReadStore } from '../support/marked-engines.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { redisNamespace } from '../support/redis-namespace.ts';
import { refusal } from '../support/refusal.ts';
import { generationMarkContract } from './generation-mark.contract.ts';

describeOn(['redis'], 'over the network', (env) => {
  const url = env['REDIS_URL'] ?? '';
  const open = async (namespace: string) =>
    markedReadStore(await openRedisReadStore({ url, namespace, log: createQuietLog() }));

  generationMarkContract('the Redis read store', async () => {
    const { namespace, remove } = redisNamespace(url);
    return { open: () => open(namespace), remove };
  });

  describe('generation of the log: the Redis read store, while it is used', () => {
    let place: ReturnType<typeof redisNamespace>;
    let redis: Redis;
    beforeEach(() => {
      place = redisNamespace(url);
      redis = new Redis(url);
    });
    afterEach(async () => {
      redis.disconnect();
      await place.remove();
    });

    it('is marked again by the first write after the server was emptied', async () => {
      const store = await open(place.namespace);
      await store.claim('first');
      await store.fill(1);
      await place.remove();
      expect(await store.filled()).to.deep.equal([]);
      await store.fill(2);
      expect(await redis.get(`{${place.namespace}}:g`)).to.equal('first');
      expect(await (await open(place.namespace)).claim('second')).to.equal('first');
      await store.close();
    });

    it('takes nothing from a process that has the former log open', async () => {
      const [stale, fresh] = [await open(place.namespace), await open(place.namespace)];
      await stale.claim('first');
      await stale.fill(1);
      await fresh.startOver('second');
      const error = await refusal(StoreOfOtherLog, stale.fill(2));
      expect(error).to.include({ code: 'other-generation', retriable: true });
      expect(await fresh.filled()).to.deep.equal([]);
      await Promise.all([stale.close(), fresh.close()]);
    });

    it('leaves what is not of read models, and other installations, when it is emptied', async () => {
      const neighbours = [`${place.namespace}-2`, `x${place.namespace}`].map((name) => `{${name}}:d:document`);
      const kept = [...neighbours, `{${place.namespace}}:lf`];
      for (const key of kept) await redis.set(key, '1');
      const store = await openRedisReadStore({ url, namespace: place.namespace, log: createQuietLog() });
      await store.claim('first');
      const keys = Array.from({ length: 4_000 }, (_, number) => `document:${number}`);
      await store.apply(
        keys.map((key) => ({ key, revision: 0, value: key, members: [{ set: key, member: 'm', score: 1 }] })),
      );
      await store.put('put', 1);
      await store.startOver('second');
      expect(await redis.mget(kept)).to.deep.equal(kept.map(() => '1'));
      expect(await redis.keys(`{${place.namespace}}:*`)).to.have.members([kept[2], `{${place.namespace}}:g`]);
      await store.close();
    });
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { openRedisResponseCache, type RedisResponseCache } from '#platform/response-cache/redis-response-cache.ts';
import { describeOn } from '../services/describe-on.ts';
import { createQuietLog } from '../support/quiet-log.ts';
import { redisNamespace } from '../support/redis-namespace.ts';
import { responseCacheContract } from './response-cache.contract.ts';

const HOUR = 3_600_000;

describeOn(['redis'], 'response cache over the network', function (env) {
  const url = env['REDIS_URL'] ?? '';
  const open = (namespace: string, trustMs: number) =>
    openRedisResponseCache({ url, namespace, bytes: 1_048_576, trustMs, log: createQuietLog() });

  const start = (trustMs: number) => async () => {
    const { namespace, remove } = redisNamespace(url);
    const cache = await open(namespace, trustMs);
    return {
      cache,
      advance: (ms: number) => sleep(ms),
      async close() {
        await cache.close();
        await remove();
      },
    };
  };
  responseCacheContract('Redis behind memory', start(5));
  // With so long a trust memory would answer whatever it can: only what a single replica does is asked of it.
  responseCacheContract('Redis, its memory never trusted', start(0));

  describe('response cache: Redis, two replicas', function () {
    this.timeout(10_000);
    const trustMs = 300;
    const replicas: RedisResponseCache[] = [];
    let removeAll: () => Promise<void>;
    beforeEach(async () => {
      const { namespace, remove } = redisNamespace(url);
      removeAll = remove;
      replicas.push(await open(namespace, trustMs), await open(namespace, trustMs));
    });
    afterEach(async () => {
      await Promise.all(replicas.splice(0).map((replica) => replica.close()));
      await removeAll();
    });

    it('share what is set, and each keeps it near', async () => {
      const [one, two] = replicas as [RedisResponseCache, RedisResponseCache];
      await one.set('a', 'key', { n: 1 }, HOUR);
      expect(await two.get('a', 'key')).to.deep.equal({ n: 1 });
      const began = performance.now();
      for (let n = 0; n < 1_000; n++) expect(await two.get('a', 'key')).to.deep.equal({ n: 1 });
      expect(performance.now() - began).to.be.below(2_000);
    });

    it('answer nothing cleared on another once the clear has resolved, however often they were asked', async () => {
      const [one, two] = replicas as [RedisResponseCache, RedisResponseCache];
      for (let round = 0; round < 5; round++) {
        await two.set('a', 'key', round, HOUR);
        await two.set('b', 'key', round, HOUR);
        const cleared = new AbortController();
        let answered: unknown;
        const asking = (async () => {
          do answered = await two.get('a', 'key');
          while (!cleared.signal.aborted);
        })();
        await one.clear('a');
        expect(await two.get('a', 'key')).to.equal(undefined);
        cleared.abort();
        await asking;
        expect(answered).to.equal(undefined);
        expect(await two.get('b', 'key')).to.equal(round);
      }
    });

    it('keep nothing that was answered before the clear', async () => {
      const [one, two] = replicas as [RedisResponseCache, RedisResponseCache];
      await two.set('a', 'key', 'before', HOUR);
      const clearing = one.clear('a');
      await sleep(trustMs / 3);
      // This replica may not have heard of it: what it sets under the old epoch is not kept.
      await two.set('a', 'late', 'from before', HOUR);
      await clearing;
      expect(await one.get('a', 'late')).to.equal(undefined);
      expect(await two.get('a', 'late')).to.equal(undefined);
      await two.set('a', 'key', 'after', HOUR);
      expect(await one.get('a', 'key')).to.equal('after');
    });

    it('clears more entries than one step takes', async () => {
      const [one, two] = replicas as [RedisResponseCache, RedisResponseCache];
      // A few at a time: what takes too long is done without.
      for (let from = 0; from < 1_300; from += 20) {
        await Promise.all(Array.from({ length: 20 }, (_, n) => one.set('a', `${from + n}`, from + n, HOUR)));
      }
      const entries = await Promise.all(Array.from({ length: 20 }, (_, n) => two.get('a', `${n * 65}`)));
      expect(entries.filter((value) => value !== undefined).length).to.be.above(10);
      await two.clear('a');
      const left = await Promise.all(Array.from({ length: 1_300 }, (_, n) => one.get('a', `${n}`)));
      expect(left.filter((value) => value !== undefined)).to.deep.equal([]);
    });
  });
});

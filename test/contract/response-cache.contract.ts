// What every response cache must do. It may forget; here it has no reason to.

import { expect } from 'chai';
import fc from 'fast-check';
import type { ResponseCache } from '#platform/response-cache/response-cache.ts';

export interface ResponseCacheUnderTest {
  readonly cache: ResponseCache;
  /** Lets time pass for the cache. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

const HOUR = 3_600_000;

export function responseCacheContract(name: string, start: () => Promise<ResponseCacheUnderTest>) {
  describe(`response cache: ${name}`, () => {
    let under: ResponseCacheUnderTest;
    let cache: ResponseCache;
    beforeEach(async () => {
      under = await start();
      ({ cache } = under);
    });
    afterEach(() => under.close());

    it('answers what was set, a copy of it', async () => {
      const value = { label: 'tr', scores: [0.98, 0.02] };
      await cache.set('a', 'key', value, HOUR);
      value.scores.push(1);
      const found = (await cache.get('a', 'key')) as typeof value;
      expect(found).to.deep.equal({ label: 'tr', scores: [0.98, 0.02] });
      found.label = 'changed';
      expect(await cache.get('a', 'key')).to.have.property('label', 'tr');
      expect(await cache.get('a', 'other')).to.equal(undefined);
    });

    it('replaces, and remembers null', async () => {
      await cache.set('a', 'key', 1, HOUR);
      await cache.set('a', 'key', null, HOUR);
      expect(await cache.get('a', 'key')).to.equal(null);
    });

    it('forgets when the time is over', async () => {
      await cache.set('a', 'short', 1, 1_000);
      await cache.set('a', 'long', 2, 10_000);
      await under.advance(900);
      expect(await cache.get('a', 'short')).to.equal(1);
      await under.advance(200);
      expect(await cache.get('a', 'short')).to.equal(undefined);
      expect(await cache.get('a', 'long')).to.equal(2);
    });

    it('keeps nothing that has no time to live', async () => {
      for (const ttl of [0, -1, Number.NaN]) {
        await cache.set('a', 'key', 1, ttl);
        expect(await cache.get('a', 'key')).to.equal(undefined);
      }
    });

    it('forgets a whole tenant and no other', async () => {
      for (const key of ['1', '2', '3']) {
        await cache.set('a', key, key, HOUR);
        await cache.set('ab', key, key, HOUR);
      }
      await cache.clear('a');
      await cache.clear('nobody');
      for (const key of ['1', '2', '3']) {
        expect(await cache.get('a', key)).to.equal(undefined);
        expect(await cache.get('ab', key)).to.equal(key);
      }
      await cache.set('a', '1', 'again', HOUR);
      expect(await cache.get('a', '1')).to.equal('again');
    });

    it('never answers one tenant with what belongs to another, however the names are cut', async () => {
      const text = fc.string({
        unit: fc.constantFrom('a', 'b', ':', '/', '0', '1', '2', '\0', '\ud800', '\udc00', 'é'),
      });
      await fc.assert(
        fc.asyncProperty(text, fc.nat(), fc.nat(), async (joined, first, second) => {
          const [one, two] = [first % (joined.length + 1), second % (joined.length + 1)];
          fc.pre(one !== two);
          await cache.set(joined.slice(0, one), joined.slice(one), 'mine', HOUR);
          expect(await cache.get(joined.slice(0, two), joined.slice(two))).to.equal(undefined);
          await cache.clear(joined.slice(0, one));
        }),
      );
      await fc.assert(
        fc.asyncProperty(fc.tuple(text, text), fc.tuple(text, text), async (one, two) => {
          fc.pre(one[0] !== two[0] || one[1] !== two[1]);
          await cache.set(...one, 'mine', HOUR);
          expect(await cache.get(...two)).to.equal(undefined);
          await cache.clear(one[0]);
        }),
      );
    });
  });
}

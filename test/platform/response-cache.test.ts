import { expect } from 'chai';
import { createLruResponseCache } from '#platform/response-cache/lru-response-cache.ts';

const HOUR = 3_600_000;

describe('response cache in memory', () => {
  it('stays within its bytes and forgets what was used least recently', async () => {
    const cache = createLruResponseCache({ bytes: 100_000 });
    const text = 'x'.repeat(1_000);
    await cache.set('a', 'used', text, HOUR);
    for (let index = 0; index < 200; index++) {
      await cache.set('a', `${index}`, text, HOUR);
      expect(await cache.get('a', 'used')).to.equal(text);
    }
    const left = await Promise.all(Array.from({ length: 200 }, (_, index) => cache.get('a', `${index}`)));
    const kept = left.filter((value) => value !== undefined).length;
    expect(kept).to.be.within(20, 50);
    expect(left[199]).to.equal(text);
    await cache.close();
  });

  it('does not go on answering the old when the new is too large to keep', async () => {
    const cache = createLruResponseCache({ bytes: 10_000 });
    await cache.set('a', 'key', 'small', HOUR);
    await cache.set('a', 'key', 'x'.repeat(5_000), HOUR);
    expect(await cache.get('a', 'key')).to.equal(undefined);
    await cache.set('a', 'key', 'small again', HOUR);
    await cache.set('a', 'key', undefined, HOUR);
    expect(await cache.get('a', 'key')).to.equal(undefined);
    await cache.close();
  });
});

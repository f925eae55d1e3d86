import { expect } from 'chai';
import { createLruRateStore } from '#platform/limits/lru-rate-store.ts';
import { askLimited, openLimitedServer, rateStoreContract } from './rate-store.contract.ts';

rateStoreContract('memory', async () => {
  const store = createLruRateStore();
  return { store, close: () => store.close() };
});

describe('rate store: memory, bounded', () => {
  it('forgets who has asked nothing for longest', async () => {
    const store = createLruRateStore({ most: 2 });
    const server = await openLimitedServer(store);
    const ask = async (id: string) => (await askLimited(server, `${id}=1`)).status;
    try {
      expect([await ask('a'), await ask('b'), await ask('a')]).to.deep.equal([200, 200, 429]);
      expect([await ask('c'), await ask('a'), await ask('b')]).to.deep.equal([200, 429, 200]);
    } finally {
      await server.close(1_000);
      await store.close();
    }
  });
});

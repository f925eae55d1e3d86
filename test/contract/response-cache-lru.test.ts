import { createLruResponseCache } from '#platform/response-cache/lru-response-cache.ts';
import { responseCacheContract } from './response-cache.contract.ts';

responseCacheContract('in memory', async () => {
  let now = 1;
  const cache = createLruResponseCache({ bytes: 1_048_576, now: () => now });
  return { cache, advance: async (ms) => void (now += ms), close: () => cache.close() };
});

import { createLruRateStore } from '../limits/lru-rate-store.ts';
import type { RateStore } from '../limits/rate-store.ts';
import { type AdapterOptions, opened, type Opened } from './opened.ts';

/** Redis, or else this thread's memory: only the one that answers requests counts them. */
export async function openRateStore({ config, log, signal }: AdapterOptions): Promise<Opened<RateStore>> {
  const { redisUrl: url, namespace } = config;
  if (url === undefined) return opened(createLruRateStore());
  const { openRedisRateStore } = await import('../limits/redis-rate-store.ts');
  return opened(await openRedisRateStore({ url, namespace, log, ...(signal && { signal }) }));
}

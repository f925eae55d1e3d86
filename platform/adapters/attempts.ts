import { type Attempts, SIGN_IN_RULES } from '../attempts/attempts.ts';
import { createLruAttempts } from '../attempts/lru-attempts.ts';
import { type AdapterOptions, opened, type Opened } from './opened.ts';

/** Redis, or else this process's memory. */
export async function openAttempts({ config, log, signal }: AdapterOptions): Promise<Opened<Attempts>> {
  const { redisUrl: url, namespace } = config;
  if (url === undefined) return opened(createLruAttempts(SIGN_IN_RULES));
  const { openRedisAttempts } = await import('../attempts/redis-attempts.ts');
  return opened(await openRedisAttempts({ url, namespace, log, ...(signal && { signal }) }, SIGN_IN_RULES));
}

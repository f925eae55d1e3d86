import type { LiveChannel } from '../live-channel/live-channel.ts';
import { type AdapterOptions, opened, type Opened } from './opened.ts';

/** Redis, where REDIS_URL names it. */
export async function openRemoteLiveChannel({ config, log, signal }: AdapterOptions): Promise<Opened<LiveChannel>> {
  const { redisUrl: url, namespace } = config;
  if (url === undefined) throw new TypeError('REDIS_URL is not set, and no embedded channel was handed over');
  const { openRedisLiveChannel } = await import('../live-channel/redis-live-channel.ts');
  return opened(await openRedisLiveChannel({ url, namespace, log, ...(signal && { signal }) }));
}

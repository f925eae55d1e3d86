import type { LiveChannel } from '../live-channel/live-channel.ts';
import { openLiveHub } from '../live-channel/live-hub.ts';
import { connectLiveChannel } from '../live-channel/thread-live-channel.ts';
import { type AdapterOptions, opened, type Opened } from './opened.ts';

/** Redis, or else a hub on the main thread, which the others reach by a port. */
export async function openLiveChannel({ config, log, signal, thread }: AdapterOptions): Promise<Opened<LiveChannel>> {
  const { redisUrl: url, namespace } = config;
  if (url !== undefined) {
    const { openRedisLiveChannel } = await import('../live-channel/redis-live-channel.ts');
    return opened(await openRedisLiveChannel({ url, namespace, log, ...(signal && { signal }) }));
  }
  if (!thread) {
    const hub = openLiveHub({ log });
    return { ...opened(hub), connect: () => hub.connect() };
  }
  const { 'live channel': port } = thread;
  if (!port) throw new TypeError('REDIS_URL is not set, and no port to the embedded channel was handed over');
  return opened(connectLiveChannel(port, log));
}

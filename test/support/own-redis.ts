// A Redis server of a test's own, to be killed, frozen and set as it likes.

import { Redis } from 'ioredis';

import { redisRecipe, startRedis } from '../services/redis/recipe.ts';
import { serviceCache } from '../services/service-cache.ts';
import { temporaryFolder } from './temporary-folder.ts';

export async function openOwnRedis(
  options: { readonly settings?: readonly string[]; readonly password?: string } = {},
) {
  const cache = serviceCache();
  await redisRecipe.install(cache);
  const folder = await temporaryFolder();
  const server = await startRedis({ cache, folder: folder.path, ...options });
  const url = server.environment.REDIS_URL;
  return {
    ...server,
    url,
    /** As any client of the server, past the adapters. */
    async directly<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
      const redis = new Redis(url, { maxLoadingRetryTime: 50 });
      try {
        return await work(redis);
      } finally {
        redis.disconnect();
      }
    },
    async close() {
      await server.stop();
      await folder.remove();
    },
  };
}

import { Redis } from 'ioredis';
import { v4 } from 'uuid';

/** A namespace of one's own on a server, and how to remove all that is in it. */
export function redisNamespace(url: string) {
  const namespace = `test-${v4()}`;
  return {
    namespace,
    remove: async (): Promise<void> => {
      const redis = new Redis(url);
      try {
        for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
          const [next, keys] = await redis.scan(cursor, 'MATCH', `*${namespace}*`, 'COUNT', 1_000);
          if (keys.length > 0) await redis.unlink(...keys);
          cursor = next;
        }
      } finally {
        redis.disconnect();
      }
    },
  };
}

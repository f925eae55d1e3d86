// Counts of requests in Redis, shared by all replicas. The script is the library's own; it is called with our deadlines, so
// that a server that is away is a 503, never an open door.

import type { Redis } from 'ioredis';
import { openRedis, READ_DEADLINE_MS, type RedisOptions } from '../redis/open-redis.ts';
import { createRedisScript, type RedisArgument } from '../redis/redis-script.ts';
import type { RateStore } from './rate-store.ts';

/** What ioredis' `defineCommand` is told. */
interface Command {
  readonly lua: string;
  readonly numberOfKeys: number;
}

export async function openRedisRateStore(options: RedisOptions): Promise<RateStore> {
  const link = await openRedis({ ...options, what: 'rate limits' });
  /** As much of ioredis as the library uses: it defines its command once, and calls it by its name. */
  const db = {
    defineCommand(name: string, { lua, numberOfKeys }: Command): void {
      const script = createRedisScript(lua);
      const call = (...args: RedisArgument[]) =>
        link.call(
          (redis) => script(redis, args.slice(0, numberOfKeys).map(String), args.slice(numberOfKeys)),
          READ_DEADLINE_MS,
        );
      Object.assign(db, { [name]: call });
    },
  };
  return {
    counting: { driver: 'redis', db: db as unknown as Redis, namespace: `{${options.namespace}}:rl` },
    health: () => link.health(),
    close: () => link.close(),
  };
}

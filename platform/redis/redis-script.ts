// A Lua script on the server: called by its hash, sent whole when the server does not know it (any more).

import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { answeredCode } from './redis-errors.ts';

export type RedisArgument = string | number | Buffer;

export type RedisScript = (redis: Redis, keys: readonly string[], args: readonly RedisArgument[]) => Promise<unknown>;

export function createRedisScript(lua: string): RedisScript {
  const hash = createHash('sha1').update(lua).digest('hex');
  return async (redis, keys, args) => {
    const rest = [keys.length, ...keys].concat(args as string[]);
    try {
      return await redis.call('EVALSHA', [hash, ...rest]);
    } catch (error) {
      if (answeredCode(error) !== 'NOSCRIPT') throw error;
      return redis.call('EVAL', [lua, ...rest]);
    }
  };
}

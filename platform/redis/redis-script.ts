// A Lua script on the server: called by its hash, sent whole when the server does not know it (any more).
// Small ones go in one write with whatever else is asked in the same round of the event loop. The client waits with the next
// such write until all of the one before is answered, so what is large goes by itself (see `LARGE_COMMANDS`).

import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { answeredCode } from './redis-errors.ts';

export type RedisArgument = string | number | Buffer;

export type RedisScript = (redis: Redis, keys: readonly string[], args: readonly RedisArgument[]) => Promise<unknown>;

/** Names as the client is to be told: it compares them as they are written, and the server does not. */
export const LARGE_COMMANDS = { script: 'EVALSHA', get: 'MGET' } as const;
/** Arguments from which a command is large. */
export const LARGE = 100;

export function createRedisScript(lua: string): RedisScript {
  const hash = createHash('sha1').update(lua).digest('hex');
  return async (redis, keys, args) => {
    const rest = [keys.length, ...keys].concat(args as string[]);
    try {
      return await redis.call(rest.length < LARGE ? 'evalsha' : LARGE_COMMANDS.script, [hash, ...rest]);
    } catch (error) {
      if (answeredCode(error) !== 'NOSCRIPT') throw error;
      return redis.call('EVAL', [lua, ...rest]);
    }
  };
}

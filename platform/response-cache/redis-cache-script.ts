// The scripts of the response cache in Redis; all keys share the namespace as their hash tag.
//   {ns}:ce:<tenant hash>  the tenant's epoch, anew with each clear: entries of another epoch are not answered
//   {ns}:ci:<tenant hash>  names of the tenant's entries by when they expire, so that a clear finds them
//   {ns}:ca:<name>         an entry

import { createRedisScript } from '../redis/redis-script.ts';

/** An epoch is renewed by use; one forgotten begins anew, and nothing of before is answered. */
const EPOCH_MS = 7 * 24 * 3_600_000;
/** Entries removed by one call. */
const CLEARED_AT_ONCE = 500;

/** KEYS: epoch. ARGV: what it is to be if there is none. Answers the epoch. */
export const epochScript = createRedisScript(`
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[1]
  redis.call('SET', KEYS[1], epoch)
end
redis.call('PEXPIRE', KEYS[1], ${EPOCH_MS})
return epoch`);

/** KEYS: epoch, entry. ARGV: the epoch that the caller knows. Answers the entry and its time left, or the epoch as it is. */
export const getScript = createRedisScript(`
local epoch = redis.call('GET', KEYS[1])
if epoch ~= ARGV[1] then return epoch end
local entry = redis.call('GET', KEYS[2])
if not entry then return {} end
return { entry, redis.call('PTTL', KEYS[2]) }`);

/** KEYS: epoch, entry, index. ARGV: the epoch that the caller knows, text, time to live in ms, name. Answers 1 if it is kept. */
export const setScript = createRedisScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[3], string.format('%.0f', now + ARGV[3]), ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', string.format('%.0f', now))
local last = redis.call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[3], string.format('%.0f', last[2] + 1000))
return 1`);

/** KEYS: epoch, index. ARGV: the new epoch, what an entry's key begins with. Answers how many entries it removed. */
export const clearScript = createRedisScript(`
redis.call('SET', KEYS[1], ARGV[1], 'PX', ${EPOCH_MS})
local found = redis.call('ZPOPMIN', KEYS[2], ${CLEARED_AT_ONCE})
for at = 1, #found, 2 do redis.call('UNLINK', ARGV[2] .. found[at]) end
return #found / 2`);

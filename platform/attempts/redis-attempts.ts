// Attempts in Redis, where every replica counts. An account is one hash: a field for each address and one for all of them,
// each `<count>:<until>`, times by the server's clock. A hash that is not tried any more goes by itself.

import { openRedis, type RedisOptions, WRITE_DEADLINE_MS } from '../redis/open-redis.ts';
import { createRedisScript } from '../redis/redis-script.ts';
import type { AttemptRules, Attempts } from './attempts.ts';

/** No address looks like it. */
const ALL = '*';

const LUA = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function read(field)
  local text = redis.call('HGET', KEYS[1], field)
  if not text then return nil end
  local count, ends = string.match(text, '^(%d+):(%d+)$')
  if tonumber(ends) <= now then return nil end
  return tonumber(count), tonumber(ends)
end
local function write(field, count, ends)
  redis.call('HSET', KEYS[1], field, string.format('%d:%d', count, ends))
end
`;

/** ARGV: address, most from it, its window, most of the account, its window, how long the hash is kept. */
const beginScript = createRedisScript(`${LUA}
local total, totalEnds = read('${ALL}')
if not total then
  total, totalEnds = 0, now + ARGV[5]
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if not read(field) then redis.call('HDEL', KEYS[1], field) end
  end
end
local count, ends = read(ARGV[1])
if not count then count, ends = 0, now + ARGV[3] end
if count >= tonumber(ARGV[2]) then return { 0, ends - now } end
if total >= tonumber(ARGV[4]) then return { 0, totalEnds - now } end
write('${ALL}', total + 1, totalEnds)
write(ARGV[1], count + 1, ends)
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return { 1, count + 1 }
`);

/** ARGV: address, most from it, how long it is locked out. */
const failedScript = createRedisScript(`${LUA}
local count = read(ARGV[1])
if not count or count < tonumber(ARGV[2]) then return 0 end
write(ARGV[1], count, now + ARGV[3])
return 1
`);

/** ARGV: address. */
const succeededScript = createRedisScript(`${LUA}
local count = read(ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
local total, totalEnds = read('${ALL}')
if count and total then write('${ALL}', math.max(0, total - count), totalEnds) end
return 0
`);

export async function openRedisAttempts(options: RedisOptions, rules: AttemptRules): Promise<Attempts> {
  const { namespace } = options;
  const link = await openRedis({ ...options, what: 'attempts' });
  const { mostFromAddress, addressWindowMs, lockMs, mostOfAccount, accountWindowMs } = rules;
  const keptMs = accountWindowMs + Math.max(addressWindowMs, lockMs);
  const keyOf = (account: string) => `{${namespace}}:at:${account}`;
  const run = (script: typeof beginScript, account: string, args: readonly (string | number)[]) =>
    link.call((redis) => script(redis, [keyOf(account)], args), WRITE_DEADLINE_MS);

  return {
    async begin(account, address) {
      const args = [address, mostFromAddress, addressWindowMs, mostOfAccount, accountWindowMs, keptMs];
      const [admitted, number] = (await run(beginScript, account, args)) as [0 | 1, number];
      return admitted === 1 ? { admitted: true, nth: number } : { admitted: false, retryAfterMs: number };
    },
    async failed(account, address, nth) {
      if (nth < mostFromAddress) return false;
      return (await run(failedScript, account, [address, mostFromAddress, lockMs])) === 1;
    },
    async succeeded(account, address) {
      await run(succeededScript, account, [address]);
    },
    health: () => link.health(),
    close: () => link.close(),
  };
}

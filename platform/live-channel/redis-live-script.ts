// The scripts of the live channel in Redis. All keys share the namespace as their hash tag.
//   {ns}:l:<channel>   not a key: what the channel's messages are published as
//   {ns}:lq:<channel>  the number of its last message
//   {ns}:lk:<channel>  its kept messages: `<number> <ms> <text>`, oldest first
//   {ns}:lc            the channels that keep any, by when one was kept last
//   {ns}:ls            a hash: channel → bytes kept
//   {ns}:lt            bytes kept over all
//   {ns}:lr            the server process that gave the numbers, and {ns}:lf: what it began above
// A channel that was forgotten begins again at the microseconds since the epoch, which are above every number given before:
// nobody publishes a message a microsecond.

import { createRedisScript } from '../redis/redis-script.ts';
import { KEPT_BOUNDS } from './kept-messages.ts';

/** How long a channel's number is remembered after a message that is kept, and after one that is not. */
const REMEMBERED_MS = KEPT_BOUNDS.ageMs + 60_000;
const BRIEFLY_REMEMBERED_MS = 60_000;
/** What a message costs beside its text, so that empty ones are bounded too. */
const OVERHEAD = 100;
/** Channels forgotten by one call, at most. */
const FORGOTTEN_AT_ONCE = 50;

/**
 * To be called at each connection, before anything is published. A server that lost its last second would give numbers
 * again, so after a restart all go on above every number given before. KEYS: {ns}:lr, {ns}:lf.
 */
export const beginScript = createRedisScript(`
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if redis.call('GET', KEYS[1]) == run then return end
local time = redis.call('TIME')
redis.call('SET', KEYS[2], string.format('%.0f', time[1] * 1000000 + time[2]))
redis.call('SET', KEYS[1], run)`);

/**
 * KEYS: {ns}:lf. ARGV: \`{ns}:\`, then per message: channel, 1 to keep it or 0, text. One that is not kept and that nobody
 * listens to costs one look.
 */
export const publishScript = createRedisScript(`
local call, format = redis.call, string.format
local prefix = ARGV[1]
local channels, sizes, totalKey = prefix .. 'lc', prefix .. 'ls', prefix .. 'lt'
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local oldest = now - ${KEPT_BOUNDS.ageMs}
local least = tonumber(call('GET', KEYS[1]) or 0)
local grown = 0

local function keep(channel, number, text)
  local list = prefix .. 'lk:' .. channel
  local entry = number .. ' ' .. format('%.0f', now) .. ' ' .. text
  local cost = #entry + ${OVERHEAD}
  local count = call('RPUSH', list, entry)
  local before = tonumber(call('HGET', sizes, channel) or 0)
  -- The list had expired.
  local size = count == 1 and cost or before + cost
  local head = call('LINDEX', list, 0)
  while head and (count > ${KEPT_BOUNDS.messages} or size > ${KEPT_BOUNDS.characters}
      or tonumber(string.match(head, '^%d+ (%d+)')) < oldest) do
    call('LPOP', list)
    count = count - 1
    size = size - #head - ${OVERHEAD}
    head = call('LINDEX', list, 0)
  end
  grown = grown + size - before
  call('HSET', sizes, channel, size)
  call('ZADD', channels, now, channel)
  if count > 0 then call('PEXPIRE', list, ${KEPT_BOUNDS.ageMs}) end
end

for at = 2, #ARGV, 3 do
  local channel, keeps, text = ARGV[at], ARGV[at + 1] == '1', ARGV[at + 2]
  local topic = prefix .. 'l:' .. channel
  if keeps or call('PUBSUB', 'NUMSUB', topic)[2] > 0 then
    local numberKey = prefix .. 'lq:' .. channel
    local last = tonumber(call('GET', numberKey) or time[1] * 1000000 + time[2])
    if last < least then last = least end
    local number = format('%.0f', last + 1)
    call('SET', numberKey, number, 'PX', keeps and ${REMEMBERED_MS} or ${BRIEFLY_REMEMBERED_MS})
    if keeps then keep(channel, number, text) end
    call('PUBLISH', topic, number .. ' ' .. text)
  end
end

if grown ~= 0 then
  local total = call('INCRBY', totalKey, format('%.0f', grown))
  for _ = 1, ${FORGOTTEN_AT_ONCE} do
    local quiet = call('ZRANGE', channels, 0, 0, 'WITHSCORES')
    if not quiet[1] then break end
    if tonumber(quiet[2]) >= oldest and total <= ${KEPT_BOUNDS.totalCharacters}
        and call('ZCARD', channels) <= ${KEPT_BOUNDS.channels} then break end
    total = call('DECRBY', totalKey, call('HGET', sizes, quiet[1]) or 0)
    call('UNLINK', prefix .. 'lk:' .. quiet[1])
    call('HDEL', sizes, quiet[1])
    call('ZREM', channels, quiet[1])
  end
end`);

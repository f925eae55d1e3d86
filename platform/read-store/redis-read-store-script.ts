// The scripts of the read store in Redis. Every key has the namespace as its hash tag, so all of a store is in one slot and
// the scripts would run in a cluster too, though the names that they make of their arguments are not declared as keys.
//   {ns}:d:<key>         a document: 16 digits of its revision, then JSON; or what was put: 16 times `p`, then JSON
//   {ns}:s:<set>         a sorted set
//   {ns}:c:<counter>     a counter
//   {ns}:p:<projection>  a hash: partition → position in 20 digits
//   {ns}:g               the generation of the log that all of it was made from
//   {ns}:k               the keys that were put, as a sorted set of equal scores, which is by their bytes
// Lua's numbers are doubles: revisions and positions are compared as digits of equal length, never as numbers.

import { createRedisScript } from '../redis/redis-script.ts';

/** What stands in the place of the revision of a key that was put. */
export const PUT_MARK = 'p'.repeat(16);
export const REVISION_DIGITS = 16;
export const POSITION_DIGITS = 20;

/** A counter would pass 2^53 - 1; its name follows. */
export const TOO_GREAT = 'COUNTERTOOGREAT';
/** The store is behind what it had acknowledged; the partition follows. */
export const ROLLED_BACK = 'ROLLEDBACK';
/** The store holds read models of another log; its generation follows. */
export const OTHER_GENERATION = 'OTHERGENERATION';
/** The key is a document's. */
export const IS_DOCUMENT = 'ISDOCUMENT';

/**
 * KEYS: {ns}:k. ARGV: `{ns}:`, projection, the log's generation ('' if not known), number of partitions, per partition:
 * name, position, the position known to have been acknowledged ('' if none); number of writes, per write: key, revision and
 * JSON as they are stored, and '' or `+` if there is more to it: then base ('' if none was given, `-` for no document),
 * expiry in ms ('' if none), number of members, per member: set, member, score ('' to remove), number of counts, per count:
 * counter, by.
 * First everything is checked, then written: a script that fails is not rolled back.
 * Answers 1 when every write advanced, else the numbers of those that did.
 */
export const applyScript = createRedisScript(`
local call, sub = redis.call, string.sub
local prefix, projection = ARGV[1], ARGV[2]
local documents, sets, counters = prefix .. 'd:', prefix .. 's:', prefix .. 'c:'
local positions = prefix .. 'p:' .. projection
local moves = {}
local generation, held = ARGV[3], true
if generation ~= '' then
  held = call('GET', prefix .. 'g')
  if held and held ~= generation then return redis.error_reply('${OTHER_GENERATION} ' .. held) end
end
local at = 5
for _ = 1, tonumber(ARGV[4]) do
  local partition, position, acknowledged = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local now = call('HGET', positions, partition)
  if acknowledged ~= '' and (not now or now < acknowledged) then
    return redis.error_reply('${ROLLED_BACK} ' .. partition)
  end
  if not now or now < position then
    moves[#moves + 1] = partition
    moves[#moves + 1] = position
  end
  at = at + 3
end

local total = tonumber(ARGV[at])
at = at + 1
local seen, sums, puts, advanced, begins = {}, {}, {}, {}, {}
for number = 1, total do
  local key, document = ARGV[at], ARGV[at + 1]
  local revision = sub(document, 1, ${REVISION_DIGITS})
  local stored = seen[key]
  if not stored then
    stored = call('GETRANGE', documents .. key, 0, ${REVISION_DIGITS - 1})
    if stored == '${PUT_MARK}' then
      puts[key] = true
      stored = ''
    end
  end
  local advances = stored == '' or stored < revision
  local counts, ends
  if ARGV[at + 2] == '' then
    ends = at + 3
  else
    local base = ARGV[at + 3]
    if base == '-' then
      advances = advances and stored == ''
    elseif base ~= '' then
      advances = advances and stored == base
    end
    counts = at + 6 + 3 * tonumber(ARGV[at + 5])
    ends = counts + 1 + 2 * tonumber(ARGV[counts])
  end
  if advances then
    seen[key] = revision
    advanced[#advanced + 1] = number
    begins[#begins + 1] = at
    if counts then
      for count = counts + 1, ends - 1, 2 do
        local name = ARGV[count]
        local sum = (sums[name] or tonumber(call('GET', counters .. name) or 0)) + tonumber(ARGV[count + 1])
        if sum > 9007199254740991 or sum < -9007199254740991 then
          return redis.error_reply('${TOO_GREAT} ' .. name)
        end
        sums[name] = sum
      end
    end
  else
    seen[key] = stored
  end
  at = ends
end

if not held then call('SET', prefix .. 'g', generation) end
for _, at in ipairs(begins) do
  local key = documents .. ARGV[at]
  if ARGV[at + 2] == '' then
    call('SET', key, ARGV[at + 1])
  else
    local expiry = ARGV[at + 4]
    if expiry == '' then
      call('SET', key, ARGV[at + 1])
    else
      call('SET', key, ARGV[at + 1], 'PXAT', expiry)
    end
    for member = at + 6, at + 5 + 3 * tonumber(ARGV[at + 5]), 3 do
      if ARGV[member + 2] == '' then
        call('ZREM', sets .. ARGV[member], ARGV[member + 1])
      else
        call('ZADD', sets .. ARGV[member], ARGV[member + 2], ARGV[member + 1])
      end
    end
  end
end
for name, sum in pairs(sums) do
  call('SET', counters .. name, string.format('%.0f', sum))
end
for key in pairs(puts) do
  if seen[key] ~= '' then call('ZREM', KEYS[1], key) end
end
if #moves > 0 then call('HSET', positions, unpack(moves)) end
if #advanced == total then return 1 end
return advanced`);

/** KEYS: {ns}:g. ARGV: a generation, for a store that has none. Answers the one that it has. */
export const claimScript = createRedisScript(`
redis.call('SETNX', KEYS[1], ARGV[1])
return redis.call('GET', KEYS[1])`);

/** KEYS: {ns}:g, keys to be removed. ARGV: a generation; what is of this one stays: then the answer is 0, else 1. */
export const removeOthersScript = createRedisScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return 0 end
redis.call('UNLINK', unpack(KEYS, 2))
return 1`);

/** KEYS: the document, {ns}:k. ARGV: key, mark and JSON. */
export const putScript = createRedisScript(`
local stored = redis.call('GETRANGE', KEYS[1], 0, ${REVISION_DIGITS - 1})
if stored ~= '' and stored ~= '${PUT_MARK}' then return redis.error_reply('${IS_DOCUMENT}') end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], 0, ARGV[1])`);

/** KEYS: the document, {ns}:k. ARGV: key. */
export const removeScript = createRedisScript(`
if redis.call('GETRANGE', KEYS[1], 0, ${REVISION_DIGITS - 1}) == '${PUT_MARK}' then
  redis.call('UNLINK', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
end`);

/**
 * A page of a sorted set after a member, which may be there no more. KEYS: the set. ARGV: score, member, limit, `reverse` or
 * ''. Redis knows ranks and scores only, so the member's place among those of its score is looked for by halving. Strings
 * are compared byte by byte: Lua's own comparison is by the server's language.
 */
export const rangeAfterScript = createRedisScript(`
local set, score, member, limit = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local byte = string.byte
local function isBefore(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = byte(a, i), byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end
local low = redis.call('ZCOUNT', set, '-inf', '(' .. score)
local high = redis.call('ZCOUNT', set, '-inf', score)
local isThere = false
while low < high do
  local middle = math.floor((low + high) / 2)
  local other = redis.call('ZRANGE', set, middle, middle)[1]
  if other == member then
    low, high, isThere = middle, middle, true
  elseif isBefore(other, member) then
    low = middle + 1
  else
    high = middle
  end
end
if ARGV[4] == '' then
  if isThere then low = low + 1 end
  return redis.call('ZRANGE', set, low, low + limit - 1, 'WITHSCORES')
end
if low == 0 then return {} end
local size = redis.call('ZCARD', set)
return redis.call('ZREVRANGE', set, size - low, size - low + limit - 1, 'WITHSCORES')`);

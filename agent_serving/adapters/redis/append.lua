-- Append one fact to the log of a session, or change nothing.
-- KEYS  1 meta  2 log  3 live  4 tokens  5 snapshot  6 memory  7 reply  8 gone  9 bill
-- ARGV  1 version of the log before the fact   2 width   3 fact   4 tokens, packed (may be '')
--       5 summary   6 open: '1' or '0'   7 snapshot ('': none)
--       8 expiry, ms since 1970 ('': as before)   9 nonce of this append
--       10 line for the bill ('': none); it stays when the session expires
--       11 fence of the writer's lease ('': a writer that needs none)
--       12 '1': what is kept of a streaming reply is settled by this fact
-- Returns {'ok', first feed number, was open: '1' or '0'},
--         {'stale', version}, {'gap', version}, {'gone', 0}, or {'fenced', 0}: somebody else has
--         had the lease since.
-- The stream's entry has the fact's last number as id, so that XREAD behind any number inside the
-- fact's range still shows it.
local expected = tonumber(ARGV[1])
local width = tonumber(ARGV[2])
local version = redis.call('XLEN', KEYS[2])
local meta = redis.call('HMGET', KEYS[1], 'feed', 'open', 'nonce', 'expires', 'fence')
local known = meta[1] ~= false

if redis.call('EXISTS', KEYS[8]) == 1 or known ~= (version > 0) or (version == 0 and expected > 0)
then
  return {'gone', 0}
end
if version == expected + 1 and meta[3] == ARGV[9] then
  -- This very append ran before, and its answer was lost.
  local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1][1]
  return {'ok', tonumber(string.match(last, '^%d+')) - width + 1, '1'}
end
if ARGV[11] ~= '' and meta[5] ~= ARGV[11] then
  return {'fenced', 0}
end
if version ~= expected then
  return {version > expected and 'stale' or 'gap', version}
end

local feed = tonumber(meta[1] or '0')
local last = feed + width
redis.call('XADD', KEYS[2], string.format('%d-0', last), 'width', ARGV[2], 'fact', ARGV[3])
redis.call('HSET', KEYS[1], 'feed', string.format('%d', last), 'open', ARGV[6],
  'summary', ARGV[5], 'nonce', ARGV[9])
if ARGV[4] ~= '' then
  redis.call('APPEND', KEYS[4], ARGV[4])
end
if ARGV[10] ~= '' then
  redis.call('RPUSH', KEYS[9], ARGV[10])
end
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[5], 'version', version + 1, 'state', ARGV[7])
end
if ARGV[12] == '1' then
  redis.call('UNLINK', KEYS[7])
end

local expires = ARGV[8] ~= '' and ARGV[8] or meta[4]
if expires then
  redis.call('HSET', KEYS[1], 'expires', expires)
  local time = redis.call('TIME')
  local left = tonumber(expires) - (time[1] * 1000 + math.floor(time[2] / 1000))
  for index = 1, 7 do
    -- The deltas may have less time left already.
    if index ~= 3 or redis.call('PTTL', KEYS[3]) > left then
      redis.call('PEXPIREAT', KEYS[index], expires)
    end
  end
end
return {'ok', feed + 1, meta[2] or '0'}

-- Remember a value for a session.
-- KEYS  1 meta  2 memory
-- ARGV  1 key   2 value   3 most keys   4 fence of the caller's lease ('': it needs none)
-- Returns 'ok', 'full', 'gone' or 'fenced'.
local meta = redis.call('HMGET', KEYS[1], 'feed', 'expires', 'fence')
if not meta[1] then
  return 'gone'
end
if ARGV[4] ~= '' and meta[3] ~= ARGV[4] then
  return 'fenced'
end
if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[3])
  and redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then
  return 'full'
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
if meta[2] then
  redis.call('PEXPIREAT', KEYS[2], meta[2])
end
return 'ok'

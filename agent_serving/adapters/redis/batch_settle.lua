-- Count a request that is over, once, and end the batch with the last one.
-- KEYS  1 meta  2 running  3 waiting  4 outcomes
-- ARGV  1 place   2 counter: how it ended   3 outcome   4 time, RFC 3339   5 currency ('': none)
--       then pairs of amount and whole number
-- Returns 1, or 0 where it was not under way.
local waited = redis.call('SREM', KEYS[3], ARGV[1])
if waited + redis.call('SREM', KEYS[2], ARGV[1]) == 0 then
  return 0
end
if waited == 1 then
  redis.call('HINCRBY', KEYS[1], 'waiting', -1)
end
redis.call('HINCRBY', KEYS[1], ARGV[2], 1)
redis.call('HSET', KEYS[4], ARGV[1], ARGV[3])
if ARGV[5] ~= '' then
  redis.call('HSETNX', KEYS[1], 'currency', ARGV[5])
end
for index = 6, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[1], 'amount:' .. ARGV[index], ARGV[index + 1])
end
local meta = redis.call('HMGET', KEYS[1], 'taken', 'total', 'cancelled', 'expires')
if meta[4] then
  redis.call('PEXPIREAT', KEYS[4], meta[4])
end
if (meta[1] == meta[2] or meta[3]) and redis.call('EXISTS', KEYS[2], KEYS[3]) == 0 then
  redis.call('HSETNX', KEYS[1], 'ended', ARGV[4])
end
return 1

-- Take no request of a batch up any more; end it where none is under way.
-- KEYS  1 meta  2 running  3 waiting
-- ARGV  1 time, RFC 3339
-- Returns 1, or 0 where there is nothing to cancel.
local meta = redis.call('HMGET', KEYS[1], 'head', 'ended')
if not meta[1] or meta[2] then
  return 0
end
redis.call('HSETNX', KEYS[1], 'cancelled', ARGV[1])
if redis.call('EXISTS', KEYS[2], KEYS[3]) == 0 then
  redis.call('HSET', KEYS[1], 'ended', ARGV[1])
end
return 1

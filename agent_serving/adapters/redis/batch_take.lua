-- Take up the requests of a batch below a place.
-- KEYS  1 meta  2 running
-- ARGV  1 place
-- Returns how many are taken.
local meta = redis.call('HMGET', KEYS[1], 'taken', 'total', 'cancelled', 'expires')
if not meta[1] or meta[3] then
  return 0
end
local taken = tonumber(meta[1])
local stop = math.min(tonumber(ARGV[1]), tonumber(meta[2]))
if stop <= taken then
  return taken
end
for place = taken, stop - 1 do
  redis.call('SADD', KEYS[2], place)
end
redis.call('HSET', KEYS[1], 'taken', stop)
if meta[4] then
  redis.call('PEXPIREAT', KEYS[2], meta[4])
end
return stop

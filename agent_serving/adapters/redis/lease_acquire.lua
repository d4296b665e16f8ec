-- Take a lease that is free, or find that one has it already.
-- KEYS  1 lease   2 meta   3 log
-- ARGV  1 owner   2 time to live in ms
-- Returns {epoch, version}; as epoch 0 where somebody else holds it, -1 where there is no such
-- session or batch.
-- The fence, 'epoch owner', outlives the lease: it says who may write until somebody else takes it.
if redis.call('EXISTS', KEYS[2]) == 0 then
  return {-1, 0}
end
local fence = redis.call('HGET', KEYS[2], 'fence')
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then
  return {0, 0}
end
local epoch = tonumber(string.match(fence or '0', '^%d+'))
if not owner or fence ~= string.format('%d %s', epoch, ARGV[1]) then
  epoch = epoch + 1
  redis.call('HSET', KEYS[2], 'fence', string.format('%d %s', epoch, ARGV[1]))
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {epoch, redis.call('XLEN', KEYS[3])}

-- Renew a lease, also one that ran out and that nobody has had since.
-- KEYS  1 lease   2 meta
-- ARGV  1 fence   2 owner   3 time to live in ms
-- Returns 1, 0 where somebody else has had it, -1 where there is no such session or batch.
if redis.call('EXISTS', KEYS[2]) == 0 then
  return -1
end
local fence = redis.call('HGET', KEYS[2], 'fence')
if fence ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1

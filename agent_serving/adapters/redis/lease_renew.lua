-- Renew a lease, also one that ran out and that nobody has had since.
-- KEYS  1 lease   2 meta
-- ARGV  1 fence   2 owner   3 time to live in ms
-- Returns 1, 0 where somebody else has had it, -1 where there is no such session.
local meta = redis.call('HMGET', KEYS[2], 'feed', 'fence')
if not meta[1] then
  return -1
end
if meta[2] ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1

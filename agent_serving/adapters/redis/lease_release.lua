-- Give up a lease, if it is still one's own; from here on its holder writes nothing more.
-- KEYS  1 lease   2 meta
-- ARGV  1 fence   2 epoch
if redis.call('HGET', KEYS[2], 'fence') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[2], 'fence', ARGV[2] .. ' ')
redis.call('DEL', KEYS[1])
return 1

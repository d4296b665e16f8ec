-- Delete an agent with all its versions.
-- KEYS  1 ids  2 names  3 named  4 latest  5 bodies  6 nonces
-- ARGV  1 agent id
-- Returns 1, or 0 where there is no such agent.
local id = ARGV[1]
local latest = redis.call('HGET', KEYS[4], id)
if not latest then
  return 0
end
for version = 1, tonumber(latest) do
  redis.call('HDEL', KEYS[5], id .. '/' .. version)
end
redis.call('HDEL', KEYS[2], redis.call('HGET', KEYS[3], id))
redis.call('HDEL', KEYS[3], id)
redis.call('HDEL', KEYS[4], id)
redis.call('HDEL', KEYS[6], id)
redis.call('ZREM', KEYS[1], id)
return 1

-- Store a batch.
-- KEYS  1 meta  2 requests  3 places  4 agents  5 gone
-- ARGV  1 head   2 nonce of this call   3 number of requests   4 expiry, ms since 1970 ('': never)
--       5 number of agents, then the agents,
--       then for each request: the caller's id, body
-- Returns 1, 0 where there is a batch already, or -1 where it was deleted.
if redis.call('EXISTS', KEYS[5]) == 1 then
  return -1
end
local nonce = redis.call('HGET', KEYS[1], 'nonce')
if nonce then
  return nonce == ARGV[2] and 1 or 0
end
redis.call('HSET', KEYS[1], 'head', ARGV[1], 'nonce', ARGV[2], 'total', ARGV[3], 'taken', 0)
local index = 6
for _ = 1, tonumber(ARGV[5]) do
  redis.call('RPUSH', KEYS[4], ARGV[index])
  index = index + 1
end
for place = 0, tonumber(ARGV[3]) - 1 do
  redis.call('HSET', KEYS[3], ARGV[index], place)
  redis.call('RPUSH', KEYS[2], ARGV[index + 1])
  index = index + 2
end
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[1], 'expires', ARGV[4])
  for key = 1, 4 do
    redis.call('PEXPIREAT', KEYS[key], ARGV[4])
  end
end
return 1

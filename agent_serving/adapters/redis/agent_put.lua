-- Store the next version of an agent.
-- KEYS  1 ids  2 names  3 named  4 latest  5 bodies  6 nonces  7 request: hash of body, id, version
-- ARGV  1 agent id   2 name   3 body   4 nonce of this call
--       5 digest of the request's body ('': the request has no key)   6 ms to remember it
--       7 most agents   8 most versions of one
-- Returns {'ok', version}, {'taken', id of the agent that has the name}, {'many agents'} or
-- {'many versions'} where there can be no more, or {'known', digest of the first request's body,
-- agent id, version} where a request with this key came before.
local id, name = ARGV[1], ARGV[2]
local version = tonumber(redis.call('HGET', KEYS[4], id) or '0')
if redis.call('HGET', KEYS[6], id) == ARGV[4] then
  return {'ok', version}
end
if ARGV[5] ~= '' then
  local known = redis.call('HMGET', KEYS[7], 'body', 'id', 'version')
  if known[1] then
    return {'known', known[1], known[2], known[3]}
  end
end
local owner = redis.call('HGET', KEYS[2], name)
if owner and owner ~= id then
  return {'taken', owner}
end
if version == 0 and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[7]) then
  return {'many agents'}
end
if version >= tonumber(ARGV[8]) then
  return {'many versions'}
end
local former = redis.call('HGET', KEYS[3], id)
if former and former ~= name then
  redis.call('HDEL', KEYS[2], former)
end
version = version + 1
redis.call('HSET', KEYS[5], id .. '/' .. version, ARGV[3])
redis.call('HSET', KEYS[4], id, version)
redis.call('HSET', KEYS[2], name, id)
redis.call('HSET', KEYS[3], id, name)
redis.call('HSET', KEYS[6], id, ARGV[4])
redis.call('ZADD', KEYS[1], 0, id)
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[7], 'body', ARGV[5], 'id', id, 'version', version)
  redis.call('PEXPIRE', KEYS[7], ARGV[6])
end
return {'ok', version}

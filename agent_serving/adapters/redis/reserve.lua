-- Give an id to the object that a request makes, or tell the one that it has.
-- KEYS  1 reservation: hash of body, id, at
-- ARGV  1 digest of the body   2 id   3 time, ms since 1970   4 time to live in ms
-- Returns {digest of the first request's body, id, time}.
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'body', ARGV[1], 'id', ARGV[2], 'at', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return redis.call('HMGET', KEYS[1], 'body', 'id', 'at')

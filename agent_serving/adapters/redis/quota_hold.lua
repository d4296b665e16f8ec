-- Members that have a place, whatever the number of places is.
-- KEYS  1 held
-- ARGV  1 time in ms for which they have it   2… members
-- Returns all members that have one now.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local until_then = string.format('%.0f', now + ARGV[1])
for index = 2, #ARGV do
  redis.call('ZADD', KEYS[1], until_then, ARGV[index])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('ZRANGE', KEYS[1], 0, -1)

-- Take a session's open mark away, unless a later fact has set it anew.
-- KEYS  1 open
-- ARGV  1 session id   2 version up to which the mark is settled
local version = redis.call('ZSCORE', KEYS[1], ARGV[1])
if version and tonumber(version) <= tonumber(ARGV[2]) then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0

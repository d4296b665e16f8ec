-- Keep a key, with its line in the audit log.
-- KEYS  1 keys  2 audit
-- ARGV  1 id   2 key, JSON   3 act, JSON   4 most lines of the log
-- Returns 1, or 0 where it was there already (an answer was lost).
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then
  return 0
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'act', ARGV[3])
return 1

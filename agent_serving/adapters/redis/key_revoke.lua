-- Revoke a key, with a line in the audit log.
-- KEYS  1 keys  2 revoked  3 audit
-- ARGV  1 id   2 time   3 act, JSON   4 most lines of the log
-- Returns 1, also where it was revoked before; 0 where there is no such key.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  return 0
end
if redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2]) == 1 then
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', 'act', ARGV[3])
end
return 1

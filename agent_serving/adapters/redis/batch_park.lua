-- Say whether the turn of a request under way waits for somebody.
-- KEYS  1 meta  2 running  3 waiting
-- ARGV  1 place   2 '1': it waits
local from, to, by = KEYS[3], KEYS[2], -1
if ARGV[2] == '1' then
  from, to, by = KEYS[2], KEYS[3], 1
end
local meta = redis.call('HMGET', KEYS[1], 'head', 'expires')
if not meta[1] or redis.call('SMOVE', from, to, ARGV[1]) == 0 then
  return 0
end
redis.call('HINCRBY', KEYS[1], 'waiting', by)
if meta[2] then
  redis.call('PEXPIREAT', to, meta[2])
end
return 1

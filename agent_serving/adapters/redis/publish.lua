-- Append deltas to the live feed of a session, and keep the reply that they tell of; nothing happens
-- where the session is gone, or where somebody else has had the lease since.
-- KEYS  1 meta  2 live  3 reply
-- ARGV  1 nonce of this call   2 cap in entries   3 time to live in ms
--       4 fence of the writer's lease ('': a writer that needs none)
--       5 head of the reply ('': nothing is kept)   6 its next part
--       7 nonce of the call that kept the part before ('': the part is all of the reply, and takes
--       the place of the parts before)   8… events
-- Returns how many events were appended; -1 where the call before is not here any more, nor maybe
-- others: Redis came back without its last writes. Nothing happens then.
local meta = redis.call('HMGET', KEYS[1], 'feed', 'published', 'expires', 'fence')
if not meta[1] or meta[2] == ARGV[1] or (ARGV[4] ~= '' and meta[4] ~= ARGV[4]) then
  return 0
end
if ARGV[7] ~= '' and meta[2] ~= ARGV[7] then
  return -1
end
local feed = tonumber(meta[1])
if ARGV[5] ~= '' then
  local since = redis.call('LINDEX', KEYS[3], 1) or string.format('%d', feed + 1)
  if ARGV[7] == '' then
    redis.call('DEL', KEYS[3])
  end
  if redis.call('EXISTS', KEYS[3]) == 1 then
    redis.call('LSET', KEYS[3], 0, ARGV[5])
    redis.call('RPUSH', KEYS[3], ARGV[6])
  elseif ARGV[7] == '' then
    redis.call('RPUSH', KEYS[3], ARGV[5], since, ARGV[6])
    if meta[3] then
      redis.call('PEXPIREAT', KEYS[3], meta[3])
    end
  end
end
for index = 8, #ARGV do
  feed = feed + 1
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], string.format('%d-0', feed),
    'event', ARGV[index])
end
redis.call('HSET', KEYS[1], 'feed', string.format('%d', feed), 'published', ARGV[1])
local left = tonumber(ARGV[3])
if meta[3] then
  local time = redis.call('TIME')
  left = math.min(left, tonumber(meta[3]) - (time[1] * 1000 + math.floor(time[2] / 1000)))
end
redis.call('PEXPIRE', KEYS[2], string.format('%d', left))
return #ARGV - 7

-- Append deltas to the live feed of a session; nothing happens where the session is gone, or where
-- somebody else has had the lease since.
-- KEYS  1 meta  2 live
-- ARGV  1 nonce of this call   2 cap in entries   3 time to live in ms
--       4 fence of the writer's lease ('': a writer that needs none)   5… events
-- Returns how many were appended.
local meta = redis.call('HMGET', KEYS[1], 'feed', 'published', 'expires', 'fence')
if not meta[1] or meta[2] == ARGV[1] or (ARGV[4] ~= '' and meta[4] ~= ARGV[4]) then
  return 0
end
local feed = tonumber(meta[1])
for index = 5, #ARGV do
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
return #ARGV - 4

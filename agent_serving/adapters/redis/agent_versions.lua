-- Versions of an agent, oldest first.
-- KEYS  1 names  2 latest  3 bodies
-- ARGV  1 agent id or name   2 number of the first one   3 of the last one ('': the newest)
-- Returns {body of the first one, body of the next one, …}, as far as there are any.
local id = ARGV[1]
if redis.call('HEXISTS', KEYS[2], id) == 0 then
  id = redis.call('HGET', KEYS[1], id)
end
local bodies = {}
if id then
  local last = tonumber(redis.call('HGET', KEYS[2], id))
  if ARGV[3] ~= '' then
    last = math.min(last, tonumber(ARGV[3]))
  end
  for version = tonumber(ARGV[2]), last do
    bodies[#bodies + 1] = redis.call('HGET', KEYS[3], id .. '/' .. version)
  end
end
return bodies

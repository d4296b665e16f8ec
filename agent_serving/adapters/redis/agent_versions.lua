-- All versions of an agent, oldest first.
-- KEYS  1 names  2 latest  3 bodies
-- ARGV  1 agent id or name
-- Returns {body of version 1, body of version 2, …}.
local id = ARGV[1]
if redis.call('HEXISTS', KEYS[2], id) == 0 then
  id = redis.call('HGET', KEYS[1], id)
end
local bodies = {}
if id then
  for version = 1, tonumber(redis.call('HGET', KEYS[2], id)) do
    bodies[version] = redis.call('HGET', KEYS[3], id .. '/' .. version)
  end
end
return bodies

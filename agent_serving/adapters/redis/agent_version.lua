-- One version of an agent.
-- KEYS  1 names  2 latest  3 bodies
-- ARGV  1 agent id or name   2 number of the version ('': the newest)
-- Returns {number, body}, or {} where there is none.
local id = ARGV[1]
if redis.call('HEXISTS', KEYS[2], id) == 0 then
  id = redis.call('HGET', KEYS[1], id)
end
if not id then
  return {}
end
local number = ARGV[2] ~= '' and ARGV[2] or redis.call('HGET', KEYS[2], id)
local body = redis.call('HGET', KEYS[3], id .. '/' .. number)
return body and {tonumber(number), body} or {}

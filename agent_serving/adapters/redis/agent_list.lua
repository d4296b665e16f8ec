-- The newest versions of a page of agents.
-- KEYS  1 ids  2 latest  3 bodies
-- ARGV  1 ZRANGEBYLEX or ZREVRANGEBYLEX   2, 3 its bounds   4 most rows
-- Returns {body, …}.
local bodies = {}
for index, id in ipairs(redis.call(ARGV[1], KEYS[1], ARGV[2], ARGV[3], 'LIMIT', 0, ARGV[4])) do
  bodies[index] = redis.call('HGET', KEYS[3], id .. '/' .. redis.call('HGET', KEYS[2], id))
end
return bodies

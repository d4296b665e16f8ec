-- Enter charges of one session into a tenant's books of one day, each once.
-- KEYS  1 books: hash, field → whole number   2 entered: hash, session id → last version entered
-- ARGV  1 session id   2 seconds to keep the day's books
--       then for each charge, in order of versions: version, number of amounts,
--       and for each amount: field, amount
-- Returns how many charges were new.
local entered = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
local last, new = entered, 0
local index = 3
while index <= #ARGV do
  local version, count = tonumber(ARGV[index]), tonumber(ARGV[index + 1])
  if version > entered then
    for pair = 1, count do
      redis.call('HINCRBY', KEYS[1], ARGV[index + 2 * pair], ARGV[index + 2 * pair + 1])
    end
    last, new = version, new + 1
  end
  index = index + 2 + 2 * count
end
if new > 0 then
  redis.call('HSET', KEYS[2], ARGV[1], string.format('%d', last))
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  redis.call('EXPIRE', KEYS[2], ARGV[2])
end
return new

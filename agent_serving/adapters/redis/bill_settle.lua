-- Take the charges off a session's bill that are in the books.
-- KEYS  1 bill: list of 'version json', in order of versions
-- ARGV  1 version up to which charges were entered
-- Returns how many are left.
local first = redis.call('LINDEX', KEYS[1], 0)
while first and tonumber(string.match(first, '^%d+')) <= tonumber(ARGV[1]) do
  redis.call('LPOP', KEYS[1])
  first = redis.call('LINDEX', KEYS[1], 0)
end
return redis.call('LLEN', KEYS[1])

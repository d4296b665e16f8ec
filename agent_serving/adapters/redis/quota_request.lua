-- Let a request in or not, by the generic cell rate algorithm (ITU-T I.371, annex A.1).
-- KEYS  1 theoretical time of arrival of the next request, µs since 1970
-- ARGV  1 µs between two requests   2 requests that may come at once
-- Returns {let in: 1 or 0, requests left, µs until the next is let in, µs until all are left}.
-- Sent again when an answer was lost, it counts twice: on the safe side.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = tonumber(ARGV[1])
local whole = interval * tonumber(ARGV[2])
local before = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local after = before + interval
local wait = after - whole - now
if wait > 0 then
  return {0, 0, math.ceil(wait), math.ceil(before - now)}
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {1, math.floor((whole - (after - now)) / interval), 0, math.ceil(after - now)}

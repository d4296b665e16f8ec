-- What is needed to rebuild a session.
-- KEYS  1 meta  2 log  3 snapshot
-- ARGV  1 version that the caller has already (0: none)
-- Returns nil (no such session), or {version, snapshot or nil, {facts after it or after ARGV[1]}}.
-- The log is never trimmed: its length is the version, and its last n entries are the last n facts.
local version = redis.call('XLEN', KEYS[2])
if version == 0 or redis.call('EXISTS', KEYS[1]) == 0 then
  return false
end
local base = tonumber(ARGV[1])
local snapshot = false
if base == 0 then
  local stored = redis.call('HMGET', KEYS[3], 'version', 'state')
  if stored[1] then
    base, snapshot = tonumber(stored[1]), stored[2]
  end
end
local facts = {}
if version > base then
  local entries = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', version - base)
  for index = #entries, 1, -1 do
    facts[#facts + 1] = entries[index][2][4]
  end
end
return {version, snapshot, facts}

-- Delete a session and leave a mark that keeps a late writer from bringing it back.
-- KEYS  1 gone   2… all other keys of the session
-- ARGV  1 time in ms for which the mark stays
-- The mark is a stream: readers that wait for the session's feed wait for it too, and wake up.
for index = 2, #KEYS do
  redis.call('UNLINK', KEYS[index])
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XADD', KEYS[1], '1-0', 'gone', '1')
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1

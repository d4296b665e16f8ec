-- Delete a batch that is over, and leave a mark that keeps a late request from making it again.
-- KEYS  1 gone   2 meta   3… all other keys of the batch
-- ARGV  1 time in ms for which the mark stays
-- Returns 1, or 0 where the batch is not over.
if redis.call('EXISTS', KEYS[2]) == 1 and redis.call('HEXISTS', KEYS[2], 'ended') == 0 then
  return 0
end
for index = 2, #KEYS do
  redis.call('UNLINK', KEYS[index])
end
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return 1

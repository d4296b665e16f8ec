-- All sessions that may have an open turn.
-- KEYS  1 open
-- Returns {id, version, id, version, …}.
return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')

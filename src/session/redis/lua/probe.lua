-- Whether the server that holds a key takes writes.
--
-- KEYS: SESSIONS
--   SESSIONS zset  a scope's sessions; any other of its keys would do
-- ARGV:
-- RETURNS: added
--   0
-- INVARIANTS:
--   Nothing changes: no session is without a name, and XX adds none.
--   A server that takes no writes, for want of memory too, refuses it.
local SESSIONS = KEYS[1]
return redis.call('ZADD', SESSIONS, 'XX', '0', '')

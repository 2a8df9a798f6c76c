-- luacheck: read globals SESSIONS LEASES REFS MARKS now int live keep
-- An operator ends a session: all it holds goes, and a tombstone keeps its running attempts from coming back.
--
-- KEYS: SESSIONS, LEASES, REFS, MARKS
-- ARGV: test_now, deadline, session, tombstone
--   tombstone ms, 0 = none
-- RETURNS: now, leases_ended, freed
-- INVARIANTS:
--   The tombstone is set whether or not a lease was found; it outlaws renewal and force, not a new acquire.
--   No other session changes.
local session, tombstone = ARGV[3], tonumber(ARGV[4])
local freed, leases_ended, tail = live(SESSIONS, session) and 1 or 0, 0, '|' .. session
for _, member in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do -- all of the scope: an operator can wait
  if string.sub(member, -#tail) == tail then
    if live(LEASES, member) then
      leases_ended = leases_ended + 1
    end
    redis.call('ZREM', LEASES, member)
  end
end
redis.call('HDEL', REFS, session, 'L|' .. session)
redis.call('ZREM', MARKS, 'R|' .. session)
redis.call('ZREM', SESSIONS, session)
if tombstone > 0 then
  redis.call('ZADD', MARKS, int(now + tombstone), 'T|' .. session)
end
keep()
return { now, leases_ended, freed }

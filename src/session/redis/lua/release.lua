-- luacheck: read globals SESSIONS LEASES MARKS now int live live_count refs_of drop_lease newest_leases settle keep
-- Gives a lease back; what its session keeps depends on how the attempt ended.
--
-- KEYS: SESSIONS, LEASES, REFS, MARKS
-- ARGV: test_now, deadline, lease, session, ending, residence
--   ending done|failed|reverted; residence ms
-- RETURNS: now, had, refs, freed, sessions
-- INVARIANTS:
--   had = 0 writes nothing, and a lapsed lease is not had.
--   No other lease changes.
--   A residence is made only from a live lease; `reverted` leaves it as it is.
local lease, session, ending, residence = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local member, mark = lease .. '|' .. session, 'R|' .. session
if not live(LEASES, member) then
  return { now, 0, refs_of(session), 0, live_count(SESSIONS) }
end

-- When the last of all leases in the scope lapses, or lapsed.
local function last_lapse()
  return tonumber(redis.call('ZRANGE', LEASES, 0, 0, 'REV', 'WITHSCORES')[2] or '0')
end

drop_lease(member, session)
local resides_until = ending == 'done' and residence > 0 and now + residence
if resides_until then
  redis.call('ZADD', MARKS, int(resides_until), mark)
end
if resides_until and resides_until >= last_lapse() then
  redis.call('ZADD', SESSIONS, int(resides_until), session) -- the hot path never scans: no lease of anyone lasts longer
else
  local newest = newest_leases({ session }) -- looks at nothing when this was the session's only lease
  if ending == 'done' and not resides_until or ending == 'failed' and not newest[session] then
    redis.call('ZREM', MARKS, mark)
  end
  settle({ session }, newest)
end
keep()
return { now, 1, refs_of(session), live(SESSIONS, session) and 0 or 1, live_count(SESSIONS) }

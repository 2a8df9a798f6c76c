-- luacheck: read globals SESSIONS LEASES MARKS now int live live_count refs_of reside file_residence drop_lease
-- luacheck: read globals newest_leases settle keep
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
if not live(LEASES, lease .. '|' .. session) then
  return { now, 0, refs_of(session), 0, live_count(SESSIONS) }
end

-- When the last of all leases in the scope lapses, or lapsed.
local function last_lapse()
  return tonumber(redis.call('ZRANGE', LEASES, 0, 0, 'REV', 'WITHSCORES')[2] or '0')
end

local refs = drop_lease(lease, session)
local resides_until = ending == 'done' and residence > 0 and now + residence
if resides_until then
  reside(session, resides_until, refs > 0)
end
if resides_until and (refs == 0 or resides_until >= last_lapse()) then
  redis.call('ZADD', SESSIONS, int(resides_until), session) -- the hot path asks for no other lease: none lasts longer
else
  local newest = newest_leases({ session })
  if ending == 'done' and not resides_until or ending == 'failed' and not newest[session] then
    redis.call('ZREM', MARKS, 'R|' .. session)
  elseif refs == 0 then
    file_residence(session, false)
  end
  settle({ session }, newest)
end
keep()
return { now, 1, refs, live(SESSIONS, session) and 0 or 1, live_count(SESSIONS) }

-- luacheck: read globals SESSIONS LEASES now live_count
-- How full a scope is.
--
-- KEYS: SESSIONS, LEASES, REFS, MARKS
-- ARGV: test_now, deadline
-- RETURNS: now, sessions, requests
-- INVARIANTS:
--   Reads only.
return { now, live_count(SESSIONS), live_count(LEASES) }

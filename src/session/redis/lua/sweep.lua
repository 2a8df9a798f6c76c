-- luacheck: read globals SESSIONS LEASES REFS MARKS now int halves live_count drop_lease newest_leases
-- Removes what has lapsed, and pulls back what a clock that jumped left too far ahead. No verdict changes by it.
--
-- KEYS: SESSIONS, LEASES, REFS, MARKS
-- ARGV: test_now, deadline, bound, ttl_max
--   bound = entries removed, and entries pulled back, of each set at most; ttl_max ms
-- RETURNS: now, leases_swept, sessions_swept, more, sessions
-- INVARIANTS:
--   Frees nothing that has a live lease or resides.
--   more = 0: nothing lapsed is left and no score lies beyond now + ttl_max.
--   Sessions are pulled back only once leases and marks are, so none ends before what it stands for.
local bound, ttl_max = tonumber(ARGV[3]), tonumber(ARGV[4])
local top = int(now + ttl_max)
local beyond_top = '(' .. top

local function lapsed(key)
  return redis.call('ZRANGEBYSCORE', key, '-inf', int(now), 'LIMIT', 0, bound)
end
local function lapsed_count(key)
  return redis.call('ZCOUNT', key, '-inf', int(now))
end

local leases = lapsed(LEASES)
for _, member in ipairs(leases) do
  local _, session = halves(member)
  drop_lease(member, session)
end
for _, mark in ipairs(lapsed(MARKS)) do
  redis.call('ZREM', MARKS, mark)
end
local sessions, leases_left = lapsed(SESSIONS), lapsed_count(LEASES)
local running = leases_left == 0 and newest_leases(sessions)
for _, session in ipairs(sessions) do
  redis.call('ZREM', SESSIONS, session)
  if running and not running[session] then
    redis.call('HDEL', REFS, session) -- it has neither a lapsed entry nor a live one: the field is an orphan
  end
end

local more = leases_left + lapsed_count(MARKS) + lapsed_count(SESSIONS) > 0 and 1 or 0
for _, key in ipairs({ LEASES, MARKS, SESSIONS }) do
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, beyond_top, '+inf', 'LIMIT', 0, bound)) do
    redis.call('ZADD', key, top, member)
  end
  if redis.call('ZCOUNT', key, beyond_top, '+inf') > 0 then
    more = 1
    break
  end
end
return { now, #leases, #sessions, more, live_count(SESSIONS) }

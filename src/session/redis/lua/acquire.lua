-- luacheck: read globals SESSIONS LEASES MARKS now above_now int halves live live_count refs_of reside
-- luacheck: read globals sweep_leases newest_leases settle extend keep
-- Grants a lease, or says why not.
--
-- KEYS: SESSIONS, LEASES, REFS, MARKS, RATE
--   RATE string  theoretical arrival time of the scope's next request, in µs (GCRA)
-- ARGV: test_now, deadline, lease, session, sessions_max, requests_max, ttl, force, displace, rpm
--   sessions_max 0 = no limit, -1 = none that does not count already; requests_max, rpm 0 = no limit; ttl ms; force 0|1;
--   displace = how many marks are looked at for idle sessions to take the place of, 0 = never
-- RETURNS: now, granted, sessions, requests, is_new, refs, refused_by, retry_after, displaced...
--   refused_by 0 none, 1 sessions, 2 requests, 3 ended, 4 rpm; retry_after ms (rpm only); displaced: their ids
-- INVARIANTS:
--   A refusal writes nothing; only lapsed leases may have been swept where it was looked for idle sessions.
--   A lease already held is granted without looking at limits, so a replay is harmless.
--   Without force a new session leaves sessions <= sessions_max.
--   A session with a live lease is never displaced, nor one without a residence.
local RATE = KEYS[5]
local lease, session = ARGV[3], ARGV[4]
local sessions_max, requests_max, ttl = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local force, displace, rpm = ARGV[8] == '1', tonumber(ARGV[9]), tonumber(ARGV[10])
local NONE, BY_SESSIONS, BY_REQUESTS, BY_END, BY_RPM = 0, 1, 2, 3, 4
local MINUTE_US, RATE_KEPT_MS = 60000000, '120000' -- twice the longest a rate can reach ahead
local LAPSED_FIRST, MARKS_FIRST, MARKS_GROW = 8, 4, 8

local function granted(is_new, displaced)
  local reply = { now, 1, live_count(SESSIONS), live_count(LEASES), is_new, refs_of(session), NONE, 0 }
  for _, other in ipairs(displaced) do
    reply[#reply + 1] = other
  end
  return reply
end

local function refused(by, retry_after)
  return { now, 0, live_count(SESSIONS), live_count(LEASES), 0, refs_of(session), by, retry_after }
end

-- The first idle sessions by the end of their residence, so many, or nil when those looked at are fewer.
local function first_idle(need)
  if live_count(MARKS) < need then
    return nil -- at once where all run, or nearly all
  end
  local idle, from, size = {}, 0, math.max(need, MARKS_FIRST)
  while from < displace do
    local limit = math.min(size, displace - from)
    local page = redis.call('ZRANGEBYSCORE', MARKS, above_now, '+inf', 'LIMIT', from, limit)
    for _, mark in ipairs(page) do
      local kind, other = halves(mark)
      if kind == 'R' and refs_of(other) == 0 then -- an older version leaves running sessions among the idle
        idle[#idle + 1] = other
      end
      if #idle == need then
        return idle
      end
    end
    if #page < limit then
      return nil
    end
    from, size = from + limit, size * MARKS_GROW
  end
  return nil
end

-- The idle sessions that must go so that one more fits, often none; nil when it does not fit.
local function room()
  local sessions = live_count(SESSIONS)
  if sessions_max == 0 or sessions < sessions_max then
    return {}
  end
  if sessions_max < 0 or displace == 0 then
    return nil
  end
  local need = sessions - sessions_max + 1 -- more than 1 only while restored leases exceed the limit
  -- Whose leases have all lapsed is idle, but filed so only by a sweep. At most times hardly any wait for one.
  for _, bound in ipairs({ LAPSED_FIRST, displace }) do
    local swept = sweep_leases(bound)
    local idle = first_idle(need)
    if idle or swept < bound then
      return idle
    end
  end
  return nil
end

local held_until = live(LEASES, lease .. '|' .. session)
if held_until then
  if extend(lease, session, held_until, now + ttl) then
    settle({ session }, newest_leases({ session }))
  end
  keep()
  return granted(0, {})
end

local counts_until = live(SESSIONS, session)
local displaced, arrival = {}, nil
if force then
  if live(MARKS, 'T|' .. session) then
    return refused(BY_END, 0) -- a restore never undoes an operator's end
  end
else
  if requests_max > 0 and live_count(LEASES) >= requests_max then
    return refused(BY_REQUESTS, 0) -- first: displacing cannot help against it
  end
  displaced = counts_until and {} or room()
  if not displaced then
    return refused(BY_SESSIONS, 0)
  end
  if rpm > 0 then -- last: what is refused anyway uses up no part of the minute
    local now_us, step = now * 1000, math.ceil(MINUTE_US / rpm)
    local burst = step * rpm
    arrival = math.min(math.max(tonumber(redis.call('GET', RATE) or '0'), now_us), now_us + burst) + step
    local excess = arrival - burst - now_us
    if excess > 0 then
      return refused(BY_RPM, math.ceil(excess / 1000))
    end
  end
end

if arrival then
  redis.call('SET', RATE, int(arrival), 'PX', RATE_KEPT_MS)
end
for _, other in ipairs(displaced) do
  redis.call('ZREM', MARKS, 'R|' .. other)
  redis.call('ZREM', SESSIONS, other)
end
local _, alone = extend(lease, session, 0, now + ttl)
if counts_until and alone then
  reside(session, counts_until, true) -- nobody accounts for its counting (an older version's member): it is adopted
end
keep()
return granted(counts_until and 0 or 1, displaced)

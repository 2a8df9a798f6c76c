-- luacheck: read globals SESSIONS LEASES MARKS now above_now int halves live live_count refs_of each_live_lease
-- luacheck: read globals newest_leases settle extend keep
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
--   A refusal writes nothing.
--   A lease already held is granted without looking at limits, so a replay is harmless.
--   Without force a new session leaves sessions <= sessions_max.
--   A session with a live lease is never displaced, nor one without a residence.
local RATE = KEYS[5]
local lease, session = ARGV[3], ARGV[4]
local sessions_max, requests_max, ttl = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local force, displace, rpm = ARGV[8] == '1', tonumber(ARGV[9]), tonumber(ARGV[10])
local NONE, BY_SESSIONS, BY_REQUESTS, BY_END, BY_RPM = 0, 1, 2, 3, 4
local MINUTE_US, RATE_KEPT_MS = 60000000, '120000' -- twice the longest a rate can reach ahead
local member, mark = lease .. '|' .. session, 'R|' .. session

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

-- The idle sessions that must go so that one more fits, often none; nil when it does not fit.
local function room()
  local sessions = live_count(SESSIONS)
  if sessions_max == 0 or sessions < sessions_max then
    return {}
  end
  if sessions_max < 0 or displace == 0 then
    return nil
  end
  local need, idle, busy = sessions - sessions_max + 1, {}, nil -- more than 1 only while restored leases exceed the limit
  for _, entry in ipairs(redis.call('ZRANGEBYSCORE', MARKS, above_now, '+inf', 'LIMIT', 0, displace)) do
    local kind, other = halves(entry)
    if kind == 'R' then
      if refs_of(other) > 0 and not busy then
        busy = {}
        each_live_lease(function(running)
          busy[running] = true
        end)
      end
      if not (busy and busy[other]) then
        idle[#idle + 1] = other
      end
      if #idle == need then
        return idle
      end
    end
  end
  return nil
end

if live(LEASES, member) then
  if extend(member, session, now + ttl) then
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
if counts_until and not live(MARKS, mark) and not newest_leases({ session })[session] then
  redis.call('ZADD', MARKS, int(counts_until), mark) -- nobody accounts for it (an older version's member): it is adopted
end
extend(member, session, now + ttl)
keep()
return granted(counts_until and 0 or 1, displaced)

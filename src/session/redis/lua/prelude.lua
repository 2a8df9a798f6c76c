-- luacheck: ignore 211 (each operation uses its own part of this)
-- What every lease operation begins with: the names of the keys, the clock, and the few steps the operations are made of.
-- An operation's script is this file followed by the operation's.
--
-- KEYS: SESSIONS, LEASES, REFS, MARKS
--   SESSIONS zset  session -> ms until which it counts = the latest of its live leases and its residence
--   LEASES   zset  lease|session -> ms when that lease lapses
--   REFS     hash  session -> number of its entries in LEASES, lapsed ones included until swept; no verdict rests on it alone
--   MARKS    zset  R|session -> ms until which it resides; T|session -> ms until which an operator's end stands
-- ARGV: test_now, deadline (ms; 0 = the server's clock, 0 = none)
-- RETURNS: error `DEADLINE now` when now > deadline, else what the operation says; the first is always the time
-- INVARIANTS:
--   Lapsed (score <= now) is gone for every verdict, swept or not.
--   Nothing is done after the deadline.
--   Every number that becomes text passes through int: Lua 5.1 and 5.4 print floats differently.
local SESSIONS, LEASES, REFS, MARKS = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local test_now, deadline = tonumber(ARGV[1]), tonumber(ARGV[2])
local LITTER_MS = '86400000' -- a day: beyond any TTL; it only collects what nobody sweeps
local PAGE_MIN, PAGE_MAX = 16, 512

local function int(number)
  return string.format('%d', number)
end

local function server_now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local now = test_now == 0 and server_now() or test_now
if deadline > 0 and now > deadline then
  return redis.error_reply('DEADLINE ' .. int(now))
end
local above_now = '(' .. int(now)

local function halves(member)
  local bar = string.find(member, '|', 1, true)
  return string.sub(member, 1, bar - 1), string.sub(member, bar + 1)
end

-- The member's score while it lies in the future, else nil.
local function live(key, member)
  local score = tonumber(redis.call('ZSCORE', key, member) or '0')
  return score > now and score or nil
end

local function live_count(key)
  return redis.call('ZCOUNT', key, above_now, '+inf')
end

local function refs_of(session)
  return tonumber(redis.call('HGET', REFS, session) or '0')
end

local function drop_lease(member, session)
  redis.call('ZREM', LEASES, member)
  if redis.call('HINCRBY', REFS, session, -1) <= 0 then
    redis.call('HDEL', REFS, session)
  end
end

-- Newest first, in pages that grow, until visit answers true. At most once in a script: it may be all leases of the scope.
local function each_live_lease(visit)
  local from, size = 0, PAGE_MIN
  repeat
    local page = redis.call('ZRANGE', LEASES, from, from + size - 1, 'REV', 'WITHSCORES')
    for i = 1, #page, 2 do
      local _, session = halves(page[i])
      local expires = tonumber(page[i + 1])
      if expires <= now or visit(session, expires) then
        return
      end
    end
    from, size = from + size, math.min(2 * size, PAGE_MAX)
  until #page == 0
end

-- session -> when the last of its live leases lapses, for all asked for in one scan; none where no refs speak of any.
local function newest_leases(sessions)
  local wanted, found, missing = {}, {}, 0
  for _, session in ipairs(sessions) do
    if not wanted[session] and refs_of(session) > 0 then
      wanted[session] = true
      missing = missing + 1
    end
  end
  if missing == 0 then
    return found
  end
  each_live_lease(function(session, expires)
    if wanted[session] and not found[session] then
      found[session] = expires
      missing = missing - 1
    end
    return missing == 0
  end)
  return found
end

-- Makes each of them count for as long as it has a live lease (newest says which) or resides, and no longer.
local function settle(sessions, newest)
  for _, session in ipairs(sessions) do
    local until_ms = math.max(newest[session] or 0, live(MARKS, 'R|' .. session) or 0)
    if until_ms > 0 then
      redis.call('ZADD', SESSIONS, int(until_ms), session)
    else
      redis.call('ZREM', SESSIONS, session)
    end
  end
end

-- Forwards or back. True when back: the session may count for too long until the caller has settled it.
local function extend(member, session, expires)
  local before = live(LEASES, member) or 0
  if redis.call('ZADD', LEASES, int(expires), member) == 1 then
    redis.call('HINCRBY', REFS, session, 1) -- a lapsed entry of the same lease is counted already
  end
  if expires < before then
    return true
  end
  if (live(SESSIONS, session) or 0) < expires then
    redis.call('ZADD', SESSIONS, int(expires), session)
  end
  return false
end

local function keep()
  for _, key in ipairs({ SESSIONS, LEASES, REFS, MARKS }) do
    redis.call('PEXPIRE', key, LITTER_MS)
  end
end

-- luacheck: ignore 211 (each operation uses its own part of this)
-- What every lease operation begins with: the names of the keys, the clock, and the few steps the operations are made of.
-- An operation's script is this file followed by the operation's.
--
-- KEYS: SESSIONS, LEASES, REFS, MARKS
--   SESSIONS zset  session -> ms until which it counts = the latest of its live leases and its residence
--   LEASES   zset  lease|session -> ms when that lease lapses
--   REFS     hash  session -> number of its entries in LEASES, lapsed ones included until swept; no verdict rests on it alone
--                  L|session -> their leases, |lease|lease|, without those of an older version and what is beyond NAMES_MAX
--   MARKS    zset  R|session -> ms until which it resides, BELOW less while it has entries in LEASES: so the marks above 0 are
--                  those of idle sessions; T|session -> ms until which an operator's end stands
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
local BELOW = 8796093022208 -- 2^43 ms: later than any time that is kept here, and exact with it as a score
local NAMES_MAX = 1024 -- bytes, some 40 leases: of a session with more, one is soon met by a scan

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

-- When its residence ends, while that lies in the future, else nil.
local function residence_of(session)
  local score = tonumber(redis.call('ZSCORE', MARKS, 'R|' .. session) or '0')
  local until_ms = score < 0 and score + BELOW or score
  return until_ms > now and until_ms or nil
end

local function reside(session, until_ms, runs)
  redis.call('ZADD', MARKS, int(runs and until_ms - BELOW or until_ms), 'R|' .. session)
end

-- Puts its residence, if it has one, where it belongs now that it has entries in LEASES or has none any more; says when it ends.
local function file_residence(session, runs)
  local score = tonumber(redis.call('ZSCORE', MARKS, 'R|' .. session) or '0')
  local until_ms = score < 0 and score + BELOW or score
  if score ~= 0 and runs ~= (score < 0) then
    reside(session, until_ms, runs)
  end
  return until_ms
end

local function note_name(session, lease, refs)
  local names = refs > 1 and redis.call('HGET', REFS, 'L|' .. session) or '|'
  if #names < NAMES_MAX and not string.find(names, '|' .. lease .. '|', 1, true) then
    redis.call('HSET', REFS, 'L|' .. session, names .. lease .. '|')
  end
end

-- Takes the entry away and says how many the session has left; with the last one its residence is to be filed.
local function drop_lease(lease, session)
  redis.call('ZREM', LEASES, lease .. '|' .. session)
  local refs = redis.call('HINCRBY', REFS, session, -1)
  if refs <= 0 then
    redis.call('HDEL', REFS, session, 'L|' .. session)
    return 0
  end
  local names = redis.call('HGET', REFS, 'L|' .. session) or ''
  local from, to = string.find(names, '|' .. lease .. '|', 1, true)
  if from then
    redis.call('HSET', REFS, 'L|' .. session, string.sub(names, 1, from) .. string.sub(names, to + 1))
  end
  return refs
end

-- The first lapsed leases; says how many there were.
local function sweep_leases(bound)
  local lapsed = redis.call('ZRANGEBYSCORE', LEASES, '-inf', int(now), 'LIMIT', 0, bound)
  for _, member in ipairs(lapsed) do
    local lease, session = halves(member)
    if drop_lease(lease, session) == 0 then
      file_residence(session, false)
    end
  end
  return #lapsed
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

-- When the last of the session's leases lapses that are known by name, and whether these are all it has.
local function newest_named(session)
  local kept = redis.call('HMGET', REFS, session, 'L|' .. session)
  local newest, missing = 0, tonumber(kept[1] or '0')
  if missing > 0 then
    for lease in string.gmatch(kept[2] or '', '[^|]+') do
      local expires = redis.call('ZSCORE', LEASES, lease .. '|' .. session)
      if expires then
        newest, missing = math.max(newest, tonumber(expires)), missing - 1
      end
    end
  end
  return newest, missing <= 0
end

-- session -> when the last of its live leases lapses; none where no refs speak of any. Where the names do not tell all,
-- the leases are scanned, once for all such sessions.
local function newest_leases(sessions)
  local found, wanted, missing = {}, {}, 0
  for _, session in ipairs(sessions) do
    local newest, all = newest_named(session)
    if all then
      found[session] = newest > now and newest or nil
    elseif not wanted[session] then
      wanted[session] = true
      missing = missing + 1
    end
  end
  if missing > 0 then
    each_live_lease(function(session, expires)
      if wanted[session] and not found[session] then
        found[session] = expires
        missing = missing - 1
      end
      return missing == 0
    end)
  end
  return found
end

-- Makes each of them count for as long as it has a live lease (newest says which) or resides, and no longer.
local function settle(sessions, newest)
  for _, session in ipairs(sessions) do
    local until_ms = math.max(newest[session] or 0, residence_of(session) or 0)
    if until_ms > 0 then
      redis.call('ZADD', SESSIONS, int(until_ms), session)
    else
      redis.call('ZREM', SESSIONS, session)
    end
  end
end

-- Makes a lease that lapses at `before` (0 when it is not live) lapse at `expires`, forwards or back. Back: the session may
-- count for too long until the caller has settled it. Alone: no other entry, nor a residence, accounts for the session.
local function extend(lease, session, before, expires)
  local alone = false
  if redis.call('ZADD', LEASES, int(expires), lease .. '|' .. session) == 1 then -- else it is counted already, lapsed or not
    local refs = redis.call('HINCRBY', REFS, session, 1)
    note_name(session, lease, refs)
    alone = refs == 1 and file_residence(session, true) <= now
  end
  if expires >= before and (live(SESSIONS, session) or 0) < expires then
    redis.call('ZADD', SESSIONS, int(expires), session)
  end
  return expires < before, alone
end

local function keep()
  for _, key in ipairs({ SESSIONS, LEASES, REFS, MARKS }) do
    redis.call('PEXPIRE', key, LITTER_MS)
  end
end

-- luacheck: read globals SESSIONS LEASES REFS MARKS BELOW now int live_count sweep_leases newest_leases
-- Removes what has lapsed, and pulls back what a clock that jumped left too far ahead. No verdict changes by it.
--
-- KEYS: SESSIONS, LEASES, REFS, MARKS
-- ARGV: test_now, deadline, bound, ttl_max
--   bound = entries removed, and entries pulled back, of each set at most (marks are two: of idle sessions, of running ones);
--   ttl_max ms
-- RETURNS: now, leases_swept, sessions_swept, more, sessions
-- INVARIANTS:
--   Frees nothing that has a live lease or resides.
--   more = 0: nothing lapsed is left and no score lies beyond now + ttl_max.
--   Sessions are pulled back only once leases and marks are, so none ends before what it stands for.
local bound, ttl_max = tonumber(ARGV[3]), tonumber(ARGV[4])
local top = now + ttl_max

-- Scores between these ends stand for times, so much less than them.
local RUNS = { key = LEASES, less = 0, from = '0', to = '+inf' }
local IDLE = { key = MARKS, less = 0, from = '0', to = '+inf' }
local RUNNING = { key = MARKS, less = BELOW, from = '-inf', to = '(0' }
local COUNTING = { key = SESSIONS, less = 0, from = '0', to = '+inf' }

local function lapsed(one)
  return redis.call('ZRANGEBYSCORE', one.key, one.from, int(now - one.less), 'LIMIT', 0, bound)
end
local function lapsed_count(one)
  return redis.call('ZCOUNT', one.key, one.from, int(now - one.less))
end

local leases_swept = sweep_leases(bound)
for _, marks in ipairs({ lapsed(IDLE), lapsed(RUNNING) }) do
  for _, mark in ipairs(marks) do
    redis.call('ZREM', MARKS, mark)
  end
end
local sessions, leases_left = lapsed(COUNTING), lapsed_count(RUNS)
local running = leases_left == 0 and newest_leases(sessions)
for _, session in ipairs(sessions) do
  redis.call('ZREM', SESSIONS, session)
  if running and not running[session] then
    redis.call('HDEL', REFS, session, 'L|' .. session) -- it has neither a lapsed entry nor a live one: an orphan
  end
end

local more = leases_left + lapsed_count(IDLE) + lapsed_count(RUNNING) + lapsed_count(COUNTING) > 0 and 1 or 0
for _, one in ipairs({ RUNS, IDLE, RUNNING, COUNTING }) do
  local score = int(top - one.less)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', one.key, '(' .. score, one.to, 'LIMIT', 0, bound)) do
    redis.call('ZADD', one.key, score, member)
  end
  if redis.call('ZCOUNT', one.key, '(' .. score, one.to) > 0 then
    more = 1
    break
  end
end
return { now, leases_swept, #sessions, more, live_count(SESSIONS) }

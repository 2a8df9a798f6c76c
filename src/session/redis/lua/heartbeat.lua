-- An instance says that it lives, and learns how many do.
--
-- KEYS: INSTANCES
--   INSTANCES zset  instance -> ms of its last heartbeat
-- ARGV: test_now, instance, silent
--   silent = ms without a heartbeat after which an instance is forgotten
-- RETURNS: now, alive
-- INVARIANTS:
--   The caller is alive.
--   A server that takes no writes, for want of memory too, refuses it.
--   A heartbeat from the future (a clock that went back) is forgotten too, so that nobody lives for ever.
local INSTANCES = KEYS[1]
local test_now, instance, silent = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local function int(number)
  return string.format('%d', number)
end
local now = test_now
if now == 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
redis.call('ZADD', INSTANCES, int(now), instance) -- first: after any other write a full server takes this one too
redis.call('ZREMRANGEBYSCORE', INSTANCES, '-inf', int(now - silent))
redis.call('ZREMRANGEBYSCORE', INSTANCES, '(' .. int(now + silent), '+inf')
redis.call('PEXPIRE', INSTANCES, '86400000')
return { now, redis.call('ZCARD', INSTANCES) }

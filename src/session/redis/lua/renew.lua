-- luacheck: read globals LEASES MARKS now live newest_leases settle extend keep
-- Renews leases that run, a batch of one scope at once.
--
-- KEYS: SESSIONS, LEASES, REFS, MARKS
-- ARGV: test_now, deadline, ttl, pairs...
--   ttl ms; pairs: lease, session, up to 200 times
-- RETURNS: now, verdicts...
--   one a pair: 1 renewed, 0 lost, 2 ended
-- INVARIANTS:
--   Never creates.
--   A live lease expires at now + ttl, forwards or back.
local ttl = tonumber(ARGV[3])
local reply, sooner = { now }, {}
for i = 4, #ARGV, 2 do
  local lease, session = ARGV[i], ARGV[i + 1]
  local held_until, verdict = live(LEASES, lease .. '|' .. session), 0
  if held_until then
    verdict = 1
    if extend(lease, session, held_until, now + ttl) then
      sooner[#sooner + 1] = session
    end
  elseif live(MARKS, 'T|' .. session) then
    verdict = 2
  end
  reply[#reply + 1] = verdict
end
settle(sooner, newest_leases(sooner))
keep()
return reply

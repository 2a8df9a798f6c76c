-- An answered request tells where its session lives: the rules of `afterServed`, in the store's own step. With it go
-- the ids of the upstream's objects that lead back there; in a cluster these lie elsewhere and are written by themselves.
--
-- KEYS: HOME, ALIAS...
--   HOME hash  model -> seq|races|provider; seq grows with each write, so the newest home has the highest
--   ALIAS string  session|provider
-- ARGV: model, provider, home_lost, race, ttl, homes_max, alias, alias_ttl
--   home_lost 0|1; race won|lost|none; ttl, alias_ttl ms; homes_max = homes kept of one session; alias = value of each ALIAS
-- RETURNS: written
--   the home as it now is, without its seq: races|provider
-- INVARIANTS:
--   At most homes_max fields, the newest.
--   A home moves only when there is none, when it was lost, or after two losses in its last three races.
local HOME = KEYS[1]
local model, provider, home_lost, race = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4]
local ttl, homes_max = ARGV[5], tonumber(ARGV[6])
local alias, alias_ttl = ARGV[7], ARGV[8]

local homes, newest, oldest, count = {}, nil, nil, 0
local fields = redis.call('HGETALL', HOME)
for i = 1, #fields, 2 do
  local seq, races, at = string.match(fields[i + 1], '^(%d+)|(%a*)|(.*)$')
  local home = { model = fields[i], seq = tonumber(seq), races = races, provider = at }
  homes[home.model], count = home, count + 1
  if not newest or home.seq > newest.seq then
    newest = home
  end
  if home.model ~= model and (not oldest or home.seq < oldest.seq) then
    oldest = home
  end
end

local own = homes[model] or newest
local races, at
if not own or home_lost then
  races, at = '', provider
elseif race == 'none' then
  races, at = own.races, own.provider
else
  races, at = string.sub((race == 'won' and 'w' or 'l') .. own.races, 1, 3), own.provider
  local _, losses = string.gsub(races, 'l', 'l')
  if losses >= 2 and provider ~= at then
    races, at = '', provider
  end
end

if not homes[model] and count >= homes_max then
  redis.call('HDEL', HOME, oldest.model)
end
local seq = newest and newest.seq + 1 or 1
redis.call('HSET', HOME, model, string.format('%d', seq) .. '|' .. races .. '|' .. at)
redis.call('PEXPIRE', HOME, ttl)
for i = 2, #KEYS do
  redis.call('SET', KEYS[i], alias, 'PX', alias_ttl)
end
return races .. '|' .. at

"""What the Redis inbox runs inside the server: every step is one script, so every step is atomic.

Keys, all under one prefix: ``d:<key>`` the delivery as it came; ``r:<key>`` what became of it, absent until the first claim;
``s:<state>`` the keys of a state by their sequence number, the order of arrival; ``line`` the ready ones in the order of
their turns; ``ready`` and ``delayed`` those that may be claimed now or later; ``leased`` by the end of the lease; ``done`` by
the time of completion; ``head`` and ``busy`` the record of each ordering key that is on offer or leased,
``o:<ordering key>`` those that wait behind it; ``meta``. Members that must keep the order of arrival among equal scores
begin with the sequence number in 16 digits.

A delivery is four values in msgpack, one after the other: ordering key, sort_time, received_at and the members that only
the client reads. Times are microseconds as text: Lua has no integers of that size.
"""

from __future__ import annotations

from typing import Final

SCHEMA: Final = 1

_SHARED: Final = """
local P, now = KEYS[1], ARGV[1]
local call = redis.call
local function name(m) return string.sub(m, 18) end
local function member(seq, key) return string.format('%016d', seq)..':'..key end
local function facts(key)
  local _, o, t = cmsgpack.unpack_limit(call('GET', P..'d:'..key), 2, 0)
  return o, t
end
local function show(key)
  local d = call('GET', P..'d:'..key)
  local offset, o, _, c = cmsgpack.unpack_limit(d, 3, 0)
  return {key, o, c, string.sub(d, offset + 1), call('HGETALL', P..'r:'..key)}
end
local function offer(m, t)
  local n = call('HGET', P..'r:'..name(m), 'n')
  if n and tonumber(n) > tonumber(now) then call('ZADD', P..'delayed', n, m)
  else call('ZADD', P..'ready', t, m) end
end
local function settle(o)
  local old = call('HGET', P..'head', o)
  if old then
    call('ZREM', P..'ready', old); call('ZREM', P..'delayed', old); call('HDEL', P..'head', o)
    call('ZADD', P..'o:'..o, call('ZSCORE', P..'line', old), old)
  end
  if call('HEXISTS', P..'busy', o) == 1 then return end
  local first = call('ZPOPMIN', P..'o:'..o)
  if first[1] then call('HSET', P..'head', o, first[1]); offer(first[1], first[2]) end
end
local function enter(m, o, t)
  call('ZADD', P..'line', t, m)
  if o == '' then call('ZREM', P..'delayed', m); offer(m, t)
  else call('ZADD', P..'o:'..o, t, m); settle(o) end
end
local function move(m, from, to)
  call('ZREM', P..'s:'..from, name(m)); call('ZADD', P..'s:'..to, string.sub(m, 1, 16), name(m))
  call('HSET', P..'r:'..name(m), 's', to)
end
local function put(key, field, value)
  if value == '' then call('HDEL', P..'r:'..key, field) else call('HSET', P..'r:'..key, field, value) end
end
"""

OPEN: Final = """
local P = KEYS[1]
redis.call('HSETNX', P..'meta', 'version', ARGV[2])
redis.call('HSETNX', P..'meta', 'since', ARGV[1])
return redis.call('HMGET', P..'meta', 'version', 'since')
"""

# now, schema, records packed by msgpack, their deliveries. A record: key, ordering key, sort_time, state, reason, finished_at
ADD: Final = (
    _SHARED
    + """
call('HSETNX', P..'meta', 'version', ARGV[2])
call('HSETNX', P..'meta', 'since', now)
local rows = cmsgpack.unpack(ARGV[3])
local seq = call('HINCRBY', P..'meta', 'seq', #rows) - #rows
local taken, orders = {}, {}
for _, row in ipairs(rows) do if row[2] ~= '' then orders[#orders + 1] = row[2] end end
if #orders > 0 then
  local heads, busy = call('HMGET', P..'head', unpack(orders)), call('HMGET', P..'busy', unpack(orders))
  for i, o in ipairs(orders) do taken[o] = heads[i] or busy[i] end
end
-- what goes to one key is gathered and written in one command
local arrivals, turns, heads = {}, {}, {}
local function flush()
  if #arrivals > 0 then call('ZADD', P..'s:0', unpack(arrivals)) end
  if #turns > 0 then call('ZADD', P..'line', unpack(turns)); call('ZADD', P..'ready', unpack(turns)) end
  if #heads > 0 then call('HSET', P..'head', unpack(heads)) end
  arrivals, turns, heads = {}, {}, {}
end
local added, ring = {}, false
for i, row in ipairs(rows) do
  local key, o, t, s = row[1], row[2], row[3], row[4]
  seq = seq + 1
  if not call('SET', P..'d:'..key, ARGV[3+i], 'NX') then added[i] = 0 else
    if s == '0' then
      local m = member(seq, key)
      ring = true
      if row[5] ~= '' then put(key, 'r', row[5]) end
      arrivals[#arrivals + 1] = seq; arrivals[#arrivals + 1] = key
      if taken[o] then flush(); enter(m, o, t) else
        turns[#turns + 1] = t; turns[#turns + 1] = m
        if o ~= '' then taken[o] = m; heads[#heads + 1] = o; heads[#heads + 1] = m end
      end
    else
      call('ZADD', P..'s:'..s, seq, key); call('HSET', P..'r:'..key, 's', s)
      put(key, 'r', row[5])
      if s == '2' then put(key, 'f', row[6]); call('ZADD', P..'done', row[6], key) end
    end
    added[i] = 1
  end
end
flush()
if ring then call('PUBLISH', P..'wake', '') end
return added
"""
)

# now, until, token, limit
CLAIM: Final = (
    _SHARED
    + """
for _, m in ipairs(call('ZRANGEBYSCORE', P..'leased', '-inf', now)) do
  local key = name(m)
  local o, t = facts(key)
  call('ZREM', P..'leased', m); call('HDEL', P..'r:'..key, 'l', 'u')
  if o ~= '' then call('HDEL', P..'busy', o) end
  move(m, '1', '0'); enter(m, o, t)
end
-- not all of a great many at once: everybody else waits for the end of a script. The first wait sees the rest
for _, m in ipairs(call('ZRANGEBYSCORE', P..'delayed', '-inf', now, 'LIMIT', 0, 1000)) do
  call('ZREM', P..'delayed', m); call('ZADD', P..'ready', call('ZSCORE', P..'line', m), m)
end
local claimed = {}
for i = 1, tonumber(ARGV[4]) do
  local m = call('ZPOPMIN', P..'ready')[1]
  if not m then break end
  local key = name(m)
  local r, o = P..'r:'..key, facts(key)
  if o ~= '' then call('HDEL', P..'head', o); call('HSET', P..'busy', o, m) end
  call('ZREM', P..'line', m); call('ZADD', P..'leased', ARGV[2], m)
  call('HDEL', r, 'n'); call('HINCRBY', r, 'a', 1); call('HSET', r, 'l', ARGV[3], 'u', ARGV[2])
  move(m, '0', '1')
  claimed[i] = show(key)
end
return claimed
"""
)

# one change: key, token, state, refund_attempt, not_before, leased_until, reason, finished_at
CHANGE: Final = (
    _SHARED
    + """
local changed = {}
for i = 2, #ARGV, 8 do
  local key, to = ARGV[i], ARGV[i+2]
  local h = call('HMGET', P..'r:'..key, 's', 'l')
  if h[1] ~= '1' or h[2] ~= ARGV[i+1] then changed[#changed + 1] = 0 else
    local m = member(call('ZSCORE', P..'s:1', key), key)
    put(key, 'n', ARGV[i+4]); put(key, 'r', ARGV[i+6]); put(key, 'f', ARGV[i+7])
    if ARGV[i+3] == '1' then call('HINCRBY', P..'r:'..key, 'a', -1) end
    if to == '1' then
      call('HSET', P..'r:'..key, 'u', ARGV[i+5]); call('ZADD', P..'leased', ARGV[i+5], m)
    else
      local o, t = facts(key)
      call('ZREM', P..'leased', m); call('HDEL', P..'r:'..key, 'l', 'u'); move(m, '1', to)
      if o ~= '' then call('HDEL', P..'busy', o) end
      if to == '0' then enter(m, o, t)
      else
        if to == '2' then call('ZADD', P..'done', ARGV[i+7], key) end
        if o ~= '' then settle(o) end
      end
    end
    changed[#changed + 1] = 1
  end
end
return changed
"""
)

# now, key
REQUEUE: Final = (
    _SHARED
    + """
local key = ARGV[2]
if call('EXISTS', P..'d:'..key) == 0 then return 0 end
local s = call('HGET', P..'r:'..key, 's') or '0'
if s == '1' then return 0 end
local m = member(call('ZSCORE', P..'s:'..s, key), key)
call('HDEL', P..'r:'..key, 'a', 'n', 'r', 'f')
if s ~= '0' then call('ZREM', P..'done', key); move(m, s, '0') end
enter(m, facts(key))
call('PUBLISH', P..'wake', '')
return 1
"""
)

# older than, since, limit
PURGE: Final = """
local P = KEYS[1]
local call = redis.call
if tonumber(ARGV[2]) > tonumber(call('HGET', P..'meta', 'since') or '0') then
  call('HSET', P..'meta', 'since', ARGV[2])
end
local gone = call('ZRANGEBYSCORE', P..'done', '-inf', '('..ARGV[1], 'LIMIT', 0, ARGV[3])
for _, key in ipairs(gone) do
  call('DEL', P..'d:'..key, P..'r:'..key); call('ZREM', P..'done', key); call('ZREM', P..'s:2', key)
end
return #gone
"""

# '', key
GET: Final = (
    _SHARED
    + """
return call('EXISTS', P..'d:'..ARGV[2]) == 1 and {show(ARGV[2])} or {}
"""
)

# '', states, one digit each; after ('' for none), limit, the side to begin at
LIST: Final = (
    _SHARED
    + """
local newest = ARGV[5] == 'newest'
local start, stop = '-inf', '+inf'
if newest then start, stop = stop, start end
if ARGV[3] ~= '' then
  local seq
  for s = 0, 3 do seq = seq or call('ZSCORE', P..'s:'..s, ARGV[3]) end
  if not seq then return {} end
  start = '('..seq
end
local keys, place = {}, {}
for s in string.gmatch(ARGV[2], '%d') do
  local range = newest and 'ZREVRANGEBYSCORE' or 'ZRANGEBYSCORE'
  local part = call(range, P..'s:'..s, start, stop, 'WITHSCORES', 'LIMIT', 0, ARGV[4])
  for i = 1, #part, 2 do keys[#keys + 1] = part[i]; place[part[i]] = tonumber(part[i+1]) end
end
table.sort(keys, function(a, b)
  if newest then a, b = b, a end
  return place[a] < place[b]
end)
local found = {}
for i = 1, math.min(#keys, tonumber(ARGV[4])) do found[i] = show(keys[i]) end
return found
"""
)

STATS: Final = (
    _SHARED
    + """
local first = call('ZRANGE', P..'line', 0, 0)[1]
local oldest = first and show(name(first))[3] or ''
return {call('ZCARD', P..'s:0'), call('ZCARD', P..'s:1'), call('ZCARD', P..'s:2'), call('ZCARD', P..'s:3'), oldest}
"""
)

DUE: Final = """
local P = KEYS[1]
local a = redis.call('ZRANGE', P..'delayed', 0, 0, 'WITHSCORES')[2]
local b = redis.call('ZRANGE', P..'leased', 0, 0, 'WITHSCORES')[2]
return {a or '', b or ''}
"""

"""What the Redis inbox runs inside the server: every step is one script, so every step is atomic.

Keys, all under one prefix: ``r:<key>`` the record; ``s:<state>`` the keys of a state in the order of arrival;
``line`` the ready ones in the order of their turns; ``ready`` and ``delayed`` those that may be claimed now or later;
``leased`` by the end of the lease; ``done`` by the time of completion; ``o:<ordering key>`` the active records of one
ordering key, ``head`` and ``busy`` the one of them that is on offer or leased; ``meta``.
Members that must keep the order of arrival among equal scores begin with the sequence number in 16 digits.
"""

from __future__ import annotations

from typing import Final

SCHEMA: Final = 1

_SHARED: Final = """
local P, now = KEYS[1], ARGV[1]
local call = redis.call
local function name(m) return string.sub(m, 18) end
local function offer(m)
  local h = call('HMGET', P..'r:'..name(m), 't', 'n')
  if h[2] and tonumber(h[2]) > tonumber(now) then call('ZADD', P..'delayed', h[2], m)
  else call('ZADD', P..'ready', h[1], m) end
end
local function settle(o)
  local old = call('HGET', P..'head', o)
  if old then
    call('ZREM', P..'ready', old); call('ZREM', P..'delayed', old); call('HDEL', P..'head', o)
  end
  if call('HEXISTS', P..'busy', o) == 1 then return end
  local m = call('ZRANGE', P..'o:'..o, 0, 0)[1]
  if m then call('HSET', P..'head', o, m); offer(m) end
end
local function enter(m, o, t)
  call('ZADD', P..'line', t, m)
  if o == '' then call('ZREM', P..'delayed', m); offer(m)
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

# now, schema, records packed by msgpack, their bodies. A record: key, immutable members, ordering key, order_at, received_at, state, reason, finished_at
ADD: Final = (
    _SHARED
    + """
call('HSETNX', P..'meta', 'version', ARGV[2])
call('HSETNX', P..'meta', 'since', now)
local added, ring = {}, false
local rows = cmsgpack.unpack(ARGV[3])
local seq = call('HINCRBY', P..'meta', 'seq', #rows) - #rows
-- what goes to one key is gathered and written in one command
local arrivals, turns, heads = {}, {}, {}
local function flush()
  if #arrivals > 0 then call('ZADD', P..'s:0', unpack(arrivals)) end
  if #turns > 0 then call('ZADD', P..'line', unpack(turns)); call('ZADD', P..'ready', unpack(turns)) end
  if #heads > 0 then call('HSET', P..'head', unpack(heads)) end
  arrivals, turns, heads = {}, {}, {}
end
local function gather(list, a, b) list[#list + 1] = a; list[#list + 1] = b end
for i, row in ipairs(rows) do
  local key, o, t, s = row[1], row[3], row[4], row[6]
  local r = P..'r:'..key
  seq = seq + 1
  if call('EXISTS', r) == 1 then added[i] = 0 else
    local m = string.format('%016d', seq)..':'..key
    call('HSET', r, 'q', m, 'b', ARGV[3+i], 'm', row[2], 'o', o, 't', t, 'c', row[5], 's', s, 'a', 0)
    if row[7] ~= '' then put(key, 'r', row[7]) end
    if s == '0' then
      ring = true
      gather(arrivals, seq, key)
      if o ~= '' then call('ZADD', P..'o:'..o, t, m) end
      if o == '' then gather(turns, t, m)
      elseif call('ZCARD', P..'o:'..o) == 1 then
        -- the usual case: the only active one of its shipment
        gather(turns, t, m); gather(heads, o, m)
      else flush(); enter(m, o, t) end
    else
      call('ZADD', P..'s:'..s, seq, key)
      if s == '2' then put(key, 'f', row[8]); call('ZADD', P..'done', row[8], key) end
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
  local h = call('HMGET', P..'r:'..key, 'o', 't')
  call('ZREM', P..'leased', m); call('HDEL', P..'r:'..key, 'l', 'u')
  if h[1] ~= '' then call('HDEL', P..'busy', h[1]) end
  move(m, '1', '0'); enter(m, h[1], h[2])
end
for _, m in ipairs(call('ZRANGEBYSCORE', P..'delayed', '-inf', now)) do
  call('ZREM', P..'delayed', m); call('ZADD', P..'ready', call('HGET', P..'r:'..name(m), 't'), m)
end
local claimed = {}
for _ = 1, tonumber(ARGV[4]) do
  local m = call('ZPOPMIN', P..'ready')[1]
  if not m then break end
  local key = name(m)
  local r = P..'r:'..key
  local o = call('HGET', r, 'o')
  if o ~= '' then call('HDEL', P..'head', o); call('HSET', P..'busy', o, m) end
  call('ZREM', P..'line', m); call('ZADD', P..'leased', ARGV[2], m)
  call('HDEL', r, 'n'); call('HINCRBY', r, 'a', 1); call('HSET', r, 'l', ARGV[3], 'u', ARGV[2])
  move(m, '0', '1')
  claimed[#claimed + 1] = {key, call('HGETALL', r)}
end
return claimed
"""
)

# one change: key, token, state, uncount, not_before, leased_until, reason, finished_at
CHANGE: Final = (
    _SHARED
    + """
local changed = {}
for i = 2, #ARGV, 8 do
  local key, to = ARGV[i], ARGV[i+2]
  local h = call('HMGET', P..'r:'..key, 's', 'l', 'q', 'o', 't')
  if h[1] ~= '1' or h[2] ~= ARGV[i+1] then changed[#changed + 1] = 0 else
    local m, o = h[3], h[4]
    put(key, 'n', ARGV[i+4]); put(key, 'r', ARGV[i+6]); put(key, 'f', ARGV[i+7])
    if ARGV[i+3] == '1' then call('HINCRBY', P..'r:'..key, 'a', -1) end
    if to == '1' then
      call('HSET', P..'r:'..key, 'u', ARGV[i+5]); call('ZADD', P..'leased', ARGV[i+5], m)
    else
      call('ZREM', P..'leased', m); call('HDEL', P..'r:'..key, 'l', 'u'); move(m, '1', to)
      if o ~= '' then call('HDEL', P..'busy', o) end
      if to == '0' then enter(m, o, h[5])
      else
        if to == '2' then call('ZADD', P..'done', ARGV[i+7], key) end
        if o ~= '' then call('ZREM', P..'o:'..o, m); settle(o) end
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
local h = call('HMGET', P..'r:'..key, 's', 'q', 'o', 't')
if not h[1] or h[1] == '1' then return 0 end
call('HSET', P..'r:'..key, 'a', 0); call('HDEL', P..'r:'..key, 'n', 'r', 'f')
if h[1] ~= '0' then call('ZREM', P..'done', key); move(h[2], h[1], '0') end
enter(h[2], h[3], h[4])
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
  call('DEL', P..'r:'..key); call('ZREM', P..'done', key); call('ZREM', P..'s:2', key)
end
return #gone
"""

# states, one digit each; after ('' for none), limit
LIST: Final = """
local P = KEYS[1]
local start = '-inf'
if ARGV[2] ~= '' then
  local q = redis.call('HGET', P..'r:'..ARGV[2], 'q')
  if not q then return {} end
  start = '('..string.sub(q, 1, 16)
end
local keys, place = {}, {}
for s in string.gmatch(ARGV[1], '%d') do
  local part = redis.call('ZRANGEBYSCORE', P..'s:'..s, start, '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
  for i = 1, #part, 2 do keys[#keys + 1] = part[i]; place[part[i]] = tonumber(part[i+1]) end
end
table.sort(keys, function(a, b) return place[a] < place[b] end)
local found = {}
for i = 1, math.min(#keys, tonumber(ARGV[3])) do
  found[i] = {keys[i], redis.call('HGETALL', P..'r:'..keys[i])}
end
return found
"""

STATS: Final = """
local P = KEYS[1]
local first = redis.call('ZRANGE', P..'line', 0, 0)[1]
local oldest = first and redis.call('HGET', P..'r:'..string.sub(first, 18), 'c') or ''
return {redis.call('ZCARD', P..'s:0'), redis.call('ZCARD', P..'s:1'), redis.call('ZCARD', P..'s:2'),
        redis.call('ZCARD', P..'s:3'), oldest}
"""

DUE: Final = """
local P = KEYS[1]
local a = redis.call('ZRANGE', P..'delayed', 0, 0, 'WITHSCORES')[2]
local b = redis.call('ZRANGE', P..'leased', 0, 0, 'WITHSCORES')[2]
return {a or '', b or ''}
"""

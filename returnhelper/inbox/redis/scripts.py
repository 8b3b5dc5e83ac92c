"""What the Redis inbox runs inside the server: each step is one script, so each step is atomic.

Keys, all under one prefix: ``d:<key>`` the delivery as received; ``r:<key>`` what happened to it, absent until the first
claim; ``s:<state>`` the keys in a state by sequence number, the order of arrival; ``line`` the ready queue; ``ready`` and
``delayed`` the candidates that may be claimed now or later; ``leased`` by the end of the lease; ``done`` by the time of
completion; ``head`` and ``busy`` the candidate and the leased record of each ordering key, ``o:<ordering key>`` the records
that wait behind it; ``meta``. Members that must keep the order of arrival among equal scores begin with the sequence number
in 16 digits.

A delivery is four values in msgpack, one after the other: ordering key, sort_time, received_at and the columns that only
the client reads, of which the last is the time of the add, in 16 digits. Times are microseconds as text: Lua has no integers of that size.
"""

from __future__ import annotations

from typing import Final

from returnhelper.inbox.redis.rows import CHANGED_FIELDS, KEPT_FIELDS
from returnhelper.inbox.store import DONE, HELD, LEASE_EXPIRED, LEASED, READY

SCHEMA: Final = 1

_NAMES: Final = f"""
local READY, LEASED, DONE, HELD = '{READY}', '{LEASED}', '{DONE}', '{HELD}'
local CHANGED = {{{", ".join(f"'{field}'" for field in CHANGED_FIELDS)}}}
local KEPT = {{{", ".join(f"{field} = true" for field in KEPT_FIELDS)}}}
"""

_SHARED: Final = (
    _NAMES
    + """
local P, now = KEYS[1], ARGV[1]
local call = redis.call
-- by the clock of the server, so that those of the clients need not agree; the first argument is empty but in tests
if now == '' then
  local time = call('TIME')
  now = string.format('%s%06d', time[1], time[2])
end
-- as text, because Lua prints large numbers with 14 digits
local function after_now(micros) return string.format('%.0f', now + micros) end
-- a full server refuses commands that may take memory, unless the script has written before: for scripts that finish or
-- delete what is stored, so that the server does not stay full
local function allow_when_full() call('HDEL', P..'meta', '') end
local function key_of(m) return string.sub(m, 18) end
local function member(seq, key) return string.format('%016d', seq)..':'..key end
local function order_and_time(key)
  local _, o, t = cmsgpack.unpack_limit(call('GET', P..'d:'..key), 2, 0)
  return o, t
end
local function row(key)
  local d = call('GET', P..'d:'..key)
  local offset, o, _, received_at = cmsgpack.unpack_limit(d, 3, 0)
  return {key, o, received_at, string.sub(d, offset + 1), call('HGETALL', P..'r:'..key)}
end
-- makes a record a candidate, now or once it is due
local function nominate(m, t)
  local n = call('HGET', P..'r:'..key_of(m), 'n')
  if n and tonumber(n) > tonumber(now) then call('ZADD', P..'delayed', n, m)
  else call('ZADD', P..'ready', t, m) end
end
-- makes the first of an ordering key the candidate, unless one of them is leased
local function elect(o)
  local old = call('HGET', P..'head', o)
  if old then
    call('ZREM', P..'ready', old); call('ZREM', P..'delayed', old); call('HDEL', P..'head', o)
    call('ZADD', P..'o:'..o, call('ZSCORE', P..'line', old), old)
  end
  if call('HEXISTS', P..'busy', o) == 1 then return end
  local first = call('ZPOPMIN', P..'o:'..o)
  if first[1] then call('HSET', P..'head', o, first[1]); nominate(first[1], first[2]) end
end
local function enqueue(m, o, t)
  call('ZADD', P..'line', t, m)
  if o == '' then call('ZREM', P..'delayed', m); nominate(m, t)
  else call('ZADD', P..'o:'..o, t, m); elect(o) end
end
local function move(m, from, to)
  call('ZREM', P..'s:'..from, key_of(m)); call('ZADD', P..'s:'..to, string.sub(m, 1, 16), key_of(m))
  call('HSET', P..'r:'..key_of(m), 's', to)
end
"""
)

# schema
OPEN: Final = (
    _SHARED
    + """
allow_when_full()
call('HSETNX', P..'meta', 'version', ARGV[2])
call('HSETNX', P..'meta', 'since', now)
return call('HMGET', P..'meta', 'version', 'since')
"""
)

# schema, records in msgpack, then their deliveries. A record: key, ordering key, sort_time, state, finished_at, and the
# fields of its hash with their values
ADD: Final = (
    _SHARED
    + """
call('HSETNX', P..'meta', 'version', ARGV[2])
call('HSETNX', P..'meta', 'since', now)
local rows = cmsgpack.unpack(ARGV[3])
local seq = call('HINCRBY', P..'meta', 'seq', #rows) - #rows
local taken, orders = {}, {}
for _, r in ipairs(rows) do if r[2] ~= '' then orders[#orders + 1] = r[2] end end
if #orders > 0 then
  local heads, busy = call('HMGET', P..'head', unpack(orders)), call('HMGET', P..'busy', unpack(orders))
  for i, o in ipairs(orders) do taken[o] = heads[i] or busy[i] end
end
-- what goes to the same key is collected and written in one command
local arrivals, queue, heads = {}, {}, {}
local function flush()
  if #arrivals > 0 then call('ZADD', P..'s:'..READY, unpack(arrivals)) end
  if #queue > 0 then call('ZADD', P..'line', unpack(queue)); call('ZADD', P..'ready', unpack(queue)) end
  if #heads > 0 then call('HSET', P..'head', unpack(heads)) end
  arrivals, queue, heads = {}, {}, {}
end
local added, notify = {}, false
local added_at = string.format('%016.0f', now)
for i, r in ipairs(rows) do
  local key, o, t, s, finished_at, fields = r[1], r[2], r[3], r[4], r[5], r[6]
  seq = seq + 1
  if not call('SET', P..'d:'..key, string.sub(ARGV[3+i], 1, -17)..added_at, 'NX') then added[i] = 0 else
    if #fields > 0 then call('HSET', P..'r:'..key, unpack(fields)) end
    if s == READY then
      local m = member(seq, key)
      notify = true
      arrivals[#arrivals + 1] = seq; arrivals[#arrivals + 1] = key
      if taken[o] then flush(); enqueue(m, o, t) else
        queue[#queue + 1] = t; queue[#queue + 1] = m
        if o ~= '' then taken[o] = m; heads[#heads + 1] = o; heads[#heads + 1] = m end
      end
    else
      call('ZADD', P..'s:'..s, seq, key)
      if s == DONE then call('ZADD', P..'done', finished_at, key) end
    end
    added[i] = 1
  end
end
flush()
if notify then call('PUBLISH', P..'wake', '') end
return added
"""
)

# lease in microseconds, token, limit
CLAIM: Final = (
    _SHARED
    + f"local EXPIRED = '{LEASE_EXPIRED}'"
    + """
for _, m in ipairs(call('ZRANGEBYSCORE', P..'leased', '-inf', now)) do
  local key = key_of(m)
  local o, t = order_and_time(key)
  call('ZREM', P..'leased', m); call('HDEL', P..'r:'..key, 'l', 'u'); call('HSET', P..'r:'..key, 'r', EXPIRED)
  if o ~= '' then call('HDEL', P..'busy', o) end
  move(m, LEASED, READY); enqueue(m, o, t)
end
-- a bounded number at once: everybody else waits for the end of a script. The next wait finds the rest
for _, m in ipairs(call('ZRANGEBYSCORE', P..'delayed', '-inf', now, 'LIMIT', 0, 1000)) do
  call('ZREM', P..'delayed', m); call('ZADD', P..'ready', call('ZSCORE', P..'line', m), m)
end
local claimed, expires = {}, after_now(ARGV[2])
for i = 1, tonumber(ARGV[4]) do
  local m = call('ZPOPMIN', P..'ready')[1]
  if not m then break end
  local key = key_of(m)
  local r, o = P..'r:'..key, order_and_time(key)
  if o ~= '' then call('HDEL', P..'head', o); call('HSET', P..'busy', o, m) end
  call('ZREM', P..'line', m); call('ZADD', P..'leased', expires, m)
  call('HDEL', r, 'n'); call('HINCRBY', r, 'a', 1); call('HSET', r, 'l', ARGV[3], 'u', expires)
  move(m, READY, LEASED)
  claimed[i] = row(key)
end
return claimed
"""
)

# for each change: key, token, refund_attempt, delay and lease in microseconds or '', and the values of CHANGED, '' for none
CHANGE: Final = (
    _SHARED
    + """
allow_when_full()
local changed = {}
for i = 2, #ARGV, 5 + #CHANGED do
  local key = ARGV[i]
  local r = P..'r:'..key
  local h = call('HMGET', r, 's', 'l')
  if h[1] ~= LEASED or h[2] ~= ARGV[i+1] then changed[#changed + 1] = 0 else
    local m = member(call('ZSCORE', P..'s:'..LEASED, key), key)
    local new, set, del = {}, {}, {}
    for j, field in ipairs(CHANGED) do new[field] = ARGV[i+4+j] end
    if ARGV[i+3] ~= '' then new.n = after_now(ARGV[i+3]) end
    if ARGV[i+4] ~= '' then new.u = after_now(ARGV[i+4]) end
    if new.s == DONE then new.f = now end
    for field, value in pairs(new) do
      if value ~= '' then set[#set + 1] = field; set[#set + 1] = value
      elseif not KEPT[field] then del[#del + 1] = field end
    end
    call('HSET', r, unpack(set))
    if #del > 0 then call('HDEL', r, unpack(del)) end
    if ARGV[i+2] == '1' then call('HINCRBY', r, 'a', -1) end
    if new.s == LEASED then call('ZADD', P..'leased', new.u, m) else
      local o, t = order_and_time(key)
      call('ZREM', P..'leased', m); move(m, LEASED, new.s)
      if o ~= '' then call('HDEL', P..'busy', o) end
      if new.s == READY then enqueue(m, o, t) else
        if new.s == DONE then call('ZADD', P..'done', new.f, key) end
        if o ~= '' then elect(o) end
      end
    end
    changed[#changed + 1] = 1
  end
end
return changed
"""
)

# key
REQUEUE: Final = (
    _SHARED
    + """
local key = ARGV[2]
if call('EXISTS', P..'d:'..key) == 0 then return 0 end
local s = call('HGET', P..'r:'..key, 's') or READY
if s == LEASED then return 0 end
local m = member(call('ZSCORE', P..'s:'..s, key), key)
call('HDEL', P..'r:'..key, 'a', 'n', 'r', 'f')
if s ~= READY then call('ZREM', P..'done', key); move(m, s, READY) end
enqueue(m, order_and_time(key))
call('PUBLISH', P..'wake', '')
return 1
"""
)

# key, reason
DISMISS: Final = (
    _SHARED
    + """
local key = ARGV[2]
local seq = call('ZSCORE', P..'s:'..HELD, key)
if not seq then return 0 end
move(member(seq, key), HELD, DONE)
call('HSET', P..'r:'..key, 'r', ARGV[3], 'f', now); call('ZADD', P..'done', now, key)
return 1
"""
)

# older than, since, limit
PURGE: Final = (
    _SHARED
    + """
allow_when_full()
if tonumber(ARGV[3]) > tonumber(call('HGET', P..'meta', 'since') or '0') then
  call('HSET', P..'meta', 'since', ARGV[3])
end
local gone = call('ZRANGEBYSCORE', P..'done', '-inf', '('..ARGV[2], 'LIMIT', 0, ARGV[4])
for _, key in ipairs(gone) do
  call('DEL', P..'d:'..key, P..'r:'..key); call('ZREM', P..'done', key); call('ZREM', P..'s:'..DONE, key)
end
return #gone
"""
)

# key
GET: Final = (
    _SHARED
    + """
return call('EXISTS', P..'d:'..ARGV[2]) == 1 and {row(ARGV[2])} or {}
"""
)

# states, one digit each; the key to begin after, or ''; limit; whether to begin with the newest
LIST: Final = (
    _SHARED
    + """
local newest = ARGV[5] == '1'
local start, stop = '-inf', '+inf'
if newest then start, stop = stop, start end
if ARGV[3] ~= '' then
  local seq
  for _, s in ipairs({READY, LEASED, DONE, HELD}) do seq = seq or call('ZSCORE', P..'s:'..s, ARGV[3]) end
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
for i = 1, math.min(#keys, tonumber(ARGV[4])) do found[i] = row(keys[i]) end
return found
"""
)

STATS: Final = (
    _SHARED
    + """
local first = call('ZRANGE', P..'line', 0, 0)[1]
local oldest = first and row(key_of(first))[3] or ''
local function count(s) return call('ZCARD', P..'s:'..s) end
return {count(READY), count(LEASED), count(DONE), count(HELD), oldest}
"""
)

# microseconds until the first wait or lease ends, or nothing
DUE: Final = (
    _SHARED
    + """
local due
for _, name in ipairs({'delayed', 'leased'}) do
  local at = tonumber(call('ZRANGE', P..name, 0, 0, 'WITHSCORES')[2])
  if at and (not due or at < due) then due = at end
end
return due and math.max(due - now, 0)
"""
)

# microseconds since 1970
NOW: Final = _SHARED + "return now"

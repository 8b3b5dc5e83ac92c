"""What the Redis inbox runs inside the server: each step is one script, so each step is atomic.

Keys, all under one prefix: ``d:<key>`` the delivery as received; ``r:<key>`` what happened to it, absent until the first
claim; ``x:<key>`` what the holders of a lease noted, absent until they do; ``s:<state>`` the keys in a state by sequence number, the order of arrival; ``line`` the ready queue; ``ready`` and
``delayed`` the candidates that may be claimed now or later; ``leased`` by the end of the lease; ``done`` by the time of
completion; ``head`` and ``busy`` the candidate and the leased record of each ordering key, ``o:<ordering key>`` the records
that wait behind it; ``meta``. Members that must keep the order of arrival among equal scores begin with the sequence number
in 16 digits.

A delivery is four values in msgpack, one after the other: ordering key, sort_time, received_at and the columns that only
the client reads, of which the last is the time of the add, in 16 digits.

Old processes run beside new ones while a release is rolled out. So whatever is here only ever adds to what the first layout
had: that one reads no ``x:`` and no values at the end of a delivery, and leaves them alone. Times are microseconds as text: Lua has no integers of that size.
"""

from __future__ import annotations

from typing import Final

from returnhelper.inbox.redis.rows import CHANGED_FIELDS, NOTES
from returnhelper.inbox.store import DONE, HELD, LEASE_EXPIRED, LEASED, READY

SCHEMA: Final = 1

_BASE: Final = f"""
local READY, LEASED, DONE, HELD = '{READY}', '{LEASED}', '{DONE}', '{HELD}'
local P, now, call = KEYS[1], ARGV[1], redis.call
-- by the clock of the server, so that those of the clients need not agree; the first argument is empty but in tests
if now == '' then
  local time = call('TIME')
  now = string.format('%s%06d', time[1], time[2])
end
local function key_of(m) return string.sub(m, 18) end
"""

# a full server refuses commands that may take memory, unless the script has written before: for scripts that finish or
# delete what is stored, so that the server does not stay full
_ALLOW_WHEN_FULL: Final = "call('HDEL', P..'meta', '')"

_ROWS: Final = """
-- a large text is copied whenever a part of it is taken: the client gets all of a delivery, and where its packed columns begin
local function row(key, d, fields)
  local offset, o, _, received_at = cmsgpack.unpack_limit(d, 3, 0)
  return {key, o, received_at, offset, d, fields}
end
local function fields_of(key)
  local fields = call('HGETALL', P..'r:'..key)
  if #fields > 0 then
    for _, value in ipairs(call('HGETALL', P..'x:'..key)) do fields[#fields + 1] = value end
  end
  return fields
end
"""

_QUEUE: Final = """
-- as text, because Lua prints large numbers with 14 digits
local function after_now(micros) return string.format('%.0f', now + micros) end
local function member(seq, key) return string.format('%016d:', seq)..key end
-- what many records add to one key, or remove from it, is collected and written in one command
local batches = {}
local function batch(command, name)
  local made = {command, P..name}
  batches[#batches + 1] = made
  return made
end
local function flush()
  for _, made in ipairs(batches) do
    if #made > 2 then call(unpack(made)); for i = #made, 3, -1 do made[i] = nil end end
  end
end
local function put(to, a, b)
  local n = #to
  to[n+1] = a; to[n+2] = b
  if n > 4000 then flush() end -- Lua passes no more than 8,000 arguments
end
local leaving, entering = {}, {}
local function enter(s, seq, key)
  entering[s] = entering[s] or batch('ZADD', 's:'..s)
  put(entering[s], seq, key)
end
local function move(seq, key, from, to)
  leaving[from] = leaving[from] or batch('ZREM', 's:'..from)
  put(leaving[from], key); enter(to, seq, key)
end
-- the ordering key and sort_time are the first two values of a delivery; nearly all are within so few bytes
local function order_and_time(key)
  local d = call('GETRANGE', P..'d:'..key, 0, 63)
  if d == '' then return '', '0' end
  if string.byte(d) > 0xbf then d = call('GETRANGE', P..'d:'..key, 0, 2047) end
  local _, o, t = cmsgpack.unpack_limit(d, 2, 0)
  return o, t
end
-- makes a record a candidate, now or once it is due
local function nominate(m, t)
  local n = call('HGET', P..'r:'..key_of(m), 'n')
  if n and tonumber(n) > tonumber(now) then call('ZADD', P..'delayed', n, m)
  else call('ZADD', P..'ready', t, m) end
end
-- makes the first that waits behind an ordering key its candidate; there is none, and none is leased
local function promote(o)
  local first = call('ZPOPMIN', P..'o:'..o)
  if first[1] then call('HSET', P..'head', o, first[1]); nominate(first[1], first[2]) end
end
local function enqueue(m, o, t)
  call('ZADD', P..'line', t, m)
  if o == '' then call('ZREM', P..'delayed', m); nominate(m, t); return end
  call('ZADD', P..'o:'..o, t, m)
  if call('HEXISTS', P..'busy', o) == 1 then return end
  local head = call('HGET', P..'head', o)
  if head then
    local first = call('ZSCORE', P..'line', head)
    if tonumber(first) < tonumber(t) or (tonumber(first) == tonumber(t) and head < m) then return end
    call('ZREM', P..'ready', head); call('ZREM', P..'delayed', head); call('ZADD', P..'o:'..o, first, head)
  end
  promote(o)
end
"""

# schema
OPEN: Final = (
    _BASE
    + _ALLOW_WHEN_FULL
    + """
call('HSETNX', P..'meta', 'version', ARGV[2])
call('HSETNX', P..'meta', 'since', now)
return call('HMGET', P..'meta', 'version', 'since')
"""
)

# schema, records in msgpack, then their deliveries without the time of the add. A record: key, ordering key, sort_time, state,
# finished_at, the fields of its hash with their values, what holders noted, and the time of the add or '' for now
ADD: Final = (
    _BASE
    + _QUEUE
    + """
local new = cmsgpack.unpack(ARGV[3])
local seq = call('HINCRBY', P..'meta', 'seq', #new) - #new
if seq == 0 then -- the first of all, perhaps of a server that has lost its data since the inbox was opened
  call('HSETNX', P..'meta', 'version', ARGV[2])
  call('HSETNX', P..'meta', 'since', now)
end
local taken, orders = {}, {}
for _, r in ipairs(new) do if r[2] ~= '' then orders[#orders + 1] = r[2] end end
if #orders > 0 then
  local heads, busy = call('HMGET', P..'head', unpack(orders)), call('HMGET', P..'busy', unpack(orders))
  for i, o in ipairs(orders) do taken[o] = heads[i] or busy[i] end
end
local line, ready, heads = batch('ZADD', 'line'), batch('ZADD', 'ready'), batch('HSET', 'head')
local added, notify = {}, false
local added_at = string.format('%016.0f', now)
for i, r in ipairs(new) do
  local key, o, t, s, finished_at, fields, notes = r[1], r[2], r[3], r[4], r[5], r[6], r[7]
  seq = seq + 1
  if not call('SET', P..'d:'..key, ARGV[3+i]..(r[8] ~= '' and r[8] or added_at), 'NX') then added[i] = 0 else
    if #fields > 0 then call('DEL', P..'x:'..key); call('HSET', P..'r:'..key, unpack(fields)) end
    if #notes > 0 then call('HSET', P..'x:'..key, unpack(notes)) end
    enter(s, seq, key)
    if s == READY then
      local m = member(seq, key)
      notify = true
      if taken[o] or #fields > 0 then
        flush(); enqueue(m, o, t)
        if o ~= '' then taken[o] = m end
      else
        put(line, t, m); put(ready, t, m)
        if o ~= '' then taken[o] = m; put(heads, o, m) end
      end
    elseif s == DONE then call('ZADD', P..'done', finished_at, key) end
    added[i] = 1
  end
end
flush()
if notify then call('PUBLISH', P..'wake', '') end
return added
"""
)

# lease in microseconds, token, limit. Returns when the leases end, and the records as they were before
CLAIM: Final = (
    _BASE
    + _ROWS
    + _QUEUE
    + f"local EXPIRED = '{LEASE_EXPIRED}'"
    + """
local limit, expires, token = tonumber(ARGV[4]), after_now(ARGV[2]), ARGV[3]
-- a bounded number at once: everybody else waits for the end of a script. The next wait finds the rest
local bound = math.max(limit, 1000)
for _, m in ipairs(call('ZRANGEBYSCORE', P..'leased', '-inf', now, 'LIMIT', 0, bound)) do
  local key = key_of(m)
  local o, t = order_and_time(key)
  call('ZREM', P..'leased', m); call('HDEL', P..'r:'..key, 'l', 'u'); call('HSET', P..'r:'..key, 'r', EXPIRED, 's', READY)
  if o ~= '' then call('HDEL', P..'busy', o) end
  move(string.sub(m, 1, 16), key, LEASED, READY); enqueue(m, o, t)
end
flush()
for _, m in ipairs(call('ZRANGEBYSCORE', P..'delayed', '-inf', now, 'LIMIT', 0, bound)) do
  call('ZREM', P..'delayed', m); call('ZADD', P..'ready', call('ZSCORE', P..'line', m), m)
end
local line, leased = batch('ZREM', 'line'), batch('ZADD', 'leased')
local heads, busy, lost = batch('HDEL', 'head'), batch('HSET', 'busy'), batch('ZREM', 's:'..READY)
local claimed = {}
local function lease(m, key, d)
  local r, fields = P..'r:'..key, fields_of(key)
  local attempts = 1
  for i = 1, #fields, 2 do
    if fields[i] == 'a' then attempts = string.format('%.0f', fields[i+1] + 1)
    elseif fields[i] == 'n' then call('HDEL', r, 'n') end
  end
  -- what a purge by the first layout left behind under this key
  if #fields == 0 then call('DEL', P..'x:'..key) end
  call('HSET', r, 's', LEASED, 'a', attempts, 'l', token, 'u', expires)
  put(leased, expires, m); move(string.sub(m, 1, 16), key, READY, LEASED)
  local found = row(key, d, fields)
  if found[2] ~= '' then put(heads, found[2]); put(busy, found[2], m) end
  return found
end
while #claimed < limit do
  local popped, members, names = call('ZPOPMIN', P..'ready', math.min(limit - #claimed, 500)), {}, {}
  if #popped == 0 then break end
  for i = 1, #popped, 2 do
    members[#members + 1] = popped[i]; names[#names + 1] = P..'d:'..key_of(popped[i])
  end
  for i, d in ipairs(call('MGET', unpack(names))) do
    local m, key = members[i], key_of(members[i])
    put(line, m)
    -- a server with the wrong maxmemory-policy has deleted some: those must not keep the others waiting
    if d then claimed[#claimed + 1] = lease(m, key, d) else put(lost, key) end
  end
  flush()
end
return {expires, claimed}
"""
)

# for each change: key, token, refund_attempt, delay and lease in microseconds or '', and the values of CHANGED, '' for none
CHANGE: Final = (
    _BASE
    + _QUEUE
    + f"""
local CHANGED = {{{", ".join(f"'{field}'" for field in CHANGED_FIELDS)}}}
local NOTES = {{{", ".join(f"{field} = true" for field in NOTES)}}}
"""
    + _ALLOW_WHEN_FULL
    + """
local expired, done = batch('ZREM', 'leased'), batch('ZADD', 'done')
local changed, notify = {}, false
local function apply(key, r, new, refund)
  local set, del, notes = {}, {}, {}
  for field, value in pairs(new) do
    local to = NOTES[field] and notes or set
    if value ~= '' then to[#to + 1] = field; to[#to + 1] = value
    elseif to == set then del[#del + 1] = field end
  end
  call('HSET', r, unpack(set))
  if #del > 0 then call('HDEL', r, unpack(del)) end
  if #notes > 0 then call('HSET', P..'x:'..key, unpack(notes)) end
  if refund then call('HINCRBY', r, 'a', -1) end
  local seq = call('ZSCORE', P..'s:'..LEASED, key)
  local m = member(seq, key)
  if new.s == LEASED then call('ZADD', P..'leased', new.u, m); return end
  local o, t = order_and_time(key)
  put(expired, m); move(seq, key, LEASED, new.s)
  if o ~= '' then call('HDEL', P..'busy', o) end
  if new.s == READY then notify = notify or new.n == ''; enqueue(m, o, t) else
    if new.s == DONE then put(done, new.f, key) end
    if o ~= '' then promote(o) end
  end
end
for i = 2, #ARGV, 5 + #CHANGED do
  local key = ARGV[i]
  local r = P..'r:'..key
  local held = call('HMGET', r, 's', 'l')
  if held[1] ~= LEASED or held[2] ~= ARGV[i+1] then changed[#changed + 1] = 0 else
    local new = {}
    for j, field in ipairs(CHANGED) do new[field] = ARGV[i+4+j] end
    if ARGV[i+3] ~= '' then new.n = after_now(ARGV[i+3]) end
    if ARGV[i+4] ~= '' then new.u = after_now(ARGV[i+4]) end
    if new.s == DONE then new.f = now end
    apply(key, r, new, ARGV[i+2] == '1')
    changed[#changed + 1] = 1
  end
end
flush()
if notify then call('PUBLISH', P..'wake', '') end
return changed
"""
)

# key
REQUEUE: Final = (
    _BASE
    + _QUEUE
    + """
local key = ARGV[2]
if call('EXISTS', P..'d:'..key) == 0 then return 0 end
local s = call('HGET', P..'r:'..key, 's') or READY
if s == LEASED then return 0 end
local seq = call('ZSCORE', P..'s:'..s, key)
call('HDEL', P..'r:'..key, 'a', 'n', 'r', 'f')
if s ~= READY then
  call('HSET', P..'r:'..key, 's', READY); call('ZREM', P..'done', key); move(seq, key, s, READY); flush()
end
enqueue(member(seq, key), order_and_time(key))
call('PUBLISH', P..'wake', '')
return 1
"""
)

# key, reason
DISMISS: Final = (
    _BASE
    + _QUEUE
    + """
local key = ARGV[2]
local seq = call('ZSCORE', P..'s:'..HELD, key)
if not seq then return 0 end
move(seq, key, HELD, DONE); flush()
call('HSET', P..'r:'..key, 's', DONE, 'r', ARGV[3], 'f', now); call('ZADD', P..'done', now, key)
return 1
"""
)

# older than, since, limit
PURGE: Final = (
    _BASE
    + _ALLOW_WHEN_FULL
    + """
if tonumber(ARGV[3]) > tonumber(call('HGET', P..'meta', 'since') or '0') then
  call('HSET', P..'meta', 'since', ARGV[3])
end
local gone = call('ZRANGEBYSCORE', P..'done', '-inf', '('..ARGV[2], 'LIMIT', 0, ARGV[4])
local names = {}
for _, key in ipairs(gone) do
  for _, kind in ipairs({'d:', 'r:', 'x:'}) do names[#names + 1] = P..kind..key end
end
if #gone > 0 then
  call('UNLINK', unpack(names)); call('ZREM', P..'done', unpack(gone)); call('ZREM', P..'s:'..DONE, unpack(gone))
end
return #gone
"""
)

# since
REMEMBER: Final = (
    _BASE
    + """
if tonumber(ARGV[2]) < tonumber(call('HGET', P..'meta', 'since')) then call('HSET', P..'meta', 'since', ARGV[2]) end
"""
)

# key
GET: Final = (
    _BASE
    + _ROWS
    + """
local d = call('GET', P..'d:'..ARGV[2])
return d and {row(ARGV[2], d, fields_of(ARGV[2]))} or {}
"""
)

# states, one digit each; the key to begin after, or ''; limit; whether to begin with the newest
LIST: Final = (
    _BASE
    + _ROWS
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
for i = 1, math.min(#keys, tonumber(ARGV[4])) do
  local d = call('GET', P..'d:'..keys[i])
  if d then found[#found + 1] = row(keys[i], d, fields_of(keys[i])) end
end
return found
"""
)

STATS: Final = (
    _BASE
    + _ROWS
    + """
local first = call('ZRANGE', P..'line', 0, 0)[1]
local d = first and call('GET', P..'d:'..key_of(first))
local oldest = d and row(nil, d)[3] or ''
local function count(s) return call('ZCARD', P..'s:'..s) end
return {count(READY), count(LEASED), count(DONE), count(HELD), oldest}
"""
)

# microseconds until the first wait or lease ends, or nothing
DUE: Final = (
    _BASE
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
NOW: Final = _BASE + "return now"

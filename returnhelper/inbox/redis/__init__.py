"""An inbox in Redis: shared by any number of machines, as durable as the server is configured to be."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Final, TypeAlias, cast

from returnhelper._extras import how_to_install
from returnhelper._secrets import hide
from returnhelper._time import Clock, to_seconds
from returnhelper.errors import ConfigurationError, format_value
from returnhelper.inbox._base import BaseInbox, new_token
from returnhelper.inbox._columns import check_count, from_micros, to_micros
from returnhelper.inbox._group import Group
from returnhelper.inbox.redis import scripts
from returnhelper.inbox.redis.rows import (
    Argument,
    claimed_records_of,
    delivery_of,
    in_micros,
    records_of,
    rows_of,
    time_of,
    values_of,
)
from returnhelper.inbox.store import STATE_CODES, Change, Record, Records, State, Stats

try:
    from returnhelper.inbox.redis.connections import Connections
except ModuleNotFoundError as missing:  # pragma: no cover
    raise ImportError(how_to_install("RedisInbox", "redis", "redis")) from missing

# a name of its own, because an inbox has a method called list
_Flags: TypeAlias = list[bool]

_BATCH: Final = 128
_PURGED_AT_ONCE: Final = 250
_ALL_STATES: Final = "".join(map(str, STATE_CODES.values()))


class RedisInbox(BaseInbox):
    """Keep records in a Redis server that any number of processes may share.

    What an acknowledged record survives depends on the settings of the server:

    - ``appendonly yes`` and ``appendfsync always``: the death of the server and a power cut. Only this keeps the
      promise that nothing acknowledged is lost.
    - ``appendfsync everysec`` (the default with ``appendonly yes``): the death of the server process, but a power cut
      loses up to two seconds of acknowledged records.
    - snapshots alone, or no persistence: everything since the last snapshot is lost with the server process.

    ``maxmemory-policy`` must be ``noeviction``: the ``allkeys-`` ones delete records. Opening the inbox logs a warning about
    settings that break the promise, and refuses nodes of a Redis Cluster with `ConfigurationError`.

    ``url`` is that of a server, or ``redis+sentinel://host1:26379,host2:26379/name-of-the-master/0``. ``replicas`` is how
    many replicas must have a record before it counts as added; with 0, a replica that takes over may lack the last
    acknowledged records. If there are fewer, `add` raises `InboxUnavailable`, and the same add later finds a duplicate.

    All keys begin with ``{name}:``. ``timeout`` is how long a response may take before `InboxUnavailable`, ``poll`` the
    longest time between two checks for records that no notification announced; both are seconds or a timedelta. Leases,
    delays and purges go by the clock of the server; those of the clients may differ.
    """

    _notifies_changes = True

    def __init__(
        self,
        url: str,
        *,
        name: str = "returnhelper-inbox",
        timeout: float | timedelta = 10.0,
        poll: float | timedelta = 5.0,
        replicas: int = 0,
        clock: Clock | None = None,
        token: Callable[[], str] = new_token,
    ) -> None:
        url = hide(url)  # it may contain a password, and crash reports show arguments
        super().__init__(poll=to_seconds("poll", poll), clock=clock, token=token)
        if not isinstance(name, str) or not name or set(name) & {"{", "}"}:
            raise ConfigurationError(f"name must be text without braces, not {format_value(name)}")
        self._name = name
        self._connections = Connections(
            url,
            name=name,
            timeout=to_seconds("timeout", timeout),
            replicas=check_count("replicas", replicas, most=100),
            clock=clock,
            notify=self._notifier.notify,
        )
        self._adds: Group[Record, bool] = Group(self._insert, limit=_BATCH)
        self._changes: Group[Change, bool] = Group(self._update, limit=_BATCH)

    def __repr__(self) -> str:
        return f"RedisInbox(name={self._name!r})"

    async def stats(self) -> Stats:
        """Return how many records are in each state."""
        found = await self._connections.run(scripts.STATS)
        ready, leased, done, held, oldest = cast("tuple[int, int, int, int, bytes]", found)
        return Stats(ready=ready, leased=leased, done=done, held=held, oldest_ready_at=time_of(oldest))

    async def remembers_since(self) -> datetime:
        """Return the time since which no key has been forgotten; a server that lost its data begins anew."""
        return from_micros(await self._connections.check())

    async def now(self) -> datetime:
        """Return the time by the clock of the store."""
        return from_micros(int(cast("bytes", await self._connections.run(scripts.NOW))))

    async def aclose(self) -> None:
        """Close the connections."""
        try:
            await self._adds.settle()
            await self._changes.settle()
        finally:
            await self._connections.close()

    def __del__(self) -> None:
        connections: Connections | None = getattr(self, "_connections", None)
        if connections is not None and connections.open:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=1)

    async def _open(self) -> None:
        await self._connections.check()

    def _add(self, record: Record) -> Awaitable[bool]:
        return self._adds.submit(record)

    async def _claim(self, limit: int, lease: timedelta) -> Records:
        token = self._token()
        found = await self._connections.run(scripts.CLAIM, in_micros(lease), token, limit)
        return claimed_records_of(found, token)

    def _change(self, change: Change) -> Awaitable[bool]:
        return self._changes.submit(change)

    async def _requeue(self, key: str) -> bool:
        return await self._connections.run(scripts.REQUEUE, key) == 1

    async def _dismiss(self, key: str, reason: str) -> bool:
        return await self._connections.run(scripts.DISMISS, key, reason) == 1

    async def _get(self, key: str) -> Record | None:
        found = records_of(await self._connections.run(scripts.GET, key))
        return found[0] if found else None

    async def _list(
        self, state: State | None, limit: int, after: str | None, *, newest_first: bool
    ) -> Records:
        states = _ALL_STATES if state is None else str(STATE_CODES[state])
        values = (states, after or "", limit, int(newest_first))
        return records_of(await self._connections.run(scripts.LIST, *values))

    async def _purge(self, older_than: datetime, since: datetime, limit: int) -> int:
        gone, batch, times = 0, _PURGED_AT_ONCE, (to_micros(older_than), to_micros(since))
        # a script keeps everybody waiting until it ends
        while gone < limit and batch == _PURGED_AT_ONCE:
            left = min(limit - gone, _PURGED_AT_ONCE)
            batch = cast("int", await self._connections.run(scripts.PURGE, *times, left))
            gone += batch
        return gone

    async def _restore(self, records: Records) -> _Flags:
        added: _Flags = []
        for batch in (records[start : start + _BATCH] for start in range(0, len(records), _BATCH)):
            added += await self._insert(batch, restored=True)
        return added

    async def _remember(self, since: datetime) -> None:
        await self._connections.run(scripts.REMEMBER, to_micros(since))

    async def _listen(self) -> None:
        await self._connections.listen()

    async def _next_due(self) -> timedelta | None:
        due = cast("int | None", await self._connections.run(scripts.DUE))
        return None if due is None else timedelta(microseconds=due)

    async def _insert(self, records: Records, *, restored: bool = False) -> _Flags:
        values: list[Argument] = [
            scripts.SCHEMA,
            rows_of(records, restored=restored),
            *map(delivery_of, records),
        ]
        # only one group of adds is written at a time
        send = self._connections.run if restored else self._connections.add
        added = cast("Sequence[int]", await send(scripts.ADD, *values))
        return [new == 1 for new in added]

    async def _update(self, changes: Sequence[Change]) -> _Flags:
        values = chain.from_iterable(map(values_of, changes))
        if any(change.state is not State.LEASED for change in changes):
            # A claim that waits for this wakes after what follows has been queued: it goes out behind it, or together with it.
            self._notifier.notify()
        changed = cast("Sequence[int]", await self._connections.run(scripts.CHANGE, *values))
        return [one == 1 for one in changed]

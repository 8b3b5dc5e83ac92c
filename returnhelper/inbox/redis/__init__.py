"""An inbox in Redis: shared by any number of machines, as durable as the server is told to be."""

from __future__ import annotations

import asyncio
import contextlib
import time
import warnings
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from returnhelper._time import Clock, utc_now
from returnhelper.errors import ConfigurationError, InboxUnavailable, SchemaTooNew
from returnhelper.inbox._base import BaseInbox, new_token, require_addable, require_limit, require_positive
from returnhelper.inbox._group import Group, running_loop
from returnhelper.inbox.redis import scripts as lua
from returnhelper.inbox.redis.rows import Argument, delivery_of, moment_of, records_of, rows_of, values_of
from returnhelper.inbox.store import (
    STATE_CODES,
    Added,
    AddResult,
    Change,
    Duplicate,
    Record,
    Records,
    State,
    Stats,
    from_micros,
    storable_key,
    to_micros,
)

try:
    from redis.asyncio import ConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as ConnectionLost
    from redis.exceptions import ReadOnlyError, RedisError
except ImportError as missing:  # pragma: no cover
    raise ImportError('RedisInbox needs redis: pip install "returnhelper[redis]"') from missing

if TYPE_CHECKING:
    from redis.commands.core import AsyncScript

R = TypeVar("R")
_AddResults: TypeAlias = list[AddResult]
_Answers: TypeAlias = list[bool]
_FAILURES = (RedisError, OSError, TimeoutError)


class RedisInbox(BaseInbox):
    """Keep records in a Redis server that any number of processes may share.

    What an acknowledged record survives is the server's setting, not ours:

    - ``appendonly yes`` and ``appendfsync always``: the death of the server and a power cut. Only this keeps the
      promise that nothing acknowledged is lost.
    - ``appendfsync everysec`` (the default with ``appendonly yes``): the death of the server process, but a power cut
      takes up to two seconds of acknowledged records.
    - snapshots alone, or no persistence: everything since the last snapshot is lost with the server process.

    ``maxmemory-policy`` must be ``noeviction``: any other one may throw records away. A replica that takes over may
    lack the last acknowledged records. All keys begin with ``{name}:``, so that a cluster keeps them in one slot.
    ``timeout`` is how many seconds an answer may take before `InboxUnavailable`. Leases compare the clocks of the
    machines: keep them in step.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "returnhelper-inbox",
        timeout: float = 10.0,
        poll: float = 5.0,
        clock: Clock = utc_now,
        token: Callable[[], str] = new_token,
    ) -> None:
        super().__init__(clock=clock, token=token)
        require_positive(timeout=timeout, poll=poll)
        _need_url(url)
        self._url = url
        self._name = name
        self._prefix = "{" + name + "}:"
        self._timeout = timeout
        self._poll = poll
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Redis | None = None
        self._scripts: dict[str, AsyncScript] = {}
        self._checked = False
        self._listener: asyncio.Task[None] | None = None
        self._adds: Group[Record, AddResult] = Group(self._insert, limit=128)
        self._changes: Group[Change, bool] = Group(self._update, limit=128)

    def __repr__(self) -> str:
        return f"RedisInbox(name={self._name!r})"

    async def add(self, record: Record) -> AddResult:
        """Store a record unless its key is known; how durably is the server's setting."""
        require_addable(record)
        result = await self._adds.submit(record)
        if result is Added and record.state is State.READY:
            self._notifier.notify()
        return result

    async def _claim(self, limit: int, now: datetime, until: datetime) -> Records:
        return records_of(await self._run(lua.CLAIM, to_micros(now), to_micros(until), self._token(), limit))

    async def _change(self, change: Change) -> bool:
        return await self._changes.submit(change)

    async def requeue(self, key: str) -> bool:
        """Make a held, done or waiting record claimable now."""
        done = await self._run(lua.REQUEUE, to_micros(self._clock()), storable_key(key)) == 1
        if done:
            self._notifier.notify()
        return done

    async def get(self, key: str) -> Record | None:
        """Return the record of a key, or None."""
        found = records_of(await self._run(lua.GET, "", storable_key(key)))
        return found[0] if found else None

    async def list(
        self,
        state: State | None = None,
        *,
        limit: int = 100,
        after: str | None = None,
        newest_first: bool = False,
    ) -> Records:
        """Return records in the order of their arrival, or the newest first."""
        require_limit(limit)
        where = "0123" if state is None else str(STATE_CODES[state])
        start = "" if after is None else storable_key(after)
        side = "newest" if newest_first else "oldest"
        return records_of(await self._run(lua.LIST, "", where, start, limit, side))

    async def _purge(self, older_than: datetime, since: datetime, limit: int) -> int:
        return cast("int", await self._run(lua.PURGE, to_micros(older_than), to_micros(since), limit))

    async def stats(self) -> Stats:
        """Return how many records stand where."""
        ready, leased, done, held, oldest = cast(
            "tuple[int, int, int, int, bytes]", await self._run(lua.STATS)
        )
        return Stats(ready=ready, leased=leased, done=done, held=held, oldest_ready_at=moment_of(oldest))

    async def remembers_since(self) -> datetime:
        """Return the time since which no key has been forgotten; a server that lost its data begins anew."""
        return from_micros(await self._check())

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109
        """Return when something may be claimable, or after ``timeout`` seconds."""
        end = time.monotonic() + min(timeout, self._poll)
        await self._listen(await self._connected())
        if await self._notifier.wait(0):
            return
        dues = cast("Sequence[bytes]", await self._run(lua.DUE))
        left = end - time.monotonic()
        now = to_micros(self._clock())
        for due in dues:
            if due:
                left = min(left, (float(due) - now) / 1e6)
        await self._notifier.wait(left)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._loop is not asyncio.get_running_loop():
            self._client = self._listener = None
            return
        try:
            await self._adds.settle()
            await self._changes.settle()
        finally:
            listener, self._listener = self._listener, None
            client, self._client = self._client, None
            try:
                if listener is not None:
                    listener.cancel()
                    await asyncio.wait({listener})
            finally:
                if client is not None:
                    with contextlib.suppress(*_FAILURES):
                        await client.aclose()

    def __del__(self) -> None:
        if getattr(self, "_client", None) is not None:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=1)

    async def _open(self) -> None:
        await self._check()

    async def _connected(self) -> Redis:
        client = self._client_of_this_loop()
        if not self._checked:
            # everyone who comes before the first answer asks: nobody may write to a store of a newer release
            await self._check()
        return client

    def _client_of_this_loop(self) -> Redis:
        loop = running_loop(self._loop)
        if self._loop is not loop or self._client is None:
            # connections belong to the loop that made them; those of a loop that ended are dead
            self._loop, self._listener, self._checked = loop, None, False
            self._client = Redis.from_url(
                self._url,
                socket_timeout=self._timeout,
                socket_connect_timeout=self._timeout,
                # once more at once: a restart leaves dead connections in the pool. Not after a timeout: nobody waits twice
                retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionLost,)),
            )
            self._scripts = {}
        return self._client

    async def _check(self) -> int:
        client = self._client_of_this_loop()
        answer = await self._script(client, lua.OPEN, to_micros(self._clock()), lua.SCHEMA)
        version, since = cast("tuple[bytes, bytes]", answer)
        if int(version) > lua.SCHEMA:
            raise SchemaTooNew(
                f"the Redis inbox {self._name} has schema {int(version)}, this release knows up to {lua.SCHEMA}: "
                "update the package, or give it another name"
            )
        self._checked = True
        return int(since)

    async def _run(self, script: str, *values: Argument) -> object:
        return await self._script(await self._connected(), script, *values)

    async def _script(self, client: Redis, script: str, *values: Argument) -> object:
        try:
            registered = self._scripts.get(script)
            if registered is None:
                registered = self._scripts[script] = client.register_script(script)
            return await _obedient(registered(keys=[self._prefix], args=values))
        except _FAILURES as error:
            if isinstance(error, ReadOnlyError):
                # another server took over: a new connection may lead there, the old ones never do
                await client.connection_pool.disconnect(inuse_connections=False)
            raise _unavailable(error) from error

    async def _listen(self, client: Redis) -> None:
        if self._listener is not None and not self._listener.done():
            return
        subscribed = asyncio.get_running_loop().create_future()
        self._listener = asyncio.create_task(
            self._hear(client, subscribed), name="returnhelper inbox wake-up"
        )
        try:
            await subscribed
        except _FAILURES as error:
            raise _unavailable(error) from error
        # what came before we listened rang for nobody
        self._notifier.notify()

    async def _hear(self, client: Redis, subscribed: asyncio.Future[None]) -> None:
        try:
            async with client.pubsub() as channel:
                await _obedient(channel.subscribe(f"{self._prefix}wake"))
                await _obedient(channel.get_message(timeout=self._timeout))
                if not subscribed.done():
                    subscribed.set_result(None)
                while True:
                    # a second confirmation tells of a new connection: what came in between rang for nobody
                    if await _obedient(channel.get_message(timeout=self._poll)) is not None:
                        self._notifier.notify()
        except _FAILURES as error:
            if not subscribed.done():
                subscribed.set_exception(error)
        finally:
            # who waits looks for itself, and meets the outage
            subscribed.cancel()
            self._notifier.notify()

    async def _insert(self, records: Records) -> _AddResults:
        values: list[Argument] = [lua.SCHEMA, rows_of(records), *map(delivery_of, records)]
        added = cast("Sequence[int]", await self._run(lua.ADD, to_micros(self._clock()), *values))
        return [Added if new else Duplicate for new in added]

    async def _update(self, changes: Sequence[Change]) -> _Answers:
        values = chain.from_iterable(map(values_of, changes))
        answers = cast("Sequence[int]", await self._run(lua.CHANGE, to_micros(self._clock()), *values))
        return [answer == 1 for answer in answers]


def _need_url(url: str) -> None:
    try:
        ConnectionPool.from_url(url).make_connection()  # type: ignore[no-untyped-call]
    except (TypeError, ValueError) as error:
        # the address may hold a password
        raise ConfigurationError(
            f"url is not the address of a Redis server: {type(error).__name__}"
        ) from None


async def _obedient(call: Awaitable[R]) -> R:
    """Return what a call returns, unless it swallows a cancellation, as what uses wait_for in Python 3.11 may."""
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    result = await call
    if task.cancelling() > before:
        raise asyncio.CancelledError
    return result


def _unavailable(error: BaseException) -> InboxUnavailable:
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    return InboxUnavailable(f"the Redis inbox cannot be used: {text}; it is tried again at the next call")

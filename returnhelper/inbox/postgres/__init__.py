"""An inbox in PostgreSQL: shared by any number of machines, and open to the caller's own transactions."""

from __future__ import annotations

import asyncio
import re
import time
import warnings
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from returnhelper._time import Clock, utc_now
from returnhelper.errors import ConfigurationError, InboxUnavailable, SchemaTooNew
from returnhelper.inbox._base import BaseInbox, new_token, require_addable, require_limit, require_positive
from returnhelper.inbox._group import Group, in_rounds, running_loop
from returnhelper.inbox.postgres import schema as sql
from returnhelper.inbox.postgres.rows import as_json, record_of, row_of, row_of_change
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
    storable_key,
)

try:
    import asyncpg
except ImportError as missing:  # pragma: no cover
    raise ImportError('PostgresInbox needs asyncpg: pip install "returnhelper[postgres]"') from missing

if TYPE_CHECKING:
    _Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
    _AnyConnection: TypeAlias = _Connection | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    _Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]

R = TypeVar("R")
_AddResults: TypeAlias = list[AddResult]
_Answers: TypeAlias = list[bool]
_FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
_CLAIM_TRIES = 20
_LOOK = 8


class PostgresInbox(BaseInbox):
    """Keep records in a table that any number of processes may share.

    An acknowledged record is as safe as the server's ``fsync`` and ``synchronous_commit`` settings make a commit; with
    the defaults it survives a crash. ``table`` is the prefix of every name that is created, in the first schema of the
    search path. ``timeout`` is how many seconds a statement may take before `InboxUnavailable`. Leases compare the
    clocks of the machines: keep them in step. Notifier-ups use LISTEN, so a pooler in transaction mode delays them to
    ``poll`` seconds.
    """

    def __init__(
        self,
        dsn: str,
        *,
        table: str = "returnhelper_inbox",
        max_connections: int = 4,
        timeout: float = 10.0,
        poll: float = 5.0,
        clock: Clock = utc_now,
        token: Callable[[], str] = new_token,
    ) -> None:
        super().__init__(clock=clock, token=token)
        require_positive(max_connections=max_connections, timeout=timeout, poll=poll)
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,40}", table):
            raise ConfigurationError("table must be lower case letters, digits and underscores, 41 at most")
        self._dsn = dsn
        self._table = table
        self._max_connections = max_connections
        self._timeout = timeout
        self._poll = poll
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening: asyncio.Lock | None = None
        self._pool: _Pool | None = None
        self._listener: _Connection | None = None
        self._adds: Group[Record, AddResult] = Group(self._insert, limit=256)
        self._changes: Group[Change, bool] = Group(self._update, limit=256)

    def __repr__(self) -> str:
        return f"PostgresInbox(table={self._table!r})"

    async def add(self, record: Record, *, connection: _AnyConnection | None = None) -> AddResult:
        """Store a record unless its key is known; it is committed when this returns.

        With ``connection`` it is stored in the transaction that is open there, and committed with it: its errors are
        then those of asyncpg, as for any other statement of that transaction.
        """
        require_addable(record)
        if connection is None:
            result = await self._adds.submit(record)
            if result is Added and record.state is State.READY:
                self._notifier.notify()
            return result
        await self._open()
        return (await self._insert_with(connection, [record]))[0]

    async def _claim(self, limit: int, now: datetime, until: datetime) -> Records:
        token, look = self._token(), limit * _LOOK
        for _ in range(_CLAIM_TRIES):

            async def attempt(db: _AnyConnection, look: int = look) -> list[asyncpg.Record]:
                await db.execute(self._sql(sql.SWEEP), now)
                return await db.fetch(self._sql(sql.CLAIM), now, limit, token, until, look)

            try:
                rows = await self._run(attempt)
            except _Collision:
                # another process leased the same ordering key between our look and our write
                continue
            claimed = [record_of(row) for row in rows if row["key"] is not None]
            more = rows[0]["seen"] == look
            if claimed or not more:
                if more:
                    self._notifier.notify()
                return claimed
            # all of these wait for something: look further
            look *= _LOOK
        self._notifier.notify()
        return []

    async def _change(self, change: Change) -> bool:
        return await self._changes.submit(change)

    async def requeue(self, key: str) -> bool:
        """Make a held, done or waiting record claimable now."""
        rows = await self._fetch(sql.REQUEUE, storable_key(key))
        if rows:
            self._notifier.notify()
        return bool(rows)

    async def get(self, key: str) -> Record | None:
        """Return the record of a key, or None."""
        rows = await self._fetch(f"SELECT {sql.COLUMNS} FROM {{t}} WHERE key = $1", storable_key(key))  # noqa: S608
        return record_of(rows[0]) if rows else None

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
        side, order = ("<", "DESC") if newest_first else (">", "ASC")
        where = "true" if state is None else f"state = {STATE_CODES[state]}"
        values: list[object] = [limit]
        if after is not None:
            where += f" AND seq {side} (SELECT seq FROM {{t}} WHERE key = $2)"  # noqa: S608
            values.append(storable_key(after))
        query = f"SELECT {sql.COLUMNS} FROM {{t}} WHERE {where} ORDER BY seq {order} LIMIT $1"  # noqa: S608
        return [record_of(row) for row in await self._fetch(query, *values)]

    async def _purge(self, older_than: datetime, since: datetime, limit: int) -> int:
        rows = await self._fetch(sql.PURGE, older_than, since, limit)
        return int(rows[0][0])

    async def stats(self) -> Stats:
        """Return how many records stand where."""
        row = (await self._fetch(sql.STATS))[0]
        return Stats(ready=row[0], leased=row[1], done=row[2], held=row[3], oldest_ready_at=row[4])

    async def remembers_since(self) -> datetime:
        """Return the time since which no key has been forgotten."""
        since: datetime = (await self._fetch("SELECT since FROM {t}_meta"))[0][0]
        return since

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109
        """Return when something may be claimable, or after ``timeout`` seconds."""
        end = time.monotonic() + min(timeout, self._poll)
        try:
            await self._listen()
        except _FAILURES as error:
            raise _unavailable(error) from error
        if await self._notifier.wait(0):
            return
        now = self._clock()
        due = (await self._fetch(sql.DUE, now))[0][0]
        left = end - time.monotonic()
        await self._notifier.wait(left if due is None else min(left, (due - now).total_seconds()))

    async def aclose(self) -> None:
        """Close the connections."""
        try:
            await self._adds.settle()
            await self._changes.settle()
        finally:
            pool, self._pool = self._pool, None
            listener, self._listener = self._listener, None
            if self._loop is asyncio.get_running_loop():
                await self._disconnect(pool, listener)

    async def _disconnect(self, pool: _Pool | None, listener: _Connection | None) -> None:
        if listener is not None:
            listener.terminate()
        if pool is not None:
            try:
                async with asyncio.timeout(self._timeout):
                    await pool.close()
            except (TimeoutError, *_FAILURES):
                pool.terminate()

    def __del__(self) -> None:
        if getattr(self, "_pool", None) is not None:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=1)

    async def _open(self) -> None:
        try:
            await self._pool_of_this_loop()
        except _FAILURES as error:
            raise _unavailable(error) from error

    async def _pool_of_this_loop(self) -> _Pool:
        loop = running_loop(self._loop)
        if self._loop is not loop:
            # connections belong to the loop that made them; those of a loop that ended are dead
            self._loop, self._pool, self._listener, self._opening = loop, None, None, asyncio.Lock()
        if self._pool is not None:
            return self._pool
        assert self._opening is not None
        async with self._opening:
            if self._pool is None:
                try:
                    self._pool = await self._make_pool()
                except ValueError as error:
                    # the address may hold a password
                    text = f"dsn is not the address of a PostgreSQL server: {type(error).__name__}"
                    raise ConfigurationError(text) from None
        return self._pool

    async def _make_pool(self) -> _Pool:
        pool = await asyncpg.create_pool(
            self._dsn,
            min_size=0,
            max_size=self._max_connections,
            timeout=self._timeout,
            command_timeout=self._timeout,
            reset=_as_it_is,
        )
        try:
            async with pool.acquire() as db:
                await self._migrate(db)
        except BaseException:
            pool.terminate()
            raise
        return pool

    async def _migrate(self, db: _AnyConnection) -> None:
        async with db.transaction():
            await db.execute("SELECT pg_advisory_xact_lock(hashtext($1))", self._table)
            await db.execute("SET LOCAL client_min_messages = warning")
            # a role that may not create tables may use those that are there
            if not await db.fetchval(sql.EXISTS, f"{self._table}_meta"):
                await db.execute(self._sql(sql.META))
            version = await db.fetchval(self._sql("SELECT version FROM {t}_meta")) or 0
            if version > sql.SCHEMA:
                raise SchemaTooNew(
                    f"the tables {self._table} have schema {version}, this release knows up to {sql.SCHEMA}: "
                    "update the package, or name another table"
                )
            for script in sql.MIGRATIONS[version:]:
                await db.execute(self._sql(script))
            if version == 0:
                query = self._sql("INSERT INTO {t}_meta VALUES ($1, $2)")
                await db.execute(query, sql.SCHEMA, self._clock())
            elif version < sql.SCHEMA:
                await db.execute(self._sql("UPDATE {t}_meta SET version = $1"), sql.SCHEMA)

    async def _listen(self) -> None:
        await self._pool_of_this_loop()
        assert self._opening is not None
        async with self._opening:
            if self._listener is not None and not self._listener.is_closed():
                return
            listener = await asyncpg.connect(self._dsn, timeout=self._timeout, command_timeout=self._timeout)
            try:
                await listener.add_listener(self._table, self._rung)
                # who waits looks for itself, listens anew or meets the outage
                listener.add_termination_listener(self._rung)
            except BaseException:
                listener.terminate()
                raise
            self._listener = listener
        # what came before we listened rang for nobody
        self._notifier.notify()

    def _rung(self, *_: object) -> None:
        self._notifier.notify()

    def _sql(self, statement: str) -> str:
        return statement.replace("{t}", self._table)

    async def _fetch(self, statement: str, *values: object) -> Sequence[asyncpg.Record]:
        async def fetch(db: _AnyConnection) -> Sequence[asyncpg.Record]:
            return await db.fetch(self._sql(statement), *values)

        return await self._run(fetch)

    async def _run(self, work: Callable[[_AnyConnection], Coroutine[object, object, R]]) -> R:
        try:
            pool = await self._pool_of_this_loop()
            async with pool.acquire(timeout=self._timeout) as db:
                try:
                    return await work(db)
                except asyncpg.ReadOnlySQLTransactionError:
                    # another server took over: a new connection may lead there, the old ones never do
                    await pool.expire_connections()
                    raise
        except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError) as error:
            raise _Collision(str(error)) from error
        except _FAILURES as error:
            raise _unavailable(error) from error

    async def _insert(self, records: Records) -> _AddResults:
        async def insert(db: _AnyConnection) -> _AddResults:
            return await self._insert_with(db, records)

        return await self._run(insert)

    async def _insert_with(self, db: _AnyConnection, records: Records) -> _AddResults:
        # in the order of the keys: two processes that add the same ones do not lock each other out
        rows = sorted(records, key=lambda record: record.key)
        bodies = [record.body for record in rows]
        found = await db.fetch(self._sql(sql.INSERT), as_json([row_of(record) for record in rows]), bodies)
        added = {row[0] for row in found}
        results = []
        for record in records:
            results.append(Added if record.key in added else Duplicate)
            added.discard(record.key)
        return results

    async def _update(self, changes: Sequence[Change]) -> _Answers:
        return await in_rounds(changes, lambda change: change.key, self._update_round)

    async def _update_round(self, changes: Sequence[Change]) -> _Answers:
        rows = [row_of_change(change) for change in sorted(changes, key=lambda change: change.key)]
        changed = {row[0] for row in await self._fetch(sql.CHANGE, as_json(rows))}
        return [change.key in changed for change in changes]


class _Collision(InboxUnavailable):
    """Two processes wanted the same rows at the same time."""


async def _as_it_is(_: _Connection) -> None:
    """Spare the reset of a connection that goes back to the pool: it is a round trip, and we leave nothing behind."""


def _unavailable(error: BaseException) -> InboxUnavailable:
    # the messages of asyncpg name hosts and users, no passwords; the type alone is enough for a lost connection
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    return InboxUnavailable(
        f"the PostgreSQL inbox cannot be used: {text}; it is tried again at the next call"
    )

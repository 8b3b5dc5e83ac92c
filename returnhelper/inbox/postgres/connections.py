"""The connections of a PostgreSQL inbox: a pool, and one that listens for notifications."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

from returnhelper._secrets import hide, without_frames
from returnhelper.errors import (
    ConfigurationError,
    InboxError,
    InboxUnavailable,
    format_value,
)
from returnhelper.inbox._base import HEARTBEAT
from returnhelper.inbox._group import Rejected
from returnhelper.inbox._loop import LoopOwner
from returnhelper.inbox.postgres.driver import asyncpg
from returnhelper.inbox.postgres.opening import Opening

if TYPE_CHECKING:
    from returnhelper.inbox.postgres.driver import AnyConnection, Connection, Pool

R = TypeVar("R")
_FAILURES: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
# faults of the data, not of the server: SQLSTATE classes 22, 23 and 54, and values that asyncpg cannot encode
_DATA_FAULTS: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
_POOLER_FAULTS: Final = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)
_ENCODE: Final = (
    "percent-encode special characters in user and password, such as %23 for #, %2F for / and %40 for @"
)


class _Collision(InboxUnavailable):
    """Two processes wanted the same rows at the same time."""


class Connections:
    """Opened on first use, and again in the next event loop."""

    def __init__(
        self,
        dsn: str,
        *,
        table: str,
        max_connections: int,
        max_transactions: int,
        timeout: float,
        clock: Callable[[], datetime | None],
        notify: Callable[[], None],
    ) -> None:
        self._dsn = check_dsn(dsn)
        self._table = table
        self._max_connections = max_connections
        self._max_transactions = max_transactions
        self._timeout = timeout
        self._clock = clock
        self._notify = notify
        self._owner = LoopOwner()
        self._opening: asyncio.Lock | None = None
        self._pool: Pool | None = None
        # handlers keep a connection for as long as they run: from the pool above, claims and leases would have none left
        self._lending: Pool | None = None
        self._listener: Connection | None = None
        self._heard_at = 0.0
        self._loses_statements = False

    @property
    def open(self) -> bool:
        """Return whether there is a pool to close."""
        return self._pool is not None

    def statement(self, template: str) -> str:
        """Return a statement over the tables of this inbox."""
        return template.replace("{t}", self._table)

    async def fetch(
        self,
        template: str,
        *values: object,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Sequence[asyncpg.Record]:
        """Return the rows of a statement."""

        async def fetch(db: AnyConnection) -> Sequence[asyncpg.Record]:
            return await db.fetch(self.statement(template), *values, timeout=timeout)

        return await self.run(fetch)

    async def run(self, work: Callable[[AnyConnection], Coroutine[object, object, R]]) -> R:
        """Return what ``work`` returns with a connection of the pool; raise our errors."""
        try:
            pool = await self._get_pool()
            async with pool.acquire(timeout=self._timeout) as db:
                try:
                    if not self._loses_statements:
                        return await work(db)
                    async with db.transaction():  # which a pooler does not part from its connection
                        return await work(db)
                except asyncpg.ReadOnlySQLTransactionError:
                    # another server has become the primary: a new connection may lead there, the old ones never do
                    await pool.expire_connections()
                    raise
        except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError) as error:
            raise _Collision(str(error)) from without_frames(error, "asyncpg")
        except _FAILURES as error:
            if isinstance(error, asyncpg.UndefinedTableError):
                # somebody dropped the tables: the next call creates them
                await self.close()
            raise _translate(error) from without_frames(error, "asyncpg")

    @contextlib.asynccontextmanager
    async def lend(self) -> AsyncIterator[AnyConnection]:
        """Lend a connection for the transaction of a handler; wait until one is free."""
        await self._get_pool()
        if self._lending is None:
            # with the reset of asyncpg: handlers may leave settings and locks behind
            self._lending = self._make_pool(self._max_transactions, command_timeout=None, reset=None)
        await self._lending  # opens it, unless that is done
        async with self._lending.acquire() as db:
            yield db

    async def open_pool(self) -> None:
        """Connect and migrate, unless that is done."""
        try:
            await self._get_pool()
        except _FAILURES as error:
            raise _translate(error) from without_frames(error, "asyncpg")

    async def listen(self) -> None:
        """Listen for notifications, unless that is done."""
        try:
            await self._listen()
        except _FAILURES as error:
            raise _translate(error) from without_frames(error, "asyncpg")

    async def close(self) -> None:
        """Close what this event loop has opened."""
        another = self._owner.enter(self._pool, self._listener, self._lending)
        pools, self._pool, self._lending = [self._lending, self._pool], None, None
        listener, self._listener = self._listener, None
        if another:
            return
        await self._owner.leave()
        if listener is not None:
            listener.terminate()
        for pool in filter(None, pools):
            try:
                async with asyncio.timeout(self._timeout):
                    await pool.close()
            except (TimeoutError, *_FAILURES):
                pool.terminate()

    async def _get_pool(self) -> Pool:
        if self._owner.enter(self._pool, self._listener, self._lending):
            # connections belong to the loop that opened them
            self._pool, self._lending, self._listener, self._opening = None, None, None, asyncio.Lock()
        if self._pool is not None:
            return self._pool
        assert self._opening is not None
        async with self._opening:
            if self._pool is None:
                await self._owner.close_with_loop(self.close)
                self._pool = await self._create_pool()
        return self._pool

    async def _create_pool(self) -> Pool:
        try:
            db = await self._connect()
        except ValueError as error:
            problem = type(error).__name__  # its text may show the password
        else:
            try:
                opening = Opening(db, table=self._table, clock=self._clock)
                await opening.migrate()
                await opening.warn_of_settings()
                self._loses_statements = await opening.loses_statements(self._connect)
            finally:
                db.terminate()
            return await self._make_pool(
                self._max_connections, command_timeout=self._timeout, reset=_skip_reset
            )
        raise ConfigurationError(f"dsn is not the address of a PostgreSQL server ({problem}): {_ENCODE}")

    def _connect(self) -> Awaitable[Connection]:
        # without a cache of statements: a pooler may lose them, and these connections prepare few
        return asyncpg.connect(
            self._dsn, timeout=self._timeout, command_timeout=self._timeout, statement_cache_size=0
        )

    def _make_pool(
        self,
        size: int,
        *,
        command_timeout: float | None,
        reset: Callable[[Connection], Awaitable[None]] | None,
    ) -> Pool:
        return asyncpg.create_pool(
            self._dsn,
            min_size=0,
            max_size=size,
            timeout=self._timeout,
            command_timeout=command_timeout,
            statement_cache_size=0 if self._loses_statements else 100,
            reset=reset,
        )

    async def _listen(self) -> None:
        await self._get_pool()
        assert self._opening is not None
        async with self._opening:
            if self._listener is not None and await self._is_alive(self._listener):
                return
            listener = await self._connect()
            try:
                await listener.add_listener(self._table, self._notified)
                # waiters then claim, listen again or learn of the outage
                listener.add_termination_listener(self._notified)
            except BaseException:
                listener.terminate()
                raise
            self._listener, self._heard_at = listener, time.monotonic()
        # what was added before we listened notified nobody
        self._notify()

    async def _is_alive(self, listener: Connection) -> bool:
        """Return whether a connection still listens; after a silence, ask its server."""
        if listener.is_closed():
            return False
        if time.monotonic() - self._heard_at < HEARTBEAT:
            return True
        try:
            await listener.execute("SELECT 1", timeout=min(HEARTBEAT, self._timeout))
        except _FAILURES:
            listener.terminate()
            return False
        self._heard_at = time.monotonic()
        return True

    def _notified(self, *_: object) -> None:
        self._heard_at = time.monotonic()
        self._notify()


async def _skip_reset(_: Connection) -> None:
    """Do not reset a connection that returns to the pool: it is a round trip, and we leave nothing behind."""


def check_dsn(dsn: object) -> str:
    """Return a DSN; refuse what cannot be one, without showing it."""
    example = "postgresql://user:password@host/database"
    if not isinstance(dsn, str):
        raise ConfigurationError(f"dsn must be text, such as {example}, not {type(dsn).__name__}")
    if "://" not in dsn:
        what = "empty" if not dsn.strip() else "of another form"
        raise ConfigurationError(f"dsn must be a URL, such as {example}; it is {what}")
    scheme = dsn.strip().partition("://")[0]
    if scheme.startswith(("postgresql+", "postgres+")):
        raise ConfigurationError(f"dsn must begin with postgresql://, not with SQLAlchemy's {scheme}://")
    if scheme not in ("postgresql", "postgres"):
        raise ConfigurationError(f"dsn must begin with postgresql://, not with {format_value(scheme)}")
    if "#" in dsn:
        raise ConfigurationError(f"dsn contains a #, which ends a URL: {_ENCODE}")
    return hide(dsn.strip())


def _translate(error: BaseException) -> InboxError:
    """Return our error for one of asyncpg; the messages of asyncpg name hosts and users, no passwords."""
    text = f"{type(error).__name__}: {error}".partition("\n")[0].rstrip(": ")
    if isinstance(error, _DATA_FAULTS):
        return Rejected(f"the PostgreSQL inbox cannot keep this: {text}")
    if isinstance(error, _POOLER_FAULTS):
        text += (
            "; a pooler in transaction mode that does not keep prepared statements causes this: use PgBouncer 1.21 or newer "
            "with max_prepared_statements, or session mode, or connect to the server itself"
        )
    return InboxUnavailable(f"the PostgreSQL inbox cannot be used: {text}; the next call tries again")

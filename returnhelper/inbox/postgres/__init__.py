"""An inbox in PostgreSQL: shared by any number of machines, and open to the caller's own transactions."""

from __future__ import annotations

import re
import warnings
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from returnhelper._secrets import hide
from returnhelper._time import Clock, to_seconds
from returnhelper.errors import ConfigurationError, format_value
from returnhelper.inbox._base import BaseInbox, check_new, new_token
from returnhelper.inbox._columns import check_count
from returnhelper.inbox._group import Group, in_rounds
from returnhelper.inbox.postgres import schema as sql
from returnhelper.inbox.postgres.chores import Chores
from returnhelper.inbox.postgres.connections import Connections, _Collision
from returnhelper.inbox.postgres.rows import as_json, full_row_of, record_of, row_of, row_of_change
from returnhelper.inbox.postgres.transaction import ServerTransaction
from returnhelper.inbox.store import Added, AddResult, Change, Duplicate, Record, Records, State, Stats

if TYPE_CHECKING:
    from returnhelper.inbox.postgres.driver import AnyConnection

# a name of its own, because an inbox has a method called list
_Flags: TypeAlias = list[bool]

_CLAIM_TRIES: Final = 20
_VACUUM_TIMEOUT: Final = 3600.0


class PostgresInbox(BaseInbox):
    """Keep records in a table that any number of processes may share.

    An acknowledged record is as safe as the server's ``fsync`` and ``synchronous_commit`` settings make a commit; with
    the defaults it survives a crash. ``table`` is the prefix of every name that is created, in the first schema of the
    search path. ``timeout`` is how long a statement may take before `InboxUnavailable`, ``poll`` the longest time between
    two checks for records that no notification announced; both are seconds or a timedelta. Leases, waits and purges are
    judged by the clock of the server; ``clock`` replaces it in tests. Wake-ups use LISTEN, so a pooler in transaction
    mode delays them to ``poll``.
    """

    def __init__(
        self,
        dsn: str,
        *,
        table: str = "returnhelper_inbox",
        max_connections: int = 4,
        max_transactions: int = 16,
        timeout: float | timedelta = 10.0,
        poll: float | timedelta = 5.0,
        clock: Clock | None = None,
        token: Callable[[], str] = new_token,
    ) -> None:
        dsn = hide(dsn)  # it may contain a password, and crash reports show arguments
        super().__init__(poll=to_seconds("poll", poll), clock=clock, token=token)
        if not isinstance(table, str) or not re.fullmatch(r"[a-z_][a-z0-9_]{0,40}", table):
            raise ConfigurationError(
                "table must be at most 41 lower case letters, digits and underscores, and not begin with a digit, "
                f"not {format_value(table)}"
            )
        self._table = table
        self._timeout = to_seconds("timeout", timeout)
        # what the statements take for the time: None lets the server use its own
        self._time = clock or _server_time
        self._connections = Connections(
            dsn,
            table=table,
            max_connections=check_count("max_connections", max_connections, least=1, most=10_000),
            max_transactions=check_count("max_transactions", max_transactions, least=1, most=10_000),
            timeout=self._timeout,
            clock=self._time,
            notify=self._notifier.notify,
        )
        self._chores = Chores(
            notify=lambda: self._connections.fetch(sql.NOTIFY),
            fold=lambda: self._connections.fetch(sql.FOLD),
            vacuum=lambda: self._connections.fetch(sql.VACUUM, timeout=_VACUUM_TIMEOUT),
        )
        self._adds: Group[Record, bool] = Group(self._insert, limit=256)
        self._changes: Group[Change, bool] = Group(self._update, limit=256)

    def __repr__(self) -> str:
        return f"PostgresInbox(table={self._table!r})"

    async def add(self, record: Record, *, connection: AnyConnection | None = None) -> AddResult:
        """Store a record unless its key is known; it is committed when this returns.

        With ``connection`` it is stored in the transaction that is open there, and committed with it: errors are then
        those of asyncpg, as for any other statement of that transaction.
        """
        if connection is None:
            return await super().add(record)
        check_new(record)
        if not hasattr(connection, "fetch"):
            raise ConfigurationError(
                f"connection must be a connection of asyncpg, not {format_value(connection)}"
            )
        await self._connections.open_pool()
        added = await self._insert_one(connection, record)
        return Added if added else Duplicate

    async def stats(self) -> Stats:
        """Return how many records are in each state."""
        (row,) = await self._connections.fetch(sql.STATS)
        return Stats(**row)

    async def remembers_since(self) -> datetime:
        """Return the time since which no key has been forgotten."""
        since: datetime = (await self._connections.fetch(sql.REMEMBERS_SINCE))[0][0]
        return since

    def transaction(self) -> ServerTransaction:
        """Return a transaction that has not begun, for a `Worker` to complete a record in."""
        return ServerTransaction(
            self._connections.lend,
            insert=self._insert_one,
            change=self._change_one,
            notify=self._notifier.notify,
            timeout=self._timeout,
        )

    async def now(self) -> datetime:
        """Return the time by the clock of the store."""
        now: datetime = self._time() or (await self._connections.fetch(sql.NOW))[0][0]
        return now

    async def aclose(self) -> None:
        """Close the connections."""
        try:
            await self._adds.settle()
            await self._changes.settle()
            await self._chores.settle()
        finally:
            await self._connections.close()

    def __del__(self) -> None:
        connections: Connections | None = getattr(self, "_connections", None)
        if connections is not None and connections.open:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=1)

    async def _open(self) -> None:
        await self._connections.open_pool()

    def _add(self, record: Record) -> Awaitable[bool]:
        return self._adds.submit(record)

    async def _claim(self, limit: int, lease: timedelta) -> Records:
        token = self._token()
        for _ in range(_CLAIM_TRIES):
            try:
                rows = await self._connections.fetch(sql.CLAIM, limit, token, lease, self._time())
            except _Collision:
                # another process leased the same ordering key between our search and our update
                continue
            claimed = [record_of(row) for row in rows if row["key"] is not None]
            more = len(claimed) < len(rows)
            self._chores.claimed(crowded=more)
            if claimed or not more:
                if more:
                    self._notifier.notify()
                return claimed
        self._notifier.notify()
        return []

    def _change(self, change: Change) -> Awaitable[bool]:
        return self._changes.submit(change)

    async def _requeue(self, key: str) -> bool:
        return bool(await self._connections.fetch(sql.REQUEUE, key))

    async def _dismiss(self, key: str, reason: str) -> bool:
        return bool(await self._connections.fetch(sql.DISMISS, key, reason, self._time()))

    async def _get(self, key: str) -> Record | None:
        rows = await self._connections.fetch(sql.GET, key)
        return record_of(rows[0]) if rows else None

    async def _list(
        self, state: State | None, limit: int, after: str | None, *, newest_first: bool
    ) -> Records:
        query = sql.select(state, after=after is not None, newest_first=newest_first)
        values = (limit,) if after is None else (limit, after)
        return [record_of(row) for row in await self._connections.fetch(query, *values)]

    async def _purge(self, older_than: datetime, since: datetime, limit: int) -> int:
        rows = await self._connections.fetch(sql.PURGE, older_than, since, limit)
        return int(rows[0][0])

    async def _listen(self) -> None:
        await self._connections.listen()

    async def _next_due(self) -> timedelta | None:
        due: timedelta | None = (await self._connections.fetch(sql.DUE, self._time()))[0][0]
        return due

    async def _restore(self, records: Records) -> _Flags:
        rows, bodies = as_json([full_row_of(record) for record in records]), [one.body for one in records]
        fetched = await self._connections.fetch(sql.RESTORE, rows, bodies, self._time())
        self._chores.wrote()
        added = {row[0] for row in fetched}
        results: _Flags = []
        for record in records:
            results.append(record.key in added)
            added.discard(record.key)
        return results

    async def _remember(self, since: datetime) -> None:
        await self._connections.fetch(sql.REMEMBER, since)

    async def _insert(self, records: Records) -> _Flags:
        notify = self._chores.may_notify()

        async def insert(db: AnyConnection) -> _Flags:
            return await self._insert_with(db, records, notify=notify)

        added = await self._connections.run(insert)
        self._chores.added(notified=notify or not any(added))
        return added

    async def _insert_with(self, db: AnyConnection, records: Records, *, notify: bool) -> _Flags:
        # in the order of the keys: two processes that add the same ones do not deadlock
        rows = sorted(records, key=lambda record: record.key)
        bodies = [record.body for record in rows]
        insert = self._connections.statement(sql.INSERT)
        added = {
            row[0]
            for row in await db.fetch(
                insert, as_json([row_of(record) for record in rows]), bodies, self._time(), notify
            )
        }
        results = []
        for record in records:
            results.append(record.key in added)
            added.discard(record.key)
        return results

    async def _insert_one(self, db: AnyConnection, record: Record) -> bool:
        return (await self._insert_with(db, [record], notify=True))[0]

    async def _update(self, changes: Sequence[Change]) -> _Flags:
        return await in_rounds(changes, lambda change: change.key, self._update_round)

    async def _update_round(self, changes: Sequence[Change]) -> _Flags:
        async def update(db: AnyConnection) -> _Flags:
            return await self._update_with(db, changes)

        return await self._connections.run(update)

    async def _update_with(self, db: AnyConnection, changes: Sequence[Change]) -> _Flags:
        rows = [row_of_change(change) for change in sorted(changes, key=lambda change: change.key)]
        statement = self._connections.statement(sql.CHANGE)
        changed = {row[0] for row in await db.fetch(statement, as_json(rows), self._time())}
        self._chores.wrote()
        return [change.key in changed for change in changes]

    async def _change_one(self, db: AnyConnection, change: Change) -> bool:
        return (await self._update_with(db, [change]))[0]


def _server_time() -> None:
    """Return no time: the server knows it better."""

"""The transaction of a handler over PostgreSQL: its own writes and the completion of its record, committed together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from returnhelper._secrets import without_frames
from returnhelper.errors import ConfigurationError
from returnhelper.inbox._base import check_new
from returnhelper.inbox.postgres.connections import _FAILURES, _translate
from returnhelper.inbox.store import Added, AddResult, Change, Duplicate, Record

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from asyncpg.transaction import Transaction

    from returnhelper.inbox.postgres.driver import AnyConnection


class PostgresTransaction:
    """What a handler with ``transaction=True`` writes through, over a `PostgresInbox`.

    ``connection`` is a connection of asyncpg in an open transaction of the database of the inbox, which commits when all
    handlers of the event have returned. Use it like any other, but do not end the transaction. Its errors are those of
    asyncpg; after one of them PostgreSQL refuses to commit, even if the handler ignores it, and the event is handled again:
    run what may fail inside ``async with tx.connection.transaction()``, which is a savepoint.
    """

    def __init__(
        self, connection: AnyConnection, insert: Callable[[AnyConnection, Record], Awaitable[bool]]
    ) -> None:
        self.connection = connection
        self._insert = insert

    async def add(self, record: Record) -> AddResult:
        """Add a record to the inbox in this transaction."""
        check_new(record)
        return Added if await self._insert(self.connection, record) else Duplicate


class ServerTransaction:
    """Begin, complete and roll back the transaction of one record, on a connection of its own.

    ``acquire`` lends a connection; its end may take ``timeout`` seconds. ``insert`` and ``change`` store a record and a change with it, and ``notify`` wakes those who
    wait for what the commit makes claimable.
    """

    def __init__(
        self,
        acquire: Callable[[], AbstractAsyncContextManager[AnyConnection]],
        *,
        insert: Callable[[AnyConnection, Record], Awaitable[bool]],
        change: Callable[[AnyConnection, Change], Awaitable[bool]],
        notify: Callable[[], None],
        timeout: float,
    ) -> None:
        self._acquire = acquire
        self._timeout = timeout
        self._insert = insert
        self._change = change
        self._notify = notify
        self._open = AsyncExitStack()
        self._connection: AnyConnection | None = None
        self._transaction: Transaction | None = None

    async def begin(self) -> PostgresTransaction:
        """Begin the transaction and return what handlers write through."""
        try:
            self._connection = await self._open.enter_async_context(self._acquire())
            transaction = self._connection.transaction()
            await transaction.start()
            self._transaction = transaction
        except BaseException as error:
            await self._leave(broken=True)
            if isinstance(error, _FAILURES):
                raise _translate(error) from without_frames(error, "asyncpg")
            raise
        return PostgresTransaction(self._connection, self._insert)

    async def complete(self, change: Change) -> bool:
        """Apply the change that completes the record and commit; False, with nothing written, if its lease is lost."""
        assert self._connection is not None
        assert self._transaction is not None
        if not self._connection.is_in_transaction():
            await self._leave(broken=True)
            raise ConfigurationError(
                "a handler with transaction=True has ended its transaction: leave that to the worker"
            )
        broken = True
        try:
            # statements of handlers may take long, those of the worker may not
            async with asyncio.timeout(self._timeout):
                changed = await self._change(self._connection, change)
                if changed:
                    await self._transaction.commit()
                else:
                    await self._transaction.rollback()
            broken = False
        except _FAILURES as error:
            raise _translate(error) from without_frames(error, "asyncpg")
        finally:
            self._notify()
            await self._leave(broken=broken)
        return changed

    async def rollback(self) -> None:
        """Undo what was written; does nothing if the transaction has ended."""
        if self._transaction is None:
            return
        broken = True
        try:
            async with asyncio.timeout(self._timeout):
                await self._transaction.rollback()
            broken = False
        except _FAILURES:
            pass  # the server rolls back what lost its connection
        finally:
            await self._leave(broken=broken)

    async def _leave(self, *, broken: bool) -> None:
        connection, self._connection, self._transaction = self._connection, None, None
        if broken and connection is not None:
            connection.terminate()
        await self._open.aclose()

"""The transaction of a handler over SQLite: its own writes and the completion of its record, committed together."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Protocol, TypeVar

from returnhelper.errors import ConfigurationError, InboxUnavailable, format_value
from returnhelper.inbox._base import check_new
from returnhelper.inbox.store import Added, AddResult, Change, Duplicate, Record

R = TypeVar("R")

_CONTROL: Final = re.compile(
    r"(?:\s|;|--[^\n]*\n|/\*.*?\*/)*(begin|commit|end|rollback|attach|detach)\b", re.IGNORECASE | re.DOTALL
)


class Run(Protocol):
    """Run a function of the connection in the thread of the connection, and return what it returns."""

    def __call__(self, work: Callable[[sqlite3.Connection], R], /) -> Awaitable[R]:
        """Run ``work``."""
        ...


class Steps(Protocol):
    """What the transaction needs of its store, as functions of the connection."""

    def add(self, db: sqlite3.Connection, record: Record, /) -> bool:
        """Insert a record; False if its key is known."""
        ...

    def change(self, db: sqlite3.Connection, change: Change, /) -> bool:
        """Apply a change; False if its lease is lost."""
        ...

    def commit(self, db: sqlite3.Connection, /) -> None:
        """Commit, and raise if the files were taken away."""
        ...


class Lock(Protocol):
    """Keep the writers of one process apart."""

    async def acquire(self) -> bool:
        """Wait for it, and take it."""
        ...

    def release(self) -> None:
        """Give it back."""
        ...


class SQLiteTransaction:
    """What a handler with ``transaction=True`` writes through, over a `SQLiteInbox` or a `MemoryInbox`.

    Everything here is in one transaction of the file of the inbox, which commits when all handlers of the event have
    returned. From its first statement on it holds the write lock of the file, and new deliveries wait for it: call other
    services first, and write at the end. Errors of your own SQL are those of `sqlite3`; a statement that fails writes nothing,
    and the transaction goes on.
    """

    def __init__(self, within: Run, add: Callable[[sqlite3.Connection, Record], bool]) -> None:
        self._within = within
        self._add = add

    async def execute(self, sql: str, /, *values: object) -> int:
        """Run one statement and return how many rows it changed; -1 if it is not of that kind."""
        return (await self._statement(sql, values))[1]

    async def fetch(self, sql: str, /, *values: object) -> list[sqlite3.Row]:
        """Run one statement and return its rows, which can be indexed by place and by name of the column."""
        return (await self._statement(sql, values))[0]

    async def add(self, record: Record) -> AddResult:
        """Add a record to the inbox in this transaction."""
        check_new(record)
        return Added if await self._within(lambda db: self._add(db, record)) else Duplicate

    async def _statement(self, sql: str, values: tuple[object, ...]) -> tuple[list[sqlite3.Row], int]:
        if not isinstance(sql, str) or not sql.strip():
            raise ConfigurationError(f"sql must be an SQL statement, not {format_value(sql)}")
        if _CONTROL.match(sql):
            raise ConfigurationError(
                "sql must not begin or end a transaction, or attach a file: the worker commits once the handlers have "
                f"returned. Got {format_value(sql)}"
            )
        return await self._within(partial(_execute, sql=sql, values=values))


def _guarded(
    db: sqlite3.Connection, *, work: Callable[[sqlite3.Connection], R]
) -> tuple[R | None, Exception | None]:
    if not db.in_transaction:
        # after some errors, such as a full disk, SQLite rolls back by itself
        return None, InboxUnavailable("SQLite has rolled the transaction back; the event is handled again")
    try:
        return work(db), None
    except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
        return None, error


def _execute(
    db: sqlite3.Connection, *, sql: str, values: tuple[object, ...]
) -> tuple[list[sqlite3.Row], int]:
    cursor = db.cursor()
    cursor.row_factory = sqlite3.Row
    cursor.execute(sql, values)
    return cursor.fetchall(), cursor.rowcount


class FileTransaction:
    """The transaction of one record; it begins with the first statement, because it keeps all other writers waiting.

    ``lock`` keeps the writers of one process apart, ``notify`` wakes those who wait for what the commit makes claimable.
    """

    def __init__(self, run: Run, lock: Lock, steps: Steps, notify: Callable[[], None]) -> None:
        self._run = run
        self._lock = lock
        self._steps = steps
        self._notify = notify
        self._beginning = asyncio.Lock()
        self._begun = False
        self._ended = False

    async def begin(self) -> SQLiteTransaction:
        """Return what handlers write through."""
        return SQLiteTransaction(self._within, self._steps.add)

    async def complete(self, change: Change) -> bool:
        """Apply the change that completes the record and commit; False, with nothing written, if its lease is lost."""
        try:
            await self._require_begun()
            return await self._run_to_its_end(partial(_complete, steps=self._steps, change=change))
        finally:
            # even if the caller is cancelled: the next one begins after this in the same thread
            self._end()
            self._notify()

    async def rollback(self) -> None:
        """Undo what was written; does nothing if the transaction has ended."""
        if self._begun:
            try:
                await self._run_to_its_end(_rollback)
            finally:
                self._end()
        self._ended = True

    async def _run_to_its_end(self, work: Callable[[sqlite3.Connection], R]) -> R:
        # even if the caller is cancelled: a transaction that stays open keeps all other writers waiting
        return await asyncio.shield(self._run(work))

    async def _within(self, work: Callable[[sqlite3.Connection], R]) -> R:
        await self._require_begun()
        # An error of the caller's own SQL is returned and not raised in the thread, which would close the connection.
        result, error = await self._run(partial(_guarded, work=work))
        if error is not None:
            raise error
        return result  # type: ignore[return-value]

    async def _require_begun(self) -> None:
        async with self._beginning:
            if self._ended:
                raise ConfigurationError(
                    "the transaction of this handler has ended: use tx in the handler alone"
                )
            if self._begun:
                return
            await self._lock.acquire()
            self._begun = True
            try:
                await self._run(_begin)
            except BaseException:
                await self.rollback()
                raise

    def _end(self) -> None:
        self._ended = True
        if self._begun:
            self._begun = False
            self._lock.release()


def _begin(db: sqlite3.Connection) -> None:
    _rollback(db)  # of one whose end was cancelled before the thread came to it
    db.execute("BEGIN IMMEDIATE")


def _complete(db: sqlite3.Connection, *, steps: Steps, change: Change) -> bool:
    if not db.in_transaction:
        raise sqlite3.OperationalError("SQLite has rolled the transaction back")
    try:
        if not steps.change(db, change):
            db.execute("ROLLBACK")
            return False
        steps.commit(db)
    except BaseException:
        _rollback(db)
        raise
    return True


def _rollback(db: sqlite3.Connection) -> None:
    if db.in_transaction:
        db.execute("ROLLBACK")

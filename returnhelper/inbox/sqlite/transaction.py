"""What a transaction of a handler does in the file of an inbox."""

from __future__ import annotations

import contextlib
import sqlite3

from returnhelper.errors import InboxError
from returnhelper.inbox._loop import LoopLock
from returnhelper.inbox.sqlite import transactions
from returnhelper.inbox.sqlite.file import File
from returnhelper.inbox.sqlite.thread import SQLiteThread, commit
from returnhelper.inbox.store import Change, Record


class Gate:
    """Let all writers of a process through, or one handler alone."""

    def __init__(self, writers: SQLiteThread) -> None:
        self._writers = writers
        self._lock = LoopLock()

    @property
    def closed(self) -> bool:
        """Return whether a handler is inside."""
        return self._lock.current().locked()

    async def opened(self) -> None:
        """Return when no handler is inside; whoever then writes at once comes before the next one."""
        async with self._lock.current():
            pass

    async def acquire(self) -> bool:
        """Let a handler in, once the writers that came before it have finished."""
        await self._lock.current().acquire()
        try:
            # the thread works in order; the handler itself learns what is wrong with the file
            with contextlib.suppress(sqlite3.Error, InboxError):
                await self._writers.read(lambda _: None)
        except BaseException:
            self.release()
            raise
        return True

    def release(self) -> None:
        """Let the handler out."""
        self._lock.current().release()


class HandlerSteps:
    """The steps of a transaction over the file of an inbox."""

    def add(self, db: sqlite3.Connection, record: Record) -> bool:
        """Insert a record; False if its key is known."""
        db = _file(db)
        added = transactions.add(db, record=record)
        # here and not at the end: what is rolled back must not be counted
        transactions.finish(db)
        return added

    def change(self, db: sqlite3.Connection, change: Change) -> bool:
        """Apply a change; False if its lease is lost."""
        db = _file(db)
        changed = transactions.change(db, change=change)
        transactions.finish(db)
        return changed

    def commit(self, db: sqlite3.Connection) -> None:
        """Commit, and raise if the files were taken away."""
        commit(_file(db))


def _file(db: sqlite3.Connection) -> File:
    assert isinstance(db, File)
    return db

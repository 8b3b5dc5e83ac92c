"""A database in memory that stands in for the one of the inbox, so that handlers with transactions can be tested."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable, Container
from typing import TypeVar

from returnhelper.inbox._loop import LoopLock
from returnhelper.inbox._sql import FileTransaction
from returnhelper.inbox.store import Change, Record

R = TypeVar("R")


class StandIn:
    """A SQLite database in memory, and transactions over it that also change the records of a `MemoryInbox`.

    ``known`` holds the keys of the inbox; ``insert`` and ``change`` store a record and a change there, ``notify`` wakes
    those who wait for records.
    """

    def __init__(
        self,
        known: Container[str],
        insert: Callable[[Record], object],
        change: Callable[[Change], bool],
        notify: Callable[[], None],
    ) -> None:
        self.database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self.database.close)
        self._known = known
        self._insert = insert
        self._change = change
        self._notify = notify
        self._lock = LoopLock()

    def transaction(self) -> FileTransaction:
        """Return a transaction that has not begun."""
        steps = _Steps(self._known, self._insert, self._change)
        return FileTransaction(self._run, self._lock.current(), steps, self._notify)

    async def _run(self, work: Callable[[sqlite3.Connection], R]) -> R:
        return work(self.database)


class _Steps:
    """Collect what happens to records, and apply it with the commit."""

    def __init__(
        self, known: Container[str], insert: Callable[[Record], object], change: Callable[[Change], bool]
    ) -> None:
        self._known = known
        self._insert = insert
        self._change = change
        self._added: dict[str, Record] = {}

    def add(self, _: sqlite3.Connection, record: Record) -> bool:
        if record.key in self._known or record.key in self._added:
            return False
        self._added[record.key] = record
        return True

    def change(self, _: sqlite3.Connection, change: Change) -> bool:
        # nothing can come between this and the commit: both run without giving the loop a chance
        return self._change(change)

    def commit(self, db: sqlite3.Connection) -> None:
        db.execute("COMMIT")
        for record in self._added.values():
            self._insert(record)

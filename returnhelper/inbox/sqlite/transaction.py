"""What a transaction of a handler does in the file of an inbox."""

from __future__ import annotations

import sqlite3

from returnhelper._time import Clock
from returnhelper.inbox._columns import to_micros
from returnhelper.inbox.sqlite import transactions
from returnhelper.inbox.sqlite.file import File
from returnhelper.inbox.store import Change, Record


class HandlerSteps:
    """The steps of a transaction over the file of an inbox."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def add(self, db: sqlite3.Connection, record: Record) -> bool:
        """Insert a record; False if its key is known."""
        return transactions.add(db, record=record, now=to_micros(self._clock()))

    def change(self, db: sqlite3.Connection, change: Change) -> bool:
        """Apply a change; False if its lease is lost."""
        return transactions.change(db, change=change.at(self._clock()))

    def commit(self, db: sqlite3.Connection) -> None:
        """Commit, and raise if the files were taken away."""
        commit(db)


def commit(db: sqlite3.Connection) -> None:
    """Commit, and raise if another process would not find what was written."""
    db.execute("COMMIT")
    if isinstance(db, File) and db.replaced():
        raise sqlite3.OperationalError("one of its files was removed or replaced")

"""What the SQLite inbox does inside a transaction, as functions of the connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import islice

from returnhelper.inbox._columns import from_micros
from returnhelper.inbox.sqlite import schema as sql
from returnhelper.inbox.sqlite.rows import record_of, row_of, row_of_change
from returnhelper.inbox.store import DONE, LEASED, Change, Record, Records, State, Stats


def add(db: sqlite3.Connection, *, record: Record, now: int) -> bool:
    """Insert a record; False if its key is known."""
    added = db.execute(sql.INSERT, row_of(record, now)).rowcount == 1
    if added and record.state is State.DONE:
        _count_done(db, 1)
    return added


def claim(db: sqlite3.Connection, *, now: int, until: int, token: str, limit: int) -> tuple[Records, int]:
    """Lease up to ``limit`` records; return them and the version of the data before."""
    version = data_version(db)
    db.execute(sql.EXPIRE, (now,))
    # all are found before the first is changed: the scan reads the index that a lease changes
    candidates = list(islice(_candidates(db, now), limit))
    rows = [db.execute(sql.LEASE, (token, until, seq)).fetchone() for seq in candidates]
    return [record_of(row) for row in rows], version


def _candidates(db: sqlite3.Connection, now: int) -> Iterator[int]:
    """Yield what may be leased, in order: the first of each ordering key that is not leased, if it is due."""
    seen = {key for (key,) in db.execute(sql.LEASED_ORDERS)}
    for seq, ordering_key, not_before in db.execute(sql.READY_QUEUE):
        if ordering_key is not None:
            if ordering_key in seen:
                continue
            seen.add(ordering_key)
        if not_before is None or not_before <= now:
            yield seq


def change(db: sqlite3.Connection, *, change: Change) -> bool:
    """Apply a change; False if its lease is lost."""
    if db.execute(sql.CHANGE, row_of_change(change)).rowcount != 1:
        return False
    if change.state is State.DONE:
        _count_done(db, 1)
    return True


def requeue(db: sqlite3.Connection, *, key: str) -> bool:
    """Make a record ready; False if it is unknown or leased."""
    found = db.execute("SELECT state FROM records WHERE key = ?", (key,)).fetchone()
    if found is None or found[0] == LEASED:
        return False
    if found[0] == DONE:
        _count_done(db, -1)
    db.execute(sql.REQUEUE, (key,))
    return True


def dismiss(db: sqlite3.Connection, *, key: str, reason: str, now: int) -> bool:
    """Mark a held record as done; False if there is none with this key."""
    dismissed = db.execute(sql.DISMISS, (reason, now, key)).rowcount == 1
    if dismissed:
        _count_done(db, 1)
    return dismissed


def get(db: sqlite3.Connection, *, key: str) -> Record | None:
    """Return the record with a key, or None."""
    row = db.execute(sql.GET, (key,)).fetchone()
    return None if row is None else record_of(row)


def list_records(
    db: sqlite3.Connection, *, state: State | None, limit: int, after: str | None, newest_first: bool
) -> Records:
    """Return records in the order of arrival, or newest first."""
    query = sql.select(state, after=after is not None, newest_first=newest_first)
    return [record_of(row) for row in db.execute(query, {"after": after, "limit": limit})]


def purge(db: sqlite3.Connection, *, older_than: int, since: int, limit: int) -> int:
    """Delete up to ``limit`` done records; return how many."""
    gone = db.execute(sql.PURGE, (older_than, limit)).rowcount
    _count_done(db, -gone)
    db.execute("UPDATE meta SET value = max(value, ?) WHERE name = 'since'", (since,))
    return gone


def stats(db: sqlite3.Connection) -> Stats:
    """Return how many records are in each state."""
    ready, leased, done, held, oldest = db.execute(sql.STATS).fetchone()
    oldest_ready_at = None if oldest is None else from_micros(oldest)
    return Stats(ready=ready, leased=leased, done=done, held=held, oldest_ready_at=oldest_ready_at)


def remembers_since(db: sqlite3.Connection) -> int:
    """Return the time since which no key has been forgotten."""
    return int(db.execute("SELECT value FROM meta WHERE name = 'since'").fetchone()[0])


def next_due(db: sqlite3.Connection, *, now: int) -> int | None:
    """Return when the next lease expires or the next retry is due."""
    due: float = db.execute(sql.DUE, (now,)).fetchone()[0]
    return int(due) if due < _NEVER else None


def data_version(db: sqlite3.Connection) -> int:
    """Return a number that changes when another connection commits."""
    return int(db.execute("PRAGMA data_version").fetchone()[0])


def _count_done(db: sqlite3.Connection, by: int) -> None:
    db.execute("UPDATE meta SET value = value + ? WHERE name = 'done'", (by,))


_NEVER = 9e18

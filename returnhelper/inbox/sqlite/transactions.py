"""What the SQLite inbox does inside a transaction, as functions of the connection."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Final

import attrs

from returnhelper.inbox._columns import from_micros
from returnhelper.inbox.sqlite import statements as sql
from returnhelper.inbox.sqlite.file import SWEPT_AT_ONCE, File
from returnhelper.inbox.sqlite.rows import full_row_of, record_of, row_of, row_of_change
from returnhelper.inbox.store import DONE, LEASED, STATE_DONE, Change, Record, Records, Stats

_MICROSECOND: Final = timedelta(microseconds=1)
SWEEP_AFTER: Final = 500
# How many records one claim moves that may not run, beside those it leases: others wait for the end of its transaction.
_MOVED_AT_ONCE: Final = 256


@attrs.frozen
class Claimed:
    """The records that a claim leased; the version of the data before; whether it left some unseen."""

    records: Records
    version: int
    more: bool


def add(db: File, *, record: Record) -> bool:
    """Insert a record; False if its key is known."""
    added = db.execute(sql.INSERT, row_of(record, db.now())).rowcount == 1
    if added:
        _note_added(db, record)
    return added


def _note_added(db: File, record: Record) -> None:
    db.added += 1
    if record.state is STATE_DONE:
        db.finished += 1


def restore(db: File, *, records: Records) -> list[bool]:
    """Insert records with all that they have; False for those whose key is known."""
    results = []
    for record in records:
        added = db.execute(sql.RESTORE, full_row_of(record, db.now())).rowcount == 1
        if added:
            _note_added(db, record)
        results.append(added)
    return results


def claim(db: File, *, lease: timedelta, token: str, limit: int) -> Claimed:
    """Lease up to ``limit`` records, after a look at a bounded number of them."""
    now, version = db.now(), data_version(db)
    db.execute(sql.EXPIRE, (now,))
    admitted = db.execute(sql.ADMIT_DUE, (now, _MOVED_AT_ONCE)).rowcount
    swept, last = unswept = db.unswept()
    if last - swept > SWEPT_AT_ONCE:
        db.sweep()
        return Claimed([], version, more=True)
    chosen, blocked = _search(db, now, limit, unswept)
    if blocked:
        db.executemany(sql.BLOCK, blocked)
    until = now + lease // _MICROSECOND
    rows = [db.execute(sql.LEASE, (token, until, seq)).fetchone() for seq in chosen]
    if last > swept:
        db.sweep()
    more = _MOVED_AT_ONCE in (admitted, len(blocked))
    return Claimed([record_of(row) for row in rows], version, more)


def _search(
    db: File, now: int, limit: int, unswept: tuple[int, int]
) -> tuple[list[int], list[tuple[int, int]]]:
    """Return what may be leased, in order, and what stands in the way: its place from now on, and its number."""
    chosen, blocked = list[int](), list[tuple[int, int]]()
    seen: set[str] = set()
    # all are found before the first is changed: the search reads the index that a change moves them from
    with contextlib.closing(db.execute(sql.CANDIDATES, unswept)) as candidates:
        for seq, ordering_key, not_before, behind in candidates:
            if behind or ordering_key in seen:
                blocked.append((sql.BEHIND, seq))
            else:
                if ordering_key is not None:
                    seen.add(ordering_key)
                if not_before is not None and not_before > now:
                    blocked.append((sql.WAITING, seq))
                else:
                    chosen.append(seq)
            if len(chosen) == limit or len(blocked) == _MOVED_AT_ONCE:
                break
    return chosen, blocked


def change(db: File, *, change: Change) -> bool:
    """Apply a change; False if its lease is lost."""
    changed = db.execute(sql.CHANGE, row_of_change(change, db.now())).rowcount == 1
    if changed and change.state is STATE_DONE:
        db.finished += 1
    return changed


def requeue(db: File, *, key: str) -> bool:
    """Make a record ready; False if it is unknown or leased."""
    found = db.execute("SELECT state FROM records WHERE key = ?", (key,)).fetchone()
    if found is None or found[0] == LEASED:
        return False
    if found[0] == DONE:
        db.finished -= 1
    db.execute(sql.REQUEUE, (key,))
    return True


def dismiss(db: File, *, key: str, reason: str) -> bool:
    """Mark a held record as done; False if there is none with this key."""
    dismissed = db.execute(sql.DISMISS, (reason, db.now(), key)).rowcount == 1
    db.finished += dismissed
    return dismissed


def get(db: File, *, key: str) -> Record | None:
    """Return the record with a key, or None."""
    row = db.execute(sql.GET, (key,)).fetchone()
    return None if row is None else record_of(row)


def place_of(db: File, *, key: str) -> int | None:
    """Return the number of the record with a key, which is its place in the order of arrival."""
    row = db.execute("SELECT seq FROM records WHERE key = ?", (key,)).fetchone()
    return None if row is None else int(row[0])


def list_records(db: File, *, query: str, limit: int, after: int | None) -> tuple[Records, int | None]:
    """Return records, and the place of the last one."""
    rows = db.execute(query, {"after": after, "limit": limit}).fetchall()
    return [record_of(row[:-1]) for row in rows], rows[-1][-1] if rows else None


def purge(db: File, *, older_than: int, since: int, limit: int) -> int:
    """Delete up to ``limit`` done records; return how many."""
    gone = db.execute(sql.PURGE, (older_than, limit)).rowcount
    db.finished -= gone
    swept, last = db.unswept()
    if swept > last:
        # the numbers of deleted records are given again
        db.execute(sql.SET_SWEPT, (last,))
    db.execute("UPDATE meta SET value = max(value, ?) WHERE name = 'since'", (since,))
    return gone


def remember(db: File, *, since: int) -> None:
    """Move the time since which no key has been forgotten back."""
    db.execute("UPDATE meta SET value = min(value, ?) WHERE name = 'since'", (since,))


def finish(db: File) -> None:
    """Write what a transaction has counted."""
    if db.finished:
        db.execute("UPDATE meta SET value = value + ? WHERE name = 'done'", (db.finished,))
        db.finished = 0
    if db.added >= SWEEP_AFTER:
        db.sweep()


def stats(db: File) -> Stats:
    """Return how many records are in each state."""
    # one statement, so that all of it is true at the same time
    total, leased, done, held, oldest = db.execute(sql.STATS).fetchone()
    return Stats(
        ready=total - leased - done - held,
        leased=leased,
        done=done,
        held=held,
        oldest_ready_at=None if oldest is None else from_micros(oldest),
    )


def remembers_since(db: File) -> int:
    """Return the time since which no key has been forgotten."""
    return int(db.execute("SELECT value FROM meta WHERE name = 'since'").fetchone()[0])


def next_due(db: File) -> timedelta | None:
    """Return how long it is until the next lease expires or the next retry is due."""
    times = [due for due in db.execute(sql.DUE).fetchone() if due is not None]
    return (min(times) - db.now()) * _MICROSECOND if times else None


def data_version(db: File) -> int:
    """Return a number that changes when another connection commits."""
    return int(db.execute("PRAGMA data_version").fetchone()[0])

"""The embedded inbox: one SQLite file, durable before the sender hears 200."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Literal, TypeAlias, TypeVar

from returnhelper._time import Clock, utc_now
from returnhelper.errors import ConfigurationError, InboxUnavailable
from returnhelper.inbox._base import BaseInbox, new_token, require_addable, require_limit, require_positive
from returnhelper.inbox._group import Group
from returnhelper.inbox.sqlite import schema as sql
from returnhelper.inbox.sqlite.file import File, connect
from returnhelper.inbox.sqlite.thread import SQLiteThread
from returnhelper.inbox.store import (
    STATE_CODES,
    STATES,
    Added,
    AddResult,
    Change,
    Duplicate,
    Record,
    Records,
    State,
    Stats,
    from_micros,
    headers_text,
    storable_key,
    to_micros,
)

R = TypeVar("R")
_Work = Callable[[sqlite3.Connection], object]
Works: TypeAlias = list[_Work]
Results: TypeAlias = list[object]


class SQLiteInbox(BaseInbox):
    """Keep records in a SQLite file that several processes of one machine may share.

    ``synchronous="FULL"`` (the default) survives a power cut; ``"NORMAL"`` survives the death of the process, but a
    power cut may take back what was acknowledged last. ``busy_timeout`` is how many seconds to wait for another process
    that writes, before `InboxUnavailable`. ``poll`` is how often, in seconds, to look for records of other processes.
    Keep the file on a local disk: SQLite's locks do not work on network file systems.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
        busy_timeout: float = 5.0,
        poll: float = 0.25,
        clock: Clock = utc_now,
        token: Callable[[], str] = new_token,
    ) -> None:
        super().__init__(clock=clock, token=token)
        require_positive(poll=poll)
        if synchronous not in {"FULL", "NORMAL"}:
            raise ConfigurationError(f"synchronous is FULL or NORMAL, not {synchronous!r}")
        self._path = os.fspath(path)
        if self._path in {"", ":memory:"} or "\0" in self._path:
            raise ConfigurationError(f"path must be that of a file, not {self._path!r}; else use MemoryInbox")
        self._poll = poll
        self._seen_version = 0
        self._thread = SQLiteThread(partial(connect, self._path, synchronous, busy_timeout, clock))
        self._writes: Group[_Work, object] = Group(self._write_together)

    def __repr__(self) -> str:
        return f"SQLiteInbox({self._path!r})"

    async def add(self, record: Record) -> AddResult:
        """Store a record unless its key is known; it is on disk when this returns."""
        require_addable(record)
        try:
            added = await self._write(partial(_add, row=_row(record), done=record.state is State.DONE))
        except asyncio.CancelledError:
            # it may be stored all the same, and our own commits do not show in the version of the data
            self._notifier.notify()
            raise
        if not added:
            return Duplicate
        if record.state is State.READY:
            self._notifier.notify()
        return Added

    async def _claim(self, limit: int, now: datetime, until: datetime) -> Records:
        work = partial(_claim, now=to_micros(now), until=to_micros(until), token=self._token(), limit=limit)
        claimed, self._seen_version = await self._write(work)
        return claimed

    async def _change(self, change: Change) -> bool:
        return await self._write(partial(_apply, change=change))

    async def requeue(self, key: str) -> bool:
        """Make a held, done or waiting record claimable now."""
        done = await self._write(partial(_requeue, key=storable_key(key)))
        if done:
            self._notifier.notify()
        return done

    async def get(self, key: str) -> Record | None:
        """Return the record of a key, or None."""
        query = f"SELECT {sql.COLUMNS} FROM records WHERE key = ?"  # noqa: S608
        rows = await self._read(lambda db: db.execute(query, (storable_key(key),)).fetchall())
        return _record(rows[0]) if rows else None

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
        after_key = None if after is None else storable_key(after)
        work = partial(_list, state=state, limit=limit, after=after_key, newest_first=newest_first)
        return await self._read(work)

    async def _purge(self, older_than: datetime, since: datetime, limit: int) -> int:
        return await self._write(
            partial(_purge, older_than=to_micros(older_than), since=to_micros(since), limit=limit)
        )

    async def stats(self) -> Stats:
        """Return how many records stand where."""
        return await self._read(_stats)

    async def remembers_since(self) -> datetime:
        """Return the time since which no key has been forgotten."""
        query = "SELECT value FROM meta WHERE name = 'since'"
        return from_micros(await self._read(lambda db: int(db.execute(query).fetchone()[0])))

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109
        """Return when something may be claimable, or after ``timeout`` seconds."""
        end = time.monotonic() + timeout
        while not await self._notifier.wait(0):
            now = to_micros(self._clock())
            version, due = await self._read(partial(_outlook, now=now))
            left = min(end - time.monotonic(), (due - now) / 1e6)
            # another process cannot ring; its commits change the version of the data
            if version != self._seen_version or left <= 0 or await self._notifier.wait(min(left, self._poll)):
                return

    async def aclose(self) -> None:
        """Close the file and end the thread."""
        try:
            await self._writes.settle()
        finally:
            await self._thread.close()

    async def _open(self) -> None:
        await self._read(lambda _: None)

    def __del__(self) -> None:
        thread: SQLiteThread | None = getattr(self, "_thread", None)
        if thread is not None and thread.running:
            thread.abandon()
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=1)

    async def _read(self, work: Callable[[File], R]) -> R:
        try:
            return await self._thread.run(work)
        except sqlite3.Error as error:
            raise _unavailable(self._path, error) from error

    async def _write(self, work: Callable[[sqlite3.Connection], R]) -> R:
        result: R = await self._writes.submit(work)  # type: ignore[assignment]
        return result

    async def _write_together(self, works: Works) -> Results:
        return await self._read(partial(_transaction, works=works))


def _unavailable(path: str, error: sqlite3.Error) -> InboxUnavailable:
    hint = ""
    if "unable to open" in str(error):
        hint = ", see whether its folder is there and may be written"
    return InboxUnavailable(
        f"the SQLite inbox {path} cannot be used: {error}{hint}; it is tried again at the next call"
    )


def _transaction(db: File, works: Works) -> Results:
    db.execute("BEGIN IMMEDIATE")
    try:
        results = [work(db) for work in works]
        db.execute("COMMIT")
    except BaseException:
        # some failures, a full disk for one, have rolled back already
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    if db.gone():
        # or it would be told as stored what nobody finds again
        raise sqlite3.OperationalError("its file was taken away or replaced")
    return results


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def _row(record: Record) -> tuple[object, ...]:
    return (
        record.key,
        record.body,
        headers_text(record),
        record.endpoint,
        to_micros(record.received_at),
        record.action,
        record.category,
        record.version,
        _micros(record.event_time),
        record.notification_id,
        record.ordering_key,
        STATE_CODES[record.state],
        record.reason,
        _micros(record.finished_at),
        to_micros(record.sort_time),
    )


def _record(row: tuple) -> Record:  # type: ignore[type-arg]
    return Record(
        key=row[0],
        body=row[1],
        headers=json.loads(row[2]),
        endpoint=row[3],
        received_at=from_micros(row[4]),
        action=row[5],
        category=row[6],
        version=row[7],
        event_time=_moment(row[8]),
        notification_id=row[9],
        ordering_key=row[10],
        state=STATES[row[11]],
        attempts=row[12],
        not_before=_moment(row[13]),
        lease=row[14],
        leased_until=_moment(row[15]),
        reason=row[16],
        finished_at=_moment(row[17]),
    )


def _add(db: sqlite3.Connection, *, row: tuple[object, ...], done: bool) -> bool:
    added = db.execute(sql.INSERT, row).rowcount == 1
    if added and done:
        _count_done(db, 1)
    return added


def _claim(db: sqlite3.Connection, *, now: int, until: int, token: str, limit: int) -> tuple[Records, int]:
    version = _data_version(db)
    db.execute(sql.SWEEP, (now,))
    # all found before the first is changed: the scan reads the index that a lease changes
    turns = list(islice(_turns(db, now), limit))
    rows = [db.execute(sql.LEASE, (token, until, seq)).fetchone() for seq in turns]
    return [_record(row) for row in rows], version


def _turns(db: sqlite3.Connection, now: int) -> Iterator[int]:
    """Give the records whose turn it is, the oldest first: of each ordering key the first, unless one is leased."""
    taken = {key for (key,) in db.execute(sql.BUSY)}
    for seq, ordering_key, not_before in db.execute(sql.LINE):
        if ordering_key is not None:
            if ordering_key in taken:
                continue
            taken.add(ordering_key)
        if not_before is None or not_before <= now:
            yield seq


def _apply(db: sqlite3.Connection, *, change: Change) -> bool:
    kept = change.state is State.LEASED
    cursor = db.execute(
        sql.CHANGE,
        (
            STATE_CODES[change.state],
            change.refund_attempt,
            _micros(change.not_before),
            change.token if kept else None,
            _micros(change.leased_until),
            change.reason,
            _micros(change.finished_at),
            change.key,
            change.token,
        ),
    )
    if cursor.rowcount != 1:
        return False
    if change.state is State.DONE:
        _count_done(db, 1)
    return True


def _requeue(db: sqlite3.Connection, *, key: str) -> bool:
    found = db.execute("SELECT state FROM records WHERE key = ?", (key,)).fetchone()
    if found is None or found[0] == STATE_CODES[State.LEASED]:
        return False
    if found[0] == STATE_CODES[State.DONE]:
        _count_done(db, -1)
    db.execute(
        "UPDATE records SET state = 0, attempts = 0, not_before = NULL, reason = NULL, finished_at = NULL"
        " WHERE key = ?",
        (key,),
    )
    return True


def _count_done(db: sqlite3.Connection, by: int) -> None:
    db.execute("UPDATE meta SET value = value + ? WHERE name = 'done'", (by,))


def _list(
    db: sqlite3.Connection, *, state: State | None, limit: int, after: str | None, newest_first: bool
) -> Records:
    side, order = ("<", "DESC") if newest_first else (">", "ASC")
    where = "true" if state is None else f"state = {STATE_CODES[state]}"
    if after is not None:
        where += f" AND seq {side} (SELECT seq FROM records WHERE key = :after)"  # noqa: S608
    query = f"SELECT {sql.COLUMNS} FROM records WHERE {where} ORDER BY seq {order} LIMIT :limit"  # noqa: S608
    return [_record(row) for row in db.execute(query, {"after": after, "limit": limit})]


def _purge(db: sqlite3.Connection, *, older_than: int, since: int, limit: int) -> int:
    gone = db.execute(sql.PURGE, (older_than, limit)).rowcount
    _count_done(db, -gone)
    db.execute("UPDATE meta SET value = max(value, ?) WHERE name = 'since'", (since,))
    return gone


def _stats(db: sqlite3.Connection) -> Stats:
    row = db.execute(
        "SELECT (SELECT count(*) FROM records WHERE state = 0), (SELECT count(*) FROM records WHERE state = 1),"
        " (SELECT value FROM meta WHERE name = 'done'), (SELECT count(*) FROM records WHERE state = 3),"
        " (SELECT received_at FROM records INDEXED BY records_ready WHERE state = 0 ORDER BY sort_time, seq LIMIT 1)"
    ).fetchone()
    return Stats(ready=row[0], leased=row[1], done=row[2], held=row[3], oldest_ready_at=_moment(row[4]))


def _data_version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA data_version").fetchone()[0])


def _outlook(db: sqlite3.Connection, *, now: int) -> tuple[int, float]:
    return _data_version(db), float(db.execute(sql.DUE, (now,)).fetchone()[0])

"""The embedded inbox: one SQLite file, durable before the sender gets its 200."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal, TypeAlias, TypeVar

from returnhelper._time import Clock, to_seconds
from returnhelper.errors import ConfigurationError, InboxError, InboxUnavailable, format_value
from returnhelper.inbox._base import BaseInbox, new_token
from returnhelper.inbox._columns import from_micros, to_micros
from returnhelper.inbox._group import Group, Rejected
from returnhelper.inbox._loop import LoopLock
from returnhelper.inbox._sql import FileTransaction
from returnhelper.inbox.sqlite import transactions
from returnhelper.inbox.sqlite.file import File, connect
from returnhelper.inbox.sqlite.thread import SQLiteThread
from returnhelper.inbox.sqlite.transaction import HandlerSteps, commit
from returnhelper.inbox.store import Change, Record, Records, State, Stats

R = TypeVar("R")
_Work: TypeAlias = Callable[[sqlite3.Connection], object]
# names of their own, because an inbox has a method called list
_Works: TypeAlias = list[_Work]
_Results: TypeAlias = list[object]
# faults of the data, not of the file: text or bytes beyond the limit, integers beyond 64 bits
_DATA_FAULTS: Final = (sqlite3.DataError, sqlite3.IntegrityError, OverflowError)


class SQLiteInbox(BaseInbox):
    """Keep records in a SQLite file that several processes of one machine may share.

    ``synchronous="FULL"`` (the default) survives a power cut; ``"NORMAL"`` survives the death of the process, but a
    power cut may lose what was acknowledged last. ``busy_timeout`` is how long to wait for another process that writes,
    before `InboxUnavailable`. ``poll`` is how often to check for records of other processes. Both are seconds or a
    timedelta. Keep the file on a local disk: SQLite's locks do not work on network file systems.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
        busy_timeout: float | timedelta = 5.0,
        poll: float | timedelta = 0.25,
        clock: Clock | None = None,
        token: Callable[[], str] = new_token,
    ) -> None:
        super().__init__(clock=clock, token=token)
        if synchronous not in ("FULL", "NORMAL"):
            raise ConfigurationError(
                f'synchronous must be "FULL" or "NORMAL", not {format_value(synchronous)}'
            )
        self._path = _file_path(path)
        self._version_poll = to_seconds("poll", poll)
        self._seen_version = 0
        patience = to_seconds("busy_timeout", busy_timeout, zero=True)
        self._thread = SQLiteThread(partial(connect, self._path, synchronous, patience, self._clock))
        self._writes: Group[_Work, object] = Group(self._write_together)
        # A handler keeps its transaction while it runs: on a connection of its own, while all other writers wait here and not
        # in SQLite, which wakes them in no order.
        self._handlers = SQLiteThread(partial(connect, self._path, synchronous, patience, self._clock))
        self._writing = LoopLock()

    def __repr__(self) -> str:
        return f"SQLiteInbox({self._path!r})"

    async def stats(self) -> Stats:
        """Return how many records are in each state."""
        return await self._read(transactions.stats)

    async def remembers_since(self) -> datetime:
        """Return the time since which no key has been forgotten."""
        return from_micros(await self._read(transactions.remembers_since))

    async def now(self) -> datetime:
        """Return the time by the clock of the store."""
        return self._clock()

    def transaction(self) -> FileTransaction:
        """Return a transaction that has not begun, for a `Worker` to complete a record in."""
        steps = HandlerSteps(self._clock)
        return FileTransaction(self._run_handler, self._writing.current(), steps, self._notifier.notify)

    async def aclose(self) -> None:
        """Close the file and end the threads."""
        try:
            await self._writes.settle()
        finally:
            await self._handlers.close()
            await self._thread.close()

    def __del__(self) -> None:
        threads: list[SQLiteThread] = [
            vars(self)[name] for name in ("_thread", "_handlers") if name in vars(self)
        ]
        if any(thread.running for thread in threads):
            for thread in threads:
                thread.abandon()
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=1)

    async def _open(self) -> None:
        await self._read(lambda _: None)

    async def _add(self, record: Record) -> bool:
        try:
            return await self._write(partial(transactions.add, record=record, now=to_micros(self._clock())))
        except asyncio.CancelledError:
            # it may be stored all the same, and our own commits do not change the version of the data
            self._notifier.notify()
            raise

    async def _claim(self, limit: int, lease: timedelta) -> Records:
        now = self._clock()
        claim = partial(
            transactions.claim,
            now=to_micros(now),
            until=to_micros(now + lease),
            token=self._token(),
            limit=limit,
        )
        claimed, self._seen_version = await self._write(claim)
        return claimed

    async def _change(self, change: Change) -> bool:
        return await self._write(partial(transactions.change, change=change.at(self._clock())))

    async def _requeue(self, key: str) -> bool:
        return await self._write(partial(transactions.requeue, key=key))

    async def _dismiss(self, key: str, reason: str) -> bool:
        now = to_micros(self._clock())
        return await self._write(partial(transactions.dismiss, key=key, reason=reason, now=now))

    async def _get(self, key: str) -> Record | None:
        return await self._read(partial(transactions.get, key=key))

    async def _list(
        self, state: State | None, limit: int, after: str | None, *, newest_first: bool
    ) -> Records:
        return await self._read(
            partial(
                transactions.list_records, state=state, limit=limit, after=after, newest_first=newest_first
            )
        )

    async def _purge(self, older_than: datetime, since: datetime, limit: int) -> int:
        purge = partial(
            transactions.purge, older_than=to_micros(older_than), since=to_micros(since), limit=limit
        )
        return await self._write(purge)

    async def _next_due(self) -> timedelta | None:
        now = self._clock()
        due = await self._read(partial(transactions.next_due, now=to_micros(now)))
        return None if due is None else from_micros(due) - now

    async def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        # another process cannot notify this one, but its commits change the version of the data
        while await self._read(transactions.data_version) == self._seen_version:
            left = end - time.monotonic()
            if left <= 0 or await self._notifier.wait(min(left, self._version_poll)):
                return

    async def _read(self, work: Callable[[File], R]) -> R:
        return await self._run(self._thread, work)

    async def _run_handler(self, work: Callable[[File], R]) -> R:
        return await self._run(self._handlers, work)

    async def _run(self, thread: SQLiteThread, work: Callable[[File], R]) -> R:
        try:
            return await thread.run(work)
        except (sqlite3.Error, *_DATA_FAULTS) as error:
            raise _translate(self._path, error) from error

    async def _write(self, work: Callable[[sqlite3.Connection], R]) -> R:
        result: R = await self._writes.submit(work)  # type: ignore[assignment]
        return result

    async def _write_together(self, works: _Works) -> _Results:
        async with self._writing.current():
            return await self._read(partial(_transaction, works=works))


def _file_path(path: object) -> str:
    if not isinstance(path, str | os.PathLike):
        raise ConfigurationError(f"path must be the path of a file, not {format_value(path)}")
    text: object = os.fspath(path)
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise ConfigurationError(f"path must be the path of a file, not {format_value(text)}")
    if text == ":memory:":
        raise ConfigurationError("path must be the path of a file: for records in memory use MemoryInbox()")
    if text.startswith("file:") or "://" in text:
        raise ConfigurationError(
            f'path must be the path of a file, such as "inbox.db", not a URL: {format_value(text)}'
        )
    return text


def _translate(path: str, error: Exception) -> InboxError:
    if isinstance(error, _DATA_FAULTS):
        return Rejected(f"the SQLite inbox {path} cannot keep this: {error}")
    hint = ""
    if "unable to open" in str(error):
        hint = "; check that its directory exists and is writable"
    return InboxUnavailable(
        f"the SQLite inbox {path} cannot be used: {error}{hint}; the next call tries again"
    )


def _transaction(db: File, works: _Works) -> _Results:
    db.execute("BEGIN IMMEDIATE")
    try:
        results = [work(db) for work in works]
        commit(db)
    except BaseException:
        # some failures, such as a full disk, have rolled back already
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return results

"""The embedded inbox: one SQLite file, durable before the sender gets its 200."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
import warnings
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal, TypeVar

from returnhelper._time import Clock, to_seconds
from returnhelper.errors import ConfigurationError, InboxError, InboxUnavailable, format_value
from returnhelper.inbox._base import BaseInbox, Flags, new_token
from returnhelper.inbox._columns import from_micros, to_micros
from returnhelper.inbox._group import Rejected
from returnhelper.inbox._sql import FileTransaction
from returnhelper.inbox.sqlite import statements as sql
from returnhelper.inbox.sqlite import transactions
from returnhelper.inbox.sqlite.file import File, connect
from returnhelper.inbox.sqlite.thread import DATA_FAULTS, SQLiteThread
from returnhelper.inbox.sqlite.transaction import Gate, HandlerSteps
from returnhelper.inbox.store import STATE_DONE, Change, Record, Records, State, Stats

R = TypeVar("R")

_BATCH: Final = 200
_CLAIM_ROUNDS: Final = 200


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
        opening = partial(connect, self._path, synchronous, patience, clock)
        self._thread = SQLiteThread(opening)
        # A handler keeps its transaction while it runs: on a connection of its own, while all other writers wait at the gate
        # and not in SQLite, which wakes them in no order.
        self._handlers = SQLiteThread(opening)
        self._gate = Gate(self._thread)

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
        return from_micros(await self._read(lambda db: db.now()))

    def transaction(self) -> FileTransaction:
        """Return a transaction that has not begun, for a `Worker` to complete a record in."""
        return FileTransaction(self._run_handler, self._gate, HandlerSteps(), self._notifier.notify)

    async def aclose(self) -> None:
        """Close the file and end the threads."""
        try:
            await self._handlers.close()
        finally:
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
            # done records are counted, which is a statement of its own
            once = record.state is not STATE_DONE
            return await self._write(partial(transactions.add, record=record), once=once)
        except asyncio.CancelledError:
            # it may be stored all the same, and our own commits do not change the version of the data
            self._notifier.notify()
            raise

    async def _restore(self, records: Records) -> Flags:
        added: Flags = []
        for start in range(0, len(records), _BATCH):
            part = records[start : start + _BATCH]
            added += await self._write(partial(transactions.restore, records=part))
        return added

    async def _remember(self, since: datetime) -> None:
        await self._write(partial(transactions.remember, since=to_micros(since)))

    async def _claim(self, limit: int, lease: timedelta) -> Records:
        claimed: Records = []
        token = self._token()
        for _ in range(_CLAIM_ROUNDS):
            claim = partial(transactions.claim, lease=lease, token=token, limit=limit - len(claimed))
            try:
                found = await self._write(claim)
            except InboxError:
                if claimed:
                    break
                raise
            claimed += found.records
            self._seen_version = found.version
            if not found.more or len(claimed) == limit:
                return claimed
        # the rest was not looked at
        self._notifier.notify()
        return claimed

    async def _change(self, change: Change) -> bool:
        return await self._write(partial(transactions.change, change=change))

    async def _requeue(self, key: str) -> bool:
        return await self._write(partial(transactions.requeue, key=key))

    async def _dismiss(self, key: str, reason: str) -> bool:
        return await self._write(partial(transactions.dismiss, key=key, reason=reason))

    async def _get(self, key: str) -> Record | None:
        return await self._read(partial(transactions.get, key=key))

    async def _list(
        self, state: State | None, limit: int, after: str | None, *, newest_first: bool
    ) -> Records:
        found: Records = []
        place = None if after is None else await self._read(partial(transactions.place_of, key=after))
        if after is not None and place is None:
            return found
        while len(found) < limit:
            # in parts: an add must not wait for all of it
            asked = min(limit - len(found), _BATCH)
            query = sql.select(state, after=place is not None, newest_first=newest_first)
            part, place = await self._read(
                partial(transactions.list_records, query=query, limit=asked, after=place)
            )
            found += part
            if len(part) < asked:
                break
        return found

    async def _purge(self, older_than: datetime, since: datetime, limit: int) -> int:
        gone = 0
        while gone < limit:
            # in parts: an add must not wait for all of it
            asked = min(limit - gone, _BATCH)
            purge = partial(
                transactions.purge, older_than=to_micros(older_than), since=to_micros(since), limit=asked
            )
            deleted = await self._write(purge)
            gone += deleted
            if deleted < asked:
                break
        return gone

    async def _next_due(self) -> timedelta | None:
        return await self._read(transactions.next_due)

    async def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        # another process cannot notify this one, but its commits change the version of the data
        while await self._read(transactions.data_version) == self._seen_version:
            left = end - time.monotonic()
            if left <= 0 or await self._notifier.wait(min(left, self._version_poll)):
                return

    def _read(self, work: Callable[[File], R]) -> Awaitable[R]:
        return self._translated(self._thread.read(work))

    async def _write(self, work: Callable[[File], R], *, once: bool = False) -> R:
        if self._gate.closed:
            await self._gate.opened()
        return await self._translated(self._thread.write(work, once=once))

    def _run_handler(self, work: Callable[[File], R]) -> Awaitable[R]:
        return self._translated(self._handlers.read(work))

    async def _translated(self, result: Awaitable[R]) -> R:
        try:
            return await result
        except (sqlite3.Error, *DATA_FAULTS) as error:
            raise _translate(self._path, error) from error


def _file_path(path: object) -> str:
    if not isinstance(path, str | os.PathLike):
        raise ConfigurationError(f"path must be the path of a file, not {format_value(path)}")
    text: object = os.fspath(path)
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise ConfigurationError(f"path must be the path of a file, not {format_value(text)}")
    try:
        os.fsencode(text)
    except UnicodeEncodeError:  # an unpaired surrogate
        raise ConfigurationError(f"path must be the path of a file, not {format_value(text)}") from None
    if text == ":memory:":
        raise ConfigurationError("path must be the path of a file: for records in memory use MemoryInbox()")
    if text.startswith("file:") or "://" in text:
        raise ConfigurationError(
            f'path must be the path of a file, such as "inbox.db", not a URL: {format_value(text)}'
        )
    return text


def _translate(path: str, error: Exception) -> InboxError:
    if isinstance(error, DATA_FAULTS):
        return Rejected(f"the SQLite inbox {path} cannot keep this: {error}")
    hint = ""
    if "unable to open" in str(error):
        hint = "; check that its directory exists and is writable"
    return InboxUnavailable(
        f"the SQLite inbox {path} cannot be used: {error}{hint}; the next call tries again"
    )

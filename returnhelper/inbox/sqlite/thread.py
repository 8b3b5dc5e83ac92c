"""One thread that owns one SQLite connection, so that no event loop ever waits for a disk."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from itertools import groupby
from operator import attrgetter
from queue import SimpleQueue
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from returnhelper.errors import InboxError
from returnhelper.inbox._loop import LoopOwner
from returnhelper.inbox.sqlite.file import File
from returnhelper.inbox.sqlite.transactions import SWEEP_AFTER, finish

R = TypeVar("R")

DATA_FAULTS: Final = (sqlite3.DataError, sqlite3.IntegrityError, OverflowError)
"""Faults of the data, not of the file: text or bytes beyond the limit, integers beyond 64 bits."""
_MOST_AT_ONCE: Final = 512
_WRITES: Final = attrgetter("writes")


class _Job(NamedTuple):
    """A function of the connection, who waits for its result, and what it does."""

    work: Callable[[File], Any]
    future: asyncio.Future[Any]
    writes: bool
    once: bool


class _End(NamedTuple):
    """The last thing that a thread takes, and who waits for its end."""

    future: asyncio.Future[Any] | None = None


_Jobs: TypeAlias = SimpleQueue[_Job | _End]
_Outcome: TypeAlias = tuple[asyncio.Future[Any], object, BaseException | None]


class SQLiteThread:
    """Run functions of a connection in a thread; it starts with the first one and ends with `close`.

    The connection is opened by ``connect`` in the thread. After an error of the database it is closed, and opened again
    for the next function. The thread is a daemon: a process that ends without closing the inbox does not hang.
    """

    def __init__(self, connect: Callable[[], File]) -> None:
        self._connect = connect
        self._owner = LoopOwner()
        self._jobs: _Jobs | None = None
        self._process = 0

    @property
    def running(self) -> bool:
        """Return whether there is a thread to close."""
        # a forked process has the objects of its parent, but none of its threads
        return self._jobs is not None and self._process == os.getpid()

    def read(self, work: Callable[[File], R]) -> Awaitable[R]:
        """Return what ``work`` returns in the thread; it runs to its end even if the caller is cancelled."""
        return self._submit(work, writes=False, once=False)

    def write(self, work: Callable[[File], R], *, once: bool = False) -> Awaitable[R]:
        """Return what ``work`` returns in a transaction, when that is on the disk.

        Functions that wait at the same time share a transaction. An error of the data is that of the function it belongs to.
        A function whose caller is cancelled before it begins does not run. One that writes ``once`` has a single statement,
        and may run again if the files were replaced meanwhile: what it returned first then counts, if the second is false.
        """
        return self._submit(work, writes=True, once=once)

    def _submit(self, work: Callable[[File], R], *, writes: bool, once: bool) -> asyncio.Future[R]:
        self._owner.enter()
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        jobs = self._jobs if self.running else None
        (jobs or self._start()).put(_Job(work, future, writes, once))
        return future

    async def close(self) -> None:
        """Close the connection and return when the thread has ended."""
        jobs, self._jobs = self._jobs if self.running else None, None
        if jobs is None:
            return
        closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        jobs.put(_End(closed))
        await closed

    def abandon(self) -> None:
        """Ask the thread to end, without waiting: all that a finaliser may do."""
        jobs, self._jobs = self._jobs, None
        if jobs is not None:
            jobs.put(_End())

    def _start(self) -> _Jobs:
        self._jobs, self._process = SimpleQueue(), os.getpid()
        threading.Thread(
            target=_serve, args=(self._jobs, self._connect), name="returnhelper inbox", daemon=True
        ).start()
        return self._jobs


class _Opener:
    """The connection of a thread: opened when it is needed, and closed after an error."""

    def __init__(self, connect: Callable[[], File]) -> None:
        self._connect = connect
        self._connection: File | None = None

    def open(self, *, check: bool = True) -> File:
        """Return the connection; a new one if the path leads to other files by now."""
        if check and self._connection is not None and self._connection.replaced():
            self.close()
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                if connection.replaced():
                    connection.abandon()
                else:
                    connection.close()


def _serve(jobs: _Jobs, connect: Callable[[], File]) -> None:
    # a function of the module, so that the thread does not keep the inbox alive
    opener = _Opener(connect)
    end: _End | None = None
    while end is None:
        taken, end = _take(jobs)
        for writes, group in groupby(taken, key=_WRITES):
            waiting = [job for job in group if not job.future.done()]
            if writes and waiting:
                _write(opener, waiting)
            else:
                for job in waiting:
                    _run(opener, [job], _read)
        del taken
    opener.close()
    if end.future is not None:
        _deliver([(end.future, None, None)])


def _take(jobs: _Jobs) -> tuple[list[_Job], _End | None]:
    """Wait for a job; return it with all that wait too, and the end if those are the last."""
    taken: list[_Job] = []
    while len(taken) < _MOST_AT_ONCE and not (taken and jobs.empty()):
        job = jobs.get()
        if isinstance(job, _End):
            return taken, job
        taken.append(job)
    return taken, None


def _write(opener: _Opener, jobs: list[_Job]) -> None:
    # One statement is a transaction by itself. To begin and end one around it takes as much time as the statement, because
    # each call of the database hands the interpreter to the event loop and back.
    if len(jobs) == 1 and jobs[0].once:
        _run(opener, jobs, _statement)
    elif _run(opener, jobs, _transaction):
        for job in jobs:
            _run(opener, [job], _transaction)


def _run(opener: _Opener, jobs: list[_Job], work: Callable[[_Opener, list[_Job]], list[object]]) -> bool:
    """Run jobs and deliver what comes of them; return True instead if one spoiled the work of all."""
    try:
        results = work(opener, jobs)
    except BaseException as error:  # noqa: BLE001
        of_the_store = isinstance(error, sqlite3.Error | InboxError) and not isinstance(error, DATA_FAULTS)
        if of_the_store:
            opener.close()
        elif len(jobs) > 1:
            return True
        # a shared error would collect the tracebacks of all who wait
        _deliver([(job.future, None, copy.copy(error)) for job in jobs])
    else:
        _deliver([(job.future, result, None) for job, result in zip(jobs, results, strict=True)])
    return False


def _read(opener: _Opener, jobs: list[_Job]) -> list[object]:
    db = opener.open()
    return [job.work(db) for job in jobs]


def _statement(opener: _Opener, jobs: list[_Job]) -> list[object]:
    db = opener.open(check=False)
    if db.added >= SWEEP_AFTER:
        return _transaction(opener, jobs)
    (job,) = jobs
    result = job.work(db)
    if not db.replaced():
        return [result]
    # what it wrote may have been saved, and then is known
    opener.close()
    return [_transaction(opener, jobs)[0] or result]


def _transaction(opener: _Opener, jobs: list[_Job]) -> list[object]:
    db = opener.open()
    db.execute("BEGIN IMMEDIATE")
    try:
        results = [job.work(db) for job in jobs]
        finish(db)
        commit(db)
    except BaseException:
        db.added = db.finished = 0
        # some failures, such as a full disk, have rolled back already
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return results


def commit(db: File) -> None:
    """Commit, and raise if another process would not find what was written."""
    db.execute("COMMIT")
    if db.replaced():
        raise sqlite3.OperationalError("one of its files was removed or replaced")


def _deliver(outcomes: list[_Outcome]) -> None:
    """Resolve futures from the thread."""
    first = outcomes[0][0].get_loop()
    others = [one for one in outcomes if one[0].get_loop() is not first]
    mine = [one for one in outcomes if one[0].get_loop() is first] if others else outcomes
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
        first.call_soon_threadsafe(_resolve, mine)
    if others:
        _deliver(others)


def _resolve(outcomes: list[_Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

"""One thread that owns one SQLite connection, so that no event loop ever waits for a disk."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeVar

from returnhelper.inbox.sqlite.file import File

R = TypeVar("R")

_Job = Callable[[Callable[[], File]], None]


class SQLiteThread:
    """Run functions of a connection in a thread; it starts with the first one and ends with `close`.

    The connection is opened by ``connect`` in the thread. After an error of the database it is closed, and opened again
    for the next function. The thread is a daemon: a process that ends without closing the inbox does not hang.
    """

    def __init__(self, connect: Callable[[], File]) -> None:
        self._connect = connect
        self._jobs: SimpleQueue[_Job | None] | None = None
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Tell whether there is a thread to close."""
        return self._jobs is not None

    async def run(self, work: Callable[[File], R]) -> R:
        """Return what ``work`` returns in the thread; a cancelled caller leaves it to its end."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()

        def job(connection: Callable[[], File]) -> None:
            try:
                result = work(connection())
            except BaseException as error:
                _fail(loop, future, error)
                if isinstance(error, sqlite3.Error):
                    raise
            else:
                _answer(loop, future, result)

        self._start().put(job)
        return await future

    async def close(self) -> None:
        """Close the connection and return when the thread has."""
        jobs, self._jobs = self._jobs, None
        if jobs is None:
            return
        loop = asyncio.get_running_loop()
        closed: asyncio.Future[None] = loop.create_future()
        jobs.put(None)
        jobs.put(lambda _: _answer(loop, closed, None))
        await closed

    def abandon(self) -> None:
        """Ask the thread to end, without waiting: all that a finaliser may do."""
        jobs, self._jobs = self._jobs, None
        if jobs is not None:
            jobs.put(None)

    def _start(self) -> SimpleQueue[_Job | None]:
        # a process that was forked has the objects of its parent, but none of its threads
        if self._jobs is None or self._thread is None or not self._thread.is_alive():
            self._jobs = SimpleQueue()
            self._thread = threading.Thread(
                target=_serve, args=(self._jobs, self._connect), name="returnhelper inbox", daemon=True
            )
            self._thread.start()
        return self._jobs


def _serve(jobs: SimpleQueue[_Job | None], connect: Callable[[], File]) -> None:
    # a function of the module, so that the thread keeps no inbox alive
    connection: File | None = None

    def connected() -> File:
        nonlocal connection
        if connection is None:
            connection = connect()
        return connection

    def disconnect() -> None:
        nonlocal connection
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
            connection = None

    while (job := jobs.get()) is not None:
        try:
            job(connected)
        except sqlite3.Error:
            disconnect()
        del job
    disconnect()
    with contextlib.suppress(Exception):
        farewell = jobs.get_nowait()
        if farewell is not None:
            farewell(connected)


def _answer(loop: asyncio.AbstractEventLoop, future: asyncio.Future[R], result: R) -> None:
    _call(loop, lambda: None if future.done() else future.set_result(result))


def _fail(loop: asyncio.AbstractEventLoop, future: asyncio.Future[R], error: BaseException) -> None:
    _call(loop, lambda: None if future.done() else future.set_exception(error))


def _call(loop: asyncio.AbstractEventLoop, settle: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # that loop is closed; nobody waits any more
        loop.call_soon_threadsafe(settle)

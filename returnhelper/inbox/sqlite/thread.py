"""One thread that owns one SQLite connection, so that no event loop ever waits for a disk."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeAlias, TypeVar

from returnhelper.inbox.sqlite.file import File

R = TypeVar("R")

_Job: TypeAlias = Callable[[Callable[[], File]], None]


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
        """Return whether there is a thread to close."""
        return self._jobs is not None

    async def run(self, work: Callable[[File], R]) -> R:
        """Return what ``work`` returns in the thread; it runs to its end even if the caller is cancelled."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()

        def job(connection: Callable[[], File]) -> None:
            try:
                result = work(connection())
            except BaseException as error:
                _resolve(future, error=error)
                if isinstance(error, sqlite3.Error):
                    raise
            else:
                _resolve(future, result)

        self._start().put(job)
        return await future

    async def close(self) -> None:
        """Close the connection and return when the thread has ended."""
        jobs, self._jobs = self._jobs, None
        if jobs is None:
            return
        closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        jobs.put(None)
        jobs.put(lambda _: _resolve(closed, None))
        await closed

    def abandon(self) -> None:
        """Ask the thread to end, without waiting: all that a finaliser may do."""
        jobs, self._jobs = self._jobs, None
        if jobs is not None:
            jobs.put(None)

    def _start(self) -> SimpleQueue[_Job | None]:
        # a forked process has the objects of its parent, but none of its threads
        if self._jobs is None or self._thread is None or not self._thread.is_alive():
            self._jobs = SimpleQueue()
            self._thread = threading.Thread(
                target=_serve, args=(self._jobs, self._connect), name="returnhelper inbox", daemon=True
            )
            self._thread.start()
        return self._jobs


def _serve(jobs: SimpleQueue[_Job | None], connect: Callable[[], File]) -> None:
    # a function of the module, so that the thread does not keep the inbox alive
    connection: File | None = None

    def connected() -> File:
        nonlocal connection
        if connection is not None and connection.replaced():
            disconnect()
        if connection is None:
            connection = connect()
        return connection

    def disconnect() -> None:
        nonlocal connection
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                if connection.replaced():
                    connection.abandon()
                else:
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
        # what `close` waits for
        last = jobs.get_nowait()
        if last is not None:
            last(connected)


def _resolve(future: asyncio.Future[R], result: R | None = None, error: BaseException | None = None) -> None:
    """Resolve a future from the thread."""

    def resolve() -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]
        else:
            future.set_exception(error)

    with contextlib.suppress(RuntimeError):  # its loop is closed: nobody waits for it
        future.get_loop().call_soon_threadsafe(resolve)

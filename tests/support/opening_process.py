"""Open a fresh SQLite inbox again and again, each time in a process killed one statement later.

Usage: opening_process.py DIRECTORY. Prints how many statements the opening has; the files are 0.db, 1.db and so on,
each named after the number of statements that were begun and done before the kill.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
import threading
from itertools import count
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).parents[2]))
from returnhelper.inbox.sqlite import SQLiteInbox


def die_after(statements: int) -> None:
    left = [statements]

    def begins(_: str) -> None:
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    def watch(_: FrameType, event: str, function: object) -> None:
        # the inbox keeps its connection to itself: look for the first call of one in any thread
        connection = getattr(function, "__self__", None)
        if event == "c_call" and isinstance(connection, sqlite3.Connection):
            sys.setprofile(None)
            connection.set_trace_callback(begins)

    threading.setprofile(watch)


async def open_and_close(path: Path) -> None:
    async with SQLiteInbox(path):
        pass


def main(home: str) -> None:
    for number in count():
        child = os.fork()
        if not child:
            die_after(number)
            asyncio.run(open_and_close(Path(home) / f"{number}.db"))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == 0:
            print(number)
            return
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


main(*sys.argv[1:])

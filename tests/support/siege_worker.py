"""A worker process to be killed: it writes a line to its log before and after every handling.

Usage: siege_worker.py KIND WHERE NAME LOG
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from returnhelper.inbox import Inbox, Record, Worker
from returnhelper.webhooks import Router, events
from tests.support.inbox_kit import make_inbox


def main(kind: str, where: str, name: str, log: str) -> None:
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    router = Router()

    def note(what: str, key: str, order: str) -> None:
        os.write(file, f"{what} {key} {order} {os.getpid()} {time.monotonic():.6f}\n".encode())

    @router.on_any
    async def handle(event: events.Event) -> None:
        key, order = str(event.notification_id), str((event.raw or {})["order"])
        note("start", key, order)
        await asyncio.sleep(random.random() * 0.05)
        note("end", key, order)

    inbox = make_inbox(kind, where, None, name)
    complete = inbox.complete

    async def noted(record: Record) -> bool:
        done = await complete(record)
        if done:
            note("done", record.key, str(record.ordering_key))
        return done

    inbox.complete = noted  # type: ignore[method-assign]

    async def run(inbox: Inbox) -> None:
        async with inbox:
            await Worker(
                inbox, router, lease=timedelta(seconds=1), poll=0.2, max_attempts=1000, concurrency=8
            ).run()

    while True:
        try:
            asyncio.run(run(inbox))
            return
        except Exception as error:
            # the server is away while we start
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            time.sleep(0.1)


if __name__ == "__main__":
    main(*sys.argv[1:])

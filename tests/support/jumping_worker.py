"""A worker process whose wall clock is wrong and jumps; it writes a line to its log for whatever a handler does.

Usage: jumping_worker.py KIND WHERE NAME LOG OFFSET TOGETHER
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

sys.path.insert(0, str(Path(__file__).parents[2]))
from returnhelper.inbox import Inbox, PostgresInbox, Record, RedisInbox, Worker
from returnhelper.webhooks import Router, events
from tests.support.inbox_kit import make_inbox

JUMP_EVERY = 0.7
JUMPS = (-86_400.0, -90.0, 0.0, 90.0, 86_400.0)


async def jump(clock: time_machine.Traveller, offset: float, seed: int) -> None:
    """Set the wall clock again and again; processes with the same offset and seed do it alike."""
    while True:
        slot = int(time.monotonic() / JUMP_EVERY)
        ahead = offset + random.Random(f"{slot}{seed}").choice(JUMPS)
        clock.move_to(datetime.fromtimestamp(REAL_EPOCH + time.monotonic() + ahead, UTC))
        await asyncio.sleep(JUMP_EVERY / 3)


REAL_EPOCH = time.time() - time.monotonic()


def make(kind: str, where: str, name: str) -> Inbox:
    """Return the inbox of the siege, with a short patience for connections that fell silent."""
    if kind == "postgres":
        return PostgresInbox(where, table=f"rh_{name}", timeout=1)
    if kind == "redis":
        return RedisInbox(where, name=name, timeout=1)
    return make_inbox(kind, where, None, name)


async def work(kind: str, where: str, name: str, log: str) -> None:
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    router = Router()

    def note(what: str, key: str, order: str) -> None:
        os.write(file, f"{what} {key} {order} {os.getpid()} {time.monotonic():.6f}\n".encode())

    @router.on_any
    async def handle(event: events.Event) -> None:
        key, order = str(event.notification_id), str((event.raw or {})["order"])
        note("start", key, order)
        try:
            await asyncio.sleep(random.random() ** 2)  # many are short, some take long
        except asyncio.CancelledError:
            note("cancelled", key, order)
            raise
        note("end", key, order)

    inbox = make(kind, where, name)
    complete = inbox.complete

    async def noted(record: Record) -> bool:
        done = await complete(record)
        if done:
            note("done", record.key, str(record.ordering_key))
        return done

    inbox.complete = noted  # type: ignore[method-assign]
    async with inbox:
        await Worker(
            inbox, router, lease=timedelta(seconds=1.5), poll=0.2, max_attempts=1000, concurrency=4
        ).run()


async def run(kind: str, where: str, name: str, log: str, offset: str, together: str) -> None:
    seed = 0 if together == "together" else os.getpid()
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(offset)), tick=True) as clock:
        jumping = asyncio.create_task(jump(clock, float(offset), seed))
        try:
            await work(kind, where, name, log)
        finally:
            jumping.cancel()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))

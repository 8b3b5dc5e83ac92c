"""A worker process with a handler that kills it at the event named poison.

Usage: poison_process.py KIND WHERE NAME
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from returnhelper.inbox import Worker
from returnhelper.webhooks import Router, events
from tests.support.inbox_kit import make_inbox

router = Router()


@router.on_any
async def handle(event: events.Event) -> None:
    if event.notification_id == "poison":
        await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGKILL)
    await asyncio.sleep(0.15)  # so that the neighbours are under way when it happens


async def main(kind: str, where: str, name: str) -> None:
    async with make_inbox(kind, where, None, name) as inbox:
        await Worker(inbox, router, lease=0.4, poll=0.1, max_attempts=2).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""A worker process whose handler orders two labels and kills itself between them, once.

Usage: calling_process.py DATABASE USER_URL MARKER LOG
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from returnhelper import Environment, ReturnHelper
from returnhelper.inbox import SQLiteInbox, Worker
from returnhelper.webhooks import Router, events
from tests.support.emulator_kit import order


async def main(database: str, url: str, marker: str, log: str) -> None:
    router, done = Router(), asyncio.Event()
    rh = ReturnHelper("emulator-key", "emulator-token", environment=Environment.custom(user_url=url))

    async def call(number: str) -> None:
        created = await rh.return_shipments.create(order(number))
        assert created.response is not None
        with Path(log).open("a") as file:
            file.write(f"{number} {created.shipment_id} {created.response.idempotency_key}\n")

    @router.on_any
    async def handle(event: events.Event) -> None:
        await call("A-1")
        if not Path(marker).exists():
            Path(marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        await call("A-2")
        done.set()

    async with rh, SQLiteInbox(database) as inbox, Worker(inbox, router, lease=0.4, poll=0.05):
        await done.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

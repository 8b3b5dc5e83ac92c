"""A nursery of worker processes to be killed: handlers that make a call and write a row in the transaction of their event.

Usage: effects_process.py KIND WHERE NAME TABLE API

For each line of its input it forks a worker and prints its process id. What a worker needs is imported before, so that it
can be killed as soon as it runs.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from returnhelper import Environment, RetryPolicy, ReturnHelper
from returnhelper.errors import ReturnHelperError
from returnhelper.inbox import Worker
from returnhelper.webhooks import Router, events
from tests.support.effects import Effects
from tests.support.emulator_kit import order
from tests.support.inbox_kit import make_inbox


async def work(kind: str, where: str, name: str, table: str, api: str) -> None:
    effects = Effects(kind, where, table=table)
    router = Router()
    environment = Environment.custom(user_url=f"{api}/user", public_url=f"{api}/public")
    rh = ReturnHelper(
        "emulator-key", "emulator-token", environment=environment, retry=RetryPolicy(wait_initial=0.02)
    )

    @router.on(events.Event, transaction=True)
    async def handle(event: events.Event, tx: Any) -> None:
        key = str(event.notification_id)
        await asyncio.sleep(random.uniform(0, 0.02))
        await rh.return_shipments.create(order(key))
        await asyncio.sleep(random.uniform(0, 0.02))
        await effects.write(tx, key)

    async with rh, make_inbox(kind, where, None, name) as inbox:
        worker = Worker(
            inbox,
            router,
            lease=timedelta(seconds=1),
            poll=0.1,
            max_attempts=100_000,
            backoff=0.01,
            max_backoff=0.1,
        )
        await worker.run()


def main() -> None:
    arguments = sys.argv[1:]
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            while True:
                try:
                    asyncio.run(work(*arguments))
                    os._exit(0)
                except ReturnHelperError as error:
                    # the server is away while the worker starts
                    print(f"{type(error).__name__}: {error}", file=sys.stderr)
        print(child, flush=True)


if __name__ == "__main__":
    main()

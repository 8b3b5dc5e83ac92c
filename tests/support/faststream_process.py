"""A FastStream worker process: it notes in Redis which events it begins and ends.

Usage: faststream_process.py URL SECONDS, where SECONDS is how long a handler takes.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from faststream.redis import RedisBroker
from redis.asyncio import Redis

sys.path.insert(0, str(Path(__file__).parents[2]))
from examples import faststream_worker as example
from returnhelper.webhooks import Router, events


def main(url: str, seconds: float) -> None:
    router = Router()
    notes = Redis.from_url(url)

    @router.on_any
    async def handle(event: events.Event) -> None:
        await notes.rpush("begun", str(event.notification_id))
        await asyncio.sleep(seconds)
        await notes.rpush("ended", str(event.notification_id))

    app = example.make_worker(RedisBroker(url), router, timedelta(seconds=0.5))
    asyncio.run(app.run())


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))

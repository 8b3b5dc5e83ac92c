"""A worker process whose wall clock is wrong and jumps: it handles records and says so, one line each.

Usage: clock_process.py FILE HOURS
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

sys.path.insert(0, str(Path(__file__).parents[2]))
from returnhelper.inbox import SQLiteInbox


async def main(file: str, hours: float) -> None:
    jumps = random.Random(os.getpid())
    wrong = timedelta(hours=hours)
    while True:
        with time_machine.travel(datetime.now(UTC) + wrong, tick=True):
            async with SQLiteInbox(file) as inbox:
                for _ in range(20):
                    for record in await inbox.claim(2, 60):
                        print("start", record.key, record.ordering_key, record.attempts, flush=True)
                        await asyncio.sleep(jumps.random() * 0.01)
                        print(
                            "end", record.key, record.ordering_key, await inbox.complete(record), flush=True
                        )
                    await inbox.wait(0.01)
        wrong = timedelta(hours=jumps.uniform(-hours, hours))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))

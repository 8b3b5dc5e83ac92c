"""A process with a watchdog that is stopped for longer than its threshold and goes on."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from returnhelper.inbox._watchdog import Watchdog


async def main() -> None:
    watchdog = Watchdog(0.4)
    with watchdog.watching():
        alarm = f"sleep 0.1; kill -STOP {os.getpid()}; sleep 1.5; kill -CONT {os.getpid()}"
        with subprocess.Popen(["/bin/sh", "-c", alarm]) as process:
            while process.poll() is None:
                watchdog.beat()
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
    print("went on")


logging.basicConfig()
asyncio.run(main())

"""A receiving process to be killed: it prints the key of every delivery that it answered with 200."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from uuid import uuid4

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
from inbox.inbox_kit import make_inbox  # noqa: E402
from inbox.test_receiving import ENDPOINT, delivery  # noqa: E402
from returnhelper.webhooks import Receiver, Verifier  # noqa: E402


async def main(kind: str, where: str, name: str) -> None:
    async with make_inbox(kind, where, None, name) as inbox:
        receiver = Receiver(Verifier(ENDPOINT), inbox=inbox)

        async def client() -> None:
            while True:
                key = uuid4().hex
                outcome = await receiver.receive(*delivery(key))
                if outcome.status == 200:
                    os.write(1, f"{outcome.record_key}\n".encode())

        await asyncio.gather(*(client() for _ in range(32)))


asyncio.run(main(*sys.argv[1:]))

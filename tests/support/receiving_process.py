"""A receiving process to be killed: it prints the key of every delivery to which it responded with 200."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[2]))
from returnhelper.webhooks import Receiver, Verifier
from tests.support.deliveries import ENDPOINT, delivery
from tests.support.inbox_kit import make_inbox


async def main(kind: str, where: str, name: str) -> None:
    async with make_inbox(kind, where, None, name) as inbox:
        receiver = Receiver(Verifier(ENDPOINT), inbox=inbox)

        async def client() -> None:
            while True:
                key = uuid4().hex
                outcome = await receiver.receive(*delivery(key))
                if outcome.status == 200:
                    os.write(1, f"{outcome.record_key}\n".encode())
                elif outcome.status == 401:
                    sys.exit(f"an authentic delivery was refused: {outcome.reason}")

        await asyncio.gather(*(client() for _ in range(32)))


asyncio.run(main(*sys.argv[1:]))

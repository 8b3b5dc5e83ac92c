"""The example of a FastStream worker, over a real Redis."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from returnhelper.inbox import MemoryInbox
from returnhelper.webhooks import Router, Verifier, events

from .inbox_kit import RedisServer
from .test_receiving import ENDPOINT, delivery

EXAMPLE = Path(__file__).parents[2] / "examples" / "faststream_worker.py"


def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("faststream_worker", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_events_reach_the_worker(redis_server: RedisServer) -> None:
    """What the receiver acknowledged is handled by the FastStream worker, a second delivery is not."""
    module = example()
    seen: list[str] = []
    router = Router()

    @router.on_any
    async def handle(event: events.Event) -> None:
        seen.append(str(event.notification_id))

    broker = module.RedisBroker(redis_server.url)
    module.make_worker(broker, router)
    async with (
        broker,
        MemoryInbox() as inbox,
        module.make_receiver(Verifier(ENDPOINT), broker, inbox) as receiver,
    ):
        await broker.start()
        for number in range(20):
            message = delivery(f"n{number}")
            for _ in range(2):
                assert (await receiver.receive(*message)).status == 200
        async with asyncio.timeout(20):
            while len(seen) < 20:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
    assert sorted(seen) == sorted(f"n{number}" for number in range(20))

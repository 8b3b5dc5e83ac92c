"""The example of a FastStream worker, over a real Redis."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from redis.asyncio import Redis

from returnhelper.inbox import MemoryInbox
from returnhelper.webhooks import Discard, Receiver, Router, Verifier, events
from tests.support.deliveries import ENDPOINT, delivery
from tests.support.inbox_kit import RedisServer

EXAMPLE = Path(__file__).parents[2] / "examples" / "faststream_worker.py"
PROCESS = Path(__file__).parents[1] / "support" / "faststream_process.py"
SOON = timedelta(seconds=0.3)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("faststream_worker", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    """Return an empty database that no other test uses."""
    async with Redis.from_url(redis_server.url[:-1] + "9", decode_responses=True) as client:
        await client.flushdb()
        yield client
        await client.flushdb()


def url_of(redis: Redis) -> str:
    return "redis://{host}:{port}/{db}".format(**redis.connection_pool.connection_kwargs)


@asynccontextmanager
async def web_service(module: ModuleType, redis: Redis) -> AsyncIterator[Receiver]:
    """Run the receiver of the example with a broker and an inbox of its own, as its process would."""
    async with (
        module.RedisBroker(url_of(redis)) as broker,
        MemoryInbox() as inbox,
        module.make_receiver(Verifier(ENDPOINT), broker, inbox) as receiver,
    ):
        yield receiver


async def until(fact: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(20):
        while not await fact():
            await asyncio.sleep(0.01)


async def pending(module: ModuleType, redis: Redis) -> int:
    return int((await redis.xpending(module.STREAM, module.GROUP))["pending"])


async def test_events_reach_the_worker(redis: Redis) -> None:
    """What the receiver acknowledged is handled once, even what came before the first worker, and nothing is pending."""
    module, router = example(), Router()
    seen: list[str] = []

    @router.on_any
    async def handle(event: events.Event) -> None:
        seen.append(str(event.notification_id))

    async def all_done() -> bool:
        return len(seen) >= 20 and not await pending(module, redis)

    app = module.make_worker(module.RedisBroker(url_of(redis)), router, SOON)
    async with web_service(module, redis) as receiver, AsyncExitStack() as stack:
        for number in range(20):
            message = delivery(f"n{number}")
            for _ in range(2):
                assert (await receiver.receive(*message)).status == 200
            if number == 9:
                await stack.enter_async_context(app)
        await until(all_done)
    assert sorted(seen) == sorted(f"n{number}" for number in range(20))


async def test_what_failed_is_handled_again(redis: Redis) -> None:
    """An event whose handler failed is handled again; a discarded one is not."""
    module, router = example(), Router()
    seen: list[str] = []

    @router.on_any
    async def handle(event: events.Event) -> None:
        seen.append(str(event.notification_id))
        if event.notification_id == "unwanted":
            raise Discard
        if len(seen) == 1:
            raise OSError("the database is away for a moment")

    async def all_done() -> bool:
        return len(seen) >= 3 and not await pending(module, redis)

    app = module.make_worker(module.RedisBroker(url_of(redis)), router, SOON)
    async with web_service(module, redis) as receiver, app:
        for key in ("wanted", "unwanted"):
            assert (await receiver.receive(*delivery(key))).status == 200
        await until(all_done)
        await asyncio.sleep(2 * SOON.total_seconds())
    assert seen == ["wanted", "unwanted", "wanted"]


@asynccontextmanager
async def process(redis: Redis, seconds: float) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a worker process with a handler of this duration, and kill it at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, PROCESS, url_of(redis), str(seconds), stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def test_another_worker_takes_over_what_a_killed_one_had_in_hand(redis: Redis) -> None:
    """A worker is killed while it handles an event: another process handles and acknowledges it."""
    module = example()

    async def begun() -> bool:
        return bool(await redis.llen("begun"))

    async def all_done() -> bool:
        return await redis.llen("ended") >= 3 and not await pending(module, redis)

    async with web_service(module, redis) as receiver:
        for number in range(3):
            assert (await receiver.receive(*delivery(f"n{number}"))).status == 200
        async with process(redis, 60):
            await until(begun)
        assert await pending(module, redis) == 1
        async with process(redis, 0):
            await until(all_done)
    assert sorted(await redis.lrange("ended", 0, -1)) == ["n0", "n1", "n2"]
    assert sorted(await redis.lrange("begun", 0, -1)) == ["n0", "n0", "n1", "n2"]

"""The worker: every event handled, tried again or held, whatever its handler or the store does."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from returnhelper.errors import ConfigurationError, InboxUnavailable
from returnhelper.inbox import Inbox, MemoryInbox, Record, RedisInbox, SQLiteInbox, State, Worker
from returnhelper.inbox._attempt import Attempt
from returnhelper.inbox._disposition import DispositionKind
from returnhelper.inbox.worker import WorkerCounters
from returnhelper.webhooks import Discard, Retry, Router, events
from tests.support.inbox_kit import LEASE, NOON, RedisServer, record

Handle = Callable[[events.Event], Awaitable[object]]
FAST = {"backoff": timedelta(milliseconds=1), "poll": 0.05}


def event(key: str, **given: object) -> Record:
    body = {"action": "somethingNew", "category": "x", "version": "v1", "notificationId": key, "n": key}
    given.setdefault("body", json.dumps(body).encode())
    return record(key, notification_id=key, **given)


def router(handle: Handle) -> Router:
    made = Router()
    made.on_any(handle)
    return made


async def nothing(_: events.Event) -> None:
    pass


async def until(inbox: Inbox, **wanted: int) -> None:
    async with asyncio.timeout(20):
        while True:
            stats = await inbox.stats()
            if all(getattr(stats, name) == count for name, count in wanted.items()):
                return
            await asyncio.sleep(0.005)


async def test_handles_and_counts() -> None:
    """Every event reaches its handlers once, and is counted with its latency."""
    seen: list[str] = []

    async def handle(event: events.Event) -> None:
        seen.append(str(event.notification_id))

    inbox = MemoryInbox()
    async with Worker(inbox, router(handle), **FAST) as worker:
        for number in range(50):
            await inbox.add(event(str(number), event_time=NOON))
        await until(inbox, done=50)
    assert sorted(seen, key=int) == [str(number) for number in range(50)]
    assert worker.counters.handled == worker.counters.from_event.count == 50
    assert worker.counters.from_receipt.longest >= worker.counters.from_receipt.mean > 0


async def test_fates() -> None:
    """Failures come again and are held in the end; Retry, Discard and misfits have their own fates."""
    tries: dict[str, int] = {}

    async def handle(event: events.Event) -> None:
        key = str(event.notification_id)
        tries[key] = tries.get(key, 0) + 1
        if key == "bad":
            raise ValueError("no")
        if key == "exit":
            raise SystemExit(3)
        if key == "cancelled":
            raise asyncio.CancelledError
        if key == "discard":
            raise Discard("not ours")
        if key == "later" and tries[key] == 1:
            raise Retry(after=0.02)

    inbox = MemoryInbox()
    async with Worker(inbox, router(handle), max_attempts=3, **FAST) as worker:
        for key in ("bad", "exit", "cancelled", "discard", "later", "good"):
            await inbox.add(event(key))
        await inbox.add(event("misfit", body=b"not json"))
        await until(inbox, done=3, held=4)
    assert tries == {"bad": 3, "exit": 3, "cancelled": 3, "discard": 1, "later": 2, "good": 1}
    reasons = {found.key: found.reason for found in await inbox.list()}
    assert "ValueError: no" in str(reasons["bad"])
    assert reasons["discard"] == "not ours"
    assert (worker.counters.held, worker.counters.discarded, worker.counters.failed) == (4, 1, 9)
    assert (await inbox.stats()).leased == 0


async def test_timeout_and_heartbeat() -> None:
    """A handler may outlast its lease, which is extended, but not its time limit."""
    starts = 0

    async def handle(event: events.Event) -> None:
        nonlocal starts
        starts += 1
        await asyncio.sleep(0.4 if event.notification_id == "long" else 60)

    inbox = MemoryInbox()
    worker = Worker(
        inbox,
        router(handle),
        lease=timedelta(milliseconds=150),
        handler_timeout=timedelta(seconds=1),
        max_attempts=1,
        **FAST,
    )
    async with worker:
        await inbox.add(event("long"))
        await inbox.add(event("stuck"))
        await until(inbox, done=1, held=1)
    assert starts == 2
    assert worker.counters.timed_out == 1
    assert "longer than 1 s" in str((await inbox.list(State.HELD))[0].reason)


async def test_lost_lease_cancels() -> None:
    """A handler whose lease is lost is cancelled, and the event is handled again."""
    cancelled = asyncio.Event()

    async def handle(_: events.Event) -> None:
        if not cancelled.is_set():
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.set()
                raise

    class Forgetful(MemoryInbox):
        async def extend(self, record: Record, lease: timedelta) -> bool:
            await self.release(record)
            return False

    inbox = Forgetful()
    async with Worker(inbox, router(handle), lease=timedelta(milliseconds=90), **FAST) as worker:
        await inbox.add(event("k"))
        await until(inbox, done=1)
    assert worker.counters.lost == 1


async def test_drain() -> None:
    """A drain lets running handlers finish, gives the others' records back, and leaves no task."""
    started = 0

    async def handle(event: events.Event) -> None:
        nonlocal started
        started += 1
        await asyncio.sleep(0.1 if event.notification_id == "short" else 60)

    inbox = MemoryInbox()
    before = asyncio.all_tasks()
    worker = Worker(inbox, router(handle), drain_timeout=timedelta(milliseconds=300), concurrency=2, **FAST)
    async with worker:
        for key in ("short", "long", "third"):
            await inbox.add(event(key))
        while started < 2:
            await asyncio.sleep(0.001)
    stats = await inbox.stats()
    assert (stats.done, stats.ready, stats.leased) == (1, 2, 0)
    assert all(found.attempts == 0 for found in await inbox.list(State.READY))
    assert asyncio.all_tasks() == before


async def test_sigterm() -> None:
    """SIGTERM ends `run` after what runs has finished."""
    inbox = MemoryInbox()

    async def handle(_: events.Event) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.1)

    await inbox.add(event("k"))
    await asyncio.wait_for(Worker(inbox, router(handle), **FAST).run(), 10)
    assert (await inbox.stats()).done == 1


async def test_cancelled_run() -> None:
    """Cancelling `run` drains it too."""
    inbox = MemoryInbox()
    task = asyncio.create_task(Worker(inbox, router(nothing), **FAST).run())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(asyncio.all_tasks()) == 1


async def test_outage() -> None:
    """A store that fails for a while costs no event and no second handling."""
    seen: list[str] = []

    class Flaky(MemoryInbox):
        calls = 0

        def fail(self) -> None:
            self.calls += 1
            if self.calls % 3:
                raise InboxUnavailable("out")

        async def claim(self, limit: int, lease: timedelta) -> list[Record]:
            self.fail()
            return await super().claim(limit, lease)

        async def complete(self, record: Record) -> bool:
            self.fail()
            return await super().complete(record)

    async def handle(event: events.Event) -> None:
        seen.append(str(event.notification_id))

    inbox = Flaky()
    given = FAST | {"uniform": lambda low, _: low}
    async with Worker(inbox, router(handle), **given) as worker:
        for number in range(20):
            await inbox.add(event(str(number)))
        await until(inbox, done=20)
    assert len(seen) == 20
    assert worker.counters.store_failures > 20


async def test_server_dies() -> None:
    """A worker lives through the death of its server, and goes on with what was stored."""
    handled = 0

    async def handle(_: events.Event) -> None:
        nonlocal handled
        handled += 1

    server = RedisServer()
    server.start()
    try:
        async with RedisInbox(server.url) as inbox, Worker(inbox, router(handle), **FAST) as worker:
            await inbox.add(event("before"))
            await until(inbox, done=1)
            server.kill()
            with pytest.raises(InboxUnavailable):
                await inbox.add(event("during"))
            await asyncio.sleep(0.2)
            server.start()
            await inbox.add(event("after"))
            await until(inbox, done=2)
        assert handled == 2
        assert worker.counters.store_failures
    finally:
        server.close()


async def test_forgotten_inbox(tmp_path: Path) -> None:
    """A SQLite inbox that nobody closed says so, and its thread ends."""
    inbox = SQLiteInbox(tmp_path / "inbox.db")
    await inbox.add(event("k"))
    await asyncio.sleep(0.05)  # for the writer to end
    with pytest.warns(ResourceWarning, match="unclosed"):  # noqa: PT031
        del inbox
        gc.collect()


async def test_one_run_at_a_time() -> None:
    """A worker that runs cannot be started twice."""
    worker = Worker(MemoryInbox(), router(nothing), **FAST)
    async with worker:
        with pytest.raises(ConfigurationError):
            await worker.__aenter__()


@pytest.mark.parametrize(
    "given",
    [
        {"concurrency": 0},
        {"max_attempts": 0},
        {"poll": 0},
        {"poll": float("nan")},
        {"lease": timedelta(0)},
        {"handler_timeout": timedelta(0)},
        {"backoff": timedelta(-1)},
        {"max_backoff": timedelta.max},
    ],
)
def test_arguments(given: dict[str, object]) -> None:
    """A worker that would spin, or never work, is not made."""
    with pytest.raises(ConfigurationError, match=next(iter(given))):
        Worker(MemoryInbox(), Router(), **given)  # type: ignore[arg-type]


async def test_endless_waits() -> None:
    """A wait beyond the calendar is a long one, whoever asks for it; the record stays in no lease."""

    async def handle(event: events.Event) -> None:
        if event.notification_id == "asked":
            raise Retry(after=timedelta.max)
        raise ValueError("no")

    inbox = MemoryInbox()
    century = timedelta(days=36_500)
    async with Worker(
        inbox, router(handle), max_attempts=100, backoff=century, max_backoff=century
    ) as worker:
        await inbox.add(event("asked"))
        await inbox.add(event("failed"))
        async with asyncio.timeout(5):
            while worker.counters.retried < 2:
                await asyncio.sleep(0.005)
    stats = await inbox.stats()
    assert (stats.ready, stats.leased) == (2, 0)


async def test_drained_but_done() -> None:
    """A handler that comes to its end although the drain cancels it is not run again."""
    runs: list[str] = []
    started = asyncio.Event()

    async def handle(event: events.Event) -> None:
        runs.append(str(event.notification_id))
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if event.notification_id == "discards":
                raise Discard("not ours") from None

    inbox = MemoryInbox()
    for key in ("done", "discards"):
        await inbox.add(event(key))
    async with Worker(inbox, router(handle), drain_timeout=timedelta(0), **FAST) as worker:
        await started.wait()
        await asyncio.sleep(0.01)
    assert (await inbox.stats()).done == 2
    assert (worker.counters.handled, worker.counters.discarded, worker.counters.released) == (1, 1, 0)


async def test_drained_in_an_outage() -> None:
    """A drain ends although the store cannot be told of a handler that came to its end."""

    class Out(MemoryInbox):
        async def complete(self, record: Record) -> bool:
            raise InboxUnavailable("out")

    started = asyncio.Event()

    async def handle(_: events.Event) -> None:
        started.set()

    async with Out() as inbox:
        worker = Worker(inbox, router(handle), drain_timeout=timedelta(milliseconds=50), **FAST)
        async with asyncio.timeout(7), worker:
            await inbox.add(event("k"))
            await started.wait()
        assert (await inbox.stats()).leased == 1


async def test_handler_that_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """A handler that swallows its cancellation is cancelled again, and somebody hears of it."""
    swallowed = 0

    async def handler() -> None:
        nonlocal swallowed
        while swallowed < 3:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                swallowed += 1

    inbox = MemoryInbox()
    await inbox.add(event("k"))
    (found,) = await inbox.claim(1, LEASE)
    given = {"lease": LEASE, "clock": inbox._clock, "counters": WorkerCounters(), "patience": 0.02}
    async with asyncio.timeout(5):
        verdict = await Attempt(inbox, found, **given).run(handler(), timedelta(milliseconds=20))
    assert (verdict.kind, swallowed) == (DispositionKind.DONE, 3)
    assert "event k goes on after it was cancelled" in caplog.text

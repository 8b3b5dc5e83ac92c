"""The worker: every event is handled, retried or held, whatever its handler or the store does."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from returnhelper._time import elapsed, utc_now
from returnhelper._wire import encode
from returnhelper.errors import ConfigurationError, InboxUnavailable
from returnhelper.inbox import (
    MemoryInbox,
    Record,
    RedisInbox,
    SQLiteInbox,
    State,
    Worker,
    WorkerCounters,
)
from returnhelper.inbox._attempt import Attempt, Handling
from returnhelper.inbox._breaker import Breaker
from returnhelper.inbox._disposition import Disposition, DispositionKind
from returnhelper.webhooks import Discard, Retry, Router, events
from tests.support.inbox_kit import NOON, RedisServer
from tests.support.worker_kit import FAST, event, nothing, router, until


async def test_handles_and_counts() -> None:
    """Every event reaches its handlers once and is counted with its latency."""
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


async def test_large_bodies_are_read_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body above 64 kB is decoded outside the event loop, a smaller one inside; both reach the handlers."""
    threads: dict[int, bool] = {}
    seen: list[int] = []

    def parse(body: bytes) -> events.Event:
        threads[len(body)] = threading.current_thread() is threading.main_thread()
        return events.parse_event(body)

    async def handle(event: events.Event) -> None:
        seen.append(len(str(event.raw)))

    monkeypatch.setattr("returnhelper.inbox._attempt.parse_event", parse)
    small, large = (encode({"action": "new", "text": "x" * size}) for size in (1000, 100_000))
    inbox = MemoryInbox()
    async with Worker(inbox, router(handle), **FAST):
        for body in (small, large):
            await inbox.add(Record(key=str(len(body)), body=body, received_at=utc_now()))
        await until(inbox, done=2)
    assert threads == {len(small): True, len(large): False}
    assert len(seen) == 2


async def test_outcomes() -> None:
    """A failure is retried and held after the last attempt; Retry, Discard and an unreadable body are treated as documented."""
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
        await inbox.add(event("unreadable", body=b"not json"))
        await until(inbox, done=3, held=4)
    assert tries == {"bad": 3, "exit": 3, "cancelled": 3, "discard": 1, "later": 2, "good": 1}
    reasons = {found.key: found.reason for found in await inbox.list()}
    assert "ValueError: no" in str(reasons["bad"])
    assert reasons["discard"] == "not ours"
    assert (worker.counters.held, worker.counters.discarded, worker.counters.failed) == (4, 1, 9)
    assert (await inbox.stats()).leased == 0


async def test_timeout_and_heartbeat() -> None:
    """A handler may run longer than its lease, which is extended, but not longer than its timeout."""
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
    assert "timed out after 1 s" in str((await inbox.list(State.HELD))[0].reason)


async def test_lost_lease_cancels() -> None:
    """Losing the lease cancels the handler, and the event is handled again."""
    cancelled = asyncio.Event()

    async def handle(_: events.Event) -> None:
        if not cancelled.is_set():
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.set()
                raise

    class Forgetful(MemoryInbox):
        async def extend(self, record: Record, lease: float | timedelta) -> bool:  # type: ignore[override]
            await self.release(record)
            return False

    inbox = Forgetful()
    async with Worker(inbox, router(handle), lease=timedelta(milliseconds=90), **FAST) as worker:
        await inbox.add(event("k"))
        await until(inbox, done=1)
    assert worker.counters.lost == 1


async def test_drain() -> None:
    """A drain lets running handlers finish, releases the records of the others and leaves no task."""
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
    """An outage of the store loses no event and causes no second handling."""
    seen: list[str] = []

    class Flaky(MemoryInbox):
        calls = 0

        def fail(self) -> None:
            self.calls += 1
            if self.calls % 3:
                raise InboxUnavailable("out")

        async def claim(self, limit: int, lease: float | timedelta) -> list[Record]:  # type: ignore[override]
            self.fail()
            return await super().claim(limit, lease)

        async def complete(self, record: Record) -> bool:
            self.fail()
            return await super().complete(record)

    async def handle(event: events.Event) -> None:
        seen.append(str(event.notification_id))

    inbox = Flaky()
    given: dict[str, Any] = FAST | {"uniform": lambda low, _: low}
    async with Worker(inbox, router(handle), **given) as worker:
        for number in range(20):
            await inbox.add(event(str(number)))
        await until(inbox, done=20)
    assert len(seen) == 20
    assert worker.counters.store_failures > 20


async def test_server_dies() -> None:
    """A worker survives the death of its server and goes on with what was stored."""
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
    """A SQLite inbox that was never closed warns about it, and its thread ends."""
    inbox = SQLiteInbox(tmp_path / "inbox.db")
    await inbox.add(event("k"))
    await asyncio.sleep(0.05)  # for the writer to end
    with pytest.warns(ResourceWarning, match="unclosed"):  # noqa: PT031
        del inbox
        gc.collect()


async def test_one_run_at_a_time() -> None:
    """A running worker cannot be started again; a drained one can."""
    inbox = MemoryInbox()
    worker = Worker(inbox, router(nothing), **FAST)
    for key in ("first", "second"):
        await worker.start()
        with pytest.raises(ConfigurationError, match="running already"):
            await worker.start()
        await inbox.add(event(key))
        await until(inbox, ready=0, leased=0)
        await worker.drain()
    assert worker.counters.handled == 2
    await worker.drain()


def test_one_loop_after_another() -> None:
    """A worker that ended with its event loop, without a drain, can be started in the next one."""
    inbox = MemoryInbox()
    worker = Worker(inbox, router(nothing), **FAST)

    async def handle_one(key: str) -> None:
        await worker.start()
        await inbox.add(event(key))
        await until(inbox, ready=0, leased=0)

    for key in ("first", "second"):
        asyncio.run(handle_one(key))
    assert worker.counters.handled == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            (name, value)
            for name in ("concurrency", "max_attempts")
            for value in (0, -1, 2.5, True, "4", None)
        ),
        *(
            (name, value)
            for name in ("lease", "handler_timeout", "poll", "max_backoff", "drain_timeout", "backoff")
            for value in (-1, timedelta(-1), float("nan"), float("inf"), timedelta.max, 10**400, "60", True)
        ),
        *((name, value) for name in ("lease", "handler_timeout", "poll") for value in (0, timedelta(0))),
        *((name, None) for name in ("lease", "poll", "backoff", "max_backoff", "drain_timeout")),
        ("backoff", 601),
        ("max_backoff", 0.5),
    ],
)
def test_arguments(name: str, value: object) -> None:
    """A wrong argument is refused by its name when the worker is created."""
    with pytest.raises(ConfigurationError, match=name):
        Worker(MemoryInbox(), Router(), **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("arguments", [(Router(), MemoryInbox()), (None, Router()), (MemoryInbox(), None)])
def test_swapped_arguments(arguments: tuple[object, object]) -> None:
    """What is no inbox or no router is refused with the right order of the two."""
    with pytest.raises(ConfigurationError, match=r"Worker\(inbox, router\)"):
        Worker(*arguments)  # type: ignore[arg-type]


async def test_seconds_and_timedeltas() -> None:
    """Every duration may be given in seconds or as a timedelta."""
    names = ("lease", "backoff", "max_backoff", "handler_timeout", "drain_timeout", "poll")
    for value in (2, 2.0, timedelta(seconds=2)):
        inbox = MemoryInbox()
        async with Worker(inbox, router(nothing), **dict.fromkeys(names, value)):  # type: ignore[arg-type]
            await inbox.add(event("k"))
            await until(inbox, done=1)


async def test_longest_retry_delay() -> None:
    """A delay beyond the calendar is cut to the longest one, requested or not, and the lease ends."""

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


async def test_finished_despite_the_drain() -> None:
    """A handler that finishes although the drain cancelled it is not run again."""
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


async def test_drained_in_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drain ends although the store is unavailable for the outcome of a handler."""
    monkeypatch.setattr("returnhelper.inbox._slots._FINAL_CALL_TIMEOUT", 0.5)

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


async def test_handler_that_ignores_its_cancellation(caplog: pytest.LogCaptureFixture) -> None:
    """A handler that ignores its cancellation is cancelled again, and the log says so."""
    swallowed = 0

    async def handle(_: events.Event) -> None:
        nonlocal swallowed
        while swallowed < 3:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                swallowed += 1

    async def commit(*_: object) -> Disposition:
        raise AssertionError

    handling = Handling(
        router(handle),
        WorkerCounters(),
        commit=commit,
        breaker=Breaker(None, elapsed=elapsed, uniform=random.uniform),
        timeout=0.02,
        max_attempts=1,
        clock=utc_now,
        elapsed=elapsed,
        is_interrupted=lambda: False,
        cancel_interval=0.02,
    )
    async with asyncio.timeout(5):
        disposition = await handling.run(Attempt(event("k"), elapsed() + 60))
    assert (disposition.kind, swallowed) == (DispositionKind.DONE, 3)
    assert "event k is still running after its cancellation" in caplog.text


@pytest.mark.parametrize("cancelled", [1, 2])
async def test_concurrent_drains(cancelled: int) -> None:
    """A drain that is cancelled does not cut short another one; the last one to be cancelled releases the records."""
    started, finish = asyncio.Event(), asyncio.Event()
    handled: list[str] = []

    async def handle(event: events.Event) -> None:
        started.set()
        await finish.wait()
        handled.append(str(event.notification_id))

    inbox = MemoryInbox()
    await inbox.add(event("1", event_time=NOON))
    worker = Worker(inbox, router(handle), **FAST)
    await worker.start()
    await started.wait()
    drains = [asyncio.create_task(worker.drain()) for _ in range(2)]
    await asyncio.sleep(0)
    for drain in drains[:cancelled]:
        drain.cancel()
    await asyncio.sleep(0.01)
    finish.set()
    outcomes = await asyncio.gather(*drains, return_exceptions=True)
    stats = await inbox.stats()
    if cancelled == 1:
        assert isinstance(outcomes[0], asyncio.CancelledError)
        assert outcomes[1] is None
        assert (handled, stats.done) == (["1"], 1)
    else:
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        assert (handled, stats.ready) == ([], 1)
    await worker.start()  # it can go on
    await until(inbox, done=1)
    await worker.drain()

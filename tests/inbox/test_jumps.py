"""Whatever the clocks do, and however long the process is stopped or the store is away: nothing is handled beside itself."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from returnhelper._time import elapsed, utc_now
from returnhelper.errors import InboxUnavailable
from returnhelper.inbox import Inbox, MemoryInbox, Record, State, Worker
from returnhelper.inbox._disposition import Disposition, DispositionKind
from returnhelper.inbox._kept import Kept, KeptDispositions
from returnhelper.inbox.store import LEASE_EXPIRED
from returnhelper.webhooks import Discard, Retry, events
from tests.support.inbox_kit import make_inbox
from tests.support.worker_kit import FAST, event, router, until

DAY = 86_400.0


class Jumping:
    """A wall clock that somebody sets."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.offset

    def jump(self, seconds: float) -> None:
        self.offset += timedelta(seconds=seconds)


class Stopped:
    """The timer of a process that can be stopped for a while."""

    lost = 0.0

    def __call__(self) -> float:
        return elapsed() + self.lost


class Outage(MemoryInbox):
    """A store that goes away while handlers run."""

    away = False

    async def _check(self) -> None:
        if self.away:
            raise InboxUnavailable("away")

    async def claim(self, limit: int, lease: float | timedelta) -> list[Record]:  # type: ignore[override]
        await self._check()
        return await super().claim(limit, lease)

    async def extend(self, record: Record, lease: float | timedelta) -> bool:
        await self._check()
        return await super().extend(record, lease)

    async def complete(self, record: Record) -> bool:
        await self._check()
        return await super().complete(record)

    async def discard(self, record: Record, reason: str) -> bool:
        await self._check()
        return await super().discard(record, reason)


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgres", "redis"])
@pytest.mark.parametrize("step", [90.0, DAY, -DAY])
async def test_clock_of_worker_and_store_jumps(kind: str, where: str, step: float) -> None:
    """A worker whose clock steps while handlers run starts none of them twice, and finishes all."""
    clock, starts, going = Jumping(), Counter[str](), asyncio.Event()

    async def handle(event: events.Event) -> None:
        starts[str(event.notification_id)] += 1
        await going.wait()

    # the store of one process has the clock of that process
    async with make_inbox(kind, where, clock, f"j{random.getrandbits(40)}") as inbox:  # type: ignore[arg-type]
        for number in range(20):
            await inbox.add(event(str(number)))
        async with Worker(inbox, router(handle), clock=clock, concurrency=20, **FAST) as worker:
            await until(inbox, leased=20)
            clock.jump(step)
            for _ in range(5):
                await inbox.add(event(f"later-{random.getrandbits(40)}"))
                await asyncio.sleep(0.02)
            going.set()
            await until(inbox, done=25)
    assert max(starts.values()) == 1
    assert len(starts) == worker.counters.handled == 25


async def test_outage_longer_than_the_lease() -> None:
    """Handlers that end while the store is away for longer than the lease are not run again when it is back."""
    starts, ended = Counter[str](), asyncio.Event()

    async def handle(event: events.Event) -> None:
        key = str(event.notification_id)
        starts[key] += 1
        inbox.away = True
        await asyncio.sleep(0.02)
        ended.set()
        if key == "discarded":
            raise Discard("not ours")

    inbox = Outage()
    given: dict[str, Any] = FAST | {"uniform": lambda _, high: min(high, 0.05)}
    for key in ("a", "b", "discarded"):
        await inbox.add(event(key))
    async with Worker(inbox, router(handle), lease=0.2, **given) as worker:
        await ended.wait()
        await asyncio.sleep(0.6)
        inbox.away = False
        await until(inbox, done=3)
    assert starts == {"a": 1, "b": 1, "discarded": 1}
    assert (worker.counters.handled, worker.counters.discarded) == (2, 1)


async def test_stopped_for_longer_than_the_lease() -> None:
    """After a stop that was longer than the lease, running handlers are cancelled and nothing is completed with the old lease."""
    timer, started, verdicts = Stopped(), asyncio.Event(), list[bool]()

    class Watched(MemoryInbox):
        async def complete(self, record: Record) -> bool:
            verdicts.append(await super().complete(record))
            return verdicts[-1]

    cancelled = 0

    async def handle(_: events.Event) -> None:
        nonlocal cancelled
        if started.is_set():
            return
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled += 1
            raise

    inbox = Watched()
    await inbox.add(event("k"))
    async with Worker(inbox, router(handle), lease=2, elapsed=timer, **FAST) as worker:
        await started.wait()
        timer.lost = 60
        await until(inbox, done=1)
    assert (cancelled, worker.counters.lost, worker.counters.handled) == (1, 1, 1)
    assert verdicts == [True]


async def test_finished_when_it_wakes() -> None:
    """A handler that finished in the moment of waking is not completed with the old lease, nor run again: the next lease
    completes it."""
    timer, clock = Stopped(), Jumping()
    runs, leases = 0, set[str | None]()

    class Watched(MemoryInbox):
        async def complete(self, record: Record) -> bool:
            leases.add(record.lease)
            return await super().complete(record)

    async def handle(_: events.Event) -> None:
        nonlocal runs
        runs += 1
        first.add(str((await inbox.list())[0].lease))
        timer.lost += 60
        clock.jump(60)

    first = set[str]()
    inbox = Watched(clock=clock)
    await inbox.add(event("k"))
    async with Worker(inbox, router(handle), lease=30, elapsed=timer, clock=clock, **FAST) as worker:
        await until(inbox, done=1)
    assert (runs, worker.counters.lost, worker.counters.handled) == (1, 1, 1)
    assert not leases & first
    assert len((await inbox.list())[0].history) == 1


async def test_waiting_records_keep_their_leases() -> None:
    """What was claimed ahead is handled in its turn, once, or released if its turn does not come soon."""
    starts = Counter[str]()

    async def handle(event: events.Event) -> None:
        starts[str(event.notification_id)] += 1
        if event.notification_id == "50":
            await slow.wait()

    slow = asyncio.Event()
    inbox = MemoryInbox()
    for number in range(200):
        await inbox.add(event(str(number)))
    async with Worker(inbox, router(handle), lease=0.3, concurrency=1, **FAST) as worker:
        async with asyncio.timeout(20):
            while starts["50"] == 0:
                await asyncio.sleep(0.01)
            await until(inbox, leased=1)
            slow.set()
        await until(inbox, done=200)
    assert set(starts.values()) == {1}
    assert worker.counters.lost == 0
    assert {found.attempts for found in await inbox.list(limit=200)} == {1}


async def test_stopped_while_records_wait() -> None:
    """After a stop that was longer than the lease, what had been claimed ahead is not started under the old lease."""
    timer, clock = Stopped(), Jumping()
    started = dict[str, str | None]()
    waiting = dict[str, str | None]()

    async def handle(event: events.Event) -> None:
        key = str(event.notification_id)
        leased = {found.key: found.lease for found in await inbox.list(State.LEASED, limit=300)}
        started[key] = leased[key]
        ahead = {key: lease for key, lease in leased.items() if key not in started}
        if len(ahead) >= 5 and not waiting:
            waiting.update(ahead)
            timer.lost += 60
            clock.jump(60)

    class Slow(MemoryInbox):
        async def claim(self, limit: int, lease: float | timedelta) -> list[Record]:  # type: ignore[override]
            await asyncio.sleep(0.01)  # so that several are claimed ahead
            return await super().claim(limit, lease)

    inbox = Slow(clock=clock)
    for number in range(200):
        await inbox.add(event(str(number)))
    async with Worker(inbox, router(handle), lease=1, concurrency=1, elapsed=timer, clock=clock, **FAST):
        await until(inbox, done=200)
    assert waiting
    assert not [key for key, lease in waiting.items() if started[key] == lease]


async def test_drain_releases_what_was_claimed_ahead() -> None:
    """A drain returns the records that no handler has begun, with their attempts refunded."""
    begun = asyncio.Event()

    async def handle(event: events.Event) -> None:
        if int(str(event.notification_id)) >= 100:
            begun.set()
            await asyncio.sleep(60)

    inbox = MemoryInbox()
    for number in range(300):
        await inbox.add(event(str(number)))
    async with Worker(inbox, router(handle), concurrency=1, drain_timeout=0, **FAST):
        await begun.wait()
    stats = await inbox.stats()
    assert (stats.done, stats.ready, stats.leased) == (100, 200, 0)
    assert all(found.attempts == 0 for found in await inbox.list(State.READY, limit=300))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, True),
        ({"attempts": 1}, False),
        ({"attempts": 3}, False),
        ({"reason": "ValueError"}, False),
        ({"reason": None}, False),
    ],
)
def test_kept_dispositions(change: dict[str, Any], found: bool) -> None:
    """A disposition is recalled once, and only if nothing happened to its record but the end of its lease."""
    kept = KeptDispositions()
    what = Kept(Disposition(DispositionKind.DONE), handled=True, past=None)
    kept.keep(event("k", attempts=1, lease="old"), what)
    back = event("k", **({"attempts": 2, "lease": "new", "reason": LEASE_EXPIRED} | change))
    assert kept.take(event("other")) is None
    assert kept.take(back) == (what if found else None)
    assert kept.take(back) is None


async def test_claimed_again_before_the_reply() -> None:
    """A record that is claimed again before its worker has the reply of the retry is handled again, not forgotten."""
    runs, replies = 0, asyncio.Event()

    class SlowReply(MemoryInbox):
        async def retry(self, record: Record, *given: Any, **more: Any) -> bool:
            done = await super().retry(record, *given, **more)
            await replies.wait()
            return done

        async def claim(self, limit: int, lease: float | timedelta) -> list[Record]:  # type: ignore[override]
            claimed = await super().claim(limit, lease)
            if claimed and runs:
                replies.set()
            return claimed

    async def handle(_: events.Event) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise Retry(after=0)

    inbox = SlowReply()
    await inbox.add(event("k"))
    async with Worker(inbox, router(handle), **FAST) as worker:
        await until(inbox, done=1)
    assert (runs, worker.counters.lost) == (2, 0)


async def test_requeued_meanwhile() -> None:
    """A record that a person requeued is handled again, though its worker remembers an outcome that was not stored."""
    runs = 0

    async def handle(_: events.Event) -> None:
        nonlocal runs
        runs += 1

    class Lossy(MemoryInbox):
        async def complete(self, record: Record) -> bool:
            if runs == 1:
                assert await super().hold(record, "somebody was faster")
                return False
            return await super().complete(record)

    inbox: Inbox = Lossy()
    await inbox.add(event("k"))
    async with Worker(inbox, router(handle), **FAST) as worker:
        await until(inbox, held=1)
        await inbox.requeue("k")
        await until(inbox, done=1)
    assert (runs, worker.counters.lost) == (2, 1)

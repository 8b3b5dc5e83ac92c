"""An action whose handlers fail for one event after the other is paused: nothing is held, and other actions go on."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from returnhelper._time import utc_now
from returnhelper.errors import ConfigurationError
from returnhelper.inbox import Inbox, MemoryInbox, State, Worker
from returnhelper.inbox._attempt import Attempt, Handling
from returnhelper.inbox._breaker import Breaker
from returnhelper.inbox._counters import WorkerCounters
from returnhelper.inbox._disposition import Disposition
from returnhelper.inbox._transaction import TransactionScope
from returnhelper.webhooks import Retry, Router, events
from tests.support.inbox_kit import make_inbox, record
from tests.support.worker_kit import FAST, event, nothing, router, until


@pytest.fixture
async def inbox(kind: str, where: str) -> AsyncIterator[Inbox]:
    """Give an inbox by the clock of its store."""
    async with make_inbox(kind, where, name=f"t{uuid4().hex[:12]}") as inbox:
        yield inbox


class Time:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def smallest(low: float, _: float) -> float:
    return low


def pause(breaker: Breaker, action: str = "a") -> timedelta | None:
    """Let the handlers fail for five events, the fewest that pause an action."""
    return [breaker.failed(action, f"first{number}") for number in range(5)][-1]


def test_opens_after_failures_of_several_events() -> None:
    """Failures in a row count, if they are those of five events at least; a success begins anew."""
    breaker = Breaker(7, elapsed=Time(), uniform=smallest)
    assert {breaker.failed("a", str(number % 4)) for number in range(20)} == {None}
    assert breaker.failed("a", "the fifth") == timedelta(seconds=1)
    assert [breaker.failed("b", str(number)) for number in range(6)] == [None] * 6
    breaker.succeeded("b")
    assert [breaker.failed("b", str(number)) for number in range(6)] == [None] * 6
    assert breaker.paused == ("a",)
    assert breaker.put_off("b", "x") is None
    assert breaker.failed("b", "5") == timedelta(seconds=1)


def test_trials() -> None:
    """One event is tried after a second, then after twice as long each time, up to half a minute; a success ends the pause."""
    time = Time()
    breaker = Breaker(1, elapsed=time, uniform=smallest)
    assert pause(breaker) == timedelta(seconds=1)
    for seconds in (1, 2, 4, 8, 16, 30, 30):
        assert breaker.put_off("a", "early") == timedelta(seconds=seconds)
        time.now += seconds
        assert breaker.put_off("a", "trial") is None
        assert breaker.put_off("a", "beside it") == timedelta(0)
        # one that was under way when the pause began does not lengthen it
        assert breaker.failed("a", "late") == timedelta(seconds=seconds)
        breaker.failed("a", "trial")
    time.now += 30
    assert breaker.put_off("a", "trial") is None
    breaker.succeeded("a")
    assert (breaker.paused, breaker.put_off("a", "next")) == ((), None)


def test_a_trial_without_an_outcome() -> None:
    """If the event of a trial is left, by a drain for example, another one is tried."""
    time = Time()
    breaker = Breaker(1, elapsed=time, uniform=smallest)
    pause(breaker)
    time.now += 1
    assert breaker.put_off("a", "trial") is None
    breaker.left("a", "another")
    assert breaker.put_off("a", "next") is not None
    breaker.left("a", "trial")
    assert breaker.put_off("a", "next") is None


def test_waits_are_spread() -> None:
    """Events that are put off come back one by one."""
    breaker = Breaker(1, elapsed=Time(), uniform=lambda _, high: high)
    pause(breaker)
    assert breaker.put_off("a", "k") == timedelta(seconds=1.5)


def test_never() -> None:
    """Without a limit no action is paused."""
    breaker = Breaker(None, elapsed=Time(), uniform=smallest)
    assert {breaker.failed("a", str(number)) for number in range(100)} == {None}
    assert breaker.paused == ()
    with pytest.raises(ConfigurationError, match="pause_after"):
        Worker(MemoryInbox(), router(nothing), pause_after=0)


async def add(inbox: Inbox, actions: int, count: int) -> None:
    for number in range(count):
        action = f"action{number % actions}"
        body = {"action": action, "notificationId": f"k{number}"}
        await inbox.add(
            record(
                f"k{number}", body=json.dumps(body).encode(), action=action, ordering_key=f"shipment:{number}"
            )
        )


async def attempts(inbox: Inbox, count: int) -> int:
    """Return how many attempts the events that wait have used up."""
    return sum(found.attempts for found in await inbox.list(limit=count) if found.state is State.READY)


async def outbreak(inbox: Inbox, count: int, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Let the handlers of one of five actions fail, then repair them; return how often each outcome came."""
    monkeypatch.setattr("returnhelper.inbox._breaker._FIRST_PAUSE", 0.05)
    monkeypatch.setattr("returnhelper.inbox._breaker._LONGEST_PAUSE", 0.1)
    handled: Counter[str] = Counter()
    routes, broken = Router(), True

    @routes.on_any
    async def handle(event: events.Event) -> None:
        if broken and event.action == "action0":
            handled["failure"] += 1
            raise ValueError("a mistake")
        handled[str(event.action)] += 1

    async with Worker(inbox, routes, max_attempts=20, max_backoff=0.01, **FAST) as worker:
        await add(inbox, 5, count)
        await until(inbox, done=count * 4 // 5)
        async with asyncio.timeout(20):
            while not worker.paused_actions:
                await asyncio.sleep(0.01)
        assert list(worker.paused_actions) == ["action0"]
        used = await attempts(inbox, count)
        while handled["failure"] < 40:
            await asyncio.sleep(0.01)
        # those that were under way when the pause began have kept theirs, and so have the trials
        assert await attempts(inbox, count) <= used + 16
        assert worker.counters.held == 0
        handled["until repaired"] = handled["failure"]
        broken = False
        await until(inbox, done=count)
        assert not worker.paused_actions
    return handled


async def test_an_outbreak(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While one action fails the others are handled; nothing is held, no attempts are used up, and a repair is noticed."""
    caplog.set_level(logging.WARNING, "returnhelper.inbox")
    handled = await outbreak(inbox, 200, monkeypatch)
    assert [handled[f"action{number}"] for number in range(5)] == [40] * 5
    assert re.search(r"handlers of action0 have failed \d+ times in a row: the action is paused", caplog.text)
    assert "handlers of action0 work again" in caplog.text
    assert "is paused: its handlers fail" not in caplog.text


async def test_one_event_that_fails_is_held() -> None:
    """An event that fails alone pauses nothing and is held; one that asks for a retry is no failure."""

    async def handle(event: events.Event) -> None:
        if event.dedup_key == "poison":
            raise ValueError
        if event.dedup_key.startswith("later") and len(asked) < 30:
            asked.append(event.dedup_key)
            raise Retry(0)

    asked: list[str] = []
    inbox = MemoryInbox()
    async with Worker(
        inbox, router(handle), max_attempts=30, max_backoff=0.01, pause_after=2, **FAST
    ) as worker:
        for key in ("poison", *(f"later{number}" for number in range(10))):
            await inbox.add(event(key))
        await until(inbox, held=1, done=10)
        assert worker.paused_actions == ()


async def test_a_trial_that_is_cut_off() -> None:
    """If a trial is cut off while its transaction commits, another event is tried."""

    async def commit(*_: object) -> Disposition:
        raise asyncio.CancelledError

    async def handle(_: events.Event, tx: object) -> None:
        pass

    made, time, inbox = Router(), Time(), MemoryInbox()
    made.on(events.Event, transaction=True)(handle)
    breaker = Breaker(1, elapsed=time, uniform=smallest)
    handling = Handling(
        made,
        WorkerCounters(),
        timeout=None,
        max_attempts=3,
        clock=utc_now,
        elapsed=time,
        is_interrupted=lambda: False,
        begin=lambda: TransactionScope(inbox),
        commit=commit,
        breaker=breaker,
    )
    action = "somethingNew"
    pause(breaker, action)
    time.now += 1
    with pytest.raises(asyncio.CancelledError):
        await handling.run(Attempt(event("k", action=action), 60.0))
    assert breaker.put_off(action, "next") is None

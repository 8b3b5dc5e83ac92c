"""What a handler raises is recorded as it was meant, whatever the exception or the store does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from returnhelper.errors import ConfigurationError, InboxError, InboxUnavailable
from returnhelper.inbox import MemoryInbox, Record, State, Worker
from returnhelper.inbox._disposition import DispositionKind, classify
from returnhelper.testing import ENDPOINT, delivery
from returnhelper.webhooks import Discard, Receiver, Retry, Router, Verifier, events
from tests.support.inbox_kit import NOON, make_inbox
from tests.support.worker_kit import FAST, event, router, until


class RaisingText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class NoText(Exception):
    def __str__(self) -> str:
        return None  # type: ignore[return-value]  # noqa: PLE0307


class TextOf(Exception):
    def __str__(self) -> str:
        return str(self.args[0])


class BareDiscard(Discard):
    def __init__(self) -> None:
        pass


class BareRetry(Retry):
    def __init__(self) -> None:
        pass


class RaisingDiscard(Discard):
    def __init__(self) -> None:
        Exception.__init__(self)

    def __getattribute__(self, name: str) -> object:
        return 1 / 0 if name == "reason" else super().__getattribute__(name)


ForeignName = type("ОшибкаСети", (Exception,), {})
# What a handler raises, the state of the record after two attempts, and its reason or the beginning of it.
OUTCOMES: dict[str, tuple[Callable[[], BaseException], State, str]] = {
    "raising text": (RaisingText, State.HELD, "given up after 2 attempts: RaisingText"),
    "no text": (NoText, State.HELD, "given up after 2 attempts: NoText"),
    "no arguments": (KeyError, State.HELD, "given up after 2 attempts: KeyError"),
    "chinese": (
        lambda: ValueError("库存不足"),
        State.HELD,
        "given up after 2 attempts: ValueError: 库存不足",
    ),
    "unpaired surrogate": (
        lambda: ValueError("a\ud800b"),
        State.HELD,
        "given up after 2 attempts: ValueError: a",
    ),
    "nul": (lambda: ValueError("a\0b"), State.HELD, "given up after 2 attempts: ValueError: a"),
    "long": (lambda: ValueError("x" * 10**6), State.HELD, "given up after 2 attempts: ValueError: xxx"),
    "foreign class": (lambda: ForeignName("x"), State.HELD, "given up after 2 attempts: ОшибкаСети: x"),
    "system exit": (lambda: SystemExit(3), State.HELD, "given up after 2 attempts: SystemExit: 3"),
    "text": (lambda: Discard("not ours"), State.DONE, "not ours"),
    "exception as reason": (lambda: Discard(ValueError("x")), State.DONE, "ValueError: x"),
    "number as reason": (lambda: Discard(404), State.DONE, "404"),
    "bytes as reason": (lambda: Discard(b"x"), State.DONE, "b'x'"),
    "reason without text": (lambda: Discard(NoText()), State.DONE, ""),
    "bare discard": (BareDiscard, State.DONE, ""),
    "raising discard": (RaisingDiscard, State.DONE, ""),
    "bare retry": (BareRetry, State.HELD, "given up after 2 attempts: "),
    "group": (
        lambda: ExceptionGroup("two", [ValueError("a"), ExceptionGroup("one", [KeyError("b")])]),
        State.HELD,
        "given up after 2 attempts: ExceptionGroup: ValueError: a; KeyError: 'b'",
    ),
    "group of discards": (
        lambda: ExceptionGroup("", [Discard("a"), ExceptionGroup("", [Discard("b")])]),
        State.DONE,
        "a; b",
    ),
    "discard beside a failure": (
        lambda: ExceptionGroup("", [Discard("a"), OSError("b")]),
        State.HELD,
        "given up after 2 attempts: ExceptionGroup: OSError: b",
    ),
    "group with a raising text": (
        lambda: ExceptionGroup("", [RaisingText()]),
        State.HELD,
        "given up after 2 attempts: ExceptionGroup: RaisingText",
    ),
}


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgres", "redis"])
async def test_every_exception(kind: str, where: str, caplog: pytest.LogCaptureFixture) -> None:
    """Every exception leads to the state and the reason that it means, after as many attempts as it should."""
    caplog.set_level(logging.CRITICAL, "returnhelper.inbox")  # xdist cannot transfer an unpaired surrogate
    attempts = dict.fromkeys(OUTCOMES, 0)

    async def handle(event: events.Event) -> None:
        key = str(event.notification_id)
        attempts[key] += 1
        make, _, _ = OUTCOMES[key]
        raise make()

    async with make_inbox(kind, where, None, f"o{uuid4().hex[:10]}") as inbox:
        for key in OUTCOMES:
            await inbox.add(event(key))
        async with Worker(inbox, router(handle), max_attempts=2, **FAST):
            await until(inbox, ready=0, leased=0)
        for key, (_, state, reason) in OUTCOMES.items():
            found = await inbox.get(key)
            assert found is not None
            assert (key, found.state, attempts[key]) == (key, state, 2 if state is State.HELD else 1)
            assert (found.reason or "").startswith(reason), key
            assert len(found.reason or "") < 1100


def test_exception_groups_of_retries() -> None:
    """In a group, a failure outweighs Retry, Retry outweighs Discard, and the longest delay counts."""
    short, long = Retry(after=1), Retry(after=60, reason="locked")
    found = classify(ExceptionGroup("", [short, ExceptionGroup("", [long]), Discard("x")]))
    assert (found.kind, found.after, found.failed) == (DispositionKind.RETRY, timedelta(minutes=1), False)
    assert "locked" in found.reason
    found = classify(ExceptionGroup("", [long, ValueError("x")]))
    assert (found.kind, found.after, found.failed) == (DispositionKind.RETRY, None, True)


async def test_task_group() -> None:
    """What a task of a TaskGroup raises counts as if the handler had raised it."""

    async def handle(_: events.Event) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(60))
            group.create_task(discard())

    async def discard() -> None:
        raise Discard("not ours")

    inbox = MemoryInbox()
    await inbox.add(event("k"))
    async with Worker(inbox, router(handle), **FAST) as worker:
        await until(inbox, done=1)
    assert (worker.counters.discarded, worker.counters.failed) == (1, 0)


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgres", "redis"])
async def test_requested_delays_are_no_attempts(kind: str, where: str) -> None:
    """A handler may ask for a delay more often than there are attempts; without a delay it uses them up."""
    calls = {"delayed": 0, "plain": 0}

    async def handle(event: events.Event) -> None:
        key = str(event.notification_id)
        calls[key] += 1
        if key == "plain":
            raise Retry
        if calls[key] < 10:
            raise Retry(after=0.001)

    async with make_inbox(kind, where, None, f"o{uuid4().hex[:10]}") as inbox:
        for key in calls:
            await inbox.add(event(key))
        async with Worker(inbox, router(handle), max_attempts=3, **FAST):
            await until(inbox, done=1, held=1)
        (held,) = await inbox.list(State.HELD)
        (done,) = await inbox.list(State.DONE)
    assert calls == {"delayed": 10, "plain": 3}
    assert (held.key, held.attempts, done.attempts) == ("plain", 3, 1)


class Refusing(MemoryInbox):
    """An inbox that fails at reasons it does not like, as a database with another encoding does."""

    error: Exception = InboxUnavailable("cannot encode")

    async def retry(
        self,
        record: Record,
        at: datetime | float | timedelta,
        reason: str | None = None,
        *,
        refund_attempt: bool = False,
    ) -> bool:
        if reason is not None and not reason.isascii():
            raise self.error
        return await super().retry(record, at, reason, refund_attempt=refund_attempt)

    async def hold(self, record: Record, reason: str) -> bool:
        if not reason.isascii():
            raise self.error
        return await super().hold(record, reason)


@pytest.mark.parametrize(
    "error",
    [InboxUnavailable("x"), InboxError("x"), UnicodeEncodeError("latin-1", "库", 0, 1, "x"), OSError("x")],
)
async def test_reason_that_the_store_refuses(error: Exception) -> None:
    """A reason that the store does not accept is replaced by the class of the exception."""
    calls = 0

    async def handle(_: events.Event) -> None:
        nonlocal calls
        calls += 1
        raise ValueError("库存不足")

    inbox = Refusing()
    inbox.error = error
    await inbox.add(event("k"))
    async with Worker(inbox, router(handle), max_attempts=2, **FAST):
        await until(inbox, held=1)
    (held,) = await inbox.list(State.HELD)
    assert (calls, held.reason) == (2, "ValueError (the store did not accept the full reason)")


class Deaf(MemoryInbox):
    """An inbox that never accepts the outcome of one record."""

    error: Exception = InboxUnavailable("x")
    refused = 0

    async def complete(self, record: Record) -> bool:
        if record.key == "refused":
            self.refused += 1
            raise self.error
        return await super().complete(record)


@pytest.mark.parametrize("error", [InboxUnavailable("x"), TypeError("x")])
async def test_outcome_that_the_store_refuses(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """A record whose outcome cannot be stored gives its slot back if the store is available, and is held in the end."""
    inbox = Deaf()
    inbox.error = error

    async def handle(_: events.Event) -> None:
        await asyncio.sleep(0.001)

    given: dict[str, Any] = FAST | {"uniform": lambda _, high: min(high, 0.02)}
    async with Worker(inbox, router(handle), concurrency=2, lease=0.1, max_attempts=2, **given):
        await inbox.add(event("refused"))
        for number in range(200):
            await inbox.add(event(str(number)))
            await asyncio.sleep(0.001)
        await until(inbox, done=200, held=1)
    assert "could not be stored" in caplog.text


async def test_outage_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """The log has the message of the store's error, once per outage."""

    class Down(MemoryInbox):
        down = 5

        async def claim(self, limit: int, lease: float | timedelta) -> list[Record]:
            self.down -= 1
            if self.down > 0:
                raise InboxUnavailable("the server at db.example refused the connection")
            return await super().claim(limit, lease)

    async def handle(_: events.Event) -> None:
        pass

    inbox = Down()
    await inbox.add(event("k"))
    with caplog.at_level(logging.WARNING):
        async with Worker(inbox, router(handle), uniform=lambda low, _: low, **FAST):
            await until(inbox, done=1)
    assert caplog.text.count("the server at db.example refused the connection") == 1


async def test_unexpected_error_stops_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    """An error of the store that no retry can help stops `run`, which raises it."""

    class Wrong(MemoryInbox):
        async def claim(self, limit: int, lease: float | timedelta) -> list[Record]:
            raise ConfigurationError("the dsn is not the address of a server")

    async def handle(_: events.Event) -> None:
        pass

    with pytest.raises(ConfigurationError, match="dsn"):
        await asyncio.wait_for(Worker(Wrong(), router(handle), **FAST).run(signals=()), 5)
    assert "worker stopped by an unexpected error" in caplog.text


async def test_router_that_raises() -> None:
    """An error outside the handlers costs the record its attempts, not its outcome."""

    class Broken:
        def dispatch(self, event: events.Event) -> None:
            raise LookupError(NOON)

    inbox = MemoryInbox()
    await inbox.add(event("k"))
    async with Worker(inbox, Broken(), max_attempts=2, **FAST):  # type: ignore[arg-type]
        await until(inbox, held=1)
    (held,) = await inbox.list(State.HELD)
    assert held.reason == "given up after 2 attempts: LookupError"


async def test_single_attempt(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the action whose handler failed and whose event is held; a record with one attempt was given up after one."""
    events_of_labels = Router()

    @events_of_labels.on(events.LabelGenerated)
    async def fail(_: events.LabelGenerated) -> None:
        raise KeyError("printer")

    post = delivery(events.LabelGenerated, {"label": {"shipmentId": 1}})
    inbox = MemoryInbox()
    outcome = await Receiver(Verifier(ENDPOINT), inbox=inbox).receive(post.headers, post.body)
    async with Worker(inbox, events_of_labels, max_attempts=1):
        await until(inbox, held=1)
    (held,) = await inbox.list(State.HELD)
    assert held.reason == "given up after 1 attempt: KeyError: 'printer'"
    assert f"a handler of event {outcome.record_key} (labelGenerated) failed" in caplog.text
    assert f"event {outcome.record_key} (labelGenerated) is held: {held.reason}" in caplog.text

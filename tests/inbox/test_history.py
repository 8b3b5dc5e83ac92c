"""Records remember their attempts, and whether a handler took the event."""

from __future__ import annotations

from uuid import uuid4

import pytest

from returnhelper.errors import ConfigurationError
from returnhelper.inbox import MemoryInbox, Record, Worker
from returnhelper.inbox._history import MAX_TRACEBACK
from returnhelper.webhooks import Discard, Retry, Router, events
from tests.support.inbox_kit import make_inbox, record
from tests.support.worker_kit import FAST, event, nothing, router, until


def label(key: str) -> Record:
    return record(
        key, body=b'{"action":"labelGenerated","category":"labelGenerated","label":{"shipmentId":7}}'
    )


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgres", "redis"])
async def test_attempts_are_remembered(kind: str, where: str) -> None:
    """Each attempt is stored with time, duration, worker, error and the end of its traceback, by every verb."""
    runs: dict[str, int] = {}

    async def handle(event: events.Event) -> None:
        key, password = str(event.notification_id), "hunter2"
        runs[key] = runs.get(key, 0) + 1
        if key == "discarded":
            raise Discard("not ours")
        if key == "deferred" and runs[key] == 1:
            raise Retry(after=0, reason="later")
        if key == "poor" or (key == "flaky" and runs[key] == 1):
            raise ValueError(f"bad\0 text of {len(password)} letters")

    async with make_inbox(kind, where, None, f"h{uuid4().hex[:10]}") as inbox:
        for key in ("good", "flaky", "poor", "discarded", "deferred"):
            await inbox.add(event(key))
        async with Worker(inbox, router(handle), max_attempts=2, name="worker-7", **FAST):
            await until(inbox, done=4, held=1)
        found = {each.key: each.history for each in await inbox.list()}
    errors = {key: [past.error for past in history] for key, history in found.items()}
    assert errors == {
        "good": [None],
        "flaky": ["ValueError: bad\\x00 text of 7 letters", None],
        "poor": ["ValueError: bad\\x00 text of 7 letters"] * 2,
        "discarded": ["Discard: not ours"],
        "deferred": ["Retry: later", None],
    }
    for history in found.values():
        assert all(past.worker == "worker-7" and past.duration >= 0 for past in history)
        assert [past.started_at for past in history] == sorted(past.started_at for past in history)
    text = found["flaky"][0].traceback
    assert text is not None
    assert "in handle" in text
    assert "hunter2" not in text  # no values of variables
    assert found["discarded"][0].traceback is found["good"][0].traceback is None


async def test_long_tracebacks_are_cut() -> None:
    """Of a traceback that is too long, the end is kept, where the error is."""

    def fall(depth: int) -> None:
        if depth == 0:
            raise ValueError("x" * 1000)
        if depth % 2:  # two lines in turn, or the traceback would count instead of repeat them
            fall(depth - 1)
        else:
            fall(depth - 1)

    async def handle(_: events.Event) -> None:
        fall(200)

    inbox = MemoryInbox()
    await inbox.add(event("k"))
    async with Worker(inbox, router(handle), max_attempts=12, **FAST):
        await until(inbox, held=1)
    (held,) = await inbox.list()
    assert len(held.history) == 10
    text = held.history[0].traceback
    assert text is not None
    assert len(text) == MAX_TRACEBACK
    assert text.endswith("x" * 1000 + "\n")


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgres", "redis"])
async def test_handled(kind: str, where: str) -> None:
    """A record tells whether an `on` handler took its event at the latest attempt, even one that failed."""
    made = Router()
    made.on_any(nothing)
    made.on_unhandled(nothing)

    @made.on(events.LabelGenerated)
    async def handle(event: events.LabelGenerated) -> None:
        if event.label is not None and "fails" in event.dedup_key:
            raise ValueError

    async with make_inbox(kind, where, None, f"h{uuid4().hex[:10]}") as inbox:
        for new in (label("taken"), event("unknown"), record("broken", body=b"[]")):
            await inbox.add(new)
        async with Worker(inbox, made, **FAST):
            await until(inbox, done=2, held=1)
        found = {each.key: each.handled for each in await inbox.list()}
    assert found == {"taken": True, "unknown": False, "broken": None}


async def test_names() -> None:
    """A worker has the name that it was given, or one of its host, its process and a random part."""
    given = Worker(MemoryInbox(), Router(), name="left")
    assert given.name == "left"
    async with Worker(MemoryInbox(), Router()) as one, Worker(MemoryInbox(), Router()) as other:
        assert one.name != other.name
        assert one.name.count(":") == 2
    for wrong in ("", "x" * 201, 7):
        with pytest.raises(ConfigurationError, match="name"):
            Worker(MemoryInbox(), Router(), name=wrong)  # type: ignore[arg-type]

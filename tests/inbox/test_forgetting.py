"""A replay is never handled again, even if the inbox has been purged, has evicted records, or has lost its data."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from returnhelper._time import to_wire
from returnhelper.inbox import Inbox, MemoryInbox
from returnhelper.testing import ENDPOINT, SignedDelivery, delivery
from returnhelper.types import JSONObject
from returnhelper.webhooks import OutcomeKind, Receiver, Verifier
from tests.support.inbox_kit import LEASE, Clock, make_inbox
from tests.support.store_tools import DURABLE, postgres, redis

TOLERANCE = timedelta(minutes=15)


def captured(clock: Clock, age: timedelta = timedelta(0)) -> SignedDelivery:
    """Return a delivery of an event of that age, as somebody may have captured it."""
    body: JSONObject = {"label": {"shipmentId": 1}, "eventTime": to_wire(clock() - age)}
    return delivery("labelGenerated", body)


async def kind_of(receiver: Receiver, sent: SignedDelivery) -> OutcomeKind:
    return (await receiver.receive(sent.headers, sent.body)).kind


async def handle_all(inbox: Inbox) -> int:
    handled = 0
    while found := await inbox.claim(10, LEASE):
        for one in found:
            handled += await inbox.complete(one)
    return handled


@pytest.mark.parametrize("age", [-TOLERANCE, timedelta(0), TOLERANCE])
async def test_purged_up_to_now(inbox: Inbox, clock: Clock, age: timedelta) -> None:
    """Whenever one purges, and however far: a delivery that is still fresh is recognised as a duplicate."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=inbox, clock=clock)
    sent = captured(clock, age)
    assert await kind_of(receiver, sent) is OutcomeKind.NEW
    assert await handle_all(inbox) == 1
    kinds = set()
    for _ in range(14):
        await inbox.purge(clock() + timedelta(days=1))
        kinds.add(await kind_of(receiver, sent))
        assert await handle_all(inbox) == 0
        clock.move(minutes=5)
    assert kinds == {OutcomeKind.DUPLICATE, OutcomeKind.HELD}


async def test_evicted(clock: Clock) -> None:
    """An inbox in memory keeps what may still be replayed, however many records it was meant to keep."""
    inbox = MemoryInbox(max_done=1, clock=clock)
    receiver = Receiver(Verifier(ENDPOINT), inbox=inbox, clock=clock)
    sent = captured(clock)
    assert await kind_of(receiver, sent) is OutcomeKind.NEW
    for _ in range(10):
        assert await kind_of(receiver, captured(clock)) is OutcomeKind.NEW
        assert await handle_all(inbox) >= 1
        assert await kind_of(receiver, sent) is OutcomeKind.DUPLICATE
    clock.move(hours=1)
    await kind_of(receiver, captured(clock))
    await handle_all(inbox)
    assert (await inbox.stats()).done == 1
    assert await kind_of(receiver, sent) is OutcomeKind.HELD


@pytest.fixture
async def lose(kind: str, where: str, name: str) -> Callable[[], object]:
    """Give a function that takes all data from a store, past the inbox that uses it."""

    async def lose() -> None:
        match kind:
            case "sqlite":
                for path in Path(where).parent.iterdir():
                    path.unlink()
            case "postgres":
                async with postgres(where) as db:
                    await db.execute(f"DROP TABLE rh_{name}, rh_{name}_meta")
            case _:
                async with redis(where) as client:
                    await client.delete(*[key async for key in client.scan_iter(match=f"*{name}*")])

    return lose


@pytest.fixture
def name() -> str:
    return f"f{uuid4().hex[:10]}"


@pytest.fixture
async def durable(kind: str, where: str, name: str, clock: Clock) -> AsyncIterator[Inbox]:
    async with make_inbox(kind, where, clock, name) as inbox:
        yield inbox


@pytest.mark.parametrize("kind", DURABLE)
async def test_data_lost(
    durable: Inbox, lose: Callable[[], object], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that lost its data is noticed, the log says so, and what may be a replay is held."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=durable, clock=clock)
    sent = captured(clock)
    assert await kind_of(receiver, sent) is OutcomeKind.NEW
    assert await handle_all(durable) == 1
    clock.move(minutes=1)
    await lose()  # type: ignore[misc]
    kinds = [await kind_of(receiver, sent) for _ in range(3)]
    assert OutcomeKind.NEW not in kinds
    assert OutcomeKind.HELD in kinds
    assert await handle_all(durable) == 0
    assert "was its data lost?" in caplog.text
    clock.move(minutes=1)
    assert await kind_of(receiver, captured(clock)) is OutcomeKind.NEW

"""A receiver that forwards to a sink, over a store that outlives the process."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest

from returnhelper.inbox import Record, State
from returnhelper.testing import ENDPOINT, SignedDelivery, delivery
from returnhelper.webhooks import Outcome, OutcomeKind, Receiver, Verifier
from tests.support.inbox_kit import make_inbox
from tests.support.store_tools import DURABLE

VERIFIER = Verifier(ENDPOINT)
pytestmark = pytest.mark.parametrize("kind", DURABLE)


class Sink:
    """A broker that refuses some shipments, and remembers what it was asked and what it took."""

    def __init__(self) -> None:
        self.refuses: set[str] = set()
        self.asked: Counter[str] = Counter()
        self.taken: list[str] = []
        self.pause = 0.0

    async def __call__(self, record: Record) -> None:
        assert record.ordering_key is not None
        self.asked[record.key] += 1
        await asyncio.sleep(self.pause)
        if record.ordering_key in self.refuses:
            raise ConnectionError("the sink is out")
        self.taken.append(record.key)


@pytest.fixture
def sink() -> Sink:
    return Sink()


Start = Callable[..., Receiver]


@pytest.fixture
async def start(kind: str, where: str, sink: Sink) -> AsyncIterator[Start]:
    """Start receivers over one store, as several processes or one after another would."""
    name = f"f{uuid4().hex[:10]}"
    started: list[Receiver] = []

    def make(**given: object) -> Receiver:
        inbox = make_inbox(kind, where, None, name)
        started.append(Receiver.forwarding(VERIFIER, sink, inbox=inbox, **given))  # type: ignore[arg-type]
        return started[-1]

    yield make
    for receiver in started:
        await receiver.aclose()
        await receiver.inbox.aclose()


def label(shipment: int) -> SignedDelivery:
    return delivery("labelGenerated", {"label": {"shipmentId": shipment}})


async def receive(receiver: Receiver, sent: SignedDelivery) -> Outcome:
    return await receiver.receive(sent.headers, sent.body)


async def test_failure_is_503_and_nothing_is_lost(start: Start, sink: Sink) -> None:
    """What the sink refused is answered with 503, and goes through once when the sender tries again, even elsewhere."""
    first, second, sent = start(), start(), label(1)
    sink.refuses = {"shipment:1"}
    refused = await receive(first, sent)
    assert (refused.status, refused.kind) == (503, OutcomeKind.UNAVAILABLE)
    assert refused.record_key is not None
    stored = await second.inbox.get(refused.record_key)
    assert stored is not None
    assert stored.state is State.READY
    assert (await receive(second, sent)).status == 503
    assert sink.taken == []
    sink.refuses = set()
    assert (await receive(second, sent)).status == 200
    for receiver in (first, second, start()):
        again = await receive(receiver, sent)
        assert (again.status, again.kind) == (200, OutcomeKind.DUPLICATE)
    assert sink.taken == [refused.record_key]
    stored = await first.inbox.get(refused.record_key)
    assert stored is not None
    assert stored.state is State.DONE


async def test_each_once(start: Start, sink: Sink) -> None:
    """Events delivered to two processes at the same time, several times each, are forwarded once each."""
    receivers, sent = [start(), start()], [label(1 + number // 2) for number in range(20)]
    sink.pause = 0.002
    outcomes = await asyncio.gather(
        *(receive(receiver, each) for each in sent for receiver in receivers for _ in range(2))
    )
    assert {outcome.status for outcome in outcomes} == {200}
    assert len(sink.taken) == len(set(sink.taken)) == 20
    assert set(sink.asked.values()) == {1}
    stats = await receivers[0].inbox.stats()
    assert (stats.ready, stats.leased, stats.done) == (0, 0, 20)


async def test_stored_and_not_yet_forwarded(start: Start, sink: Sink) -> None:
    """What a process stored before it died is forwarded with the next delivery, whichever that is."""
    died = Receiver(VERIFIER, inbox=start().inbox)
    lost = [(await receive(died, label(number))).record_key for number in (1, 2)]
    assert (await receive(start(), label(3))).status == 200
    assert sorted(sink.taken[:2], key=str) == sorted(lost, key=str)
    assert len(sink.taken) == 3


async def test_hangs(start: Start, sink: Sink) -> None:
    """A sink that does not answer is 503 in time, and what it did not take goes through later."""
    hanging, sent = start(forward_timeout=0.1), label(1)
    sink.pause = 60
    assert (await receive(hanging, sent)).status == 503
    sink.pause = 0
    assert (await receive(start(), sent)).status == 200
    assert len(sink.taken) == 1


async def test_later_event_of_the_same_shipment(start: Start, sink: Sink) -> None:
    """Behind an event that the sink refuses, those of its shipment are 503 soon, without a storm on the sink."""
    receiver, early, late = start(), label(1), label(1)
    sink.refuses = {"shipment:1"}
    first = await receive(receiver, early)
    second = await receive(receiver, late)
    assert [first.status, second.status] == [503, 503]
    assert sink.asked.total() <= 3
    # another shipment is not concerned
    assert (await receive(receiver, label(2))).status == 200
    sink.refuses = set()
    assert [(await receive(receiver, sent)).status for sent in (late, early)] == [200, 200]
    assert sink.taken[1:] == [first.record_key, second.record_key]


async def test_many_refused_do_not_block_the_rest(start: Start, sink: Sink) -> None:
    """However many older events the sink refuses, a new one that it takes gets through."""
    receiver = start()
    sink.refuses = {f"shipment:{number}" for number in range(1, 41)}
    refused = [label(number) for number in range(1, 41)]
    outcomes = await asyncio.gather(*(receive(receiver, sent) for sent in refused))
    assert {outcome.status for outcome in outcomes} == {503}
    sink.asked.clear()
    outcome = await receive(receiver, label(100))
    assert outcome.status == 200
    assert sink.taken == [outcome.record_key]
    assert max(sink.asked.values()) == 1
    sink.refuses = set()
    again = await asyncio.gather(*(receive(receiver, sent) for sent in refused))
    assert {outcome.status for outcome in again} == {200}
    assert len(sink.taken) == len(set(sink.taken)) == 41

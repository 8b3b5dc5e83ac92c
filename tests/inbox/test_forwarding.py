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
        self.error: BaseException = ConnectionError("the sink is out")

    async def __call__(self, record: Record) -> None:
        assert record.ordering_key is not None
        self.asked[record.key] += 1
        await asyncio.sleep(self.pause)
        if record.ordering_key in self.refuses:
            raise self.error
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
    """What the sink refused gets 503, and goes through once when the sender tries again, even elsewhere."""
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
    """A sink that does not respond means 503 in time, and what it did not take goes through later."""
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


async def test_refused_for_good_is_held(start: Start, sink: Sink) -> None:
    """An event that the sink refuses for good is held at its last attempt and gets 200, on whichever machine."""
    receivers = [start(max_attempts=3), start(max_attempts=3)]
    early, late = label(1), label(1)
    sink.refuses = {"shipment:1"}
    outcomes = [await receive(receivers[number % 2], early) for number in range(4)]
    assert [outcome.status for outcome in outcomes] == [503, 503, 200, 200]
    assert [outcome.kind for outcome in outcomes[2:]] == [OutcomeKind.HELD, OutcomeKind.DUPLICATE]
    assert "not forwarded after 3 attempts: ConnectionError" in str(outcomes[2].reason)
    inbox = receivers[0].inbox
    stored = await inbox.get(str(outcomes[0].record_key))
    assert stored is not None
    assert stored.state is State.HELD
    # it no longer keeps out the later events of its object
    sink.refuses = set()
    assert (await receive(receivers[0], late)).kind is OutcomeKind.NEW
    assert len(sink.taken) == 1
    assert await inbox.requeue(stored.key)
    assert (await receive(receivers[1], early)).status == 200
    assert len(sink.taken) == 2


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(3),
        GeneratorExit(),
        asyncio.CancelledError(),
        TimeoutError(),
        BaseExceptionGroup("", [SystemExit(3), ValueError()]),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_the_forward_function_raises_is_a_failure(
    start: Start, sink: Sink, error: BaseException
) -> None:
    """An exception that is no Exception neither ends the server nor keeps the event from being held in the end."""
    receiver = start(max_attempts=2)
    sink.refuses, sink.error = {"shipment:1"}, error
    sent = label(1)
    outcomes = [await receive(receiver, sent) for _ in range(2)]
    assert [outcome.status for outcome in outcomes] == [503, 200]
    assert f"not forwarded after 2 attempts: {type(error).__name__}" in str(outcomes[1].reason)
    assert (await receive(receiver, label(2))).kind is OutcomeKind.NEW


async def test_few_refusals_because_of_one_event(start: Start, sink: Sink) -> None:
    """One event that is refused for good causes no more than `max_attempts` - 1 responses of 503, with its successors."""
    receiver = start(max_attempts=4)
    poison = label(1)
    assert poison.body

    class Picky(Sink):
        async def __call__(self, record: Record) -> None:
            if record.body == poison.body:
                raise ConnectionError
            self.taken.append(record.key)

    picky = Picky()
    receiver = Receiver.forwarding(VERIFIER, picky, inbox=receiver.inbox, max_attempts=4)
    deliveries = [poison, *(label(1) for _ in range(6))]
    refused = 0
    for _ in range(8):
        for sent in list(deliveries):
            outcome = await receive(receiver, sent)
            if outcome.status == 200:
                deliveries.remove(sent)
            else:
                refused += 1
    assert deliveries == []
    assert refused == 3
    assert len(picky.taken) == 6
    assert (await receiver.inbox.stats()).held == 1


async def test_deliveries_of_other_objects_do_not_count(start: Start, sink: Sink) -> None:
    """However often a refused event is tried along with others, only its own refusals count."""
    receiver = start(max_attempts=2)
    sent = label(1)
    sink.refuses = {"shipment:1"}
    refused = await receive(receiver, sent)
    assert refused.status == 503
    for number in range(2, 12):
        assert (await receive(receiver, label(number))).status == 200
    stored = await receiver.inbox.get(str(refused.record_key))
    assert stored is not None
    assert stored.state is State.READY
    assert sink.asked[stored.key] >= 10
    sink.refuses = set()
    assert (await receive(receiver, sent)).status == 200

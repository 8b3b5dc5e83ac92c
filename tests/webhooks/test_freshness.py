"""An event is new only if the inbox can say so: replays after a purge, an eviction or a loss of data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from returnhelper.inbox import MemoryInbox
from returnhelper.testing import ENDPOINT, SignedDelivery, delivery, to_wire
from returnhelper.webhooks import Outcome, OutcomeKind, Receiver, UnknownEvent, Verifier

MINUTE = timedelta(minutes=1)
START = datetime(2030, 5, 6, 7, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Forgetful(MemoryInbox):
    """An inbox whose memory begins when the test says so, as that of a server which lost its data."""

    since: datetime | None = None
    reads = 0

    async def remembers_since(self) -> datetime:
        self.reads += 1
        return self.since or await super().remembers_since()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(clock: Clock) -> Forgetful:
    return Forgetful(clock=clock)


def of(moment: datetime | None) -> SignedDelivery:
    return delivery(
        UnknownEvent, {"action": "brandNew", "eventTime": None if moment is None else to_wire(moment)}
    )


async def receive(receiver: Receiver, sent: SignedDelivery) -> Outcome:
    return await receiver.receive(sent.headers, sent.body)


@pytest.mark.parametrize(
    ("age", "kind"),
    [
        (timedelta(0), OutcomeKind.NEW),
        (14 * MINUTE, OutcomeKind.NEW),
        (16 * MINUTE, OutcomeKind.HELD),
        (-14 * MINUTE, OutcomeKind.NEW),
        (-16 * MINUTE, OutcomeKind.HELD),
        (timedelta(days=400), OutcomeKind.HELD),
    ],
)
async def test_a_new_inbox(clock: Clock, inbox: Forgetful, age: timedelta, kind: OutcomeKind) -> None:
    """A new inbox accepts events from before it was created within the tolerance, and holds older ones."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=inbox, clock=clock)
    assert (await receive(receiver, of(clock.now - age))).kind is kind


@pytest.mark.parametrize(
    ("age", "kind"),
    [
        (MINUTE, OutcomeKind.NEW),
        (23 * 60 * MINUTE, OutcomeKind.NEW),
        (25 * 60 * MINUTE, OutcomeKind.HELD),
        (-16 * MINUTE, OutcomeKind.HELD),
    ],
)
async def test_an_inbox_with_a_memory(
    clock: Clock, inbox: Forgetful, age: timedelta, kind: OutcomeKind
) -> None:
    """An inbox accepts events of any age since it remembers, which have not been there, and holds older ones."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=inbox, clock=clock)
    clock.now += timedelta(days=1)
    assert (await receive(receiver, of(clock.now - age))).kind is kind


async def test_a_memory_that_jumped(clock: Clock, inbox: Forgetful, caplog: pytest.LogCaptureFixture) -> None:
    """When the inbox loses its data, fresh events from before that are held, which is logged once; later ones are new."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=inbox, clock=clock)
    clock.now += timedelta(days=1)
    assert (await receive(receiver, of(clock.now))).kind is OutcomeKind.NEW
    clock.now += MINUTE
    inbox.since = clock.now
    for age in (MINUTE, 2 * MINUTE, 14 * MINUTE):
        outcome = await receive(receiver, of(clock.now - age))
        assert (outcome.status, outcome.kind) == (200, OutcomeKind.HELD)
        assert "lost events" in str(outcome.reason)
    assert caplog.text.count("was its data lost?") == 1
    clock.now += MINUTE
    assert (await receive(receiver, of(clock.now))).kind is OutcomeKind.NEW


async def test_a_purge_is_no_loss(clock: Clock, inbox: Forgetful, caplog: pytest.LogCaptureFixture) -> None:
    """A memory that moves on, as with every purge, does not concern fresh events."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=inbox, clock=clock)
    for _ in range(3):
        clock.now += timedelta(days=1)
        inbox.since = clock.now - 30 * MINUTE
        assert (await receive(receiver, of(clock.now - 14 * MINUTE))).kind is OutcomeKind.NEW
        assert (await receive(receiver, of(clock.now - 40 * MINUTE))).kind is OutcomeKind.HELD
    assert "lost" not in caplog.text


async def test_a_wide_tolerance_proves_nothing(clock: Clock, inbox: Forgetful) -> None:
    """With a tolerance of a day, an event from before the memory of the inbox is held, and one that is far ahead too."""
    clock.now += timedelta(days=30)
    inbox.since = clock.now - 30 * MINUTE  # a purge of another process
    receiver = Receiver(Verifier(ENDPOINT), inbox=inbox, clock=clock, tolerance=timedelta(days=1))
    assert (await receive(receiver, of(clock.now - 60 * MINUTE))).kind is OutcomeKind.HELD
    assert (await receive(receiver, of(clock.now - 20 * MINUTE))).kind is OutcomeKind.NEW
    assert (await receive(receiver, of(clock.now + 14 * MINUTE))).kind is OutcomeKind.NEW
    assert (await receive(receiver, of(clock.now + 16 * MINUTE))).kind is OutcomeKind.HELD


@pytest.mark.parametrize("tolerance", [1, 15, 60, 24 * 60])
@pytest.mark.parametrize("ahead", [-14, 0, 1, 14, 15, 59, 8 * 60])
async def test_no_purge_makes_an_event_new_again(clock: Clock, tolerance: int, ahead: int) -> None:
    """Whatever the tolerance and the time of an event, the same delivery is never new twice, before or after a purge."""
    inbox = MemoryInbox(clock=clock)
    receiver = Receiver(Verifier(ENDPOINT), inbox=inbox, clock=clock, tolerance=tolerance * MINUTE)
    clock.now += timedelta(days=1)
    sent = of(clock.now + ahead * MINUTE)
    kinds = [(await receive(receiver, sent)).kind]
    for record in await inbox.claim(1, 30):
        await inbox.complete(record)
    for _ in range(40):
        clock.now += 16 * MINUTE
        await inbox.purge(clock.now)
        kinds.append((await receive(receiver, sent)).kind)
    assert kinds[1:].count(OutcomeKind.NEW) == 0


async def test_the_signed_timestamp_stands_in_for_the_event_time(clock: Clock, inbox: Forgetful) -> None:
    """An event without eventTime is judged by its signed timestamp."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=inbox, clock=clock)
    assert (await receive(receiver, of(None))).kind is OutcomeKind.HELD  # stamped years before this clock
    clock.now = datetime.now(UTC)
    assert (await receive(receiver, of(None))).kind is OutcomeKind.NEW


async def test_few_queries_under_load() -> None:
    """Concurrent deliveries do not ask the inbox one by one what it remembers."""
    import asyncio

    inbox = Forgetful()
    receiver = Receiver(Verifier(ENDPOINT), inbox=inbox)
    assert (await receive(receiver, of(datetime.now(UTC)))).kind is OutcomeKind.NEW
    outcomes = await asyncio.gather(*(receive(receiver, of(datetime.now(UTC))) for _ in range(200)))
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.NEW}
    assert inbox.reads < 100

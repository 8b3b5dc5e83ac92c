"""Machines that share an inbox: what one of them receives ends the wait of another."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from returnhelper.errors import WebhookError
from returnhelper.inbox import Inbox, PostgresInbox, Record
from returnhelper.testing import ENDPOINT, delivery
from returnhelper.webhooks import EventNotReceived, Outcome, Receiver, Verifier, events
from tests.support.inbox_kit import LEASE, PostgresServer, make_inbox
from tests.support.store_tools import DURABLE, postgres

VERIFIER = Verifier(ENDPOINT)
Machine = Callable[[], Receiver]
every = pytest.mark.parametrize("kind", DURABLE)


@pytest.fixture
def name() -> str:
    return f"s{uuid4().hex[:10]}"


@pytest.fixture
async def machine(kind: str, where: str, name: str) -> AsyncIterator[Machine]:
    """Make machines: each has a receiver and an inbox of its own, over one store."""
    made: list[Receiver] = []

    def make() -> Receiver:
        made.append(Receiver(VERIFIER, inbox=make_inbox(kind, where, None, name)))
        return made[-1]

    yield make
    for receiver in made:
        await receiver.aclose()
        await receiver.inbox.aclose()


@pytest.fixture
def ours(machine: Machine) -> Receiver:
    return machine()


@pytest.fixture
def theirs(machine: Machine) -> Receiver:
    return machine()


async def send(receiver: Receiver, number: int) -> Outcome:
    sent = delivery("labelGenerated", {"label": {"shipmentId": number}})
    outcome = await receiver.receive(sent.headers, sent.body)
    assert outcome.status == 200
    return outcome


def of(number: int) -> Callable[[events.LabelGenerated], bool]:
    return lambda event: event.label is not None and event.label.shipment_id == number


def number_of(event: events.LabelGenerated) -> int | None:
    return event.label.shipment_id if event.label else None


async def finish_all(inbox: Inbox) -> None:
    while found := await inbox.claim(100, LEASE):
        for each in found:
            assert await inbox.complete(each)


@pytest.fixture
def finish_long_ago(kind: str, where: str, name: str) -> Callable[[], Awaitable[None]]:
    """Complete all records as an hour ago, when they are old enough to be purged."""

    async def finish() -> None:
        async with make_inbox(kind, where, an_hour_ago, name) as inbox:
            await finish_all(inbox)

    return finish


def an_hour_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


@every
async def test_received_elsewhere_during_the_wait(ours: Receiver, theirs: Receiver) -> None:
    """What another machine receives while this one waits ends the wait at its next search."""
    async with ours.expect(events.LabelGenerated, when=of(9), timeout=10, poll=0.05) as expected:
        waiting = asyncio.ensure_future(expected)
        await send(theirs, 8)
        assert not (await asyncio.wait({waiting}, timeout=0.15))[0]
        await send(theirs, 9)
        async with asyncio.timeout(2):
            assert number_of(await waiting) == 9


@pytest.mark.parametrize("before", [0, 3, 250])
@every
async def test_received_elsewhere_before_the_wait(ours: Receiver, theirs: Receiver, before: int) -> None:
    """What came between the call and the wait is found, however much came before it."""
    for start in range(0, before, 50):
        await asyncio.gather(*(send(theirs, 1000) for _ in range(min(50, before - start))))
    async with ours.expect(events.LabelGenerated, when=of(9), timeout=10, poll=60) as expected:
        await send(theirs, 8)
        await send(theirs, 9)
        await send(ours, 10)
        async with asyncio.timeout(2):
            assert number_of(await expected) == 9


@every
async def test_seconds_between_call_and_wait(ours: Receiver, theirs: Receiver) -> None:
    """An event that was even handled by the time of the wait is found."""
    async with ours.expect(events.LabelGenerated, when=of(9), timeout=5, poll=60) as expected:
        await send(theirs, 9)
        await finish_all(theirs.inbox)
        async with asyncio.timeout(2):
            assert number_of(await expected) == 9


@every
async def test_awaited_without_a_block(ours: Receiver, theirs: Receiver) -> None:
    """Awaited after the call, it finds what other machines received before."""
    await send(theirs, 9)
    assert number_of(await ours.expect(events.LabelGenerated, when=of(9), timeout=5)) == 9
    with pytest.raises(EventNotReceived):
        await ours.expect(events.LabelGenerated, when=of(9), since=datetime.now(UTC), timeout=0.05)


@every
async def test_many_wait_at_once(ours: Receiver, theirs: Receiver) -> None:
    """Everyone gets the event of his own call, wherever it came in, in whatever order."""

    async def call(receiver: Receiver, number: int) -> None:
        async with receiver.expect(events.LabelGenerated, when=of(number), timeout=15, poll=0.1) as expected:
            await barrier.wait()
            assert number_of(await expected) == number

    barrier = asyncio.Barrier(21)
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(call(ours if number % 2 else theirs, number))
        await barrier.wait()
        numbers = list(range(20))
        random.shuffle(numbers)
        for number in numbers:
            group.create_task(send(ours if number % 3 else theirs, number))


@every
async def test_waiting_takes_nothing_away(ours: Receiver, theirs: Receiver) -> None:
    """A worker still gets the event that somebody waited for."""
    async with ours.expect(events.LabelGenerated, timeout=5, poll=0.05) as expected:
        key = (await send(theirs, 9)).record_key
        await expected
    assert [found.key for found in await theirs.inbox.claim(5, LEASE)] == [key]


@every
async def test_times_out_cleanly(ours: Receiver, theirs: Receiver) -> None:
    """Waits that end in the middle of a poll leave no task, no mixed-up result, and the inbox usable."""
    outcomes = [await send(theirs, number) for number in range(5)]
    await ours.inbox.stats()
    tasks = asyncio.all_tasks()
    for turn in range(40):
        with pytest.raises(EventNotReceived, match="LabelGenerated") as caught:
            await ours.expect(events.LabelGenerated, when=of(9), timeout=turn / 4000, poll=0.001)
        assert isinstance(caught.value, WebhookError)
        assert isinstance(caught.value, TimeoutError)
        key = outcomes[turn % 5].record_key
        assert key is not None
        found = await ours.inbox.get(key)
        assert found is not None
        assert found.key == key
        assert len(await ours.inbox.list()) == 5
    assert not ours._listeners
    async with asyncio.timeout(5):
        while not asyncio.all_tasks() <= tasks:  # what sent the last call ends right after it
            await asyncio.sleep(0)


@every
async def test_cancelled(ours: Receiver, theirs: Receiver) -> None:
    """A caller that gives up leaves nothing behind, and others go on waiting."""
    async with ours.expect(events.LabelGenerated, when=of(9), timeout=10, poll=0.05) as expected:
        waiting = asyncio.ensure_future(expected)
        given_up = asyncio.ensure_future(ours.expect(events.LabelGenerated, when=of(7), timeout=10))
        await asyncio.sleep(0.05)
        given_up.cancel()
        await asyncio.wait({given_up})
        await send(theirs, 9)
        assert number_of(await waiting) == 9
    assert not ours._listeners


@every
async def test_purged_in_between(
    ours: Receiver, theirs: Receiver, finish_long_ago: Callable[[], Awaitable[None]]
) -> None:
    """That the last thing this machine received has been purged since is no reason to miss an event."""
    await send(ours, 1)
    await finish_long_ago()
    assert await ours.inbox.purge(datetime.now(UTC)) == 1
    async with ours.expect(events.LabelGenerated, when=of(9), timeout=2, poll=0.02) as expected:
        await send(theirs, 9)
        assert number_of(await expected) == 9


@every
async def test_purged_during_the_wait(
    ours: Receiver, theirs: Receiver, finish_long_ago: Callable[[], Awaitable[None]]
) -> None:
    """A purge during the wait does not stop the search."""
    async with ours.expect(events.LabelGenerated, when=of(9), timeout=2, poll=0.02) as expected:
        waiting = asyncio.ensure_future(expected)
        await send(theirs, 1)
        await asyncio.sleep(0.1)
        await finish_long_ago()
        assert await theirs.inbox.purge(datetime.now(UTC)) == 1
        await send(theirs, 9)
        assert number_of(await waiting) == 9


@every
async def test_calls_heed_a_cancellation(ours: Receiver) -> None:
    """A loop over calls of the store ends when it is cancelled, wherever that meets it."""
    await send(ours, 1)

    async def ask() -> None:
        while True:
            await ours.inbox.list()
            await ours.inbox.get("k")
            await ours.inbox.claim(1, LEASE)
            await ours.inbox.stats()

    for turn in range(60):
        asking = asyncio.create_task(ask())
        for _ in range(turn):
            await asyncio.sleep(0)
        asking.cancel()
        assert (await asyncio.wait({asking}, timeout=5))[0]
        assert asking.cancelled()


class Committing(PostgresInbox):
    """A store whose adds commit on demand: like a slow machine, or an add within a longer transaction."""

    def __init__(self, url: str, table: str) -> None:
        super().__init__(url, table=table)
        self.stored = asyncio.Event()
        self.commit = asyncio.Event()
        self.url = url

    async def add(self, record: Record) -> object:  # type: ignore[override]
        async with postgres(self.url) as db, db.transaction():
            result = await super().add(record, connection=db)
            self.stored.set()
            await self.commit.wait()
        return result


async def test_committed_late(postgres_server: PostgresServer) -> None:
    """An event that was inserted first and committed last is not missed by one who looked in between."""
    table = f"rh_s{uuid4().hex[:10]}"
    async with (
        PostgresInbox(postgres_server.url, table=table) as here,
        Committing(postgres_server.url, table) as there,
    ):
        ours, slow = Receiver(VERIFIER, inbox=here), Receiver(VERIFIER, inbox=there)
        async with ours.expect(events.LabelGenerated, when=of(9), timeout=3, poll=0.02) as expected:
            waiting = asyncio.ensure_future(expected)
            sending = asyncio.create_task(send(slow, 9))
            await there.stored.wait()
            await send(ours, 10)
            await asyncio.sleep(0.1)
            there.commit.set()
            await sending
            assert number_of(await waiting) == 9

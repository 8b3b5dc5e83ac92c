from __future__ import annotations

import asyncio
import pickle
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from returnhelper.errors import ReturnHelperError
from returnhelper.inbox import MemoryInbox, SQLiteInbox
from returnhelper.testing import ENDPOINT, delivery, to_wire
from returnhelper.webhooks import EventNotReceived, Receiver, Verifier, create_and_wait, events

VERIFIER = Verifier(ENDPOINT)


async def send(receiver, number, **members):
    sent = delivery("labelGenerated", {"label": {"shipmentId": number}, **members})
    return await receiver.receive(sent.headers, sent.body)


def of(number):
    return lambda event: event.label.shipment_id == number


@pytest.fixture
def receiver():
    return Receiver(VERIFIER, inbox=MemoryInbox())


async def test_event_between_call_and_wait(receiver):
    """What comes in after the block was entered and before the wait is not missed."""
    async with receiver.expect(events.LabelGenerated, when=of(9), timeout=1) as expected:
        await send(receiver, 8)
        await send(receiver, 9)
        assert (await expected).label.shipment_id == 9
    assert not receiver._expectations


async def test_event_during_the_wait(receiver):
    """What comes in during the wait ends it at once."""
    async with (
        asyncio.TaskGroup() as group,
        receiver.expect(events.LabelGenerated, timeout=5, poll=5) as expected,
    ):
        group.create_task(send(receiver, 9))
        async with asyncio.timeout(1):
            assert (await expected).label.shipment_id == 9


async def test_awaited_directly_looks_back(receiver):
    """Without a block, the wait looks back over what was received, as far as it is told."""
    await send(receiver, 9)
    later = datetime.now(UTC)
    assert (await receiver.expect(events.LabelGenerated, when=of(9), timeout=1)).label.shipment_id == 9
    for since in (later, timedelta(0)):
        with pytest.raises(EventNotReceived):
            await receiver.expect(events.LabelGenerated, since=since, timeout=0.05)


async def test_block_does_not_look_back(receiver):
    """In a block, only what came since it was entered counts."""
    await send(receiver, 9)
    async with receiver.expect(events.LabelGenerated, timeout=0.05) as expected:
        with pytest.raises(EventNotReceived, match="LabelGenerated"):
            await expected


async def test_time_out_is_ours_and_clean(receiver):
    """The timeout is an error of this package, a TimeoutError too, and leaves nothing behind."""
    with pytest.raises(ReturnHelperError) as caught:
        await receiver.expect(events.LabelGenerated, timeout=0.01)
    assert isinstance(caught.value, TimeoutError)
    assert not receiver._expectations
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_other_machine(tmp_path):
    """An event that another machine received is found in the shared inbox."""
    async with SQLiteInbox(tmp_path / "inbox.db") as here, SQLiteInbox(tmp_path / "inbox.db") as there:
        ours, theirs = Receiver(VERIFIER, inbox=here), Receiver(VERIFIER, inbox=there)
        for number in range(300):
            await send(ours, 1000 + number)
        async with ours.expect(events.LabelGenerated, when=of(9), timeout=5, poll=0.02) as expected:
            waiting = asyncio.ensure_future(expected._wait())
            await asyncio.sleep(0.05)
            await send(theirs, 9)
            assert (await waiting).label.shipment_id == 9


async def test_a_search_survives_the_purge_of_where_it_began():
    """Where the last event before the wait was purged, what another machine receives is found all the same."""
    inbox = MemoryInbox()
    ours, theirs = Receiver(VERIFIER, inbox=inbox), Receiver(VERIFIER, inbox=inbox)
    await send(ours, 1)
    (record,) = await inbox.claim(1, timedelta(minutes=1))
    await inbox.complete(record)
    async with ours.expect(events.LabelGenerated, when=of(9), timeout=2, poll=0.01) as expected:
        assert await inbox.purge(datetime.now(UTC) + timedelta(hours=1)) == 1
        await send(theirs, 9)
        assert (await expected).label.shipment_id == 9


class Overtaken(MemoryInbox):
    """Shows one record only later, as a database does whose transactions end in another order than they began."""

    hidden: str | None = "early"

    async def list(self, state=None, **given):
        records = await super().list(state, **given)
        return [record for record in records if record.key != self.hidden]


async def test_an_event_that_was_overtaken_is_found():
    """Of two events stored at a time, the one with the earlier place is found although it shows later."""
    inbox = Overtaken()
    ours, theirs = Receiver(VERIFIER, inbox=inbox), Receiver(VERIFIER, inbox=inbox)
    async with ours.expect(events.LabelGenerated, when=of(9), timeout=2, poll=0.01) as expected:
        await send(theirs, 9, notificationId="early")
        await send(theirs, 8)
        waiting = asyncio.ensure_future(expected._wait())
        await asyncio.sleep(0.05)
        inbox.hidden = None
        assert (await waiting).label.shipment_id == 9


async def test_a_time_without_zone_is_utc(receiver):
    """`since` may be a time without zone, which means UTC as everywhere."""
    await send(receiver, 9)
    since = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=5)
    assert (await receiver.expect(events.LabelGenerated, since=since, timeout=1)).label.shipment_id == 9


async def test_held_and_misfit_are_no_answer(receiver):
    """A stale event, one that does not fit and one of another class do not end the wait."""
    async with receiver.expect(events.LabelGenerated, timeout=0.1) as expected:
        await send(receiver, 9, eventTime=to_wire(datetime(2020, 1, 1, tzinfo=UTC)))
        for sent in (delivery("labelGenerated", {"label": 5}), delivery("brandNew")):
            await receiver.receive(sent.headers, sent.body)
        with pytest.raises(EventNotReceived):
            await expected


async def test_predicate_that_raises_is_seen(receiver):
    """A mistake in the predicate reaches the caller instead of a timeout."""
    await send(receiver, 9)
    with pytest.raises(ZeroDivisionError):
        await receiver.expect(events.LabelGenerated, when=lambda event: 1 / 0, timeout=1)


async def test_create_and_wait(receiver):
    """The label of a shipment just created is returned, even if it comes before the answer of the call."""

    class Shipments:
        async def create(self, request):
            await send(receiver, 8)
            await send(receiver, 9)
            return SimpleNamespace(shipment_id=9)

    label = await create_and_wait(
        SimpleNamespace(return_shipments=Shipments()), receiver, object(), timeout=1
    )
    assert label.label.shipment_id == 9


async def test_the_shipment_is_known_when_its_label_does_not_come(receiver):
    """Who waits in vain for a label still learns which shipment was created, also behind a pickle."""

    class Shipments:
        async def create(self, request):
            return SimpleNamespace(shipment_id=9)

    with pytest.raises(EventNotReceived) as told:
        await create_and_wait(SimpleNamespace(return_shipments=Shipments()), receiver, object(), timeout=0.05)
    assert told.value.shipment_id == 9
    assert pickle.loads(pickle.dumps(told.value)).shipment_id == 9

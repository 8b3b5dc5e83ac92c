from __future__ import annotations

import asyncio
import functools
import inspect
import pickle
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from returnhelper import create_and_wait
from returnhelper.errors import ConfigurationError, ReturnHelperError, format_value
from returnhelper.inbox import MemoryInbox, SQLiteInbox
from returnhelper.testing import ENDPOINT, delivery, event, to_wire
from returnhelper.webhooks import EventNotReceived, Expectation, Receiver, UnknownEvent, Verifier, events

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
    """An event that arrives after the block was entered and before the wait is found."""
    async with receiver.expect(events.LabelGenerated, when=of(9), timeout=1) as expected:
        await send(receiver, 8)
        await send(receiver, 9)
        assert (await expected).label.shipment_id == 9
    assert not receiver._listeners


async def test_event_during_the_wait(receiver):
    """An event that arrives during the wait ends it at once."""
    async with (
        asyncio.TaskGroup() as group,
        receiver.expect(events.LabelGenerated, timeout=5, poll=5) as expected,
    ):
        group.create_task(send(receiver, 9))
        async with asyncio.timeout(1):
            assert (await expected).label.shipment_id == 9


async def test_awaited_directly_it_finds_earlier_events(receiver):
    """Awaited without a block, it finds events received since `since`."""
    await send(receiver, 9)
    later = datetime.now(UTC)
    assert (await receiver.expect(events.LabelGenerated, when=of(9), timeout=1)).label.shipment_id == 9
    for since in (later, timedelta(0), 0):
        with pytest.raises(EventNotReceived):
            await receiver.expect(events.LabelGenerated, since=since, timeout=0.05)


async def test_a_block_ignores_earlier_events(receiver):
    """In a block, only events since it was entered count."""
    await send(receiver, 9)
    async with receiver.expect(events.LabelGenerated, timeout=0.05) as expected:
        with pytest.raises(EventNotReceived, match="LabelGenerated"):
            await expected


async def test_timeout(receiver):
    """The timeout raises an error of this package that is a TimeoutError, and leaves no task or listener behind."""
    with pytest.raises(ReturnHelperError) as caught:
        await receiver.expect(events.LabelGenerated, timeout=0.01)
    assert isinstance(caught.value, TimeoutError)
    assert not receiver._listeners
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_other_machine(tmp_path):
    """An event that another machine received is found in the shared inbox."""
    async with SQLiteInbox(tmp_path / "inbox.db") as here, SQLiteInbox(tmp_path / "inbox.db") as there:
        ours, theirs = Receiver(VERIFIER, inbox=here), Receiver(VERIFIER, inbox=there)
        for number in range(300):
            await send(ours, 1000 + number)
        async with ours.expect(events.LabelGenerated, when=of(9), timeout=5, poll=0.02) as expected:
            waiting = asyncio.ensure_future(expected)
            await asyncio.sleep(0.05)
            await send(theirs, 9)
            assert (await waiting).label.shipment_id == 9


async def test_records_purged_during_the_wait():
    """If the last record before the wait is purged, an event that another machine receives is still found."""
    hours = 0
    inbox = MemoryInbox(clock=lambda: datetime.now(UTC) + timedelta(hours=hours))
    ours, theirs = Receiver(VERIFIER, inbox=inbox), Receiver(VERIFIER, inbox=inbox)
    await send(ours, 1)
    (record,) = await inbox.claim(1, timedelta(minutes=1))
    await inbox.complete(record)
    async with ours.expect(events.LabelGenerated, when=of(9), timeout=2, poll=0.01) as expected:
        hours = 1
        assert await inbox.purge(datetime.now(UTC) + timedelta(hours=1)) == 1
        await send(theirs, 9)
        assert (await expected).label.shipment_id == 9


class LateCommit(MemoryInbox):
    """Lists one record late, as a database does whose transactions commit in another order than they began."""

    hidden: str | None = "early"

    async def list(self, state=None, **given):
        records = await super().list(state, **given)
        return [record for record in records if record.key != self.hidden]


async def test_a_record_that_becomes_visible_late_is_found():
    """Of two records stored concurrently, the one in the earlier position is found although it becomes visible later."""
    inbox = LateCommit()
    ours, theirs = Receiver(VERIFIER, inbox=inbox), Receiver(VERIFIER, inbox=inbox)
    async with ours.expect(events.LabelGenerated, when=of(9), timeout=2, poll=0.01) as expected:
        await send(theirs, 9, notificationId="early")
        await send(theirs, 8)
        waiting = asyncio.ensure_future(expected)
        await asyncio.sleep(0.05)
        inbox.hidden = None
        assert (await waiting).label.shipment_id == 9


async def test_naive_since_is_utc(receiver):
    """A naive `since` is UTC, as everywhere."""
    await send(receiver, 9)
    since = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=5)
    assert (await receiver.expect(events.LabelGenerated, since=since, timeout=1)).label.shipment_id == 9


async def test_held_and_malformed_events_do_not_match(receiver):
    """A stale event, a malformed one and one of another class do not end the wait."""
    async with receiver.expect(events.LabelGenerated, timeout=0.1) as expected:
        await send(receiver, 9, eventTime=to_wire(datetime(2020, 1, 1, tzinfo=UTC)))
        for sent in (
            delivery("labelGenerated", {"label": 5}),
            delivery(UnknownEvent, {"action": "brandNew"}),
        ):
            await receiver.receive(sent.headers, sent.body)
        with pytest.raises(EventNotReceived):
            await expected


async def test_predicate_that_raises(receiver):
    """An error in the predicate reaches the caller instead of a timeout."""
    await send(receiver, 9)
    with pytest.raises(ZeroDivisionError):
        await receiver.expect(events.LabelGenerated, when=lambda event: 1 / 0, timeout=1)


async def matches(event):
    return True


class Asynchronous:
    async def __call__(self, event):
        return True


@pytest.mark.parametrize("when", [matches, Asynchronous(), functools.partial(matches)])
def test_an_asynchronous_predicate_is_refused(when, receiver):
    """A coroutine function as predicate would always be true: it is refused at once."""
    with pytest.raises(ConfigurationError, match="when must be a plain function"):
        receiver.expect(events.LabelGenerated, when=when)


@pytest.mark.parametrize(
    "when",
    [
        lambda event: asyncio.ensure_future(matches(event)),
        lambda event: asyncio.sleep(0, True),
        lambda event: Awaitable(),
    ],
)
@pytest.mark.parametrize("before", [True, False])
async def test_a_predicate_that_returns_an_awaitable(when, before, receiver):
    """A predicate that returns an awaitable is an error, not a match, whether the event came before or comes later."""
    if before:
        await send(receiver, 9)
    async with receiver.expect(
        events.LabelGenerated, when=when, timeout=1, since=timedelta(minutes=1)
    ) as expected:
        if not before:
            await send(receiver, 9)
        with pytest.raises(ConfigurationError, match="returned an awaitable"):
            await expected
    assert not receiver._listeners


class Awaitable:
    def __await__(self):
        yield


async def test_a_large_event_is_found(receiver):
    """An event with a body above 64 kB, which is read in a thread, ends the wait too."""
    async with receiver.expect(events.LabelGenerated, when=of(9), timeout=5) as expected:
        await send(receiver, 9, note="x" * 100_000)
        assert (await expected).label.shipment_id == 9


async def test_create_and_wait(receiver):
    """The label of the created shipment is returned, even if it arrives before the response to the call."""

    class Shipments:
        async def create(self, request):
            await send(receiver, 8)
            await send(receiver, 9)
            return SimpleNamespace(shipment_id=9)

    label = await create_and_wait(
        SimpleNamespace(return_shipments=Shipments()), receiver, object(), timeout=1
    )
    assert label.label.shipment_id == 9


async def test_create_and_wait_times_out_with_the_shipment_id(receiver):
    """If no label arrives, the error names the created shipment, also after pickling."""

    class Shipments:
        async def create(self, request):
            return SimpleNamespace(shipment_id=9)

    with pytest.raises(EventNotReceived) as caught:
        await create_and_wait(SimpleNamespace(return_shipments=Shipments()), receiver, object(), timeout=0.05)
    assert caught.value.shipment_id == 9
    assert pickle.loads(pickle.dumps(caught.value)).shipment_id == 9


@pytest.mark.parametrize("make", [Expectation, Receiver.expect], ids=["Expectation", "Receiver.expect"])
def test_invalid_arguments(make, receiver):
    """Each invalid argument is refused at once; the error names it and shows what it was given."""
    first = {"inbox": receiver.inbox} if make is Expectation else {"self": receiver}
    valid = first | {"event": events.LabelGenerated}
    seconds = ["5", -1, float("nan"), float("inf"), True]
    invalid = {
        "event": [None, "labelGenerated", int, event(events.VasUpdated)],
        "inbox": [None, "inbox.db"],
        "when": [5, "x"],
        "timeout": [*seconds, None],
        "since": ["yesterday", -1, True, timedelta(seconds=-1)],
        "poll": [*seconds, None, 0],
        "clock": [5],
        "subscribe": [5],
    }
    parameters = inspect.signature(make).parameters
    for name in parameters.keys() - {"self"}:
        for value in invalid[name]:  # type: ignore[attr-defined]
            with pytest.raises(ConfigurationError, match=f"^{name} must be") as caught:
                make(**valid | {name: value})
            assert format_value(value) in str(caught.value)


async def test_durations_may_be_timedeltas(receiver):
    """Timeout and poll may be timedeltas."""
    with pytest.raises(EventNotReceived, match=r"within 0\.01 seconds"):
        await receiver.expect(
            events.LabelGenerated, timeout=timedelta(milliseconds=10), poll=timedelta(milliseconds=1)
        )


async def test_a_listener_that_fails_does_no_harm(receiver):
    """Each new event is passed to every listener until it unsubscribes, although another listener raises."""
    records = []
    receiver.subscribe(lambda record: 1 / 0)
    unsubscribe = receiver.subscribe(records.append)
    assert (await send(receiver, 9)).status == 200
    unsubscribe()
    assert (await send(receiver, 9)).status == 200
    assert [record.ordering_key for record in records] == ["shipment:9"]

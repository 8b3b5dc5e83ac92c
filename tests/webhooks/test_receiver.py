from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from returnhelper.errors import ConfigurationError, InboxUnavailable
from returnhelper.inbox import MemoryInbox, SQLiteInbox, State, Worker
from returnhelper.testing import ENDPOINT, delivery, sign_delivery, to_wire
from returnhelper.webhooks import OutcomeKind, Receiver, Router, Verifier, events

VERIFIER = Verifier(ENDPOINT)
LABEL = {"label": {"shipmentId": 7}}


@pytest.fixture(params=["memory", "sqlite"])
async def inbox(request, tmp_path):
    async with MemoryInbox() if request.param == "memory" else SQLiteInbox(tmp_path / "inbox.db") as inbox:
        yield inbox


def label(number=7, **members):
    return delivery("labelGenerated", {"label": {"shipmentId": number}, **members})


async def receive(receiver, sent):
    return await receiver.receive(sent.headers, sent.body)


def raw(body):
    return sign_delivery(body), body


async def test_new_and_duplicate(inbox):
    """A new event is stored ready, the same again is a duplicate; both are answered 200."""
    receiver, sent = Receiver(VERIFIER, inbox=inbox), label()
    first, second = await receive(receiver, sent), await receive(receiver, sent)
    assert (first.status, first.kind) == (200, OutcomeKind.NEW)
    assert (second.status, second.kind) == (200, OutcomeKind.DUPLICATE)
    record = await inbox.get(first.record_key)
    assert (record.state, record.body, record.action, record.ordering_key) == (
        State.READY,
        sent.body,
        "labelGenerated",
        "shipment:7",
    )
    assert record.endpoint == ENDPOINT.url
    assert record.headers["timestamp"] == sent.headers["timestamp"]
    assert receiver.counters.received == 2
    assert (receiver.counters.new, receiver.counters.duplicate) == (1, 1)


async def test_without_notification_id_the_bytes_decide(inbox):
    """Without an id, the same bytes are a duplicate and other bytes are not."""
    receiver, sent = Receiver(VERIFIER, inbox=inbox), label(notificationId=None)
    assert (await receive(receiver, sent)).record_key.startswith("sha256:")
    assert (await receive(receiver, sent)).kind is OutcomeKind.DUPLICATE
    assert (await receiver.receive(*raw(sent.body + b" "))).kind is OutcomeKind.NEW


async def test_unknown_and_misfit_are_accepted(inbox):
    """What this release does not know, or what does not fit its class, is stored and answered 200."""
    receiver = Receiver(VERIFIER, inbox=inbox)
    assert (await receive(receiver, delivery("brandNew"))).kind is OutcomeKind.NEW
    misfit = await receive(receiver, delivery("labelGenerated", {"label": ["what"]}))
    assert (misfit.status, misfit.kind) == (200, OutcomeKind.NEW)
    worker = Worker(inbox, Router())
    async with worker:
        for _ in range(200):
            if (await inbox.stats()).ready == 0 and (await inbox.stats()).leased == 0:
                break
            await asyncio.sleep(0.02)
    record = await inbox.get(misfit.record_key)
    assert record.state is State.HELD
    assert "label" in record.reason


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[1]", b"7", b"null", b"{}", b"\xff", b"[" * 50_000, b'{"action": 5.5}']
)
async def test_authentic_but_no_event(inbox, body):
    """Signed bytes that are no event are stored as held and answered 200."""
    outcome = await Receiver(VERIFIER, inbox=inbox).receive(*raw(body))
    assert (outcome.status, outcome.kind) == (200, OutcomeKind.HELD)
    record = await inbox.get(outcome.record_key)
    assert (record.state, record.body) == (State.HELD, body)
    assert record.reason == outcome.reason


async def test_bom_and_half_surrogates_are_events(inbox):
    """A byte order mark or half of a surrogate pair does not keep an event from being one."""
    receiver = Receiver(VERIFIER, inbox=inbox)
    now = to_wire(datetime.now(UTC))
    body = b"\xef\xbb\xbf" + json.dumps({"action": "x", "eventTime": now, "note": "\ud800"}).encode()
    assert (await receiver.receive(*raw(body))).kind is OutcomeKind.NEW


async def test_refused_and_trial(inbox):
    """Wrong or missing signatures get 401; an unsigned small object without action gets 200; nothing is stored."""
    receiver, sent = Receiver(VERIFIER, inbox=inbox), label()
    assert (await receiver.receive(sent.headers, sent.body + b" ")).status == 401
    for headers, body, status in [
        ({}, sent.body, 401),
        ({}, b'{"action": null}', 401),
        ({}, b"[]", 401),
        ({}, b"no json", 401),
        ({}, b'{"a": "' + b"x" * 5000 + b'"}', 401),
        ({"signature": "x"}, b"{}", 401),
        ({}, b"{}", 200),
        ({"content-type": "application/json"}, b'{"test": true}', 200),
    ]:
        outcome = await receiver.receive(headers, body)
        assert outcome.status == status, body
        assert outcome.kind is (OutcomeKind.TRIAL if status == 200 else OutcomeKind.REFUSED)
    assert await inbox.list() == []


async def test_size_limit(inbox):
    """A body over the limit gets 413, one at the limit is taken."""
    sent = label()
    narrow = Receiver(VERIFIER, inbox=inbox, max_body=len(sent.body) - 1)
    assert (await receive(narrow, sent)).status == 413
    assert narrow.oversize().status == 413  # an adapter that does not read on
    assert (narrow.counters.received, narrow.counters.oversize) == (2, 2)
    assert (await receive(Receiver(VERIFIER, inbox=inbox, max_body=len(sent.body)), sent)).status == 200


async def test_freshness():
    """An old event passes only if the inbox remembers since before it happened; else it is held, as is a future one."""
    now = datetime(2030, 5, 6, 7, tzinfo=UTC)
    clock = [now]
    inbox = MemoryInbox(clock=lambda: clock[0])
    receiver = Receiver(VERIFIER, inbox=inbox, clock=lambda: clock[0])

    async def kind(age):
        return (await receive(receiver, label(eventTime=to_wire(clock[0] - age)))).kind

    assert await kind(timedelta(minutes=14)) is OutcomeKind.NEW
    assert await kind(timedelta(minutes=16)) is OutcomeKind.HELD
    clock[0] += timedelta(days=1)
    assert await kind(timedelta(hours=23)) is OutcomeKind.NEW
    assert await kind(timedelta(hours=25)) is OutcomeKind.HELD
    assert await kind(timedelta(hours=-1)) is OutcomeKind.HELD
    assert await kind(timedelta(minutes=-1)) is OutcomeKind.NEW
    await inbox.purge(clock[0] - timedelta(hours=2))
    assert await kind(timedelta(hours=3)) is OutcomeKind.HELD
    held = await receive(receiver, label(eventTime=None))
    assert held.kind is OutcomeKind.HELD  # its signed timestamp is of today, years before this clock


class Broken(MemoryInbox):
    def __init__(self, error):
        super().__init__()
        self.error = error

    async def add(self, record):
        if self.error is not None:
            raise self.error
        return await super().add(record)


@pytest.mark.parametrize(
    "error", [InboxUnavailable("down"), OSError("disk"), KeyError("x"), asyncio.CancelledError()]
)
async def test_store_that_fails(error):
    """When the inbox cannot store, the answer is 503, and the next try is a new event."""
    inbox = Broken(error)
    receiver, sent = Receiver(VERIFIER, inbox=inbox), label()
    outcome = await receive(receiver, sent)
    assert (outcome.status, outcome.kind) == (503, OutcomeKind.UNAVAILABLE)
    inbox.error = None
    assert (await receive(receiver, sent)).kind is OutcomeKind.NEW


class Slow(MemoryInbox):
    def __init__(self, delay):
        super().__init__()
        self.delay = delay

    async def add(self, record):
        await asyncio.sleep(self.delay)
        return await super().add(record)


async def test_store_that_hangs():
    """A store that does not answer in time means 503, and no task is left behind."""
    receiver = Receiver(VERIFIER, inbox=Slow(60), store_timeout=0.05)
    assert (await receive(receiver, label())).status == 503
    await receiver.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_cancelled_while_storing():
    """A sender that hangs up does not stop its event from being stored."""
    inbox = Slow(0.05)
    receiver, sent = Receiver(VERIFIER, inbox=inbox), label()
    task = asyncio.create_task(receive(receiver, sent))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await receiver.aclose()
    assert (await inbox.stats()).ready == 1
    assert receiver.counters.new == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_closing_in_another_loop_does_not_wait_for_the_first():
    """What a closed loop left half done does not keep the receiver from closing."""
    receiver = Receiver(VERIFIER, inbox=Slow(60))
    first = asyncio.new_event_loop()
    task = first.create_task(receive(receiver, label()))
    first.run_until_complete(asyncio.wait({task}, timeout=0.05))
    first.close()
    asyncio.run(asyncio.wait_for(receiver.aclose(), 5))


async def test_many_at_once_have_one_winner(inbox):
    """Of many deliveries of one event at once, one is new."""
    receiver, sent = Receiver(VERIFIER, inbox=inbox), label()
    outcomes = await asyncio.gather(*(receive(receiver, sent) for _ in range(50)))
    assert [outcome.kind for outcome in outcomes].count(OutcomeKind.NEW) == 1
    assert {outcome.status for outcome in outcomes} == {200}


async def test_inline_runs_handlers_before_the_answer():
    """Without an inbox, the handlers have run when the answer is given, once per event."""
    router, seen = Router(), []

    @router.on(events.LabelGenerated)
    async def handler(event):
        await asyncio.sleep(0.01)
        seen.append(event.label.shipment_id)

    async with Receiver(VERIFIER, router=router) as receiver:
        sent = label()
        assert (await receive(receiver, sent)).kind is OutcomeKind.NEW
        assert seen == [7]
        assert (await receive(receiver, sent)).kind is OutcomeKind.DUPLICATE
        assert (await receiver.receive(*raw(b"no json"))).kind is OutcomeKind.HELD
        assert (await receive(receiver, delivery("labelGenerated", {"label": 5}))).status == 200
        assert (await receiver.inbox.stats()).held == 2
    assert seen == [7]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_inline_handler_that_fails_is_tried_again():
    """A handler that fails does not refuse the event; it is tried again in this process."""
    router, tries, done = Router(), [], asyncio.Event()

    @router.on(events.LabelGenerated)
    async def handler(event):
        tries.append(event)
        if len(tries) == 1:
            raise RuntimeError
        done.set()

    async with Receiver(VERIFIER, router=router) as receiver:
        assert (await receive(receiver, label())).status == 200
        assert len(tries) == 1
        async with asyncio.timeout(10):
            await done.wait()
    assert len(tries) == 2


async def test_inline_slow_handler_does_not_hold_the_answer():
    """The answer waits no longer than inline_timeout; the handler goes on."""
    router, done = Router(), asyncio.Event()

    @router.on(events.LabelGenerated)
    async def handler(event):
        await asyncio.sleep(0.2)
        done.set()

    async with Receiver(VERIFIER, router=router, inline_timeout=0.05) as receiver:
        assert (await receive(receiver, label())).status == 200
        assert not done.is_set()
        await done.wait()


async def test_forward(inbox):
    """An event is acknowledged when the sink took it; after a failure the next delivery forwards it again."""
    broken, taken = [True], []

    async def sink(record):
        if broken:
            raise ConnectionError
        taken.append(record.key)

    receiver, sent = Receiver(VERIFIER, inbox=inbox, forward=sink), label()
    refused = await receive(receiver, sent)
    assert (refused.status, refused.reason) == (503, "the sink did not take the event")
    assert (await receive(receiver, sent)).status == 503
    broken.clear()
    assert (await receive(receiver, sent)).status == 200
    again = await receive(receiver, sent)
    assert (again.status, again.kind) == (200, OutcomeKind.DUPLICATE)
    assert taken == [again.record_key]
    assert (await inbox.get(again.record_key)).state is State.DONE


async def test_forward_of_many_from_two_receivers(inbox):
    """Two receivers over one inbox forward each event once, however often it comes."""
    taken = []

    async def sink(record):
        await asyncio.sleep(0.001)
        taken.append(record.key)

    receivers = [Receiver(VERIFIER, inbox=inbox, forward=sink) for _ in range(2)]
    sent = [label(number) for number in range(20)]
    outcomes = await asyncio.gather(
        *(receive(receiver, each) for each in sent for receiver in receivers for _ in range(2))
    )
    assert {outcome.status for outcome in outcomes} == {200}
    assert len(taken) == len(set(taken)) == 20


async def test_an_event_in_the_way_is_not_hammered(inbox):
    """While the sink refuses an older event, a younger one of its shipment waits, and the sink is asked now and then."""
    asked = []

    async def sink(record):
        asked.append(record.key)
        if record.key == "older":
            raise ConnectionError

    receiver = Receiver(VERIFIER, inbox=inbox, forward=sink, forward_timeout=0.5)
    sent = label(eventTime=to_wire(datetime.now(UTC) - timedelta(minutes=1)), notificationId="older")
    assert (await receive(receiver, sent)).status == 503
    assert (await receive(receiver, label(notificationId="younger"))).status == 503
    assert set(asked) == {"older"}
    assert len(asked) < 9


async def test_forward_leaves_nothing_behind_when_the_store_fails():
    """Where the store fails for one event of several that are forwarded at a time, the others end all the same."""

    class Failing(MemoryInbox):
        async def complete(self, record):
            if record.key == "0":
                raise InboxUnavailable("down")
            return await super().complete(record)

    async def sink(record):
        await asyncio.sleep(0 if record.key == "0" else 0.05)

    inbox = Failing()
    for number in range(4):
        await receive(Receiver(VERIFIER, inbox=inbox), label(number, notificationId=str(number)))
    receiver = Receiver(VERIFIER, inbox=inbox, forward=sink)
    assert (await receive(receiver, label(9, notificationId="9"))).status == 503
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert (await inbox.stats()).done == 4


async def test_forward_that_hangs(inbox):
    """A sink that does not answer in time means 503."""
    receiver = Receiver(VERIFIER, inbox=inbox, forward=lambda record: asyncio.sleep(60), forward_timeout=0.05)
    assert (await receive(receiver, label())).status == 503


class Sized(MemoryInbox):
    def __len__(self):
        return 0


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"inbox": MemoryInbox(), "router": Router()},
        {"inbox": Sized(), "router": Router()},
        {"router": Router(), "forward": print},
    ],
)
def test_wrong_arguments(arguments):
    """A receiver without a fate for its events, or with two, is refused."""
    with pytest.raises(ConfigurationError):
        Receiver(VERIFIER, **arguments)
    with pytest.raises(ConfigurationError):
        Receiver(ENDPOINT, inbox=MemoryInbox())


async def test_secrets_are_not_stored(inbox):
    """Credentials that a proxy adds are not kept, odd headers do no harm."""
    sent = label()
    headers = {**sent.headers, "Authorization": "Bearer x", "Cookie": "x", "X-Odd": "\ud800ä"}
    outcome = await Receiver(VERIFIER, inbox=inbox).receive(headers, sent.body)
    record = await inbox.get(outcome.record_key)
    assert not {"authorization", "cookie"} & set(record.headers)
    assert "x-odd" in record.headers
    assert attrs.evolve(outcome, status=1).kind is OutcomeKind.NEW


async def test_record_is_a_record_like_any_other():
    """The quick way to make a record makes what its constructor makes, odd texts included."""
    inbox = MemoryInbox()
    receiver = Receiver(VERIFIER, inbox=inbox)
    for members in ({}, {"notificationId": "ä\0"}, {"notificationId": "x" * 999}, {"category": "\0"}):
        record = await inbox.get((await receive(receiver, label(**members))).record_key)
        fields = {field.name: getattr(record, field.name) for field in attrs.fields(type(record))}
        assert type(record)(**fields) == record

from __future__ import annotations

import asyncio
import inspect
import json
from base64 import b64encode
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from returnhelper.errors import ConfigurationError, InboxUnavailable, format_value
from returnhelper.inbox import MemoryInbox, SQLiteInbox, State, Worker
from returnhelper.testing import ENDPOINT, delivery, sign_delivery, to_wire
from returnhelper.webhooks import Endpoint, OutcomeKind, Receiver, Router, UnknownEvent, Verifier, events

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
    """A new event is stored as ready, its second delivery is a duplicate; both get 200."""
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


async def test_without_notification_id_the_body_is_the_key(inbox):
    """Without a notificationId, a delivery of the same bytes is a duplicate and one of other bytes is not."""
    receiver, sent = Receiver(VERIFIER, inbox=inbox), label(notificationId=None)
    assert (await receive(receiver, sent)).record_key.startswith("sha256:")
    assert (await receive(receiver, sent)).kind is OutcomeKind.DUPLICATE
    assert (await receiver.receive(*raw(sent.body + b" "))).kind is OutcomeKind.NEW


async def test_unknown_and_malformed_events_are_accepted(inbox):
    """An unknown event and one that does not fit its class are stored and get 200."""
    receiver = Receiver(VERIFIER, inbox=inbox)
    assert (await receive(receiver, delivery(UnknownEvent, {"action": "brandNew"}))).kind is OutcomeKind.NEW
    malformed = await receive(receiver, delivery("labelGenerated", {"label": ["what"]}))
    assert (malformed.status, malformed.kind) == (200, OutcomeKind.NEW)
    worker = Worker(inbox, Router())
    async with worker:
        for _ in range(200):
            if (await inbox.stats()).ready == 0 and (await inbox.stats()).leased == 0:
                break
            await asyncio.sleep(0.02)
    record = await inbox.get(malformed.record_key)
    assert record.state is State.HELD
    assert "label" in record.reason


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[1]", b"7", b"null", b"{}", b"\xff", b"[" * 50_000, b'{"action": 5.5}']
)
async def test_authentic_but_no_event(inbox, body):
    """Signed bytes that are not an event are stored as held and get 200."""
    outcome = await Receiver(VERIFIER, inbox=inbox).receive(*raw(body))
    assert (outcome.status, outcome.kind) == (200, OutcomeKind.HELD)
    record = await inbox.get(outcome.record_key)
    assert (record.state, record.body) == (State.HELD, body)
    assert record.reason == outcome.reason


async def test_bom_and_unpaired_surrogates_are_accepted(inbox):
    """An event may have a byte order mark and an unpaired surrogate."""
    receiver = Receiver(VERIFIER, inbox=inbox)
    now = to_wire(datetime.now(UTC))
    body = b"\xef\xbb\xbf" + json.dumps({"action": "x", "eventTime": now, "note": "\ud800"}).encode()
    assert (await receiver.receive(*raw(body))).kind is OutcomeKind.NEW


async def test_refused_and_trial(inbox):
    """A wrong or missing signature gets 401, a small unsigned object without action 200; nothing is stored."""
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
    """A body above the limit gets 413, one at the limit is accepted."""
    sent = label()
    narrow = Receiver(VERIFIER, inbox=inbox, max_body=len(sent.body) - 1)
    assert (await receive(narrow, sent)).status == 413
    assert (narrow.counters.received, narrow.counters.oversize) == (1, 1)
    assert (await receive(Receiver(VERIFIER, inbox=inbox, max_body=len(sent.body)), sent)).status == 200


async def test_freshness():
    """An old event is new only if the inbox remembers back to its time; otherwise it is held, as is a future one."""
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
    assert held.kind is OutcomeKind.HELD  # its signed timestamp is from today, years before this clock


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
    """If the inbox cannot store, the response is 503, and the next delivery is a new event."""
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
    """A store that does not respond in time leads to 503, and no task is left behind."""
    receiver = Receiver(VERIFIER, inbox=Slow(60), store_timeout=0.05)
    assert (await receive(receiver, label())).status == 503
    await receiver.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_cancelled_while_storing():
    """Cancelling receive does not stop the event from being stored."""
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
    """Tasks of a closed event loop do not keep the receiver from closing."""
    receiver = Receiver(VERIFIER, inbox=Slow(60))
    first = asyncio.new_event_loop()
    task = first.create_task(receive(receiver, label()))
    first.run_until_complete(asyncio.wait({task}, timeout=0.05))
    first.close()
    asyncio.run(asyncio.wait_for(receiver.aclose(), 5))


async def test_many_at_once_have_one_winner(inbox):
    """Of many concurrent deliveries of one event, exactly one is new."""
    receiver, sent = Receiver(VERIFIER, inbox=inbox), label()
    outcomes = await asyncio.gather(*(receive(receiver, sent) for _ in range(50)))
    assert [outcome.kind for outcome in outcomes].count(OutcomeKind.NEW) == 1
    assert {outcome.status for outcome in outcomes} == {200}


async def test_inline_runs_handlers_before_the_response():
    """Inline, the handlers of an event have run once when the outcome is returned."""
    router, seen = Router(), []

    @router.on(events.LabelGenerated)
    async def handler(event):
        await asyncio.sleep(0.01)
        seen.append(event.label.shipment_id)

    async with Receiver.inline(VERIFIER, router) as receiver:
        sent = label()
        assert (await receive(receiver, sent)).kind is OutcomeKind.NEW
        assert seen == [7]
        assert (await receive(receiver, sent)).kind is OutcomeKind.DUPLICATE
        assert (await receiver.receive(*raw(b"no json"))).kind is OutcomeKind.HELD
        assert (await receive(receiver, delivery("labelGenerated", {"label": 5}))).status == 200
        assert (await receiver.inbox.stats()).held == 2
    assert seen == [7]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_inline_handlers_run_in_a_fresh_context():
    """Handlers do not see the context variables of the request that came first, nor of any other."""
    tenant, seen, router = ContextVar("tenant", default="none"), [], Router()

    @router.on(events.LabelGenerated)
    async def handler(event):
        seen.append(tenant.get())
        tenant.set(f"handler {event.label.shipment_id}")

    async def request(number):
        tenant.set(f"request {number}")
        return await receive(receiver, label(number))

    async with Receiver.inline(VERIFIER, router) as receiver:
        for number in (1, 2, 3):
            assert (await asyncio.create_task(request(number))).status == 200
    assert seen == ["none"] * 3


async def test_inline_retries_a_failed_handler():
    """A failed handler does not refuse the event; it is retried in this process."""
    router, attempts, done = Router(), [], asyncio.Event()

    @router.on(events.LabelGenerated)
    async def handler(event):
        attempts.append(event)
        if len(attempts) == 1:
            raise RuntimeError
        done.set()

    async with Receiver.inline(VERIFIER, router) as receiver:
        assert (await receive(receiver, label())).status == 200
        assert len(attempts) == 1
        async with asyncio.timeout(10):
            await done.wait()
    assert len(attempts) == 2


async def test_inline_responds_in_time():
    """The outcome is returned after `respond_within` at the latest; the handler goes on."""
    router, done = Router(), asyncio.Event()

    @router.on(events.LabelGenerated)
    async def handler(event):
        await asyncio.sleep(0.2)
        done.set()

    async with Receiver.inline(VERIFIER, router, respond_within=0.05) as receiver:
        assert (await receive(receiver, label())).status == 200
        assert not done.is_set()
        await done.wait()


async def test_forward(inbox):
    """An event gets 200 once it was forwarded; after a failure the next delivery forwards it again."""
    broken, taken = [True], []

    async def sink(record):
        if broken:
            raise ConnectionError
        taken.append(record.key)

    receiver, sent = Receiver.forwarding(VERIFIER, sink, inbox=inbox), label()
    refused = await receive(receiver, sent)
    assert (refused.status, refused.reason) == (503, "the forward function failed")
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

    receivers = [Receiver.forwarding(VERIFIER, sink, inbox=inbox) for _ in range(2)]
    sent = [label(number) for number in range(20)]
    outcomes = await asyncio.gather(
        *(receive(receiver, each) for each in sent for receiver in receivers for _ in range(2))
    )
    assert {outcome.status for outcome in outcomes} == {200}
    assert len(taken) == len(set(taken)) == 20


async def test_a_failing_older_event_is_not_retried_in_a_loop(inbox):
    """While an older event of the shipment cannot be forwarded, the younger one waits and few attempts are made."""
    asked = []

    async def sink(record):
        asked.append(record.key)
        if record.key == "older":
            raise ConnectionError

    receiver = Receiver.forwarding(VERIFIER, sink, inbox=inbox, forward_timeout=0.5)
    sent = label(eventTime=to_wire(datetime.now(UTC) - timedelta(minutes=1)), notificationId="older")
    assert (await receive(receiver, sent)).status == 503
    assert (await receive(receiver, label(notificationId="younger"))).status == 503
    assert set(asked) == {"older"}
    assert len(asked) < 9


async def test_forward_leaves_nothing_behind_when_the_store_fails():
    """If the store fails for one of several events that are forwarded at once, the others are completed."""

    class Failing(MemoryInbox):
        async def complete(self, record):
            if record.key == "n0":
                raise InboxUnavailable("down")
            return await super().complete(record)

    async def sink(record):
        await asyncio.sleep(0 if record.key == "n0" else 0.05)

    inbox = Failing()
    for number in range(4):
        await receive(Receiver(VERIFIER, inbox=inbox), label(number, notificationId=f"n{number}"))
    receiver = Receiver.forwarding(VERIFIER, sink, inbox=inbox)
    assert (await receive(receiver, label(9, notificationId="n9"))).status == 503
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert (await inbox.stats()).done == 4


async def test_forward_that_hangs(inbox):
    """A forward function that does not finish in time leads to 503."""
    receiver = Receiver.forwarding(
        VERIFIER, lambda record: asyncio.sleep(60), inbox=inbox, forward_timeout=0.05
    )
    assert (await receive(receiver, label())).status == 503


async def forward(record):
    """Take every record."""


SECONDS = ["5", None, -1, float("nan"), float("inf"), 10**400, True]
INVALID = {
    "verifier": [None, ENDPOINT, "key"],
    "inbox": [None, "inbox.db", Router()],
    "router": [None, MemoryInbox(), print],
    "forward": [None, 5, "stream"],
    "tolerance": SECONDS,
    "max_body": ["big", None, 0, -1, 1.5, True],
    "max_unverified": ["big", None, 0, -1, 1.5, True],
    "max_attempts": ["5", None, 0, -1, 1.5, True],
    "store_timeout": [*SECONDS, 0],
    "respond_within": [*SECONDS, 0],
    "forward_timeout": [*SECONDS, 0],
    "clock": [None, 5, datetime.now(UTC)],
}
VALID = {"verifier": VERIFIER, "inbox": MemoryInbox(), "router": Router(), "forward": forward}


@pytest.mark.parametrize(
    "make", [Receiver, Receiver.inline, Receiver.forwarding], ids=lambda make: make.__name__
)
def test_invalid_arguments(make):
    """Each constructor refuses each invalid argument, names it and shows what it was given."""
    parameters = inspect.signature(make).parameters
    given = {name: value for name, value in VALID.items() if name in parameters}
    make(**given)
    for name in parameters:
        for value in INVALID[name]:  # type: ignore[attr-defined]
            with pytest.raises(ConfigurationError) as caught:
                make(**given | {name: value})
            assert str(caught.value).startswith(f"{name} must be")
            assert format_value(value) in str(caught.value)


def test_durations_are_seconds_or_timedeltas():
    """Every duration is given as seconds or as a timedelta."""
    for second in (1, 1.0, timedelta(seconds=1)):
        Receiver(VERIFIER, inbox=MemoryInbox(), tolerance=second, store_timeout=second)
        Receiver.inline(VERIFIER, Router(), tolerance=second, respond_within=second)
        Receiver.forwarding(VERIFIER, forward, inbox=MemoryInbox(), forward_timeout=second)


async def test_secrets_are_not_stored(inbox):
    """Credentials that a proxy adds are not stored, and malformed headers do no harm."""
    sent = label()
    headers = {**sent.headers, "Authorization": "Bearer x", "Cookie": "x", "X-Odd": "\ud800ä"}
    outcome = await Receiver(VERIFIER, inbox=inbox).receive(headers, sent.body)
    record = await inbox.get(outcome.record_key)
    assert not {"authorization", "cookie"} & set(record.headers)
    assert "x-odd" in record.headers
    assert attrs.evolve(outcome, status=1).kind is OutcomeKind.NEW


async def test_the_record_names_the_key_that_verified_it(inbox):
    """Of two endpoints with one URL, as in a rotation, the record has the fingerprint of the one that signed; no key is shown."""
    old, new = ENDPOINT, Endpoint(url=ENDPOINT.url, signing_key=b64encode(b"k" * 32).decode())
    receiver, found = Receiver(Verifier(old, new), inbox=inbox), []
    for endpoint in (old, new):
        sent = delivery("labelGenerated", LABEL, endpoint=endpoint)
        record = await inbox.get((await receive(receiver, sent)).record_key)
        found.append(record.verified_by)
    assert found == [old.fingerprint, new.fingerprint]
    assert len(set(found)) == 2
    assert Endpoint("https://other.example", old.signing_key.to_base64()).fingerprint == old.fingerprint
    assert old.fingerprint not in old.signing_key.to_base64()


async def test_the_record_equals_one_from_the_constructor():
    """The record of a delivery, built without converters, equals what the constructor builds."""
    inbox = MemoryInbox()
    receiver = Receiver(VERIFIER, inbox=inbox)
    for members in ({}, {"notificationId": "ä\0"}, {"notificationId": "x" * 999}, {"category": "\0"}):
        record = await inbox.get((await receive(receiver, label(**members))).record_key)
        fields = {field.name: getattr(record, field.name) for field in attrs.fields(type(record))}
        assert type(record)(**fields) == record  # type: ignore[misc]

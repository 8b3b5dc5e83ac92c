"""Ids of notifications, from the wire to every store: no event is lost because of its id."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, Final

import pytest

from returnhelper._wire import encode
from returnhelper.inbox import Inbox, State
from returnhelper.testing import ENDPOINT, sign_delivery, to_wire
from returnhelper.webhooks import Outcome, OutcomeKind, Receiver, Verifier, parse_event
from tests.support.inbox_kit import NOON, Clock

LEASE: Final = timedelta(seconds=60)
PLACEHOLDERS: list[object] = [
    "0", 0, -1, "-1", "0.0", "", " ", "null", None, "0" * 26, "00000000-0000-0000-0000-000000000000", 1.5, True, [], {},
]  # fmt: skip
IDS: list[object] = [
    "01J9ZQ8Q7M1V6S6Y2C4N8B7F3D", 7, " 7 ", "a\0b", "a\\x00b", "x" * 500, "x" * 501, "ä", "a\u0308", "sha256:00", "a b",
    "\ufffd", "\ufeffx", "7.0", "🦦", "a\nb", "3F2504E0-4f89-41d3-9a0c-0305e82c3301", *PLACEHOLDERS,
]  # fmt: skip


def body_of(notification_id: object, shipment_id: object = 7, **members: Any) -> bytes:
    return encode(
        {
            "action": "labelGenerated",
            "category": "labelGenerated",
            "label": {"shipmentId": shipment_id},
            "eventTime": to_wire(NOON),
            "notificationId": notification_id,
            **members,
        }
    )


@pytest.fixture
def receiver(inbox: Inbox, clock: Clock) -> Receiver:
    return Receiver(Verifier(ENDPOINT), inbox=inbox, clock=clock)


async def deliver(receiver: Receiver, body: bytes) -> Outcome:
    return await receiver.receive(sign_delivery(body, timestamp=to_wire(NOON)), body)


async def test_event_and_record_have_the_same_key(receiver: Receiver, inbox: Inbox) -> None:
    """Whatever the id, the event of a record has the record's key, and the record is found under it."""
    for number, given in enumerate(given for given in IDS if not isinstance(given, list | dict)):
        body = body_of(given, number=number)
        event = parse_event(body)
        await deliver(receiver, body)
        record = await inbox.get(event.dedup_key)
        assert record is not None, given
        assert record.key == event.dedup_key
        assert record.ordering_key == event.ordering_key
        assert parse_event(record.body).dedup_key == record.key


@pytest.mark.parametrize("given", PLACEHOLDERS, ids=repr)
async def test_placeholders_drop_nothing(receiver: Receiver, given: object) -> None:
    """Different events with one placeholder for an id are all new; the same event again is a duplicate."""
    bodies = [body_of(given, number) for number in (1, 2)]
    assert [(await deliver(receiver, body)).kind for body in bodies] == [OutcomeKind.NEW] * 2
    assert (await deliver(receiver, bodies[0])).kind is OutcomeKind.DUPLICATE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a\0b", "a\\x00b"),
        ("x" * 500, "x" * 501),
        ("ä", "a\u0308"),
        (r"\ud800", r"\ud801"),
        (r"n\udfff", r"n\ufffd"),
    ],
)
async def test_ids_that_stores_would_alter_stay_two(
    receiver: Receiver, inbox: Inbox, one: str, other: str
) -> None:
    """Two ids that a store, or decoding, would make one are two records."""
    for number, given in enumerate((one, other)):
        body = body_of("@@", number + 1)
        text = given.encode() if given.startswith(("\\u", "n\\u")) else encode(given)[1:-1]
        assert (await deliver(receiver, body.replace(b"@@", text))).kind is OutcomeKind.NEW
    assert len(await inbox.list()) == 2


OTHER_EVENTS = {
    "another action": body_of("id-1", action="brandNew"),
    "another class": body_of("id-1", action="markShipmentArrive", version="202407"),
    "another object": body_of("id-1", 8),
    "no object": body_of("id-1", None),
    "no action": body_of("id-1", action=None),
}


@pytest.mark.parametrize("name", OTHER_EVENTS)
@pytest.mark.parametrize("done", [False, True])
async def test_a_known_id_of_another_event_is_held(
    receiver: Receiver, inbox: Inbox, clock: Clock, name: str, done: bool
) -> None:
    """A known id with another action or about another object is stored as held, once, and the first record stays."""
    assert (await deliver(receiver, body_of("id-1"))).kind is OutcomeKind.NEW
    if done:
        (record,) = await inbox.claim(1, LEASE)
        assert await inbox.complete(record)
    outcome = await deliver(receiver, OTHER_EVENTS[name])
    assert (outcome.status, outcome.kind) == (200, OutcomeKind.HELD)
    assert "belongs to another event" in str(outcome.reason)
    held = await inbox.get(str(outcome.record_key))
    assert held is not None
    assert (held.state, held.body, held.notification_id) == (State.HELD, OTHER_EVENTS[name], "id-1")
    assert (await deliver(receiver, OTHER_EVENTS[name])).kind is OutcomeKind.DUPLICATE
    assert len(await inbox.list()) == 2
    first = await inbox.get("id-1")
    assert first is not None
    assert first.state is (State.DONE if done else State.READY)


async def test_a_duplicate_with_another_body(
    receiver: Receiver, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The same event with another body is a duplicate, counted apart and logged; with the same body it is neither."""
    await deliver(receiver, body_of("id-1"))
    with caplog.at_level(logging.WARNING, "returnhelper.webhooks"):
        assert (await deliver(receiver, body_of("id-1"))).kind is OutcomeKind.DUPLICATE
        assert caplog.records == []
        for shipment_id, members in (
            ("7", {}),
            ("7.0", {}),
            (7, {"attempt": 2}),
            (7, {"action": "LabelGenerated"}),
        ):
            outcome = await deliver(receiver, body_of("id-1", shipment_id, **members))
            assert outcome.kind is OutcomeKind.DUPLICATE
    assert (receiver.counters.duplicate, receiver.counters.altered) == (5, 4)
    assert [record.getMessage() for record in caplog.records] == [
        "duplicate delivery id-1 has another body than the first one"
    ] * 4
    assert len(await inbox.list()) == 1


async def test_one_object_in_every_notation_is_handled_in_order(
    receiver: Receiver, inbox: Inbox, clock: Clock
) -> None:
    """Events about one shipment, whose number is printed in different ways, are never leased together."""
    for number, text in enumerate((b"25714", b"25714.0", b'"25714"', b'"25714.0"', b"2.5714e4")):
        await deliver(receiver, body_of(f"n-{number}", "@@").replace(b'"@@"', text))
    assert len(await inbox.claim(10, LEASE)) == 1


@pytest.mark.parametrize("body", [b"not JSON", b"[]", b'{"category":"x"}', b""])
async def test_bodies_that_are_not_events(
    receiver: Receiver, inbox: Inbox, clock: Clock, body: bytes
) -> None:
    """A signed body that is not an event makes one held record, which can be dismissed and purged."""
    kinds = [(await deliver(receiver, body)).kind for body in (body, body, b"\xef\xbb\xbf" + body)]
    assert kinds == [OutcomeKind.HELD, OutcomeKind.DUPLICATE, OutcomeKind.DUPLICATE]
    (record,) = await inbox.list(State.HELD)
    assert await inbox.dismiss(record.key, "a test of the sender")
    clock.move(hours=1)
    assert await inbox.purge(clock()) == 1
    assert await inbox.list() == []

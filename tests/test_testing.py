from __future__ import annotations

from typing import Any

import pytest

from returnhelper.errors import ConfigurationError, PayloadInvalid
from returnhelper.testing import ENDPOINT, delivery, event, sign_delivery
from returnhelper.webhooks import Endpoint, Event, UnknownEvent, Verifier, events, parse_event


def test_deliveries_verify():
    """A delivery made of an action, a body or an event is genuine, and has what the envelope needs."""
    samples: list[tuple[Any, Any]] = [
        ("labelGenerated", {"label": {"shipmentId": 1}}),
        ({"action": "labelGenerated", "label": {"shipmentId": 1}}, None),
        (event(events.LabelGenerated, {"label": {"shipmentId": 1}}), None),
        (events.LabelGenerated, {"label": {"shipmentId": 1}}),
    ]
    for what, payload in samples:
        sent = delivery(what, payload)
        Verifier(ENDPOINT).verify(sent.headers, sent.body)
        parsed = parse_event(sent.body)
        assert isinstance(parsed, events.LabelGenerated)
        assert parsed.label.shipment_id == 1
        assert len(str(parsed.notification_id)) == 26
        assert parsed.event_time is not None


def test_each_delivery_is_an_event_of_its_own():
    """Two deliveries of the same payload are two events; a member given as None is left out."""
    first, second = delivery("vasUpdated"), delivery("vasUpdated")
    assert parse_event(first.body).dedup_key != parse_event(second.body).dedup_key
    assert b"notificationId" not in delivery("vasUpdated", {"notificationId": None}).body


def test_other_endpoint():
    """Deliveries can be signed for an endpoint of one's own."""
    endpoint = Endpoint("https://other.example", "c2VjcmV0")
    Verifier(endpoint).verify(sign_delivery(b"{}", endpoint=endpoint), b"{}")


def test_every_event_class_can_be_built():
    """Each class gets its own action and version."""
    for name in dir(events):
        kind = getattr(events, name)
        if isinstance(kind, type) and issubclass(kind, Event) and kind not in (Event, events.OpenEvent):
            try:
                assert type(event(kind)) is kind
            except PayloadInvalid as error:  # a class that needs its payload: was it the right one?
                message = str(error)
                assert f" {kind.__name__}: " in message


@pytest.mark.parametrize("cls", [events.MarkShipmentArrive, events.MarkShipmentArriveV1])
def test_the_delivery_of_an_event_is_that_event(cls):
    """An event that is delivered again, or was made by hand, arrives as the class that it is: the older shape too."""
    built = event(cls, {"shipment": {"shipmentId": 7}})
    by_hand = cls(shipment=built.shipment)
    for one in (built, by_hand):
        assert type(parse_event(delivery(one).body)) is cls
    assert parse_event(delivery(built).body).dedup_key == built.dedup_key


@pytest.mark.parametrize(
    "cls", [events.MarkShipmentArrive, events.MarkShipmentArriveV1, events.FbaShipmentPutaway]
)
def test_the_delivery_of_a_class(cls):
    """A delivery of an event class has the action, category and version of that class."""
    assert type(parse_event(delivery(cls, {"shipment": {"shipmentId": 7}}).body)) is cls


@pytest.mark.parametrize(
    ("action", "meant"),
    [
        ("labelGeneratd", "labelGenerated"),
        ("label_generated", "labelGenerated"),
        ("labelCreated", "labelGenerated"),
        ("newInventory", "newInventoryCreated"),
        ("lAbElGeNeRaTeD", "labelGenerated"),
        ("x", None),
    ],
)
def test_an_unknown_action_is_refused(action, meant):
    """A misspelt action is refused with the nearest one, alone and in a body; UnknownEvent signs it all the same."""
    for call in (lambda: delivery(action), lambda: delivery({"action": action})):
        with pytest.raises(ConfigurationError, match=f"^action '{action}' is unknown") as caught:
            call()
        assert ("did you mean" in str(caught.value)) is (meant is not None)
        assert meant is None or f"{meant!r}?" in str(caught.value)
        assert 'delivery(UnknownEvent, {"action": …})' in str(caught.value)
    signed = delivery(UnknownEvent, {"action": action})
    assert type(parse_event(signed.body)) is UnknownEvent
    assert parse_event(signed.body).action == action


def test_every_documented_name_can_be_delivered():
    """Actions, and the other names that the vendor's guide has for them, are known."""
    for name in (
        "labelGenerated",
        "LabelGenerated",
        "UpdateVas",
        "inventory-handling-complete",
        "MarkReceived",
    ):
        assert delivery(name).body


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: event("labelGenerated"), "did you mean events.LabelGenerated?"),
        (lambda: event("x"), "kind must be an event class such as events.LabelGenerated, not 'x'"),
        (lambda: event(dict), "kind must be an event class"),  # type: ignore[type-var]
        (lambda: delivery(dict), "what must be an event class"),
        (lambda: delivery(events.LabelGenerated, {"action": "vasUpdated"}), "does not stand for the action"),
        (lambda: delivery(UnknownEvent, {"action": "vasUpdated"}), "does not stand for the action"),
        (lambda: delivery(events.MarkShipmentArrive, {"version": None}), "does not stand for the action"),
    ],
)
def test_misuse_is_refused(call, text):
    """What is no event class, or another event's action, is refused with what was probably meant."""
    with pytest.raises(ConfigurationError) as caught:
        call()
    assert text in str(caught.value)


def test_a_payload_that_does_not_fit_is_reported():
    """A payload that does not fit, or a class without an action, is an error."""
    with pytest.raises(PayloadInvalid):
        event(events.LabelGenerated, {"label": 5})
    with pytest.raises(ConfigurationError):
        event(events.LabelGenerated, {"action": "vasUpdated"})


def test_fixtures(pytester_free_run):
    """The fixtures work in a suite that names the plugin."""
    assert pytester_free_run == 0


@pytest.fixture
def pytester_free_run(tmp_path):
    import subprocess
    import sys

    (tmp_path / "conftest.py").write_text('pytest_plugins = ["returnhelper.testing"]\n')
    (tmp_path / "test_it.py").write_text(
        "def test_it(webhook_endpoint, webhook_delivery, webhook_inbox):\n"
        "    assert webhook_delivery('vasUpdated', endpoint=webhook_endpoint).body\n"
    )
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-c",
            "/dev/null",
            "--rootdir",
            str(tmp_path),
            str(tmp_path),
        ],
        check=False,
        env={"PYTHONPATH": ":".join(p for p in sys.path if p)},
    ).returncode

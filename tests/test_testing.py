from __future__ import annotations

from typing import Any

import pytest

from returnhelper.errors import ConfigurationError, PayloadInvalid
from returnhelper.testing import ENDPOINT, delivery, event, sign_delivery
from returnhelper.webhooks import Endpoint, Event, Verifier, events, parse_event


def test_deliveries_verify():
    """A delivery made of an action, a body or an event is genuine, and has what the envelope needs."""
    samples: list[tuple[Any, Any]] = [
        ("labelGenerated", {"label": {"shipmentId": 1}}),
        ({"action": "labelGenerated", "label": {"shipmentId": 1}}, None),
        (event(events.LabelGenerated, {"label": {"shipmentId": 1}}), None),
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
    first, second = delivery("x"), delivery("x")
    assert parse_event(first.body).dedup_key != parse_event(second.body).dedup_key
    assert b"notificationId" not in delivery("x", {"notificationId": None}).body


def test_other_endpoint():
    """Deliveries can be signed for an endpoint of one's own."""
    endpoint = Endpoint("https://other.example", "c2VjcmV0")
    Verifier(endpoint).verify(sign_delivery(b"{}", endpoint=endpoint), b"{}")


def test_every_event_class_can_be_built():
    """Each class gets its own action and version."""
    for name in events.__all__:
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
        "    assert webhook_delivery('x', endpoint=webhook_endpoint).body\n"
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

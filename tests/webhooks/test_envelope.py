from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from returnhelper._wire import NotJSON, decode
from returnhelper.webhooks.envelope import (
    Envelope,
    dedup_key,
    ordering_key,
    parse_time,
    read_body,
    read_envelope,
)


def test_full_envelope():
    """All members are read, and the shipment becomes the ordering key."""
    decoded = {
        "label": {"shipmentId": 5},
        "action": "labelGenerated",
        "category": "labelGenerated",
        "version": "202407",
        "eventTime": "2030-05-06T07:08:09.1234567Z",
        "notificationId": "01J9",
    }
    moment = datetime(2030, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    assert read_envelope(decoded) == Envelope(
        "labelGenerated", "labelGenerated", "202407", moment, "01J9", "shipment:5"
    )


@pytest.mark.parametrize(
    ("decoded", "key"),
    [
        ({"shipmentId": 7}, "shipment:7"),
        ({"shipment": {"shipmentId": "7"}}, "shipment:7"),
        ({"list": [{"shipmentId": 7}, {"shipmentId": 8}]}, "shipment:7"),
        ({"returnInventory": {"returnInventoryId": 3}, "shipment": {"shipmentId": 7}}, "shipment:7"),
        ({"returnInventory": {"returnInventoryId": "3"}}, "inventory:3"),
        ({"resend": {"resendId": 4, "returnInventoryId": 3}}, "inventory:3"),
        ({"resend": {"resendId": 4}}, "resend:4"),
        ({"recall": {"recallId": 4}}, "recall:4"),
        ({"order": {"consolidateShippingOrderId": "9c"}}, "order:9c"),
        ({"returnRequest": {"returnRequestId": 1}}, "request:1"),
        ({"a": {"b": {"shipmentId": 7}}}, None),
        ({"shipmentId": None, "shipment": {"shipmentId": 0}}, None),
        ({"shipmentId": True}, None),
        ({"shipmentId": "x" * 99}, None),
        ([], None),
    ],
)
def test_ordering_key(decoded, key):
    """The key names the object, wherever its id stands and however it is printed."""
    assert ordering_key(decoded) == key


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2030-05-06T07:08:09", datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("2030-05-06T07:08:09.1Z", datetime(2030, 5, 6, 7, 8, 9, 100000, tzinfo=UTC)),
        ("2030-05-06T15:08:09.12345+08:00", datetime(2030, 5, 6, 7, 8, 9, 123450, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00+08:00", None),
        ("9999-12-31T23:59:59-12:00", datetime.max.replace(tzinfo=UTC)),
        ("yesterday", None),
        (7, None),
        (None, None),
    ],
)
def test_times(text, moment):
    """Times are aware UTC; what is unset or no time is None."""
    assert parse_time(text) == moment


def test_dedup_key():
    """The notification id is the key; without one, a digest of the bytes."""
    assert dedup_key("01J9", b"{}") == "01J9"
    assert dedup_key(None, b"{}") == dedup_key("", b"{}") == "sha256:" + hashlib.sha256(b"{}").hexdigest()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.sampled_from(["action", "eventTime", "shipmentId"]), inner)
    ),
    max_leaves=20,
)


@given(json_values)
def test_never_raises(decoded):
    """Whatever JSON holds, there is an envelope."""
    assert isinstance(read_envelope(decoded), Envelope)
    assert json.dumps(read_envelope(decoded).action)


@pytest.mark.parametrize(
    "decoded",
    [
        {"action": "a", "label": {"shipmentId": 7}, "shipment": {"shipmentId": "8"}, "version": 202407},
        {"action": "a", "label": {"shipmentId": 7}, "shipmentId": 0},
        {"action": "a", "label": [{"shipmentId": 7}]},
        {"action": "a", "other": {"shipmentId": 7}, "returnInventory": {"returnInventoryId": 5}},
        {"action": "a", "eventTime": 7, "label": {"shipmentId": 7}},
        {"action": 7, "label": {"shipmentId": 7}},
        {"action": "a", "label": {"shipmentId": 0}, "x": {"shipmentId": 3}},
        {"action": "a", "shipment": {"shipmentId": "x" * 99}, "label": {"shipmentId": 3}},
        [],
    ],
)
def test_both_ways_agree(decoded):
    """The quick way over bytes and the careful way over decoded values read the same."""
    assert read_body(json.dumps(decoded).encode()) == read_envelope(decoded)


@given(
    json_values.filter(lambda value: "Infinity" not in json.dumps(value) and "NaN" not in json.dumps(value))
)
def test_both_ways_always_agree(decoded):
    """The quick way and the careful way agree on any JSON."""
    body = json.dumps(decoded).encode()
    try:
        careful = read_envelope(decode(body))
    except NotJSON:
        return
    assert read_body(body) == careful

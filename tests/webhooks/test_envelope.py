from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from returnhelper._wire import NotJSON, decode
from returnhelper.inbox.store import storable_key
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
        ({"shipmentId": "x" * 99}, "shipment:" + "x" * 99),
        ({"shipmentId": "x" * 129}, "shipment:sha256-of-id:" + hashlib.sha256(b"x" * 129).hexdigest()),
        ({"shipmentId": 10**70}, f"shipment:{10**70}"),
        ({"resendId": "-1", "returnRequestId": "0", "shipmentId": "0.0", "recallId": -1, "orderId": 5}, None),
        ({"order": {"consolidateShippingOrderId": "00000000-0000-0000-0000-000000000000"}}, None),
        ({"order": {"consolidateShippingOrderId": "9C.A"}}, "order:9c.a"),
        ([], None),
    ],
)
def test_ordering_key(decoded, key):
    """The key names the object, wherever its id is and however it is printed."""
    assert ordering_key(decoded) == key


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20261126115430Z", None),
        ("20261126T115430Z", None),
        ("1774612345", None),
        ("1774612345000", None),
        (1774612345, None),
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
    """Times are aware UTC; None for the unset time, a compact form, an epoch number and anything else."""
    assert parse_time(text) == moment


DIGEST = "sha256:" + hashlib.sha256(b"{}").hexdigest()


def test_dedup_key():
    """The notification id is the key; without one, a digest of the body, with or without a byte order mark."""
    assert dedup_key("01J9", b"{}") == "01J9"
    assert dedup_key(None, b"{}") == dedup_key("", b"\xef\xbb\xbf{}") == DIGEST


@pytest.mark.parametrize(
    "given",
    ["0", "00", "0.0", "-1", "-1.0", "-", "--", "null", "None", "NIL", "undefined", "NaN", "0" * 26, "0" * 32,
     "00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}", "00000000:00000000"],
)  # fmt: skip
def test_placeholders_are_no_ids(given):
    """What senders print in place of an id gives the digest of the body, so that two events stay two."""
    assert dedup_key(given, b"{}") == DIGEST
    assert dedup_key(given, b"[]") != DIGEST


@pytest.mark.parametrize(
    "given", ["1", "00000000-0000-0000-0000-000000000001", "01J9ZQ8Q7M1V6S6Y2C4N8B7F3D", "n-1", "nullity"]
)
def test_ids_that_resemble_placeholders(given):
    """An id with anything but zeros in it is an id."""
    assert dedup_key(given, b"{}") == given


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a\0b", "a\\x00b"),
        ("a\0b", "ab"),
        ("a\ud800", "a\\ud800"),
        ("a\ud800", "a\ud801"),
        ("x" * 500, "x" * 501),
        ("a\nb", "a b"),
        ("\xe9", "e\u0301"),
    ],
)
def test_ids_that_stores_would_alter(one, other):
    """Ids that not every store keeps as they are give digests that differ, and that every store keeps."""
    keys = {dedup_key(one, b"{}"), dedup_key(other, b"{}")}
    assert len(keys) == 2
    assert storable_key(one) != storable_key(other)  # of a record that a program makes
    assert all(key.isascii() and key.isprintable() and len(key) <= 128 for key in keys)
    assert all(storable_key(key) == key for key in keys)


def test_ids_with_unpaired_surrogates():
    """Two ids that decoding makes equal, because it replaces unpaired surrogates, do not make two events one."""
    one, other = (rb'{"action":"a","notificationId":"n\ud80' + digit + rb'"}' for digit in (b"0", b"1"))
    assert read_body(one).notification_id == read_body(other).notification_id == "n\ufffd"
    assert dedup_key("n\ufffd", one) != dedup_key("n\ufffd", other)


@pytest.mark.parametrize(
    "printed", ["25714", "25714.0", '"25714"', '"25714.0"', '" 25714 "', '"0025714"', "2.5714E+4", '"25714."']
)
def test_one_object_in_every_notation(printed):
    """However an id is printed, its events have one ordering key, on the fast and the general path."""
    for holder in (f'"label":{{"shipmentId":{printed}}}', f'"x":[{{"shipmentId":{printed}}}]'):
        body = f'{{"action":"labelGenerated",{holder}}}'.encode()
        assert read_body(body).ordering_key == read_envelope(decode(body)).ordering_key == "shipment:25714"


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
    """Every JSON value has an envelope."""
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
def test_both_paths_agree(decoded):
    """The fast path over bytes and the general path over decoded values read the same."""
    assert read_body(json.dumps(decoded).encode()) == read_envelope(decoded)


@given(
    json_values.filter(lambda value: "Infinity" not in json.dumps(value) and "NaN" not in json.dumps(value))
)
def test_both_paths_always_agree(decoded):
    """The fast and the general path agree on any JSON."""
    body = json.dumps(decoded).encode()
    try:
        general = read_envelope(decode(body))
    except NotJSON:
        return
    assert read_body(body) == general

"""Each shortcut of the delivery path gives what the full way gives."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest

from returnhelper._wire import decode
from returnhelper.errors import PayloadInvalid
from returnhelper.inbox.store import Record, State
from returnhelper.webhooks import _arrival, events
from returnhelper.webhooks.envelope import Envelope, dedup_key, ordering_key, read_body, read_envelope
from returnhelper.webhooks.events import build_event
from returnhelper.webhooks.signature import Headers, find_header, plain_headers

NOW = datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC)

HEADERS = {
    "lower case": {"host": "shop.example", "timestamp": "2030"},
    "capitals": {"Host": "shop.example", "X-Trace": "Ab"},
    "the same name twice": {"Host": "a", "host": "b"},
    "a secret": {"host": "a", "cookie": "c"},
    "a secret with capitals": {"host": "a", "Authorization": "c"},
    "not ASCII": {"host": "schön", "größe": "1", "x": "\udc80"},
    "an environ": {"REQUEST_METHOD": "POST", "HTTP_HOST": "a", "PATH_INFO": "/", "CONTENT_TYPE": "b"},
    "bytes": {b"Host": b"a", b"Cookie": b"c"},
    "lists": {"host": ["a", "b"]},
    "not text": {"host": None, 1: "a"},
    "no letters": {"1": "a", "": "b"},
    "none": {},
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
def test_plain_headers(headers: dict[str, str]) -> None:
    """Headers in a dict are stored as those in a list of pairs are, environs apart."""
    plain = _arrival._plain_headers(headers)
    assert plain is None or plain == _arrival._convert_headers(headers)
    assert plain is not headers
    assert _arrival.stored_headers(headers) == _arrival._convert_headers(headers)


def test_plain_headers_take_the_shortcut() -> None:
    """Usual headers take the shortcut; secrets and WSGI environs do not."""
    taken = {name for name, headers in HEADERS.items() if _arrival._plain_headers(headers) is not None}  # type: ignore[arg-type]
    assert taken == {"lower case", "capitals", "no letters", "none"}


PAIRS = {
    "bytes": [(b"Host", b"a"), (b"timestamp", b"2030"), (b"cookie", b"c")],
    "the same name twice": [(b"timestamp", b"1"), (b"Timestamp", b"2")],
    "joined": [("timestamp", "2030, 2030"), ("host", "a, b")],
    "not ASCII": [(b"host", b"sch\xc3\xb6n"), (b"timestamp", b"2030")],
    "a name that is not ASCII": [(b"gr\xf6sse", b"1"), (b"timestamp", b"2030")],
    "not pairs": [(b"timestamp",)],
}


@pytest.mark.parametrize(
    "headers", [*HEADERS.values(), *PAIRS.values()], ids=[*HEADERS, *(f"pairs, {name}" for name in PAIRS)]
)
def test_headers_in_a_plain_dict_say_the_same(headers: Headers) -> None:
    """Headers as a plain dict are found and stored as those that were received."""
    plain = plain_headers(headers)
    for name in ("host", "timestamp", "cookie", "content-type", "content-length"):
        found, expected = find_header(plain, name), find_header(headers, name)
        assert found == (
            expected.decode() if isinstance(found, str) and isinstance(expected, bytes) else expected
        )
    assert _arrival.stored_headers(plain) == _arrival.stored_headers(headers)


def test_usual_headers_become_a_plain_dict() -> None:
    """The headers that ASGI servers pass become a dict; one value that is not ASCII leaves them as they are."""
    assert plain_headers(PAIRS["bytes"]) == {"host": "a", "timestamp": "2030", "cookie": "c"}
    assert plain_headers(PAIRS["not ASCII"]) is PAIRS["not ASCII"]


def test_an_event_read_at_once_is_one_of_from_decoded() -> None:
    """The second event of an action, read without looking up its class, equals the first, with its body and its key."""
    body = b'{"action": "labelGenerated", "label": {"labelId": 1, "shipmentId": 2}, "more": 1}'
    first, second = (build_event(decode(body), body) for _ in range(2))
    full = events.LabelGenerated.from_decoded(decode(body), body)
    for event in (first, second):
        assert event == full
        assert type(event) is events.LabelGenerated
        assert (event.raw, event.extra, event.dedup_key) == (full.raw, full.extra, full.dedup_key)
    with pytest.raises(PayloadInvalid, match=r"label\.labelId"):
        build_event(decode(body.replace(b"1,", b"[],")), body)


def test_a_record_from_columns_is_one_of_the_constructor() -> None:
    """A record built from columns equals one of the constructor, has its class and is frozen."""
    made = Record(key="k", body=b"b", headers={"a": "b"}, endpoint="u", received_at=NOW, state=State.HELD)
    values = [getattr(made, field.name) for field in attrs.fields(Record)]
    assert values == [getattr(Record.from_columns(*values), field.name) for field in attrs.fields(Record)]
    for record in (Record.from_columns(*values), Record.from_columns(*values[:12])):
        assert record == made
        assert type(record) is Record
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            record.key = "other"  # type: ignore[misc]
    with pytest.raises(ValueError, match="too many values"):
        Record.from_columns(*values, None)


@pytest.mark.parametrize("version", ["", ',"version":null', ',"version":"202207"', ',"version":7'])
def test_an_envelope_of_a_raw_body_is_one_of_the_decoded_body(version: str) -> None:
    """The decoder for shipment events gives the envelope of the general reader, of the same class and frozen."""
    body = f'{{"action":" a ","eventTime":"2030-05-06T07:08:09Z","label":{{"shipmentId":"7"}}{version}}}'.encode()
    envelope = read_body(body)
    assert envelope == read_envelope(decode(body))
    assert type(envelope) is Envelope
    assert hash(envelope) == hash(attrs.evolve(envelope))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        envelope.action = "other"  # type: ignore[misc]


@pytest.mark.parametrize("given", ["1", "25714", "9" * 64, "1" + "0" * 63])
def test_digits_as_text_have_the_ordering_key_of_the_number(given: str) -> None:
    """An object has one ordering key, whether its id is a number, text, or text that the full test reads."""
    keys = {ordering_key({"shipmentId": value}) for value in (int(given), given, f" {given}", f"+0{given}.0")}
    assert keys == {f"shipment:{given}"}


class Text(str):
    """Text that takes no shortcut, as it is not exactly `str`."""

    __slots__ = ()


IDS = [
    "n00000000001",
    "0HM9VIKSKH2CB",
    "0000000000",
    "-000000001",
    "undefined",
    "undefined1",
    "N" * 128,
    "N" * 129,
    "~~~~~~~~~~~~",
]
IDS += [
    "a\u00e4aaaaaaaaaaa",
    "a\ufffdaaaaaaaaaaa",
    "a\naaaaaaaaaaaa",
    "a aaaaaaaaaaaa",
    "1-2-3-4-5-6-7",
    "null",
    "",
    "x",
]


@pytest.mark.parametrize("identifier", IDS, ids=ascii)
def test_an_id_has_one_key(identifier: str) -> None:
    """The deduplication key of an id is what the full tests make of it."""
    assert dedup_key(identifier, b"{}") == dedup_key(Text(identifier), b"{}")

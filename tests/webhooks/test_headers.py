"""Headers in every shape that servers and frameworks pass them."""

from __future__ import annotations

import email
import http.client
import io
from collections.abc import Callable
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict

from returnhelper.errors import ConfigurationError
from returnhelper.inbox import MemoryInbox
from returnhelper.testing import ENDPOINT, delivery
from returnhelper.webhooks import OutcomeKind, Receiver, Verifier

SENT = delivery("labelGenerated", {"label": {"shipmentId": 7}})
PAIRS = [*SENT.headers.items(), ("Authorization", "Bearer secret"), ("X-Note", "n")]


def message() -> http.client.HTTPMessage:
    return http.client.parse_headers(
        io.BytesIO("".join(f"{n}: {v}\r\n" for n, v in PAIRS).encode() + b"\r\n")
    )


def environ() -> dict[str, Any]:
    """Return what a WSGI server passes, beside variables of the process."""
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in PAIRS}
    content_type = named.pop("HTTP_CONTENT_TYPE")
    other = {
        "REQUEST_METHOD": "POST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "wsgi.input": io.BytesIO(),
        "TIMESTAMP": "x",
    }
    return {**other, **named, "CONTENT_TYPE": content_type, "CONTENT_LENGTH": "9"}


def folded(separator: str) -> dict[str, str]:
    return {name: f"{value}{separator}{value}" for name, value in PAIRS}


SHAPES: dict[str, Callable[[], Any]] = {
    "dict": lambda: dict(PAIRS),
    "dict of bytes": lambda: {n.encode(): v.encode() for n, v in PAIRS},
    "upper case": lambda: {n.upper(): v for n, v in PAIRS},
    "title case": lambda: {n.title(): v for n, v in PAIRS},
    "pairs": lambda: PAIRS,
    "pairs of bytes": lambda: [(n.encode(), v.encode()) for n, v in PAIRS],
    "pairs as lists": lambda: [[n, v] for n, v in PAIRS],
    "tuple": lambda: tuple(PAIRS),
    "dict of lists": lambda: {n: [v] for n, v in PAIRS},
    "dict of tuples of bytes": lambda: {n: (v.encode(),) for n, v in PAIRS},
    "dict of equal values": lambda: {n: [v, v] for n, v in PAIRS},
    "twice": lambda: [*PAIRS, *PAIRS],
    "folded": lambda: folded(","),
    "folded with space": lambda: folded(", "),
    "folded bytes": lambda: [(n.encode(), v.encode()) for n, v in folded(", ").items()],
    "HTTPMessage": message,
    "email.message": lambda: email.message_from_string("".join(f"{n}: {v}\n" for n, v in PAIRS)),
    "WSGI": environ,
    "CIMultiDict": lambda: CIMultiDict(PAIRS),
    "CIMultiDictProxy": lambda: CIMultiDictProxy(CIMultiDict(PAIRS)),
    "MultiDict": lambda: MultiDict(PAIRS),
    "odd others": lambda: [("x", None), (b"\xff", b"\xff"), *PAIRS],
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_shapes(shape: str) -> None:
    """A delivery is authentic in whatever shape its headers come, and they are stored as text without credentials."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox())
    outcome = await receiver.receive(SHAPES[shape](), SENT.body)
    assert (outcome.status, outcome.kind) == (200, OutcomeKind.NEW)
    record = await receiver.inbox.get(str(outcome.record_key))
    assert record is not None
    assert record.headers["timestamp"].startswith(SENT.headers["timestamp"])
    assert record.headers["content-type"].startswith("application/json")
    assert record.headers["x-note"][0] == "n"
    assert "secret" not in str(dict(record.headers))


@pytest.mark.parametrize(
    "headers",
    [
        {**SENT.headers, "timestamp": f"{SENT.headers['timestamp']}, 2030-05-06T07:08:09Z"},
        {**SENT.headers, "returnhelper-signature": ["x", SENT.headers["returnhelper-signature"]]},
        {"HTTP_TIMESTAMP": SENT.headers["timestamp"], **SENT.headers, "timestamp": ""},
        None,
        5,
        "text",
        [1, 2],
        [("a",)],
        {"returnhelper-signature": 5, "timestamp": None},
        {"returnhelper-signature": [], "timestamp": ()},
    ],
)
async def test_other_headers_are_refused(headers: Any) -> None:
    """Unequal values, and what is no headers at all, are refused like any forged request."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox())
    assert (await receiver.receive(headers, SENT.body)).status == 401


@pytest.mark.parametrize("body", [None, "text", {"action": "x"}, [1], 5])
async def test_a_body_that_is_not_bytes(body: Any) -> None:
    """A body that was parsed or decoded is an error that says what to pass."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox())
    with pytest.raises(
        ConfigurationError, match=r"body must be the raw bytes .* not|raw bytes of the request, got"
    ):
        await receiver.receive(SENT.headers, body)


async def test_a_body_may_be_any_kind_of_bytes() -> None:
    """Bytearrays and memory views are bytes too."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox())
    for body in (bytearray(SENT.body), memoryview(SENT.body)):
        assert (await receiver.receive(SENT.headers, body)).status == 200  # type: ignore[arg-type]

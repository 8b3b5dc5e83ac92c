"""What a hostile response is, and how to build its bytes."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import attrs

from returnhelper._wire import encode
from tests.support.catalogs import Documented, ResponseMaker
from tests.support.server import KEY, TOKEN

ECHO = f"x-rr-apikey: {KEY} x-rr-apitoken: {TOKEN}"
JSON = "application/json; charset=utf-8"
HTML = f"<html><body><h1>Bad gateway</h1><pre>{ECHO}</pre></body></html>".encode()
META = {"status": 200, "data": {}, "errorCode": None, "error": {}}


class Outcome(Enum):
    """What a response proves."""

    SUCCESS = "success"
    ERROR = "error"
    EITHER = "either"
    """It depends on the operation: a result must prove itself."""


@attrs.frozen
class Response:
    """One response: the bytes for an operation."""

    name: str
    make: Callable[[Documented], bytes]
    outcome: Outcome = Outcome.ERROR
    reset: bool = False
    """Whether the connection is reset behind the bytes instead of closed."""
    stalls: bool = False
    """Whether it stays open behind the bytes until the client gives up."""


def http(
    body: bytes = b"",
    *headers: str,
    status: str = "200 OK",
    kind: str | None = JSON,
    length: int | str | None = -1,
    version: str = "HTTP/1.1",
) -> bytes:
    """Return the bytes of a response."""
    lines = [f"{version} {status}", *headers, "Connection: close"]
    if kind is not None:
        lines.append(f"Content-Type: {kind}")
    if length is not None:
        lines.append(f"Content-Length: {len(body) if length == -1 else length}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def envelope(op: Documented) -> dict[str, Any]:
    """Return a documented response that says success."""
    return ResponseMaker(op.catalog).envelope(op.response)


def payload(op: Documented) -> dict[str, Any]:
    """Return its payload members."""
    return {name: value for name, value in envelope(op).items() if name not in {"correlationId", "meta"}}


def sample(op: Documented) -> bytes:
    return encode(envelope(op) | {"echo": ECHO})


def json_response(value: Any, **options: Any) -> bytes:
    return http(encode(value), **options)


def encoded(body: bytes, encoding: str) -> bytes:
    return http(body, f"Content-Encoding: {encoding}")


def chunked(body: bytes, size: int = 4096, end: bytes = b"0\r\n\r\n") -> bytes:
    chunks = [body[i : i + size] for i in range(0, len(body), size)]
    framed = b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
    return http(framed + end, "Transfer-Encoding: chunked", length=None)


def given(value: Any, make: Callable[[Any, Documented], bytes]) -> Callable[[Documented], bytes]:
    return lambda op: make(value, op)


def fixed(name: str, data: bytes, outcome: Outcome = Outcome.ERROR) -> Response:
    return Response(name, lambda _: data, outcome)

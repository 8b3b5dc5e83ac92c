"""Responses that are valid HTTP: what their JSON says, or what else they contain."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

from returnhelper._wire import encode
from tests.support.catalogs import Documented
from tests.support.hostile.building import (
    ECHO,
    HTML,
    META,
    Outcome,
    Response,
    chunked,
    encoded,
    envelope,
    fixed,
    given,
    http,
    json_response,
    payload,
)
from tests.support.server import KEY, TOKEN


def pascal(value: Any, depth: int = 2) -> Any:
    """Return the members with a capital first letter."""
    if isinstance(value, dict) and depth:
        return {name[:1].upper() + name[1:]: pascal(member, depth - 1) for name, member in value.items()}
    return value


def nested(depth: int, kind: str = "{}") -> bytes:
    """Return JSON of so many levels."""
    return b'{"a":' * depth + b"1" + b"}" * depth if kind == "{}" else b"[" * depth + b"]" * depth


def successes() -> Iterator[Response]:
    """Responses that prove success, each in its way."""
    ok = Outcome.SUCCESS
    yield Response("documented", lambda op: json_response(envelope(op)), ok)
    for status in (201, 202, 204, 299, "200", " 200 ", 200.0):
        yield Response(
            f"meta.status {status!r}",
            given(
                status, lambda status, op: json_response(envelope(op) | {"meta": META | {"status": status}})
            ),
            ok,
        )
    yield Response("status only", lambda op: json_response(envelope(op) | {"meta": {"status": 200}}), ok)
    yield Response(
        "blank errorCode", lambda op: json_response(envelope(op) | {"meta": META | {"errorCode": ""}}), ok
    )
    yield Response("pascal meta", lambda op: json_response(payload(op) | {"Meta": pascal(META)}), ok)
    yield Response("upper meta", lambda op: json_response(payload(op) | {"META": {"STATUS": 200}}), ok)
    yield Response("without a type", lambda op: http(encode(envelope(op)), kind=None), ok)
    yield Response("text/plain", lambda op: http(encode(envelope(op)), kind="text/plain"), ok)
    yield Response("byte order mark", lambda op: http(b"\xef\xbb\xbf" + encode(envelope(op))), ok)
    yield Response("indented", lambda op: http(b"\r\n \t" + encode(envelope(op)) + b"\r\n"), ok)
    yield Response("until close", lambda op: http(encode(envelope(op)), length=None), ok)
    yield Response("http/1.0", lambda op: http(encode(envelope(op)), version="HTTP/1.0"), ok)
    yield Response("http 201", lambda op: json_response(envelope(op), status="201 Created"), ok)
    yield Response("http 203", lambda op: json_response(envelope(op), status="203 Non-Authoritative"), ok)
    yield Response("no reason", lambda op: json_response(envelope(op), status="200"), ok)
    yield Response("gzip", lambda op: encoded(gzip.compress(encode(envelope(op))), "gzip"), ok)
    yield Response("deflate", lambda op: encoded(zlib.compress(encode(envelope(op))), "deflate"), ok)
    yield Response("chunked", lambda op: chunked(encode(envelope(op))), ok)
    yield Response("chunked, small", lambda op: chunked(encode(envelope(op)), 7), ok)


def without_meta() -> Iterator[Response]:
    """JSON objects that do not say success, with and without the documented payload."""
    either = Outcome.EITHER
    yield Response("payload alone", lambda op: json_response(payload(op)), either)
    yield Response("payload, meta null", lambda op: json_response(payload(op) | {"meta": None}), either)
    yield Response(
        "payload, status null", lambda op: json_response(payload(op) | {"meta": {"status": None}}), either
    )
    yield Response("payload, meta empty", lambda op: json_response(payload(op) | {"meta": {}}), either)
    yield Response("pascal payload", lambda op: json_response(pascal(payload(op))), either)
    yield Response("data empty", lambda _: json_response({"data": {}}), either)
    yield Response("data an empty list", lambda _: json_response({"data": []}), either)
    foreign: dict[str, Any]
    for foreign in (
        {"message": "Endpoint request timed out"},
        {"Message": "User is not authorized", "headers": ECHO},
        {"message": None},
        {"fault": {"faultstring": "Rate limit quota violation", "detail": {"errorcode": "policies"}}},
        {"error": "invalid_token", "error_description": ECHO},
        {"error": {"code": 500, "message": ECHO}},
        {"errors": [{"detail": "down"}]},
        {"errors": []},
        {"items": [{"x": 1}]},
        {"success": True},
        {"ok": 1},
        {"status": 200},
        {"status": "UP"},
        {"code": 0, "msg": "success"},
        {"data": None},
        {"data": "Internal error"},
        {"data": 5},
        {"data": True},
        {"data": {"message": "Endpoint request timed out"}},
        {"data": [{"message": "x"}]},
        {"data": [None]},
        {"data": [[]]},
        {"data": ["x"]},
        {"correlationId": "c"},
        {"correlationId": None, "meta": None},
        {"correlationId": "c", "meta": {}},
        {"meta": {"errorCode": None, "error": {}, "data": {}}},
        {"meta": {"status": None}},
        {"Meta": None},
        {"request": {"headers": {"x-rr-apikey": KEY, "x-rr-apitoken": TOKEN}}},
        {KEY: TOKEN},
        {"": ""},
        {},
    ):
        yield fixed(f"foreign {json.dumps(foreign)[:40]}", json_response(foreign))


def failures() -> Iterator[Response]:
    """Envelopes that say something else than success, with the documented payload beside them."""
    for meta in ([], [META], "ok", 200, True, False, 1.5, ""):
        yield Response(
            f"meta {meta!r}", given(meta, lambda meta, op: json_response(payload(op) | {"meta": meta}))
        )
    for status in (
        *(True, False, [200], {"code": 200}, "OK", "", "200.5", 200.5, "0x1", "2e2", "two", "²00"),
        *(0, -1, -200, 1, 100, 199, 300, 304, 399, 400, 401, 403, 404, 409, 418, 422, 429, 500, 503, 600),
        *(10**18, 10**30, "8" * 9, "9" * 10**6, ECHO),
    ):
        yield Response(
            f"status {str(status)[:20]!r} ({type(status).__name__})",
            given(
                status, lambda status, op: json_response(payload(op) | {"meta": META | {"status": status}})
            ),
        )
    yield Response("status 1e999999", lambda op: _spliced(op, b'{"status": 1e999999}'))
    for code in ("VALIDATION_FAILED", ECHO, 0, 1, False, True, {}, [], [ECHO], {"a": ECHO}, 1.5, "x" * 10**5):
        for said in (200, 201, None):
            yield Response(
                f"errorCode {str(code)[:20]!r} with {said}",
                given(
                    {"status": said, "errorCode": code},
                    lambda meta, op: json_response(payload(op) | {"meta": meta}),
                ),
            )
    for error in (ECHO, [ECHO], {"header": ECHO}, {ECHO: ECHO}, {"a": {"b": [{"c": ECHO}]}}, None, 5):
        yield fixed(f"error {str(error)[:20]!r}", json_response({"meta": {"status": 400, "error": error}}))
    for depth in (10, 30, 300, 900, 5_000, 200_000):
        for kind in ("{}", "[]"):
            for http_status in ("200 OK", "400 Bad Request", "500 Internal Server Error"):
                body = b'{"meta": {"status": 400, "error": ' + nested(depth, kind) + b"}}"
                yield fixed(f"error {kind} nested {depth}, {http_status}", http(body, status=http_status))
        yield Response(f"payload nested {depth}", given(depth, lambda depth, op: _deep(op, depth)))


def _spliced(op: Documented, meta: bytes) -> bytes:
    return http(b'{"meta": ' + meta + b", " + encode(payload(op) or {"x": 1})[1:])


def _deep(op: Documented, depth: int) -> bytes:
    return http(
        b'{"meta": {"status": 400}, "deep": ' + nested(depth) + b", " + encode(payload(op) or {"x": 1})[1:]
    )


def bodies() -> Iterator[Response]:
    """Bodies that are not an object of JSON."""
    valid = b'{"meta": {"status": 200}, "data": {"a": 1}}'
    for name, body in {
        "empty": b"",
        "blank": b" \r\n\t ",
        "null": b"null",
        "true": b"true",
        "number": b"5",
        "string": json.dumps(ECHO).encode(),
        "array": b"[]",
        "array of objects": b'[{"shipmentId": 1}]',
        "html": HTML,
        "xml": f"<Error><Code>SlowDown</Code><Message>{ECHO}</Message></Error>".encode(),
        "text": ECHO.encode(),
        "utf-16": valid.decode().encode("utf-16"),
        "utf-32": valid.decode().encode("utf-32"),
        "latin-1": '{"meta": {"status": 200}, "data": "é"}'.encode("latin-1"),
        "invalid utf-8": b'{"meta": {"status": 200}, "data": "\xff\xfe\xc0\x80"}',
        "nul": b"\0" * 100,
        "nul inside": valid.replace(b"1", b"\0"),
        "random": bytes(range(256)) * 4,
        "two documents": valid + valid,
        "garbage behind": valid + b"<!-- " + ECHO.encode() + b" -->",
        "guard": b")]}',\n" + valid,
        "callback": b"callback(" + valid + b");",
        "single quotes": valid.replace(b'"', b"'"),
        "trailing comma": valid.replace(b"}}", b",}}"),
        "nan": valid.replace(b"1", b"NaN"),
        "infinity": valid.replace(b"1", b"-Infinity"),
        "deep arrays": b"[" * 100_000,
        "deep objects": b'{"a":' * 100_000,
        "long number": b'{"meta": {"status": 400}, "data": ' + b"9" * 10_000 + b"}",
        "sso page": b"<!DOCTYPE html><title>Sign in</title>" + HTML,
    }.items():
        yield fixed(f"body {name}", http(body))
        yield fixed(f"body {name} as html", http(body, kind="text/html"))
        yield fixed(f"body {name} with 500", http(body, status="500 Internal Server Error"))
        yield fixed(f"body {name} with 400", http(body, status="400 Bad Request"))
    yield Response("envelope as html", lambda op: http(encode(envelope(op)), kind="text/html"))
    yield fixed(
        "surrogates",
        http(rb'{"meta": {"status": 400, "errorCode": "\ud800", "error": {"\udfff": "\ud83d"}}}'),
    )
    yield fixed(
        "control characters", http(rb'{"meta": {"status": 400, "errorCode": "a\u0000\r\n\u001b[31m"}}')
    )
    yield fixed(
        "escaped echo",
        http(json.dumps({"meta": {"status": 400, "error": {"a": ECHO}}}).replace("k", r"\u006b").encode()),
    )
    yield fixed(
        "many fields",
        json_response({"meta": {"status": 400, "error": {f"field{n}": ECHO for n in range(5000)}}}),
    )

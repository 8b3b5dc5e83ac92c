"""Hostile responses as data, and a server that sends them byte for byte on real sockets.

The path of a request names its response: /<number>/user/api/… A response may echo the credentials it was sent.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from enum import Enum
from functools import cache
from typing import Any

import attrs

from returnhelper._wire import encode
from tests.support.catalogs import Answers, Documented, operations
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
    return Answers(op.catalog).envelope(op.answer)


def payload(op: Documented) -> dict[str, Any]:
    """Return its payload members."""
    return {name: value for name, value in envelope(op).items() if name not in {"correlationId", "meta"}}


def pascal(value: Any, depth: int = 2) -> Any:
    """Return the members with a capital first letter."""
    if isinstance(value, dict) and depth:
        return {name[:1].upper() + name[1:]: pascal(member, depth - 1) for name, member in value.items()}
    return value


def nested(depth: int, kind: str = "{}") -> bytes:
    """Return JSON of so many levels."""
    return b'{"a":' * depth + b"1" + b"}" * depth if kind == "{}" else b"[" * depth + b"]" * depth


def _json(value: Any, **options: Any) -> bytes:
    return http(encode(value), **options)


def _given(value: Any, make: Callable[[Any, Documented], bytes]) -> Callable[[Documented], bytes]:
    return lambda op: make(value, op)


def _fixed(name: str, data: bytes, outcome: Outcome = Outcome.ERROR) -> Response:
    return Response(name, lambda _: data, outcome)


def _successes() -> Iterator[Response]:
    """Responses that prove success, each in its way."""
    ok = Outcome.SUCCESS
    yield Response("documented", lambda op: _json(envelope(op)), ok)
    for status in (201, 202, 204, 299, "200", " 200 ", 200.0):
        yield Response(
            f"meta.status {status!r}",
            _given(status, lambda status, op: _json(envelope(op) | {"meta": META | {"status": status}})),
            ok,
        )
    yield Response("status only", lambda op: _json(envelope(op) | {"meta": {"status": 200}}), ok)
    yield Response("blank errorCode", lambda op: _json(envelope(op) | {"meta": META | {"errorCode": ""}}), ok)
    yield Response("pascal meta", lambda op: _json(payload(op) | {"Meta": pascal(META)}), ok)
    yield Response("upper meta", lambda op: _json(payload(op) | {"META": {"STATUS": 200}}), ok)
    yield Response("without a type", lambda op: http(encode(envelope(op)), kind=None), ok)
    yield Response("text/plain", lambda op: http(encode(envelope(op)), kind="text/plain"), ok)
    yield Response("byte order mark", lambda op: http(b"\xef\xbb\xbf" + encode(envelope(op))), ok)
    yield Response("indented", lambda op: http(b"\r\n \t" + encode(envelope(op)) + b"\r\n"), ok)
    yield Response("until close", lambda op: http(encode(envelope(op)), length=None), ok)
    yield Response("http/1.0", lambda op: http(encode(envelope(op)), version="HTTP/1.0"), ok)
    yield Response("http 201", lambda op: _json(envelope(op), status="201 Created"), ok)
    yield Response("http 203", lambda op: _json(envelope(op), status="203 Non-Authoritative"), ok)
    yield Response("no reason", lambda op: _json(envelope(op), status="200"), ok)
    yield Response("gzip", lambda op: _encoded(gzip.compress(encode(envelope(op))), "gzip"), ok)
    yield Response("deflate", lambda op: _encoded(zlib.compress(encode(envelope(op))), "deflate"), ok)
    yield Response("chunked", lambda op: _chunked(encode(envelope(op))), ok)
    yield Response("chunked, small", lambda op: _chunked(encode(envelope(op)), 7), ok)


def _encoded(body: bytes, encoding: str) -> bytes:
    return http(body, f"Content-Encoding: {encoding}")


def _chunked(body: bytes, size: int = 4096, end: bytes = b"0\r\n\r\n") -> bytes:
    chunks = [body[i : i + size] for i in range(0, len(body), size)]
    framed = b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
    return http(framed + end, "Transfer-Encoding: chunked", length=None)


def _without_meta() -> Iterator[Response]:
    """JSON objects that do not say success, with and without the documented payload."""
    either = Outcome.EITHER
    yield Response("payload alone", lambda op: _json(payload(op)), either)
    yield Response("payload, meta null", lambda op: _json(payload(op) | {"meta": None}), either)
    yield Response("payload, status null", lambda op: _json(payload(op) | {"meta": {"status": None}}), either)
    yield Response("payload, meta empty", lambda op: _json(payload(op) | {"meta": {}}), either)
    yield Response("pascal payload", lambda op: _json(pascal(payload(op))), either)
    yield Response("data empty", lambda _: _json({"data": {}}), either)
    yield Response("data an empty list", lambda _: _json({"data": []}), either)
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
        yield _fixed(f"foreign {json.dumps(foreign)[:40]}", _json(foreign))


def _failures() -> Iterator[Response]:
    """Envelopes that say something else than success, with the documented payload beside them."""
    for meta in ([], [META], "ok", 200, True, False, 1.5, ""):
        yield Response(f"meta {meta!r}", _given(meta, lambda meta, op: _json(payload(op) | {"meta": meta})))
    for status in (
        *(True, False, [200], {"code": 200}, "OK", "", "200.5", 200.5, "0x1", "2e2", "two", "²00"),
        *(0, -1, -200, 1, 100, 199, 300, 304, 399, 400, 401, 403, 404, 409, 418, 422, 429, 500, 503, 600),
        *(10**18, 10**30, "8" * 9, "9" * 10**6, ECHO),
    ):
        yield Response(
            f"status {str(status)[:20]!r} ({type(status).__name__})",
            _given(status, lambda status, op: _json(payload(op) | {"meta": META | {"status": status}})),
        )
    yield Response("status 1e999999", lambda op: _spliced(op, b'{"status": 1e999999}'))
    for code in ("VALIDATION_FAILED", ECHO, 0, 1, False, True, {}, [], [ECHO], {"a": ECHO}, 1.5, "x" * 10**5):
        for said in (200, 201, None):
            yield Response(
                f"errorCode {str(code)[:20]!r} with {said}",
                _given(
                    {"status": said, "errorCode": code}, lambda meta, op: _json(payload(op) | {"meta": meta})
                ),
            )
    for error in (ECHO, [ECHO], {"header": ECHO}, {ECHO: ECHO}, {"a": {"b": [{"c": ECHO}]}}, None, 5):
        yield _fixed(f"error {str(error)[:20]!r}", _json({"meta": {"status": 400, "error": error}}))
    for depth in (10, 30, 300, 900, 5_000, 200_000):
        for kind in ("{}", "[]"):
            for http_status in ("200 OK", "400 Bad Request", "500 Internal Server Error"):
                body = b'{"meta": {"status": 400, "error": ' + nested(depth, kind) + b"}}"
                yield _fixed(f"error {kind} nested {depth}, {http_status}", http(body, status=http_status))
        yield Response(f"payload nested {depth}", _given(depth, lambda depth, op: _deep(op, depth)))


def _spliced(op: Documented, meta: bytes) -> bytes:
    return http(b'{"meta": ' + meta + b", " + encode(payload(op) or {"x": 1})[1:])


def _deep(op: Documented, depth: int) -> bytes:
    return http(
        b'{"meta": {"status": 400}, "deep": ' + nested(depth) + b", " + encode(payload(op) or {"x": 1})[1:]
    )


def _bodies() -> Iterator[Response]:
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
        yield _fixed(f"body {name}", http(body))
        yield _fixed(f"body {name} as html", http(body, kind="text/html"))
        yield _fixed(f"body {name} with 500", http(body, status="500 Internal Server Error"))
        yield _fixed(f"body {name} with 400", http(body, status="400 Bad Request"))
    yield Response("envelope as html", lambda op: http(encode(envelope(op)), kind="text/html"))
    yield _fixed(
        "surrogates",
        http(rb'{"meta": {"status": 400, "errorCode": "\ud800", "error": {"\udfff": "\ud83d"}}}'),
    )
    yield _fixed(
        "control characters", http(rb'{"meta": {"status": 400, "errorCode": "a\u0000\r\n\u001b[31m"}}')
    )
    yield _fixed(
        "escaped echo",
        http(json.dumps({"meta": {"status": 400, "error": {"a": ECHO}}}).replace("k", r"\u006b").encode()),
    )
    yield _fixed(
        "many fields", _json({"meta": {"status": 400, "error": {f"field{n}": ECHO for n in range(5000)}}})
    )


def _statuses() -> Iterator[Response]:
    """Every kind of status line, with the documented payload of a success beneath."""
    for status in (
        *("205", "300", "301", "302", "303", "304", "307", "308", "400", "401", "402", "403", "404", "405"),
        *("406", "407", "408", "409", "410", "411", "412", "413", "414", "415", "416", "417", "418", "421"),
        *("422", "423", "424", "425", "426", "428", "429", "431", "451", "499", "500", "501", "502", "503"),
        *("504", "505", "507", "508", "511", "520", "525", "530", "599", "600", "999"),
    ):
        outcome = Outcome.EITHER if status == "205" else Outcome.ERROR
        yield Response(
            f"http {status}", _given(status, lambda s, op: _json(envelope(op), status=f"{s} Reason")), outcome
        )
        yield _fixed(f"http {status}, html", http(HTML, status=f"{status} {ECHO}", kind="text/html"))
    for line in (
        *("204 No Content", "304 Not Modified", "99 Low", "-1 No", "0 Zero", "1000 High", "2xx OK", "OK", ""),
        *("200\0 OK", "200 \xff\xfe"),
    ):
        yield _fixed(f"status line {line!r}", http(b"", status=line))
    for data in (
        *(
            b"",
            b"\r\n\r\n",
            b"HTTP/1.1\r\n\r\n",
            b"HTTP/9.9 200 OK\r\n\r\n",
            b"ICY 200 OK\r\n\r\n",
            b"HTTP/1.1 200",
        ),
        *(b"SSH-2.0-OpenSSH_9.6\r\n", b"220 mail ESMTP\r\n", b"\x15\x03\x01\x00\x02\x02\x28", b"\0" * 1000),
        *(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"<html>" + ECHO.encode() + b"</html>",
            ECHO.encode() + b"\r\n\r\n",
        ),
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
        + ECHO.encode(),
    ):
        yield _fixed(f"bytes {data[:24]!r}", data)
    yield Response("reset at once", lambda _: b"", reset=True)
    yield Response("reset behind the headers", lambda _: http(b"", length=100), reset=True)
    yield Response("reset inside the body", lambda op: _json(envelope(op))[:-9], reset=True)
    for at in (0, 10, 60, -1):
        yield Response(f"stalls at {at}", _given(at, lambda at, op: _json(envelope(op))[:at]), stalls=True)


def _headers() -> Iterator[Response]:
    """Headers that contradict, mislead, or hold what no header may."""
    body = _sample
    for length in ("-1", "abc", "1e3", "", "+5", "0x10", "9" * 30, "5, 5", "99999"):
        yield Response(f"length {length!r}", _given(length, lambda n, op: http(body(op), length=n)))
    yield Response("length too small", lambda op: http(body(op), length=10))
    yield Response("two lengths", lambda op: http(body(op), "Content-Length: 7"))
    yield Response(
        "two equal lengths", lambda op: http(body(op), f"Content-Length: {len(body(op))}"), Outcome.EITHER
    )
    yield Response("chunked and length", lambda op: http(body(op), "Transfer-Encoding: chunked"))
    for coding in ("gzip", "identity", "chunked, gzip", "xchunked", "chunked, chunked"):
        yield Response(
            f"coding {coding}",
            _given(coding, lambda c, op: http(body(op), f"Transfer-Encoding: {c}", length=None)),
            Outcome.EITHER,
        )
    for end in (
        b"",
        b"0\r\n",
        b"zz\r\n",
        b"-1\r\n\r\n",
        b"ffffffffffffffffff\r\n",
        b"5\r\nab",
        b"1;" + b"x" * 70_000 + b"\r\na\r\n",
    ):
        yield Response(f"chunk {end[:20]!r}", _given(end, lambda end, op: _chunked(body(op), end=end)))
    yield Response(
        "trailers", lambda op: _chunked(body(op), end=f"0\r\nx-echo: {ECHO}\r\n\r\n".encode()), Outcome.EITHER
    )
    odd = {
        "no colon": "no colon here",
        "empty name": ": value",
        "space in name": f"x y: {ECHO}",
        "non-ascii name": "x-\xe9: 1",
        "nul": "x-nul: a\0b",
        "bare cr": "x-cr: a\rb",
        "non-ascii value": f"x-echo: \xff\xfe {ECHO}",
        "folded": "x-fold: a\r\n b",
        "long": "x-long: " + "a" * 9000,
        "huge": "x-huge: " + "a" * 200_000,
        "many": "\r\n".join(f"x-{n}: {n}" for n in range(2000)),
        "cookie": f"Set-Cookie: session={TOKEN}; Path=/",
        "odd cookie": "Set-Cookie: \xff=\xfe;;;=",
        "echo": f"x-echo: {ECHO}",
        "upgrade": "Upgrade: h2c",
        "trailer": "Trailer: x-echo",
        "date": "Date: yesterday",
    }
    for name, header in odd.items():
        yield Response(f"header {name}", _given(header, lambda h, op: http(body(op), h)), Outcome.EITHER)
        yield _fixed(f"header {name}, 503", http(b"", header, status="503 Service Unavailable"))
    for kind in (
        *(
            "text/html",
            f"text/{TOKEN}",
            "application/x-www-form-urlencoded;\xff",
            "image/png",
            "multipart/mixed",
        ),
        *("", ";;;", "application/json; charset=" + "x" * 5000, "application/json; charset=utf-16"),
    ):
        yield _fixed(f"type {kind[:30]!r}", http(HTML, kind=kind))
    for wait in (
        "5",
        "-5",
        "9" * 40,
        "soon",
        "Wed, 99 Oct 2015 07:28:30 GMT",
        ECHO,
        "\xff",
        "inf",
        "1e9",
        "0",
    ):
        yield _fixed(f"retry-after {wait[:20]!r}", http(b"", f"Retry-After: {wait}", status="429 Slow down"))
    for place in (
        *(
            "/",
            "",
            f"https://evil.example/?{ECHO}",
            f"http://{TOKEN}@evil.example/",
            "//evil.example",
            "javascript:x",
        ),
        *(
            "http://" + "a" * 70 + ".example/",
            "http://a..b/",
            "http://[::1",
            "http://xn--\xff/",
            "ftp://x/",
            "\0",
            "https://:99999/",
        ),
    ):
        for status in ("301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"):
            yield _fixed(
                f"redirect {status[:3]} {place[:20]!r}", http(HTML, f"Location: {place}", status=status)
            )


def _encodings() -> Iterator[Response]:
    """Bodies whose Content-Encoding is cut, wrong, unknown or a bomb."""

    def packed(op: Documented) -> bytes:
        return gzip.compress(_sample(op))

    yield Response("gzip without trailer", lambda op: _encoded(packed(op)[:-8], "gzip"))
    yield Response("gzip cut in its trailer", lambda op: _encoded(packed(op)[:-3], "gzip"))
    yield Response("gzip cut", lambda op: _encoded(packed(op)[:-20], "gzip"))
    yield Response("gzip cut in its header", lambda op: _encoded(packed(op)[:5], "gzip"))
    yield Response("gzip, wrong checksum", lambda op: _encoded(packed(op)[:-8] + b"\0" * 8, "gzip"))
    yield Response(
        "gzip, garbage behind", lambda op: _encoded(packed(op) + ECHO.encode(), "gzip"), Outcome.EITHER
    )
    yield Response("gzip, empty", lambda _: _encoded(b"", "gzip"))
    yield Response("gzip twice", lambda op: _encoded(gzip.compress(packed(op)), "gzip"))
    yield Response("plain as gzip", lambda op: _encoded(_sample(op), "gzip"))
    yield Response("gzip as deflate", lambda op: _encoded(packed(op), "deflate"), Outcome.EITHER)
    yield Response(
        "raw deflate", lambda op: _encoded(zlib.compress(_sample(op), wbits=-15), "deflate"), Outcome.EITHER
    )
    yield Response("deflate cut", lambda op: _encoded(zlib.compress(_sample(op))[:-6], "deflate"))
    for unknown in ("br", "zstd", "compress", "x-unknown", "gzip, gzip", "identity, br", "\xff"):
        yield Response(
            f"encoding {unknown!r}", _given(unknown, lambda e, op: _encoded(_sample(op), e)), Outcome.EITHER
        )
    yield Response("gzip without saying so", lambda op: http(packed(op)))
    yield Response("gzip bomb", lambda _: _encoded(_bomb(), "gzip"))


@cache
def _bomb() -> bytes:
    return gzip.compress(b'"' + b" " * (70 << 20) + b'"', 1)


def _sample(op: Documented) -> bytes:
    return encode(envelope(op) | {"echo": ECHO})


def corpus() -> list[Response]:
    """Return every response but the cuts."""
    return [
        *_successes(),
        *_without_meta(),
        *_failures(),
        *_bodies(),
        *_statuses(),
        *_headers(),
        *_encodings(),
    ]


def cuts() -> list[Response]:
    """Return a documented response that says success, cut at every byte, closed there or reset."""
    small = b'{"meta":{"status":200,"errorCode":null},"data":[{"echo":"' + ECHO.encode() + b'"}]}'
    responses = []
    for name, whole in {
        "length": http(small),
        "chunked": _chunked(small, 16),
        "gzip": _encoded(gzip.compress(small), "gzip"),
    }.items():
        for at in range(len(whole)):
            data = whole[:at]
            responses.append(
                Response(f"{name} cut at {at}", _given(data, lambda d, _: d), reset=bool(at % 2))
            )
    # Without a length, only the JSON shows that something is missing.
    open_ended = http(small, length=None)
    start = open_ended.index(b"\r\n\r\n") + 4
    responses += [_fixed(f"open-ended cut at {at}", open_ended[:at]) for at in range(start, len(open_ended))]
    return responses


@attrs.define
class Server:
    """Sends the response that the first part of a path names."""

    responses: list[Response]
    url: str = ""
    _operations: dict[tuple[str, str], Documented] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._operations = {(op.method, f"/{op.api}{op.path}"): op for op in operations().values()}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            line, *headers = head.decode("latin-1").split("\r\n")
            for header in headers:
                if header.lower().startswith("content-length:"):
                    await reader.readexactly(int(header.partition(":")[2]))
            method, target, _ = line.split(" ")
            number, _, path = target.removeprefix("/").partition("/")
            response = self.responses[int(number)]
            writer.write(response.make(self._operations[method, "/" + path.partition("?")[0]]))
            await writer.drain()
            if response.stalls:
                await reader.read()
            if response.reset:
                connection: socket.socket = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(responses: list[Response]) -> AsyncIterator[Server]:
    """Serve the responses on a real socket."""
    hostile = Server(responses)
    server = await asyncio.start_server(hostile.handle, "127.0.0.1", 0, limit=1 << 20)
    hostile.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield hostile

"""Hostile and broken requests to every adapter on every server: each has its documented outcome."""

from __future__ import annotations

import asyncio
import gzip
import logging
import zlib
from typing import Any, NamedTuple

import pytest
from aiohttp import web

from returnhelper.inbox import MemoryInbox
from returnhelper.testing import ENDPOINT, delivery, sign_delivery
from returnhelper.webhooks import OutcomeKind, Receiver, Verifier
from tests.support.webhook_servers import (
    AIOHTTP,
    SERVERS,
    aiohttp_server,
    exchange,
    request,
    serving,
    uvicorn_server,
)

MAX_BODY = 100_000
FORGED = {"returnhelper-signature": "A" * 43 + "=", "timestamp": "2030-05-06T07:08:09Z"}
ANY = OutcomeKind
every_server = pytest.mark.parametrize("server", SERVERS)


class Case(NamedTuple):
    """One request: what is sent, and the statuses that may come; `None` is a closed connection."""

    name: str
    sent: bytes
    statuses: tuple[int | None, ...]
    unpacking: tuple[int | None, ...] | None = None  # where aiohttp unpacks the body, if other statuses come


def make_receiver() -> Receiver:
    return Receiver(Verifier(ENDPOINT), inbox=MemoryInbox(), max_body=MAX_BODY)


def bomb(megabytes: int = 50, wbits: int = 31) -> bytes:
    """Return zeros, packed a thousand times smaller."""
    packer, zeros = zlib.compressobj(9, wbits=wbits), b"0" * (1 << 20)
    return b"".join(packer.compress(zeros) for _ in range(megabytes)) + packer.flush()


def signed(number: int) -> tuple[dict[str, str], bytes]:
    sent = delivery("labelGenerated", {"label": {"shipmentId": number}})
    return dict(sent.headers), sent.body


def corpus() -> list[Case]:
    """Return the requests, in the order in which they are sent."""
    headers, body = signed(1)
    packed = gzip.compress(body)
    cases = [
        Case("authentic", request(headers, body), (200,)),
        Case("authentic again", request(headers, body), (200,)),
        Case("authentic in a chunk", request(*signed(2), chunked=True), (200,)),
        Case("authentic with upper-case names", request({n.upper(): v for n, v in headers.items()}, body), (200,)),
        Case("authentic, headers twice", request([*headers.items(), *list(headers.items())[1:]], body), (200,)),
        Case("authentic, HTTP/1.0", request(headers, body).replace(b"HTTP/1.1", b"HTTP/1.0", 1), (200,)),
        Case("authentic, expects 100", request({**headers, "expect": "100-continue"}, body), (200, 100)),
        Case("authentic, text/plain", request({**headers, "content-type": "text/plain"}, body), (200,)),
        Case("authentic, a form", request({**headers, "content-type": "application/x-www-form-urlencoded"}, body), (200,)),
        Case("authentic, multipart", request({**headers, "content-type": "multipart/form-data; boundary=x"}, body), (200,)),
        Case("authentic, unpacked", request({**headers, "content-encoding": "gzip"}, packed), (200,)),
        Case("authentic, packed", request({**sign_delivery(packed), "content-encoding": "gzip"}, packed), (200,), (500,)),
        Case("authentic, not packed", request({**headers, "content-encoding": "gzip"}, body), (200,), (500,)),
        Case("authentic, unknown coding", request({**headers, "content-encoding": "snappy"}, body), (200,)),
        Case("authentic, identity", request({**headers, "content-encoding": "identity"}, body), (200,)),
        *(
            Case(f"authentic, no event: {odd[:12]!r}", request(sign_delivery(odd), odd), (200,))
            for odd in (b"", b"[]", b"7", b"\xff", b"{}", b"[" * 50_000, b'{"action": 7.5}', b"\x1f\x8b")
        ),
        Case("trial", request({}, b'{"test": true}'), (200,)),
        Case("trial in a chunk", request({}, b"{}", chunked=True), (200,)),
        Case("no body", request({}, b""), (401,)),
        Case("no body, forged", request(FORGED, b""), (401,)),
        Case("empty chunked body, forged", request(FORGED, b"", chunked=True), (401,)),
        Case("no signature", request({}, body), (401,)),
        Case("forged", request(FORGED, body), (401,)),
        Case("another body", request(headers, body + b" "), (401,)),
        Case("another signature first", request([("returnhelper-signature", "x"), *headers.items()], body), (401,)),
        *(
            Case(f"{name}: {value[:12]!r}", request({**headers, name: value}, body), (400, 401))
            for name in ("returnhelper-signature", "timestamp")
            for value in ("", "x", "é", "=" * 44, "A" * 7000, "\x7f", ",,,", headers["timestamp"] + "0", "2" * 40)
        ),
        *(
            Case(f"{method} request", request(headers, body, method=method), (405,))
            for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE")
        ),
        Case("too large", request(FORGED, b"x" * (MAX_BODY + 1)), (413,)),
        Case("too large in a chunk", request(FORGED, b"x" * (MAX_BODY + 1), chunked=True), (413,)),
        Case("too large, announced only", request({**FORGED, "content-length": "100001"}, b"{"), (413,)),
        Case("enormous, announced only", request({**FORGED, "content-length": "9" * 18}, b"{"), (413,)),
        Case("too large for a trial", request({}, b"x" * 5000), (401,)),
        Case("too large for a trial, in a chunk", request({}, b"x" * 5000, chunked=True), (401,)),
        Case("too large for a trial, announced only", request({"content-length": "5000"}, b"{"), (401,)),
        Case("large as allowed", request(FORGED, b"x" * MAX_BODY), (401,)),
        *(
            Case(f"bomb of {coding}, {name}", request({**given, "content-encoding": coding}, bomb(wbits=wbits)), statuses)
            for coding, wbits in (("gzip", 31), ("deflate", 15), ("deflate", -15))
            for name, given, statuses in (("unsigned", {}, (401,)), ("forged", FORGED, (413,)))
        ),
        Case("small bomb, forged", request({**FORGED, "content-encoding": "gzip"}, bomb(1)), (413,)),
        Case("small bomb in a chunk", request({**FORGED, "content-encoding": "gzip"}, bomb(1), chunked=True), (413,)),
        *(
            Case(f"broken {coding}", request({**FORGED, "content-encoding": coding}, b"\x1f\x8b\x08garbage"), (401,), (400, 401, 500))
            for coding in ("gzip", "deflate", "br", "zstd", "gzip, gzip", "x" * 5000)
        ),
        Case("truncated gzip", request({**headers, "content-encoding": "gzip"}, packed[:-6]), (401,), (200,)),
        *(
            Case(f"not HTTP: {junk[:20]!r}", junk, (400, 401, None))
            for junk in (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"POST\r\n\r\n", b"POST /hook HTTP/9.9\r\n\r\n", b"\0" * 500 + b"\r\n\r\n")
        ),
        Case("bad chunk size", request(FORGED, b"", chunked=True).replace(b"0\r\n\r\n", b"zz\r\n{}\r\n"), (400, None)),
        Case("negative length", request({**FORGED, "content-length": "-5"}, b"{}"), (400, None)),
        Case("two lengths", request([("content-length", "2"), ("content-length", "3"), *FORGED.items()], b"{}x"), (400, None)),
        Case(
            "length and chunks", request({**FORGED, "content-length": "2"}, b"{}", chunked=True), (400, 401, 500, None)
        ),
        Case("NUL in a header", request({**headers, "x": "a\0b"}, body), (400, 200, None)),
        Case("headers of 200 kB", request({f"x-{n}": "y" * 2000 for n in range(100)}, b"{}"), (400, 431, 200, None)),
    ]  # fmt: skip
    headers, body = signed(3)
    return [*cases, Case("authentic at the end", request(headers, body), (200,))]


CORPUS = corpus()


@every_server
async def test_corpus(server: str) -> None:
    """Each request of the corpus has its documented status; every status that an adapter sends is counted."""
    receiver, wrong, sent = make_receiver(), [], 0
    async with serving(server, receiver) as port:
        for case in CORPUS:
            status = await exchange(port, case.sent)
            allowed = case.unpacking if server == "aiohttp-unpacking" and case.unpacking else case.statuses
            if status not in allowed:
                wrong.append((case.name, status))
            sent += status not in (None, 400, 431)
    assert wrong == []
    counters = receiver.counters
    assert counters.received >= sent
    assert counters.received == sum(getattr(counters, kind) for kind in OutcomeKind)
    assert [task for task in asyncio.all_tasks() if "Receiver." in str(task.get_coro())] == []


@every_server
async def test_the_wrong_method_names_the_right_one(server: str) -> None:
    """A request that is not a POST gets 405, with the method that is allowed."""
    receiver = make_receiver()
    async with serving(server, receiver) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request({}, b"", method="GET"))
        head = await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
    assert head.split()[1] == b"405"
    assert b"allow: post" in head.lower()
    assert receiver.counters.wrong_method == 1


@every_server
async def test_slow_bodies(server: str, caplog: pytest.LogCaptureFixture) -> None:
    """A body that does not arrive gets 408, which is counted and logged."""
    receiver = make_receiver()
    async with serving(server, receiver, body_timeout=0.05) as port:
        for given in ({}, FORGED):
            assert await exchange(port, request({**given, "content-length": "10"}, b"{")) == 408
        assert await exchange(port, request({**FORGED, "content-length": "10"}, b"")) == 408
    assert receiver.counters.incomplete == receiver.counters.received == 3
    assert caplog.text.count("408") == 3
    assert caplog.text.count("a middleware may have read it") == 1


@every_server
async def test_cut_at_every_byte(server: str) -> None:
    """A request that breaks off anywhere stores nothing, and the server goes on."""
    receiver = make_receiver()
    sent = request(*signed(1))
    async with serving(server, receiver) as port:
        for end in range(1, len(sent), 7):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent[:end])
            await writer.drain()
            writer.transport.abort()
        async with asyncio.timeout(10):
            assert await exchange(port, sent) == 200
    assert receiver.counters.new == 1
    assert (await receiver.inbox.stats()).ready == 1


@every_server
async def test_unfinished_bodies_are_bounded(server: str) -> None:
    """Many large bodies that never end keep no more than `max_unverified` bytes, and the usual deliveries get through."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox(), max_unverified=2_000_000)
    start = request({**FORGED, "content-length": "1000000"}, b"x" * 400_000)
    writers = []
    async with serving(server, receiver) as port:
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(start)
            writers.append(writer)
        async with asyncio.timeout(10):
            while receiver.counters.received < 20 or receiver.counters.overloaded < 15:
                await asyncio.sleep(0.01)
        assert await exchange(port, request(*signed(1))) == 200
        for writer in writers:
            writer.transport.abort()
        async with asyncio.timeout(10):
            while receiver.counters.incomplete < 20 - receiver.counters.overloaded:
                await asyncio.sleep(0.01)
        assert await exchange(port, request(FORGED, b"x" * 900_000)) == 401


@every_server
async def test_a_flood_does_not_flood_the_log(server: str, caplog: pytest.LogCaptureFixture) -> None:
    """Hundreds of refused requests of every kind write ten lines, and a summary at the end."""
    caplog.set_level(logging.INFO, logger="returnhelper")
    receiver = make_receiver()
    async with serving(server, receiver) as port:
        for _ in range(40):
            for sent in (request(FORGED, b"{}"), request({}, b"x" * 5000), request({}, b"", method="GET")):
                await exchange(port, sent)
        await receiver.aclose()
    lines = [record for record in caplog.records if record.name == "returnhelper.webhooks"]
    assert len(lines) == 12  # with the hint to what a mismatch means
    assert lines[-1].getMessage().startswith("110 more requests refused")


READERS: dict[str, tuple[Any, int]] = {
    "read": (lambda request: request.read(), 200),
    "text": (lambda request: request.text(), 200),
    "json": (lambda request: request.json(), 200),
    "post": (lambda request: request.post(), 200),
    "content.read": (lambda request: request.content.read(), 500),
    "content.readany": (lambda request: request.content.readany(), 500),
    "content.readexactly": (lambda request: request.content.readexactly(5), 500),
}


@pytest.mark.parametrize("server", AIOHTTP)
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("reader", READERS)
async def test_aiohttp_middleware_that_reads_the_body(
    server: str, chunked: bool, reader: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What a middleware reads and aiohttp keeps is verified; what it took away is 500 and logged, never 401."""
    read, status = READERS[reader]

    @web.middleware
    async def reading(request: web.Request, handler: Any) -> web.StreamResponse:
        await read(request)
        response: web.StreamResponse = await handler(request)
        return response

    receiver = make_receiver()
    async with serving(server, receiver, middlewares=[reading]) as port:
        assert await exchange(port, request(*signed(1), chunked=chunked)) == status
    assert (receiver.counters.new, receiver.counters.unreadable) == ((1, 0) if status == 200 else (0, 1))
    assert ("middleware" in caplog.text) == (status == 500)


async def test_aiohttp_says_how_to_keep_packed_bodies(caplog: pytest.LogCaptureFixture) -> None:
    """Where aiohttp has unpacked a body that was signed packed, the log names the argument that prevents it."""
    packed = gzip.compress(signed(1)[1])
    receiver = make_receiver()
    async with serving("aiohttp-unpacking", receiver) as port:
        sent = request({**sign_delivery(packed), "content-encoding": "gzip"}, packed)
        assert await exchange(port, sent) == 500
    assert "auto_decompress=False" in caplog.text
    assert receiver.counters.unreadable == 1


async def test_starlette_middleware_that_reads_the_body() -> None:
    """A middleware that reads the body leaves it for the adapter; one that consumes the stream is 500, never 401."""
    from starlette.applications import Starlette
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.routing import Route

    from returnhelper.adapters.asgi import webhook_app

    async def keeping(request: Any, call_next: Any) -> Any:
        await request.body()
        return await call_next(request)

    async def consuming(request: Any, call_next: Any) -> Any:
        async for _ in request.stream():
            pass
        return await call_next(request)

    for dispatch, status in ((keeping, 200), (consuming, 500)):
        receiver = make_receiver()
        app = Starlette(routes=[Route("/hook", webhook_app(receiver))])
        app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)
        async with uvicorn_server(app) as port:
            assert await exchange(port, request(*signed(1))) == status
        assert receiver.counters.unreadable == (status == 500)


async def test_asgi_middleware_that_keeps_the_messages(caplog: pytest.LogCaptureFixture) -> None:
    """Where a middleware has consumed the messages of a request, the log hints at it when the time is up."""
    from returnhelper.adapters.asgi import webhook_app

    receiver = make_receiver()
    hook = webhook_app(receiver, body_timeout=0.05)

    async def consuming(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            while (await receive()).get("more_body"):
                pass
        await hook(scope, receive, send)

    async with uvicorn_server(consuming) as port:
        assert await exchange(port, request(*signed(1))) == 408
    assert "a middleware may have read it" in caplog.text


async def test_a_client_max_size_does_not_matter() -> None:
    """The limit is the receiver's, not that of the aiohttp application."""
    from returnhelper.adapters.aiohttp import add_webhook

    receiver = make_receiver()
    app = web.Application(client_max_size=10)
    add_webhook(app, "/hook", receiver)
    async with aiohttp_server(app, auto_decompress=False) as port:
        assert await exchange(port, request(*signed(1))) == 200

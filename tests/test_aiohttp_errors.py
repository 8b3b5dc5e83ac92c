"""Errors of the network name their real cause, and only transient ones are retried. On real sockets."""

from __future__ import annotations

import asyncio
import gzip
import logging
import pickle
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from returnhelper import (
    ConfigurationError,
    ConnectionFailed,
    RetryPolicy,
    ReturnHelper,
    ReturnHelperError,
    TransportError,
    UnexpectedContent,
)
from returnhelper._aiohttp_errors import cause_of
from returnhelper._secrets import Redactor
from tests.support.server import Script, client, envelope, raw

UNTRUSTED = Path(__file__).parent / "data" / "untrusted.pem"
TWICE = RetryPolicy(attempts=2, wait_initial=0)


@attrs.define
class Peer:
    """A server on a bare socket that sends the same bytes to every client and records the requests."""

    url: str = ""
    requests: list[bytes] = attrs.field(factory=list)


@asynccontextmanager
async def peer(reply: bytes) -> AsyncIterator[Peer]:
    found = Peer()

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            found.requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(reply)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield found


async def failure(rh: ReturnHelper) -> ReturnHelperError:
    with pytest.raises(ReturnHelperError) as caught:
        await rh.balances.list()
    return caught.value


def http(head: bytes, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 " + head + b"\r\n\r\n" + body


JSON = b"Content-Type: application/json\r\n"
# what the peer sends -> class, text of the message, requests with a policy of two attempts
REPLIES: dict[str, tuple[bytes, type[ReturnHelperError], str, int]] = {
    "nothing": (b"", ConnectionFailed, "got no response: ServerDisconnectedError", 2),
    "no HTTP": (b"220 mail.example ESMTP\r\n\r\n", UnexpectedContent, "not valid HTTP (Bad status line", 1),
    "no status": (http(b"okay"), UnexpectedContent, "not valid HTTP (Bad status line", 1),
    "a long header": (
        http(b"200 OK\r\nX-Long: " + b"a" * 9000),
        UnexpectedContent,
        "Got more than 8190 bytes when reading",
        1,
    ),
    "a wrong length": (
        http(b"200 OK\r\nContent-Length: abc"),
        UnexpectedContent,
        "Invalid character in Content-Length",
        1,
    ),
    "two lengths": (
        http(b"200 OK\r\nContent-Length: 5\r\nContent-Length: 6"),
        UnexpectedContent,
        "Duplicate Content-Length",
        1,
    ),
    "a short body": (
        http(b"200 OK\r\n" + JSON + b"Content-Length: 500", b'{"meta"'),
        UnexpectedContent,
        "HTTP 200 with a body that breaks off (ClientPayloadError: Response payload is not completed",
        2,
    ),
    "chunks without end": (
        http(b"200 OK\r\n" + JSON + b"Transfer-Encoding: chunked", b"2\r\n{}\r\n"),
        UnexpectedContent,
        "HTTP 200 with a body that breaks off",
        2,
    ),
    "half a gzip body": (
        http(
            b"200 OK\r\n" + JSON + b"Content-Encoding: gzip", gzip.compress(b'{"meta": {"status": 200}}')[:-9]
        ),
        UnexpectedContent,
        "HTTP 200 with a compressed body that breaks off",
        2,
    ),
    "gzip without its checksum": (
        http(
            b"200 OK\r\n" + JSON + b"Content-Encoding: gzip", gzip.compress(b'{"meta": {"status": 200}}')[:-4]
        ),
        UnexpectedContent,
        "HTTP 200 with a compressed body that breaks off",
        2,
    ),
    "no gzip": (
        http(b"200 OK\r\n" + JSON + b"Content-Encoding: gzip", b'{"meta": {"status": 200}}'),
        UnexpectedContent,
        "HTTP 200 with a body that is not valid gzip",
        1,
    ),
    "brotli": (
        http(b"200 OK\r\n" + JSON + b"Content-Encoding: br", b"\x0b\x01\x80{}\x03"),
        UnexpectedContent,
        "HTTP 200 with a body compressed as 'br', which was not requested",
        1,
    ),
    "408": (
        http(b"408 Request Timeout\r\nConnection: close\r\nContent-Length: 0"),
        UnexpectedContent,
        "HTTP 408 with an empty body",
        2,
    ),
}


@pytest.mark.parametrize("name", REPLIES)
async def test_unusable_responses(name: str) -> None:
    """The message says what is wrong with a response, and only transient faults are retried."""
    reply, expected, text, requests = REPLIES[name]
    async with peer(reply) as server, client(server.url, retry=TWICE) as rh:
        error = await failure(rh)
    assert isinstance(error, expected)
    assert text in str(error)
    assert len(server.requests) == requests


@pytest.mark.parametrize(("status", "requests"), [(407, 1), (403, 1), (404, 1), (429, 2), (502, 2), (503, 2)])
async def test_a_proxy_that_refuses(status: int, requests: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the proxy and its status, without its password; a permanent refusal is not retried."""
    async with peer(http(b"%d No\r\nContent-Length: 0" % status)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//user:passw0rd@"))
        async with client("https://api.example", retry=TWICE, trust_env=True) as rh:
            error = await failure(rh)
    assert isinstance(error, ConnectionFailed)
    assert f"the proxy {proxy.url[7:]} refused the connection with HTTP {status}" in str(error)
    assert "passw0rd" not in str(error)
    assert (error.permanent, error.maybe_applied, len(proxy.requests)) == (requests == 1, False, requests)
    assert all(b"\r\nProxy-Authorization: Basic " in request for request in proxy.requests)


@pytest.mark.parametrize(
    "proxy", ["proxy.example:3128", "user:passw0rd@proxy:3128", "http://a..b:3", "http://h:99999"]
)
async def test_a_proxy_without_scheme(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message for a malformed HTTP_PROXY shows the form that it must have."""
    monkeypatch.setenv("http_proxy", proxy)
    async with client("http://api.example", trust_env=True) as rh:
        error = await failure(rh)
    assert isinstance(error, ConfigurationError)
    assert "the proxy, which is written like http://host:port" in str(error)
    assert "passw0rd" not in str(error)


async def test_an_unreachable_proxy(unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the proxy: the API itself may be fine."""
    monkeypatch.setenv("http_proxy", f"http://user:passw0rd@127.0.0.1:{unused_tcp_port}")
    async with client("http://api.example", retry=TWICE, trust_env=True) as rh:
        error = await failure(rh)
    assert isinstance(error, ConnectionFailed)
    assert "the proxy cannot be reached" in str(error)
    assert f"127.0.0.1:{unused_tcp_port}" in str(error)
    assert "passw0rd" not in str(error)
    assert (error.permanent, error.attempts) == (False, 2)


@asynccontextmanager
async def tls() -> AsyncIterator[TestServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(UNTRUSTED)

    async def respond(_: web.Request) -> web.Response:
        return envelope({"balances": []})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", respond)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=context)
    try:
        yield server
    finally:
        await server.close()


async def test_certificates() -> None:
    """The message distinguishes an unknown CA from a wrong name; a session that knows the CA works."""
    async with tls() as server:
        async with client(f"https://127.0.0.1:{server.port}") as rh:
            unknown = await failure(rh)
        context = ssl.create_default_context(cafile=UNTRUSTED)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
            wrong = await failure(client(f"https://localhost:{server.port}", session=session))
            await client(f"https://127.0.0.1:{server.port}", session=session).balances.list()
    for error, text in (
        (unknown, "self-signed certificate (_ssl"),
        (unknown, "set SSL_CERT_FILE or pass a session that knows its CA"),
        (wrong, "Hostname mismatch, certificate is not valid for 'localhost'"),
        (wrong, "the certificate is for another host: check the URL"),
    ):
        assert isinstance(error, ConnectionFailed)
        assert text in str(error)
        assert (error.permanent, error.attempts, error.maybe_applied) == (True, 1, False)


async def test_an_unknown_host() -> None:
    """A name that DNS does not find is retried: DNS may fail for a moment."""
    async with client("http://no-such-host.invalid", retry=TWICE) as rh:
        error = await failure(rh)
    assert isinstance(error, ConnectionFailed)
    assert "ClientConnectorDNSError: Cannot connect to host no-such-host.invalid" in str(error)
    assert (error.permanent, error.attempts, error.maybe_applied) == (False, 2, False)


async def test_a_mock_of_another_release(script: Script) -> None:
    """An outdated mock of aiohttp is shown with its own error instead of a guess."""

    with pytest.warns(DeprecationWarning, match="Inheritance"):

        class Outdated(aiohttp.ClientSession):
            async def _request(self, *args: object, **kwargs: object) -> aiohttp.ClientResponse:
                raise TypeError("__init__() missing 1 required keyword-only argument: 'stream_writer'")

    async with Outdated() as session:
        error = await failure(client(script.url, session=session))
    assert isinstance(error, ConfigurationError)
    assert "TypeError: __init__() missing 1 required keyword-only argument: 'stream_writer'" in str(error)


async def test_headers_that_are_not_utf8(caplog: pytest.LogCaptureFixture) -> None:
    """Header bytes that are not UTF-8 become replacement characters in errors, which can always be printed."""
    caplog.set_level(logging.DEBUG)
    strange = b"Content-Type: text/\xff\xfe\r\nX-Strange: \xed\xa0\x80\r\nContent-Length: 2"
    async with peer(http(b"200 OK\r\n" + strange, b"{}")) as server, client(server.url) as rh:
        error = await failure(rh)
    assert isinstance(error, UnexpectedContent)
    assert error.content_type == "text/\ufffd\ufffd"
    copy = pickle.loads(pickle.dumps(error))
    for text in (str(error), repr(error), repr(vars(error)), str(copy), caplog.text):
        text.encode()
    assert error.response is not None
    for value in error.response.headers.values():
        value.encode()


async def test_causes_are_one_printable_line() -> None:
    """A cause is one printable line with class and text, and only the hosts of URLs."""

    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    texts: dict[BaseException, str] = {
        ValueError("a\nb\x00\ud800c"): "ValueError: a b \ufffdc",
        OSError(
            "to https://user:pw@h.example:8443/a?sig=1 and http://h/x"
        ): "OSError: to https://h.example:8443 and http://h",
        TypeError(): "TypeError",
        Broken(): "Broken",
        KeyError("planted-token"): "KeyError: '***'",
    }
    for error, text in texts.items():
        assert cause_of(error, Redactor("planted-token")) == text
    assert len(cause_of(ValueError("x" * 1000), Redactor())) < 350


@pytest.mark.parametrize("method", ["read", "write"])
@pytest.mark.parametrize("given", [True, False], ids=["session passed in", "own session"])
async def test_attempts_are_counted_exactly(method: str, *, given: bool) -> None:
    """Three attempts are three requests, for reads too, and when a pooled connection breaks."""
    ports: list[int] = []

    async def break_later(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.append(request.transport.get_extra_info("peername")[1])
        if len(ports) == 1:  # the connection is kept, and used by the next request
            return envelope({"balances": []})
        request.transport.abort()
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", break_later)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        options = {"session": session} if given else {}
        retry = RetryPolicy(attempts=3, wait_initial=0)
        async with client(str(server.make_url("")).rstrip("/"), retry=retry, **options) as rh:
            await rh.balances.list()
            with pytest.raises(TransportError) as caught:
                await (rh.balances.list() if method == "read" else rh.recalls.cancel([1]))
    assert caught.value.attempts == 3
    assert len(ports) == 4
    assert ports[1] == ports[0]


async def test_408_is_retried_with_the_same_key(script: Script) -> None:
    """A server closes an idle connection with 408 without reading the request, so the request is repeated."""
    script.respond(raw(b"", status=408), {"data": []})
    async with client(script.url) as rh:
        await rh.recalls.cancel([5])
    first, second = script.seen
    assert first.headers["x-returnhelper-idempotency-key"] == second.headers["x-returnhelper-idempotency-key"]
    assert first.body == second.body

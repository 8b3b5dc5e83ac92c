"""Connections, timeouts and retries, on real sockets."""

from __future__ import annotations

import asyncio
import logging
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import attrs
import pytest
from aiohttp import web

from returnhelper import Acknowledgement, RequestOptions, RetryPolicy, ReturnHelper, Timeouts, errors
from returnhelper._request import Operation
from returnhelper._validation import Parameters
from returnhelper.resources._base import Resource
from tests.support.server import KEY, TOKEN, Script, client, envelope, fails, raw

READ = Operation("Shipment/List", "GET", "/api/Shipment/list")
WRITE = Operation("ReturnInventory/Update", "POST", "/api/ReturnInventory/Update")
LOOKUP = Operation("Country/GetAll", "GET", "/api/Country/getAll", api="public")


async def call(
    rh: ReturnHelper, op: Operation = WRITE, *, options: RequestOptions | None = None, **members: object
) -> Acknowledgement:
    op = attrs.evolve(op, params=Parameters(**dict.fromkeys(members, object)))
    return await Resource(rh._transport)._one(op, Acknowledgement, options, **members)


async def test_documented_headers_are_sent(rh: ReturnHelper, script: Script) -> None:
    """Requests carry key, token, JSON, the user agent and, if they write, an idempotency key."""
    script.respond({})
    done = await call(rh, a=1)
    await call(rh, READ, page_size=50)
    await call(rh, LOOKUP)
    write, read, lookup = script.seen
    assert (write.headers["x-rr-apikey"], write.headers["x-rr-apitoken"]) == (KEY, TOKEN)
    assert write.headers["content-type"] == "application/json"
    assert write.headers["user-agent"].startswith("returnhelper/")
    assert write.headers["x-returnhelper-idempotency-key"] == done.response.idempotency_key
    assert (write.method, write.path, write.body) == ("POST", "/user/api/ReturnInventory/Update", b'{"a":1}')
    assert (read.path, read.query) == ("/user/api/Shipment/list", [("pageSize", "50")])
    assert "x-returnhelper-idempotency-key" not in read.headers
    assert lookup.path == "/public/api/Country/getAll"
    assert done.correlation_id == "0HM9VIKSKH2CB:00000001"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
async def test_transient_failures_are_retried_with_the_same_key(
    rh: ReturnHelper, script: Script, status: int
) -> None:
    """5xx and 429 are retried, and every attempt has the same idempotency key and body."""
    script.respond(fails(status), fails(status), {})
    done = await call(rh, n=1)
    assert len(script.seen) == 3
    assert {s.headers["x-returnhelper-idempotency-key"] for s in script.seen} == {
        done.response.idempotency_key
    }
    assert {s.body for s in script.seen} == {b'{"n":1}'}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
async def test_refusals_are_not_retried(rh: ReturnHelper, script: Script, status: int) -> None:
    """A refusal that would come again is raised at once."""
    script.respond(fails(status))
    with pytest.raises(errors.APIError) as caught:
        await call(rh)
    assert (len(script.seen), caught.value.http_status) == (1, status)


@pytest.mark.parametrize("status", [400, 401, 409, 429, 500, 503])
async def test_soft_errors_are_not_retried(rh: ReturnHelper, script: Script, status: int) -> None:
    """An envelope under HTTP 200 is a decision, whatever status it names."""
    script.respond(envelope_later(status=status))
    with pytest.raises(errors.APIError) as caught:
        await call(rh)
    assert (len(script.seen), caught.value.status, caught.value.http_status) == (1, status, 200)


def envelope_later(**meta: object) -> object:
    async def reply(_: web.Request) -> web.Response:
        return envelope(**meta)  # type: ignore[arg-type]

    return reply


async def test_the_last_failure_is_raised(rh: ReturnHelper, script: Script) -> None:
    """After the last attempt its error is raised, with the number of attempts and the key."""
    script.respond(fails(503))
    with pytest.raises(errors.ServerFault) as caught:
        await call(rh)
    assert (len(script.seen), caught.value.attempts, caught.value.maybe_applied) == (4, 4, True)
    assert caught.value.idempotency_key == script.seen[0].headers["x-returnhelper-idempotency-key"]


async def test_a_refusal_ends_the_retries(rh: ReturnHelper, script: Script) -> None:
    """A refusal in the second attempt is raised without a third one."""
    script.respond(fails(503), fails(403))
    with pytest.raises(errors.AuthenticationFailed) as caught:
        await call(rh)
    assert (len(script.seen), caught.value.attempts) == (2, 2)


async def test_retry_after_is_honoured(rh: ReturnHelper, script: Script) -> None:
    """The client waits as long as the server says, unless that is longer than the time left."""
    script.respond(fails(429, Retry_After="1"))
    with pytest.raises(errors.RateLimited):
        await call(rh, options=RequestOptions(timeout=0.9))
    assert len(script.seen) == 1
    script.respond({})
    await call(rh)
    assert len(script.seen) == 3


async def test_a_long_retry_after_is_raised_instead_of_shortened(rh: ReturnHelper, script: Script) -> None:
    """Above `max_retry_after`, RateLimited carries the wait, whether sent as a number or as a date."""
    script.respond(fails(429, Retry_After="3600"))
    with pytest.raises(errors.RateLimited) as caught:
        await call(rh)
    assert caught.value.retry_after == 3600
    script.responses.clear()
    script.respond(
        fails(429, Retry_After=format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True))
    )
    with pytest.raises(errors.RateLimited) as caught:
        await call(rh)
    assert caught.value.retry_after == pytest.approx(3600, abs=3)
    assert len(script.seen) == 2


async def test_a_wait_beyond_the_total_is_not_started(rh: ReturnHelper, script: Script) -> None:
    """The client does not wait for an attempt that it could no longer make."""
    script.respond(fails(429, Retry_After="5"))
    with pytest.raises(errors.RateLimited):
        await call(rh, options=RequestOptions(timeout=2))
    assert len(script.seen) == 1


async def hang(_: web.Request) -> web.Response:
    await asyncio.sleep(30)
    raise AssertionError


async def test_the_total_covers_all_attempts(script: Script) -> None:
    """The total limits all attempts together, even if each one is within its own timeouts."""
    script.respond(hang)
    async with client(script.url, timeouts=Timeouts(read=0.4, total=1.0)) as rh:
        with pytest.raises(errors.RequestTimeout) as caught:
            await call(rh)
    assert (caught.value.phase, caught.value.maybe_applied) == ("total", True)
    assert len(script.seen) > 1


async def test_every_call_has_its_own_total(script: Script) -> None:
    """Calls that share a timer end each at its own total, in the order of the totals."""
    script.respond(hang)
    totals = (0.7, 0.1, 0.5, 0.3)
    ended: list[float] = []

    async def limited(rh: ReturnHelper, total: float) -> None:
        with pytest.raises(errors.RequestTimeout, match=f"total of {total} s"):
            await call(rh, options=RequestOptions(timeout=total))
        ended.append(total)

    async with client(script.url) as rh:
        await asyncio.gather(*(limited(rh, total) for total in totals))
    assert ended == sorted(totals)


async def test_a_total_ends_with_its_call(script: Script) -> None:
    """The total of a finished call affects neither its task nor later calls."""
    script.respond({})
    async with client(script.url, timeouts=Timeouts(total=1.0)) as rh:
        for _ in range(10):
            await call(rh)
            await asyncio.sleep(0.12)
        (state,) = rh._sessions._states.values()
        assert not len(state.deadlines)


async def test_a_silent_server_is_a_read_timeout(script: Script) -> None:
    """A silent server is retried with the same key, and the error names the phase."""
    script.respond(hang)
    async with client(
        script.url, timeouts=Timeouts(read=0.1), retry=RetryPolicy(attempts=2, wait_initial=0)
    ) as rh:
        with pytest.raises(errors.RequestTimeout) as caught:
            await call(rh)
    assert (caught.value.phase, caught.value.maybe_applied, len(script.seen)) == ("read", True, 2)
    assert len({s.headers["x-returnhelper-idempotency-key"] for s in script.seen}) == 1


async def test_no_listener_means_not_applied(unused_tcp_port: int) -> None:
    """If no connection can be made, nothing can have been applied."""
    async with client(f"http://127.0.0.1:{unused_tcp_port}") as rh:
        with pytest.raises(errors.ConnectionFailed) as caught:
            await call(rh)
    assert (caught.value.maybe_applied, caught.value.attempts) == (False, 4)


async def test_a_connect_timeout_means_not_applied() -> None:
    """If the connect phase times out, the request was never sent."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = listener.getsockname()[1]
    fillers = [socket.socket() for _ in range(3)]
    try:
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        url = f"http://127.0.0.1:{port}"
        async with client(url, timeouts=Timeouts(connect=0.1), retry=RetryPolicy.NONE) as rh:
            with pytest.raises(errors.RequestTimeout) as caught:
                await call(rh)
            with pytest.raises(errors.RequestTimeout) as in_all:
                await call(rh, options=RequestOptions(timeout=0.05))
        assert (caught.value.phase, caught.value.maybe_applied) == ("connect", False)
        assert (in_all.value.phase, in_all.value.maybe_applied) == ("total", False)
    finally:
        for open_socket in (*fillers, listener):
            open_socket.close()


async def cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"meta": {"status"')
    request.transport.close()
    return response


async def drop(request: web.Request) -> web.StreamResponse:
    request.transport.close()
    return web.Response()


async def test_a_truncated_body_is_retried(rh: ReturnHelper, script: Script) -> None:
    """A truncated body is retried with the same key."""
    script.respond(cut, {})
    await call(rh)
    assert len({s.headers["x-returnhelper-idempotency-key"] for s in script.seen}) == 1
    assert len(script.seen) == 2


async def test_a_body_that_is_always_truncated_is_unexpected_content(
    rh: ReturnHelper, script: Script
) -> None:
    """After the last attempt the error says that the body was truncated, with the status."""
    script.respond(cut)
    with pytest.raises(errors.UnexpectedContent) as caught:
        await call(rh)
    assert (caught.value.http_status, caught.value.truncated, caught.value.maybe_applied) == (200, True, True)
    assert caught.value.attempts == 4


async def test_a_dropped_connection_may_have_been_applied(rh: ReturnHelper, script: Script) -> None:
    """If the request arrived but no response came, it may have been applied."""
    script.respond(drop)
    with pytest.raises(errors.ConnectionFailed) as caught:
        await call(rh)
    assert (caught.value.maybe_applied, len(script.seen)) == (True, 4)


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"])
@pytest.mark.parametrize("own_session", [True, False])
async def test_maybe_applied_covers_earlier_attempts(reply: bytes, own_session: bool) -> None:
    """If an earlier attempt may have been applied, a refused connection in a later one does not change that."""

    async def fail_and_leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.close()
        await reader.readuntil(b"{}")
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(fail_and_leave, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with aiohttp.ClientSession() as session:
        options = {} if own_session else {"session": session}
        async with client(url, retry=RetryPolicy(attempts=2, wait_initial=0), **options) as rh:
            with pytest.raises(errors.ConnectionFailed, match="earlier attempt may") as caught:
                await call(rh)
    assert (caught.value.maybe_applied, caught.value.attempts) == (True, 2)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed(rh: ReturnHelper, script: Script, status: int) -> None:
    """Key and token are never sent to the target of a redirect."""
    script.respond(raw(b"", status=status, Location="http://127.0.0.1:9/elsewhere"))
    with pytest.raises(errors.UnexpectedContent) as caught:
        await call(rh)
    assert (caught.value.http_status, len(script.seen)) == (status, 1)


async def test_a_peer_that_does_not_speak_http() -> None:
    """Another protocol is an error of this package."""

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with client(f"http://127.0.0.1:{port}", retry=RetryPolicy.NONE) as rh:
            with pytest.raises(errors.TransportError):
                await call(rh)


async def test_tls_to_a_plain_port_is_not_retried(script: Script) -> None:
    """A TLS handshake that the peer cannot understand is not repeated."""
    script.respond({})
    async with client(script.url.replace("http:", "https:")) as rh:
        with pytest.raises(errors.ConnectionFailed) as caught:
            await call(rh)
    assert (caught.value.maybe_applied, caught.value.attempts) == (False, 1)


async def test_connections_are_reused(rh: ReturnHelper, script: Script) -> None:
    """Consecutive calls share a connection."""
    ports = set()

    async def note(request: web.Request) -> web.Response:
        ports.add(request.transport.get_extra_info("peername")[1])
        return envelope({})

    script.respond(note)
    for _ in range(5):
        await call(rh)
    assert len(ports) == 1


async def test_max_concurrency_limits_requests(script: Script) -> None:
    """At most `max_concurrency` requests are under way; the others wait their turn."""
    now = most = 0

    async def count(_: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return envelope({})

    script.respond(count)
    async with client(script.url, max_concurrency=3) as rh:
        await asyncio.gather(*(call(rh) for _ in range(20)))
    assert most == 3


async def test_the_wait_for_a_slot_counts(script: Script) -> None:
    """The total includes the wait for a slot, and a call that never got one was not sent."""
    script.respond(hang)
    async with client(script.url, max_concurrency=1) as rh:
        first = asyncio.ensure_future(call(rh))
        await asyncio.sleep(0.05)
        with pytest.raises(errors.RequestTimeout) as caught:
            await call(rh, options=RequestOptions(timeout=0.1))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert (caught.value.phase, caught.value.maybe_applied) == ("total", False)


async def test_cancellation_leaves_nothing_behind(script: Script) -> None:
    """A cancelled call frees its slot and its connection, during an attempt and between attempts."""
    script.respond(hang, fails(503), {})
    retry = RetryPolicy(wait_initial=30, random=lambda: 1.0)
    async with client(script.url, max_concurrency=1, retry=retry) as rh:
        before = asyncio.all_tasks()
        for _ in range(2):
            task = asyncio.ensure_future(call(rh))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await asyncio.wait_for(call(rh), 2)
        assert {t for t in asyncio.all_tasks() - before if "returnhelper" in repr(t)} == set()


async def test_a_session_passed_in_is_used_and_left_open(script: Script) -> None:
    """A session keeps its own headers and settings, and closing the client does not close it."""
    script.respond({})
    async with aiohttp.ClientSession(headers={"x-mine": "1"}, raise_for_status=True) as session:
        async with client(script.url, session=session) as rh:
            await call(rh)
        assert not session.closed
    headers = script.seen[0].headers
    assert (headers["x-mine"], headers["x-rr-apitoken"]) == ("1", TOKEN)
    with pytest.raises(errors.ConfigurationError):
        await call(client(script.url, session=session))


async def test_closing_the_client_during_a_call(script: Script) -> None:
    """A call whose session is closed meanwhile raises ConnectionFailed."""
    script.respond(hang)
    rh = client(script.url, retry=RetryPolicy.NONE)
    task = asyncio.ensure_future(call(rh))
    await asyncio.sleep(0.1)
    await rh.aclose()
    with pytest.raises(errors.ConnectionFailed):
        await task


async def test_logs_show_neither_key_nor_token(
    rh: ReturnHelper, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG, with a server that echoes everything, no secret is logged or raised."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="returnhelper")
    script.respond(fails(503), raw(f"<html>{KEY} {TOKEN}</html>", kind="text/html"))
    with pytest.raises(errors.UnexpectedContent) as caught:
        await call(rh)
    shown = (
        caplog.text + repr(caught.value) + str(caught.value) + repr(vars(caught.value)) + repr(rh._transport)
    )
    assert "next attempt in" in caplog.text
    assert KEY not in shown
    assert TOKEN not in shown
    assert caught.value.__context__ is None or "headers" not in repr(caught.value.__context__)


async def test_a_retry_is_one_warning(
    rh: ReturnHelper, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """A retry logs one warning with the call, attempt, wait and cause, and without secrets."""
    script.respond(fails(503), raw(f"{KEY} {TOKEN}", status=500, kind="text/plain"), {})
    await call(rh, note="private")
    lines = [vars(record) for record in caplog.records if record.levelno >= logging.WARNING]
    assert [line["stamina.retry_num"] for line in lines] == [1, 2]
    for line in lines:
        assert line["name"] == "stamina"
        assert line["stamina.wait_for"] == 0
        assert "ServerFault" in line["stamina.caused_by"]
        assert WRITE.name in line["stamina.caused_by"]
        assert not any(secret in repr(line) for secret in (KEY, TOKEN, "private"))


async def test_headers_of_the_caller_are_sent(rh: ReturnHelper, script: Script) -> None:
    """Additional headers are sent, and the caller's idempotency key replaces the generated one."""
    script.respond({})
    options = RequestOptions(headers={"x-trace": "abc"}, idempotency_key="mine-1")
    done = await call(rh, options=options)
    assert script.seen[0].headers["x-trace"] == "abc"
    assert (
        script.seen[0].headers["x-returnhelper-idempotency-key"] == "mine-1" == done.response.idempotency_key
    )

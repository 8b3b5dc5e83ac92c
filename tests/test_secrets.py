"""Secrets appear neither in errors nor in the frames that crash reports send."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from types import FrameType

import aiohttp
import pytest
from aiohttp import web

from returnhelper import (
    APIError,
    ConfigurationError,
    ConnectionFailed,
    Environment,
    RequestInvalid,
    RequestOptions,
    RequestTimeout,
    RetryPolicy,
    ReturnHelper,
    Timeouts,
    TransportError,
    UnexpectedContent,
    errors,
)
from returnhelper._secrets import Redactor
from returnhelper.config import from_env
from returnhelper.errors import InboxUnavailable
from returnhelper.inbox import PostgresInbox, RedisInbox
from returnhelper.webhooks import Endpoint
from tests.support.frames import frames, leaks, report
from tests.support.server import Handler, Script, envelope, raw

KEY, TOKEN = "planted-key/4f+a", "planted-token&9<c"
HEADER = "planted-header-value"
SIGNATURE = "planted-signature"
SECRETS = (KEY, TOKEN, HEADER, SIGNATURE)
OPTIONS = RequestOptions(headers={"x-gateway-key": HEADER})


def planted(url: str, **options: object) -> ReturnHelper:
    environment = Environment.custom(user_url=f"{url}/user", public_url=f"{url}/public", allow_http=True)
    given: dict[str, object] = {"retry": RetryPolicy(attempts=2, wait_initial=0), **options}
    return ReturnHelper(KEY, TOKEN, environment=environment, **given)  # type: ignore[arg-type]


async def raised(call: Awaitable[object]) -> BaseException:
    with pytest.raises(BaseException) as caught:
        await call
    return caught.value


def echo(status: int = 200, kind: str = "text/html") -> Handler:
    """Return everything that was sent, in body and headers, like a debug page."""

    async def respond(request: web.Request) -> web.Response:
        lines = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        return web.Response(
            status=status,
            text=f"{request.url}\n{lines}",
            headers={
                "Content-Type": kind,
                "X-Echo": f"{request.headers.get('x-rr-apikey')} {request.headers.get('x-rr-apitoken')}",
            },
        )

    return respond


def echo_envelope(http: int = 200, **meta: object) -> Handler:
    async def respond(request: web.Request) -> web.Response:
        seen = {name: value for name, value in request.headers.items() if name.startswith("x-rr")}
        return envelope({}, http=http, **{"error": {"request": seen, **seen}, **meta})  # type: ignore[arg-type]

    return respond


async def drop(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000", "X-Echo": TOKEN})
    await response.prepare(request)
    await response.write(TOKEN.encode())
    assert request.transport is not None
    request.transport.close()
    return response


async def hang(_: web.Request) -> web.Response:
    await asyncio.sleep(30)
    raise AssertionError


async def misfit(request: web.Request) -> web.Response:
    return envelope({"data": [{"warehouseId": {"echo": request.headers["x-rr-apitoken"]}}]})


RESPONSES: dict[str, tuple[type[Exception], Handler]] = {
    "a page": (UnexpectedContent, echo()),
    "not found": (UnexpectedContent, echo(404)),
    "a redirect": (UnexpectedContent, echo(302)),
    "cut": (UnexpectedContent, cut),
    "not gzip": (UnexpectedContent, raw(f"{KEY} {TOKEN}", Content_Encoding="gzip")),
    "brotli": (UnexpectedContent, raw(f"{KEY} {TOKEN}", Content_Encoding="br")),
    "a misfit": (UnexpectedContent, misfit),
    "no payload": (UnexpectedContent, raw(f'{{"message": "{TOKEN}"}}')),
    "a type": (UnexpectedContent, raw("x", kind=f"text/{KEY.replace('/', '-')}")),
    "dropped": (ConnectionFailed, drop),
    "silence": (RequestTimeout, hang),
    "soft": (errors.ValidationFailed, echo_envelope(status=400, errorCode=f"E {TOKEN}")),
    "unauthorized": (errors.AuthenticationFailed, echo_envelope(http=401)),
    "conflict": (errors.Conflict, echo_envelope(http=409)),
    "throttled": (errors.RateLimited, echo_envelope(http=429)),
    "fault": (errors.ServerFault, echo(500)),
    "gone": (APIError, echo_envelope(status=410)),
}


@pytest.mark.parametrize("name", RESPONSES)
async def test_no_response_brings_a_secret_into_an_error(script: Script, name: str) -> None:
    """Whatever a server echoes, neither the error nor any frame of its traceback shows it."""
    expected, handler = RESPONSES[name]
    script.respond(handler)
    async with planted(script.url, timeouts=Timeouts(read=0.2)) as rh:
        error = await raised(rh.warehouses.list(options=OPTIONS))
    assert type(error) is expected
    assert leaks(error, *SECRETS) == []


async def test_no_connection_brings_a_secret_into_an_error(
    script: Script, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors of sockets, TLS, timeouts and proxies show no secret, not even the proxy's password."""
    script.respond(hang)
    dead = f"http://127.0.0.1:{unused_tcp_port}"
    cases: list[tuple[type[TransportError], str, dict[str, object]]] = [
        (ConnectionFailed, dead, {}),
        (ConnectionFailed, script.url.replace("http:", "https:"), {}),
        (RequestTimeout, script.url, {"timeouts": Timeouts(total=0.1)}),
    ]
    for expected, url, options in cases:
        async with planted(url, **options) as rh:
            error = await raised(rh.warehouses.list(options=OPTIONS))
        assert type(error) is expected
        assert leaks(error, *SECRETS) == []
    for proxy in (
        f"http://user:planted-password@127.0.0.1:{unused_tcp_port}",
        "user:planted-password@proxy:3128",
    ):
        monkeypatch.setenv("http_proxy", proxy)
        async with planted("http://api.example", trust_env=True) as rh:
            error = await raised(rh.warehouses.list(options=OPTIONS))
        assert isinstance(error, ConnectionFailed | ConfigurationError)
        assert leaks(error, "planted-password", *SECRETS) == []


@pytest.mark.parametrize("cancel", [True, False], ids=["cancelled", "a timeout of the caller"])
async def test_cancellation_shows_no_frame_of_aiohttp(script: Script, *, cancel: bool) -> None:
    """Neither a cancellation nor the TimeoutError of the caller's own timeout has a frame with headers."""
    script.respond(hang)

    async def timed(rh: ReturnHelper) -> None:
        async with asyncio.timeout(0.1):
            await rh.warehouses.list(options=OPTIONS)

    async with planted(script.url) as rh:
        if cancel:
            task = asyncio.ensure_future(timed(rh))
            await asyncio.sleep(0.05)
            task.cancel()
            error = await raised(task)
        else:
            error = await raised(timed(rh))
    assert leaks(error, *SECRETS) == []
    assert "aiohttp" not in {f.f_globals["__name__"].split(".")[0] for f in frames(error.__traceback__)}


class MiddlewareFailed(Exception):
    """An error class of the caller."""


async def test_errors_of_a_middleware_are_not_translated(script: Script) -> None:
    """An error class of the caller passes through with its own frames, but without those of aiohttp."""

    async def broken(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        raise MiddlewareFailed

    async with aiohttp.ClientSession(middlewares=(broken,)) as session:
        rh = planted(script.url, session=session)
        error = await raised(rh.warehouses.list(options=OPTIONS))
    assert type(error) is MiddlewareFailed
    assert any(f.f_code.co_name == "broken" for f in all_frames(error))
    assert leaks(error, *SECRETS) == []


def all_frames(error: BaseException) -> list[FrameType]:
    found, trace = list[FrameType](), error.__traceback__
    while trace is not None:
        found.append(trace.tb_frame)
        trace = trace.tb_next
    return found


ARGUMENTS: dict[str, Callable[[], object]] = {
    "key": lambda: ReturnHelper(f"{KEY}\n", TOKEN),
    "token": lambda: ReturnHelper(KEY, f" {TOKEN}"),
    "other": lambda: ReturnHelper(KEY, TOKEN, max_concurrency=0),
    "session": lambda: ReturnHelper(KEY, TOKEN, session=object()),  # type: ignore[arg-type]
    "environment": lambda: from_env({"RETURNHELPER_API_KEY": KEY, "RETURNHELPER_API_TOKEN": f"{TOKEN}\0"}),
    "missing": lambda: from_env({"RETURNHELPER_API_KEY": KEY}),
    "both": lambda: from_env(
        {
            "RETURNHELPER_API_KEY": KEY,
            "RETURNHELPER_API_TOKEN": TOKEN,
            "RETURNHELPER_ENVIRONMENT": "uat",
            "OTHER_PASSWORD": HEADER,
        }
    ),
    "headers": lambda: RequestOptions(headers={"x-gateway-key": f"{HEADER}\n"}),
    "reserved": lambda: RequestOptions(headers={"x-rr-apitoken": TOKEN}),
    "beside": lambda: RequestOptions(headers={"x-gateway-key": HEADER}, timeout=-1),
    "URL": lambda: Environment.custom(user_url=f"https://user:{HEADER}@h"),
}
for _wrong in ("mysql://u:{}@h/x", "postgresql://u:{}#@h/x", "postgresql+asyncpg://u:{}@h/x", "u:{}@h"):
    ARGUMENTS[f"PostgreSQL {_wrong}"] = partial(PostgresInbox, _wrong.format(SIGNATURE))
for _wrong in ("http://u:{}@h/x", "redis://u:{}#@h/x", "redis://u:{}@h:port/0", "u:{}@h"):
    ARGUMENTS[f"Redis {_wrong}"] = partial(RedisInbox, _wrong.format(SIGNATURE))
ARGUMENTS["table"] = partial(PostgresInbox, f"postgresql://u:{SIGNATURE}@h/x", table="?")
ARGUMENTS["name"] = partial(RedisInbox, f"redis://u:{SIGNATURE}@h/0", name="{}")
ARGUMENTS["signing key"] = partial(Endpoint, "https://shop.example/hook", f"{SIGNATURE}!")
ARGUMENTS["bytes"] = partial(Endpoint, "https://shop.example/hook", SIGNATURE.encode())
ARGUMENTS["registered URL"] = partial(Endpoint, "", base64.b64encode(SIGNATURE.encode()).decode())


@pytest.mark.parametrize("name", ARGUMENTS)
def test_no_check_of_arguments_shows_a_secret(name: str) -> None:
    """Constructors that refuse an argument show no secret in the message or in their frames."""
    with pytest.raises(ConfigurationError) as caught:
        ARGUMENTS[name]()
    assert leaks(caught.value, *SECRETS, base64.b64encode(SIGNATURE.encode()).decode()) == []


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "h:port", "no-such-host.invalid"])
async def test_no_store_shows_its_password(host: str, unused_tcp_port: int) -> None:
    """A store that cannot be reached shows no password, not even in the frames of its driver."""
    host = host.format(unused_tcp_port)
    postgres = PostgresInbox(f"postgresql://u:{SIGNATURE}@{host}/x", timeout=2)
    error = await raised(postgres.stats())
    assert isinstance(error, InboxUnavailable | ConfigurationError)
    assert leaks(error, SIGNATURE) == []
    if host == "h:port":
        return  # refused by the constructor of RedisInbox
    redis = RedisInbox(f"redis://u:{SIGNATURE}@{host}/0", timeout=2)
    error = await raised(redis.stats())
    await redis.aclose()
    assert isinstance(error, InboxUnavailable)
    assert leaks(error, SIGNATURE) == []


async def test_no_transfer_shows_its_signed_address(
    script: Script, tmp_path: Path, unused_tcp_port: int
) -> None:
    """No error of a transfer and no frame shows the query of a signed address."""
    query = f"X-Signature={SIGNATURE}"

    async def bounce(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"/again?{query}"})

    async def source() -> AsyncIterator[bytes]:
        yield b"abc"
        raise MiddlewareFailed

    hosts = [
        "https://user@files.example",
        "https://files..example",
        f"https://{'a' * 64}.example",
        "https://files.example:0",
        "ftp://files.example",
        f"http://127.0.0.1:{unused_tcp_port}",
        script.url.replace("http:", "https:"),
    ]
    for url in hosts:
        async with planted(script.url) as rh:
            error = await raised(rh.files.download(f"{url}/a?{query}", tmp_path / "x"))
        assert isinstance(error, errors.ReturnHelperError)
        assert leaks(error, *SECRETS) == []
    for handler in (bounce, echo(), echo(403), echo(500), cut, drop, hang, raw(b"", Content_Encoding="br")):
        script.responses.clear()
        script.respond(handler)
        options = RequestOptions(timeout=Timeouts(read=0.2, total=2), headers={"x-gateway-key": HEADER})
        async with planted(script.url) as rh:
            error = await raised(
                rh.files.download(f"{script.url}/a?{query}", tmp_path / "x", options=options, max_bytes=1)
            )
            assert isinstance(error, errors.ReturnHelperError)
            assert leaks(error, *SECRETS) == []
            script.responses[:0] = [_slot(f"{script.url}/put?{query}")]
            error = await raised(rh.files.upload(source(), filename="x.png", size=9, options=options))
        assert leaks(error, *SECRETS) == []


def _slot(url: str) -> Handler:
    async def respond(_: web.Request) -> web.Response:
        return envelope({"preSignedUrl": url, "fileKey": "k", "filename": "x.png"})

    return respond


def test_a_secret_in_a_frame_would_be_found() -> None:
    """The search finds a secret that a frame holds."""

    def fail() -> None:
        code = compile("def f(held):\n    raise ValueError('no')", "other.py", "exec")
        space: dict[str, Callable[[str], None]] = {}
        exec(code, {"__name__": "other"}, space)
        space["f"](TOKEN)

    with pytest.raises(ValueError) as caught:
        fail()
    assert leaks(caught.value, TOKEN) == [f"f held = {TOKEN!r}"]
    assert "no" in report(caught.value)


@pytest.mark.parametrize(
    "written",
    [
        f"{TOKEN}",
        "planted-token\\u00269\\u003Cc",
        "planted-token\\u00269\\u003cc",
        "planted-token%269%3Cc",
        "planted-token%269%3cc",
        "planted-token&amp;9&lt;c",
        "planted-token&#x26;9&#x3C;c",
        KEY,
        "planted-key\\/4f+a",
        "planted-key%2F4f%2Ba",
        "planted-key/4f\\u002Ba",
    ],
)
def test_escaped_secrets_are_redacted(written: str) -> None:
    """Secrets are removed even if .NET, PHP, HTML or a URL escapes some of their characters."""
    redactor = Redactor(KEY, TOKEN)
    assert redactor.text(f"<{written}>") == "<***>"
    assert redactor.body(f"<{written}>".encode()) == b"<***>"


@pytest.mark.parametrize("secret", ["t", "id", "order"])
async def test_short_secrets_do_not_mangle_words(script: Script, secret: str) -> None:
    """Secrets of a few letters are not redacted: they occur in ordinary words."""
    script.respond(echo_envelope(status=400, error={"returnInventoryId": "an order must be set"}))
    async with ReturnHelper(
        secret, secret, environment=Environment.custom(user_url=script.url), retry=RetryPolicy.NONE
    ) as rh:
        error = await raised(rh.warehouses.list())
    assert isinstance(error, errors.ValidationFailed)
    assert error.fields == {"returnInventoryId": "an order must be set"}


async def test_limits_show_no_secret(script: Script) -> None:
    """An error before any I/O has no secret in its frames."""
    async with planted(script.url) as rh:
        error = await raised(rh.return_inventories.update_handling(0, "ohd", options=OPTIONS))
    assert isinstance(error, RequestInvalid)
    assert leaks(error, *SECRETS) == []

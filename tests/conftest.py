"""What several tests share: a client, a scripted server on a real socket, and a shim."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from unittest.mock import Mock

import aioresponses.core
import attrs
import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestServer

from returnhelper import Environment, RetryPolicy, ReturnHelper


class _Response(ClientResponse):
    """aioresponses 0.7.9 does not know the arguments that aiohttp 3.14 added."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **({"stream_writer": Mock(output_size=0)} | kwargs))  # type: ignore[arg-type]


aioresponses.core.ClientResponse = _Response

KEY, TOKEN = "key-0f3c9a", "token-77b1d2"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@attrs.define
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes


@attrs.define
class Script:
    """A server that gives its answers in turn, the last one for ever, and remembers what it was asked."""

    answers: list[web.Response | Handler] = attrs.field(factory=list)
    seen: list[Seen] = attrs.field(factory=list)
    url: str = ""

    def say(self, *answers: object) -> None:
        """Append answers: handlers, responses, or payloads that get an envelope."""
        for answer in answers:
            self.answers.append(answer if callable(answer) else _envelope(answer))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): text for name, text in request.headers.items()}
        self.seen.append(Seen(request.method, request.path, headers, dict(request.query), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request) if callable(answer) else answer


def _envelope(payload: object) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return answered(payload)

    return answer


def answered(payload: object = None, *, status: int = 200, http: int = 200, **meta: object) -> web.Response:
    """Return an envelope around a payload."""
    body = {
        "correlationId": "0HM9VIKSKH2CB:00000001",
        "meta": {"status": status, "data": {}, "errorCode": None, "error": {}, **meta},
        **(payload if isinstance(payload, dict) else {}),
    }
    return web.Response(status=http, body=json.dumps(body).encode(), content_type="application/json")


def raw(
    body: bytes | str = b"", *, status: int = 200, kind: str = "application/json", **headers: str
) -> Handler:
    """Answer with exactly this."""

    async def answer(_: web.Request) -> web.Response:
        content = body.encode() if isinstance(body, str) else body
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        return web.Response(status=status, body=content, headers={"Content-Type": kind, **names})

    return answer


def fails(status: int, **headers: str) -> Handler:
    """Answer with an HTTP error and no envelope."""
    return raw(b"{}", status=status, **headers)


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    """Serve a script on a real socket."""
    script = Script()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", script.handle)
    async with TestServer(app) as server:
        script.url = str(server.make_url("/")).rstrip("/")
        yield script


def client(url: str, **options: object) -> ReturnHelper:
    """Return a client of that server that does not wait between attempts."""
    given = {"retry": RetryPolicy(wait_initial=0.0)} | options
    environment = Environment.custom(user_url=f"{url}/user", public_url=f"{url}/public")
    return ReturnHelper(api_key=KEY, api_token=TOKEN, environment=environment, **given)  # type: ignore[arg-type]


@pytest.fixture
async def rh(script: Script) -> AsyncIterator[ReturnHelper]:
    """A client of the script."""
    async with client(script.url) as rh:
        yield rh

"""One scripted HTTP server on a real socket: it records each request and sends the responses it was given."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress

import attrs
from aiohttp import web
from aiohttp.test_utils import TestServer

from returnhelper import Environment, RetryPolicy, ReturnHelper, UnexpectedContent

KEY, TOKEN = "key-0f3c9a", "token-77b1d2"
EMPTY = b'{"correlationId": "c", "meta": {"status": 200, "data": {}, "errorCode": null, "error": {}}}'
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def only_sent() -> AbstractContextManager[None]:
    """Ignore that an empty response proves no creation: the test is about the request."""
    return suppress(UnexpectedContent)


@attrs.define
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes


@attrs.define
class Script:
    """A server that sends its responses in turn, repeats the last one, and records every request.

    Without responses it sends ``response``, the JSON body of all of them.
    """

    response: bytes = EMPTY
    responses: list[Handler] = attrs.field(factory=list)
    seen: list[Seen] = attrs.field(factory=list)
    url: str = ""

    def respond(self, *responses: object) -> None:
        """Append responses: handlers, or payloads that get an envelope."""
        for response in responses:
            self.responses.append(response if callable(response) else _wrapped(response))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): text for name, text in request.headers.items()}
        self.seen.append(Seen(request.method, request.path, list(request.query.items()), headers, body))
        if not self.responses:
            return web.Response(body=self.response, content_type="application/json")
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        return await response(request)


def _wrapped(payload: object) -> Handler:
    async def respond(_: web.Request) -> web.Response:
        return envelope(payload)

    return respond


def envelope(payload: object = None, *, status: int = 200, http: int = 200, **meta: object) -> web.Response:
    """Return a response with the documented envelope around a payload."""
    body = {
        "correlationId": "0HM9VIKSKH2CB:00000001",
        "meta": {"status": status, "data": {}, "errorCode": None, "error": {}, **meta},
        **(payload if isinstance(payload, dict) else {}),
    }
    return web.Response(status=http, body=json.dumps(body).encode(), content_type="application/json")


def raw(
    body: bytes | str = b"", *, status: int = 200, kind: str = "application/json", **headers: str
) -> Handler:
    """Respond with exactly this."""

    async def respond(_: web.Request) -> web.Response:
        content = body.encode() if isinstance(body, str) else body
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        return web.Response(status=status, body=content, headers={"Content-Type": kind, **names})

    return respond


def fails(status: int, **headers: str) -> Handler:
    """Respond with an HTTP error and no envelope."""
    return raw(b"{}", status=status, **headers)


@asynccontextmanager
async def serving() -> AsyncIterator[Script]:
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


@asynccontextmanager
async def recording(**options: object) -> AsyncIterator[tuple[Script, ReturnHelper]]:
    """Run a script that responds with an empty envelope, and a client that talks to it."""
    async with serving() as script, client(script.url, **options) as rh:
        yield script, rh

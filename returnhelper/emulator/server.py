"""Emulator: the server around the account."""

from __future__ import annotations

import asyncio
import os
import random as _random
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from types import TracebackType
from typing import Annotated, Final, Self

from aiohttp import web

from returnhelper._arguments import PROBABILITY, Range, checked
from returnhelper._secrets import Uncopyable
from returnhelper._time import Clock, Sleep, to_seconds, utc_now
from returnhelper.config import Environment
from returnhelper.emulator import desk_page, files
from returnhelper.emulator.access import Access
from returnhelper.emulator.account import Account
from returnhelper.emulator.api import Api, ApiCall, ApiResponse
from returnhelper.emulator.deliveries import INFERRED, Deliveries, log
from returnhelper.emulator.desk import Warehouse
from returnhelper.emulator.faults import Fault, FaultKind, Faults
from returnhelper.errors import ConfigurationError, format_value
from returnhelper.webhooks.signature import Endpoint

SIGNING_KEY: Final = (
    "ZW11bGF0b3Igc2lnbmluZyBrZXksIGZvciB0ZXN0cyBhbmQgZGVtb25zdHJhdGlvbnMgb25seSEhISEhISEhIQ=="
)
"""A made-up signing key, for those who have none."""

_GATEWAY_PAGE: Final = (
    "<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
)
_MAX_BODY: Final = 4 * 1024 * 1024
_MAX_FILE: Final = 128 * 1024 * 1024

_REASONS: Final = {
    401: ": the key or the token is not the emulator's",
    404: ": there is no such operation",
    409: ": the idempotency key is in use or came with another body",
    413: ": the body is too large",
}


class Emulator(Uncopyable):
    """A local Return Helper server for one account; see the package's docstring.

    `host` and `port` are where to listen (port 0: any free one). `allowed_hosts` are further names that clients may call
    it by, such as that of a container; addresses and localhost always work. `label_delay` is how long a label takes,
    `duplicates` and `reorder` are those of `Deliveries`. `multiple_items` says whether the account may order shipments of
    several line items, a setting that the vendor makes. Durations are seconds or a timedelta. `seed` makes the
    misbehaviour repeatable.
    """

    @checked
    def __init__(
        self,
        *,
        api_key: str = "emulator-key",
        api_token: str = "emulator-token",  # noqa: S107 - made up
        signing_key: str = SIGNING_KEY,
        webhook_url: str | None = None,
        host: str = "127.0.0.1",
        port: Annotated[int, Range(0, 65535)] = 0,
        allowed_hosts: Sequence[str] = (),
        balance: Annotated[Decimal, Range(0, 10**12)] = Decimal("100000.000"),
        label_delay: float | timedelta = 0.0,
        duplicates: Annotated[float, PROBABILITY] = 0.0,
        reorder: float | timedelta = 0.0,
        retry_delays: Sequence[float | timedelta] | None = None,
        multiple_items: bool = True,
        seed: int = 1,
        clock: Clock = utc_now,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        Endpoint("http://127.0.0.1/", signing_key)  # refuses what is no key
        random = _random.Random(seed)  # noqa: S311 - no secret comes from it
        delays = {} if retry_delays is None else {"retry_delays": _each_in_seconds(retry_delays)}
        self.deliveries: Final = Deliveries(
            signing_key=signing_key,
            url=webhook_url,
            random=random,
            clock=clock,
            sleep=sleep,
            duplicates=duplicates,
            reorder=reorder,
            **delays,
        )
        self.account: Final = Account(
            deliveries=self.deliveries,
            clock=clock,
            random=random,
            balance=Decimal(balance),
            later=self._later,
            label_delay=to_seconds("label_delay", label_delay, zero=True),
            multiple_items=multiple_items,
        )
        self.warehouse: Final = Warehouse(self.account)
        self.faults: Final = Faults(random)
        self.requests = 0
        self._api = Api(self.account, api_key=api_key, api_token=api_token, random=random, sleep=sleep)
        self._access = Access((host, *allowed_hosts))
        self._host, self._port = host, port
        self._sleep = sleep
        self._steps: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    def __repr__(self) -> str:
        return f"<Emulator {self._address()}>" if self._runner else "<Emulator, not running>"

    @property
    def environment(self) -> Environment:
        """The environment to call, while the emulator runs."""
        return Environment.custom(user_url=f"{self.url}/user", public_url=f"{self.url}/public")

    @property
    def url(self) -> str:
        """Where the emulator listens, while it runs."""
        if self._runner is None:
            raise ConfigurationError("The emulator is not running; use `async with Emulator(...) as emu`.")
        return self._address()

    def _address(self) -> str:
        return f"http://{self._host}:{self._port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Start to listen. Raise `ConfigurationError` if that is not possible."""
        if self._runner is not None:
            raise ConfigurationError("The emulator is running already.")
        app = web.Application(client_max_size=_MAX_FILE)
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as e:
            await runner.cleanup()
            reason = os.strerror(e.errno) if e.errno else str(e)
            raise ConfigurationError(
                f"Cannot listen on {self._address()}: {reason}. Choose another port or host."
            ) from e
        self._port = int(runner.addresses[0][1])
        self._runner = runner
        self.account.files_url = f"{self.url}/files"

    async def aclose(self) -> None:
        """Stop listening and delivering; no task is left."""
        for task in set(self._steps):
            task.cancel()
        await asyncio.gather(*self._steps, return_exceptions=True)
        await self.deliveries.aclose()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def settled(self) -> None:
        """Wait until all queued labels are created and all deliveries have ended."""
        while True:
            while self._steps:
                await asyncio.wait(set(self._steps))
            await self.deliveries.drained()
            if not self._steps:  # else a handler ordered another label meanwhile
                return

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        # Paths match in any case, as in ASP.NET (inferred).
        path = request.path.lower()
        is_file = path.startswith("/files/")
        refused = self._access.refusal(request, embeddable=is_file)
        if refused is not None:
            log.warning("%s %s refused: %s", request.method, request.path, refused)
            return web.Response(status=403, text=refused)
        if is_file:
            return files.respond(self.account, request.path)
        if path.startswith(files.UPLOADS) and request.method == "PUT":
            kind = request.headers.get("Content-Type", "")
            return files.store(self.account, request.path, kind, await request.read())
        if path == "/favicon.ico":
            return web.Response(status=404)  # browsers ask for it by themselves; it is no API call
        if path.rstrip("/") in {"", "/desk"}:
            return await self._serve_desk(request)
        return await self._serve_api(request, path)

    async def _serve_desk(self, request: web.Request) -> web.StreamResponse:
        problem = None
        if request.method == "POST":
            try:
                form = await request.post()
            except ValueError:  # not a form
                return web.Response(status=400, text="The request is not a form.")
            problem = desk_page.press(self.warehouse, self.deliveries, form)
            if problem is None:
                raise web.HTTPSeeOther("/desk")
        page = desk_page.render(self.account, problem)
        return web.Response(text=page, content_type="text/html", headers=desk_page.HEADERS)

    async def _serve_api(self, request: web.Request, path: str) -> web.StreamResponse:
        self.requests += 1
        fault, latency = self.faults.draw(path)
        if fault is not None:
            log.info("%s %s meets a fault: the server %s", request.method, request.path, fault.kind.value)
            if fault.kind is not FaultKind.DROP_RESPONSE:
                return _misbehave(request, fault)
        response = await self._respond(request, path, latency)
        status = response.status
        log.info("%s %s: status %s%s", request.method, request.path, status, _REASONS.get(status, ""))
        if fault is not None:
            return _close_connection(request)
        return web.Response(
            status=status,
            body=response.body,
            headers=INFERRED if response.inferred else None,
            content_type="application/json",
            charset="utf-8",
        )

    async def _respond(self, request: web.Request, path: str, latency: float) -> ApiResponse:
        if (request.content_length or 0) > _MAX_BODY:
            return self._api.refuse(413)
        body = await request.read()
        if len(body) > _MAX_BODY:
            return self._api.refuse(413)
        return await self._api.respond(
            ApiCall(request.method, path, request.headers, request.query, body), latency
        )

    def _later(self, seconds: float, step: Callable[[], None]) -> None:
        """Take a step of the account after some seconds."""

        async def wait() -> None:
            await self._sleep(seconds)
            step()

        task = asyncio.create_task(wait())
        self._steps.add(task)
        task.add_done_callback(self._steps.discard)


def _misbehave(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault.kind is FaultKind.DROP_REQUEST:
        return _close_connection(request)
    if fault.kind is FaultKind.HTML:
        return web.Response(status=fault.status, text=_GATEWAY_PAGE, content_type="text/html")
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    return web.Response(status=fault.status, headers=headers)


def _close_connection(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _each_in_seconds(delays: object) -> list[float]:
    if not isinstance(delays, Sequence) or isinstance(delays, str):
        raise ConfigurationError(f"retry_delays must be a sequence, not {format_value(delays)}")
    return [to_seconds("retry_delays", delay, zero=True) for delay in delays]

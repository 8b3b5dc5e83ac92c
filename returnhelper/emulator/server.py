"""Emulator: the server around the account."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random as _random
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Final, Self, TypeAlias

import attrs
from aiohttp import web

from returnhelper._time import Clock, Sleep
from returnhelper._wire import NotJSON, decode, encode
from returnhelper.config import Environment
from returnhelper.emulator import desk, lookups, recalls, resends, return_inventories, return_shipments, vas
from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.account import now as _now
from returnhelper.emulator.delivery import Deliveries, log
from returnhelper.emulator.faults import FaultKind, Faults
from returnhelper.emulator.form import BodyReader, SoftError
from returnhelper.emulator.warehouse import Warehouse
from returnhelper.errors import ConfigurationError
from returnhelper.webhooks.signature import Endpoint

SIGNING_KEY: Final = (
    "ZW11bGF0b3Igc2lnbmluZyBrZXksIGZvciB0ZXN0cyBhbmQgZGVtb25zdHJhdGlvbnMgb25seSEhISEhISEhIQ=="
)
"""A made-up signing key, for those who need none of their own."""

_PAGE: Final = "<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
_MAX_BODY: Final = 4 * 1024 * 1024
_PIXEL: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000"
    "0500010d0a2db40000000049454e44ae426082"
)
_PDF: Final = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)

_WHY: Final = {
    401: ", other key or token than the emulator's",
    404: ", not covered by the emulator",
    409: ", the idempotency key is in use or came with other content",
}

_Handler: TypeAlias = Callable[[Account, ApiRequest], Payload]

_ROUTES: Final[dict[tuple[str, str], _Handler]] = {
    ("GET", "/user/api/apibalance/getapibalance"): lookups.balance,
    ("GET", "/user/api/warehouse/getallwarehouse"): lookups.warehouses,
    ("GET", "/user/api/shipment/getavailableshipmentservicetype"): lookups.available_services,
    ("GET", "/user/api/shipment/list"): return_shipments.list_,
    ("POST", "/user/api/returnshipment/createreturnshipment"): return_shipments.create,
    ("POST", "/user/api/label/cancellabel"): return_shipments.cancel_label,
    ("GET", "/user/api/returninventory/getreturninventory"): return_inventories.get,
    ("GET", "/user/api/returninventory/list"): return_inventories.list_,
    ("POST", "/user/api/returninventory/updatereturninventoryhandling"): return_inventories.update_handling,
    ("POST", "/user/api/returninventory/cancelreturninventoryhandling"): return_inventories.cancel_handling,
    ("POST", "/user/api/resend/createresend"): resends.create,
    ("GET", "/user/api/resend/getresend"): resends.get,
    ("POST", "/user/api/resend/cancelresend"): resends.cancel,
    ("POST", "/user/api/recall/createrecallbyreturninventoryid"): recalls.create,
    ("POST", "/user/api/recall/cancelrecallbyreturninventoryid"): recalls.cancel_by_inventory,
    ("POST", "/user/api/vas/createbyreturninventoryid"): vas.create,
    ("GET", "/public/api/handling/getallhandlings"): lookups.handlings,
    ("GET", "/public/api/vas/getallvas"): lookups.vas,
    ("GET", "/public/api/resendstatus/getallresendstatus"): lookups.resend_statuses,
}


@attrs.define
class _Kept:
    """What an idempotency key stands for; `answer` is None while the first request runs."""

    digest: bytes
    answer: bytes | None = None


class Emulator:
    """A local Return Helper server for one account; see the package's docstring.

    `host` and `port` say where to listen (port 0: any free one), `label_delay` how many seconds a label takes,
    `duplicates` and `reorder` how deliveries misbehave. `seed` makes the misbehaviour repeatable.
    """

    def __init__(
        self,
        *,
        api_key: str = "emulator-key",
        api_token: str = "emulator-token",  # noqa: S107 - made up
        signing_key: str = SIGNING_KEY,
        webhook_url: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        balance: Decimal = Decimal("100000.000"),
        label_delay: float = 0.0,
        duplicates: float = 0.0,
        reorder: float = 0.0,
        retry_delays: Sequence[float] | None = None,
        seed: int = 1,
        clock: Clock = _now,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        _check(signing_key, port=port, duplicates=duplicates, reorder=reorder, label_delay=label_delay)
        random = _random.Random(seed)  # noqa: S311 - no secret comes from it
        timing = {} if retry_delays is None else {"retry_delays": retry_delays}
        self.deliveries: Final = Deliveries(
            signing_key=signing_key,
            url=webhook_url,
            random=random,
            clock=clock,
            sleep=sleep,
            duplicates=duplicates,
            reorder=reorder,
            **timing,
        )
        self.account: Final = Account(deliveries=self.deliveries, clock=clock, balance=balance)
        self.warehouse: Final = Warehouse(self.account)
        self.faults: Final = Faults(random)
        self.requests = 0
        self.label_delay = label_delay
        self._api_key, self._api_token = api_key, api_token
        self._host, self._port = host, port
        self._sleep, self._random = sleep, random
        self._kept: dict[tuple[str, str, str], _Kept] = {}
        self._labels: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    def __repr__(self) -> str:
        return f"<Emulator {self._url()}>" if self._runner else "<Emulator, not running>"

    @property
    def environment(self) -> Environment:
        """The environment to call; while the emulator runs."""
        return Environment.custom(user_url=f"{self.url}/user", public_url=f"{self.url}/public")

    @property
    def url(self) -> str:
        """Where the emulator listens; while it runs."""
        if self._runner is None:
            raise ConfigurationError("The emulator does not run; use `async with Emulator(...) as emu`.")
        return self._url()

    def _url(self) -> str:
        return f"http://{self._host}:{self._port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Listen."""
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as e:
            await runner.cleanup()
            reason = os.strerror(e.errno) if e.errno else str(e)
            raise ConfigurationError(
                f"Cannot listen on {self._url()}: {reason}. Choose another port or host."
            ) from e
        self._port = int(runner.addresses[0][1])
        self._runner = runner
        self.account.files_url = f"{self.url}/files"

    async def aclose(self) -> None:
        """Stop listening and delivering; nothing keeps running."""
        for task in set(self._labels):
            task.cancel()
        await asyncio.gather(*self._labels, return_exceptions=True)
        await self.deliveries.aclose()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def settled(self) -> None:
        """Wait until all queued labels are made and nothing is on its way any more."""
        while self._labels:
            await asyncio.wait(set(self._labels))
        await self.deliveries.drained()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        # ASP.NET style, so paths match in any case (inferred).
        path = request.path.lower()
        if path.startswith("/files/"):
            return _file(path)
        if path.rstrip("/") in {"", "/desk"}:
            return await self._serve_desk(request)
        self.requests += 1
        fault, late = self.faults.draw(path)
        if fault is not None:
            log.info("%s %s meets a fault: %s", request.method, request.path, fault.kind.value)
        if fault is not None and fault.kind is not FaultKind.DROP_ANSWER:
            if fault.kind is FaultKind.DROP_REQUEST:
                return _hang_up(request)
            if fault.kind is FaultKind.HTML:
                return web.Response(status=fault.status, text=_PAGE, content_type="text/html")
            headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
            return web.Response(status=fault.status, headers=headers)
        status, answer = await self._answer(request, path, late)
        log.info("%s %s answered %s%s", request.method, request.path, status, _WHY.get(status, ""))
        if fault is not None:
            return _hang_up(request)
        return web.Response(status=status, body=answer, content_type="application/json", charset="utf-8")

    async def _serve_desk(self, request: web.Request) -> web.StreamResponse:
        problem = None
        if request.method == "POST":
            # a page of another site must not press buttons here
            if request.headers.get("Origin") not in {None, f"http://{request.host}"}:
                return web.Response(status=403)
            problem = desk.act(self.warehouse, await request.post())
            if problem is None:
                raise web.HTTPSeeOther("/desk")
        return web.Response(text=desk.page(self.account, problem), content_type="text/html")

    async def _answer(self, request: web.Request, path: str, late: float) -> tuple[int, bytes]:
        given = (request.headers.get("x-rr-apikey"), request.headers.get("x-rr-apitoken"))
        if given != (self._api_key, self._api_token):
            return 401, self._envelope(401)  # that 401 is a real one is documented, its body is not
        handler = _ROUTES.get((request.method, path))
        if handler is None:
            return 404, b""
        body = await request.read()
        key = request.headers.get("x-returnhelper-idempotency-key")
        if key is None or request.method == "GET":
            await self._work(late)
            return 200, self._act(handler, request.query, body)
        # Scope account + method + path, same body gives the stored answer, all else a conflict (inferred).
        digest = hashlib.sha256(body).digest()
        kept = self._kept.get((request.method, path, key))
        if kept is not None:
            if kept.answer is None or kept.digest != digest:
                return 409, self._envelope(409)
            return 200, kept.answer
        kept = self._kept[request.method, path, key] = _Kept(digest)
        try:
            await self._work(late)
            kept.answer = self._act(handler, request.query, body)
        except BaseException:
            del self._kept[request.method, path, key]
            raise
        return 200, kept.answer

    async def _work(self, seconds: float) -> None:
        if seconds:
            await self._sleep(seconds)

    def _act(self, handler: _Handler, query: Mapping[str, str], body: bytes) -> bytes:
        try:
            form = BodyReader(decode(body) if body else {})
        except NotJSON:
            return self._envelope(
                400, code="VALIDATION_FAILED", error={"$": "The request is not valid JSON."}
            )
        try:
            answer = handler(self.account, ApiRequest(form, BodyReader(dict(query))))
        except SoftError as refused:
            log.info("refused: %s %s", refused.code, refused.error)
            return self._envelope(400, code=refused.code, error=refused.error)
        if handler is return_shipments.create:
            self._queue_label()
        return self._envelope(200, payload=answer)

    def _envelope(
        self,
        status: int,
        *,
        payload: Payload | None = None,
        code: str | None = None,
        error: Payload | None = None,
    ) -> bytes:
        meta = {"status": status, "data": {}, "errorCode": code, "error": error or {}}
        trace = f"0EMU{self._random.getrandbits(36):09X}:{self.requests:08}"
        return encode({"correlationId": trace, "meta": meta, **(payload or {})})

    def _queue_label(self) -> None:
        shipment = next(reversed(self.account.shipments.values()))

        async def make() -> None:
            await self._sleep(self.label_delay)
            return_shipments.make_label(self.account, shipment)

        task = asyncio.ensure_future(make())
        self._labels.add(task)
        task.add_done_callback(self._labels.discard)


def _check(signing_key: str, *, port: int, duplicates: float, **seconds: float) -> None:
    """Refuse arguments that would only fail later, or in silence."""
    Endpoint("http://127.0.0.1/", signing_key)
    if not 0 <= port <= 65535:
        raise ConfigurationError("port must be between 0 and 65535; 0 takes any free one.")
    if not 0 <= duplicates <= 1:
        raise ConfigurationError("duplicates must be between 0 and 1: it is a share of the events.")
    for name, value in seconds.items():
        if value < 0:
            raise ConfigurationError(f"{name} must not be negative: it is a number of seconds.")


def _hang_up(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _file(path: str) -> web.Response:
    if path.endswith(".pdf"):
        return web.Response(body=_PDF, content_type="application/pdf")
    return web.Response(body=_PIXEL, content_type="image/png")

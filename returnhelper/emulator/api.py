"""Api: one API call, from its bytes to the envelope around its result."""

from __future__ import annotations

import hashlib
import random as _random
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import attrs

from returnhelper._time import Sleep
from returnhelper._wire import NotJSON, decode, encode
from returnhelper.emulator import (
    balances,
    labels,
    lookups,
    recalls,
    resends,
    return_inventories,
    return_shipments,
    service_types,
    shipments,
    vas,
    warehouses,
)
from returnhelper.emulator.account import Account, ApiRequest, Payload, Shipment
from returnhelper.emulator.deliveries import log
from returnhelper.emulator.reader import MemberReader, SoftError

_Handler: TypeAlias = Callable[[Account, ApiRequest], Payload]

_ROUTES: Final[dict[tuple[str, str], _Handler]] = {
    ("GET", "/user/api/apibalance/getapibalance"): balances.get,
    ("GET", "/user/api/warehouse/getallwarehouse"): warehouses.list_,
    ("GET", "/user/api/shipment/getavailableshipmentservicetype"): service_types.available,
    ("GET", "/user/api/shipment/list"): shipments.list_,
    ("POST", "/user/api/returnshipment/createreturnshipment"): return_shipments.create,
    ("POST", "/user/api/label/cancellabel"): labels.cancel,
    ("GET", "/user/api/returninventory/getreturninventory"): return_inventories.get,
    ("GET", "/user/api/returninventory/list"): return_inventories.list_,
    ("POST", "/user/api/returninventory/updatereturninventoryhandling"): return_inventories.update_handling,
    ("POST", "/user/api/returninventory/cancelreturninventoryhandling"): return_inventories.cancel_handling,
    ("POST", "/user/api/resend/createresend"): resends.create,
    ("GET", "/user/api/resend/getresend"): resends.get,
    ("POST", "/user/api/resend/cancelresend"): resends.cancel,
    ("POST", "/user/api/recall/createrecallbyreturninventoryid"): recalls.create,
    ("POST", "/user/api/recall/cancelrecallbyreturninventoryid"): recalls.cancel,
    ("POST", "/user/api/vas/createbyreturninventoryid"): vas.create,
    ("GET", "/public/api/handling/getallhandlings"): lookups.list_handlings,
    ("GET", "/public/api/vas/getallvas"): lookups.list_vas,
    ("GET", "/public/api/resendstatus/getallresendstatus"): lookups.list_resend_statuses,
}


@attrs.frozen
class ApiCall:
    """One API call as it arrived; the path is in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


@attrs.define
class _StoredResponse:
    """What an idempotency key stands for; `body` is None while the first request runs."""

    digest: bytes
    body: bytes | None = None


class Api:
    """The API of one account: check the credentials, honour idempotency keys, route, wrap the result."""

    def __init__(
        self,
        account: Account,
        *,
        api_key: str,
        api_token: str,
        random: _random.Random,
        sleep: Sleep,
        on_created: Callable[[Shipment], None],
    ) -> None:
        self._account = account
        self._credentials = (api_key, api_token)
        self._random = random
        self._sleep = sleep
        self._on_created = on_created
        self._stored: dict[tuple[str, str, str], _StoredResponse] = {}
        self._calls = 0

    async def respond(self, call: ApiCall, latency: float) -> tuple[int, bytes]:
        """Return the HTTP status and the body for a call, after `latency` seconds."""
        self._calls += 1
        credentials = (call.headers.get("x-rr-apikey"), call.headers.get("x-rr-apitoken"))
        if credentials != self._credentials:
            return 401, self._envelope(401)  # that this is a real 401 is documented, its body is not
        handler = _ROUTES.get((call.method, call.path))
        if handler is None:
            return 404, b""
        key = call.headers.get("x-returnhelper-idempotency-key")
        if key is None or call.method == "GET":
            await self._sleep_if(latency)
            return 200, self._handle(handler, call)
        # (inferred) The scope of a key is account, method and path; another body with it is a conflict.
        scope, digest = (call.method, call.path, key), hashlib.sha256(call.body).digest()
        stored = self._stored.get(scope)
        if stored is not None:
            if stored.body is None or stored.digest != digest:
                return 409, self._envelope(409)
            return 200, stored.body
        stored = self._stored[scope] = _StoredResponse(digest)
        try:
            await self._sleep_if(latency)
            stored.body = self._handle(handler, call)
        except BaseException:
            del self._stored[scope]
            raise
        return 200, stored.body

    async def _sleep_if(self, seconds: float) -> None:
        if seconds:
            await self._sleep(seconds)

    def _handle(self, handler: _Handler, call: ApiCall) -> bytes:
        try:
            body = MemberReader(decode(call.body) if call.body else {})
        except NotJSON:
            return self._envelope(
                400, code="VALIDATION_FAILED", error={"$": "The request is not valid JSON."}
            )
        try:
            payload = handler(self._account, ApiRequest(body, MemberReader(call.query)))
        except SoftError as error:
            log.info("refused: %s %s", error.code, error.error)
            return self._envelope(400, code=error.code, error=error.error)
        if handler is return_shipments.create:
            self._on_created(next(reversed(self._account.shipments.values())))
        return self._envelope(200, payload=payload)

    def _envelope(
        self,
        status: int,
        *,
        payload: Payload | None = None,
        code: str | None = None,
        error: Payload | None = None,
    ) -> bytes:
        meta = {"status": status, "data": {}, "errorCode": code, "error": error or {}}
        correlation_id = f"0EMU{self._random.getrandbits(36):09X}:{self._calls:08}"
        return encode({"correlationId": correlation_id, "meta": meta, **(payload or {})})

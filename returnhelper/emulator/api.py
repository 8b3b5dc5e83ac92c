"""Api: one API call, from its bytes to the envelope around its result."""

from __future__ import annotations

import hashlib
import random as _random
from collections.abc import Mapping
from typing import Final

import attrs
from multidict import MultiMapping

from returnhelper._time import Sleep
from returnhelper._wire import NotJSON, decode, encode_plain
from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.deliveries import log
from returnhelper.emulator.reader import MemberReader, SoftError
from returnhelper.emulator.routes import BY_REQUEST, Handler

_DIGEST_SIZE: Final = 16
_MOST_KEYS: Final = 20_000  # (inferred) how long the server remembers a key is not published
_MESSAGES: Final = {
    401: ("UNAUTHORIZED", "The key or the token is not the emulator's."),
    404: ("NOT_FOUND", "There is no operation {}."),
    409: ("CONFLICT", "The idempotency key is in use, or it came with another body."),
    413: ("PAYLOAD_TOO_LARGE", "The body is larger than the emulator accepts."),
}


@attrs.frozen
class ApiCall:
    """One API call as it arrived; the path is in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: MultiMapping[str]
    body: bytes


@attrs.frozen
class ApiResponse:
    """A response; `inferred` says that the vendor does not document it."""

    status: int
    body: bytes
    inferred: bool = False


@attrs.define
class _StoredResponse:
    """What an idempotency key stands for; `response` is None while the first request runs."""

    digest: bytes
    response: ApiResponse | None = None


class Api:
    """The API of one account: check the credentials, honour idempotency keys, route, wrap the result."""

    def __init__(
        self, account: Account, *, api_key: str, api_token: str, random: _random.Random, sleep: Sleep
    ) -> None:
        self._account = account
        self._credentials = (api_key, api_token)
        self._random = random
        self._sleep = sleep
        self._stored: dict[bytes, _StoredResponse] = {}
        self._calls = 0

    async def respond(self, call: ApiCall, latency: float) -> ApiResponse:
        """Return the response to a call, after `latency` seconds."""
        self._calls += 1
        credentials = (call.headers.get("x-rr-apikey"), call.headers.get("x-rr-apitoken"))
        if credentials != self._credentials:
            return self.refuse(401)
        found = BY_REQUEST.get((call.method, call.path))
        if found is None:
            return self.refuse(404, f"{call.method} {call.path}")
        route, inferred = found
        key = call.headers.get("x-returnhelper-idempotency-key")
        if key is None or call.method == "GET":
            await self._sleep_if(latency)
            return self._handle(route.handler, call, inferred=inferred)
        # (inferred) The scope of a key is account, method and path; another body with it is a conflict.
        digest = _digest(call.body)
        scope = _digest(f"{call.path} {key}".encode("utf-8", "surrogateescape"))
        stored = self._stored.get(scope)
        if stored is not None:
            if stored.response is None or stored.digest != digest:
                return self.refuse(409)
            return stored.response
        stored = self._stored[scope] = _StoredResponse(digest)
        self._forget_the_oldest()
        try:
            await self._sleep_if(latency)
            stored.response = self._handle(route.handler, call, inferred=inferred)
        except BaseException:
            self._stored.pop(scope, None)
            raise
        return stored.response

    def _forget_the_oldest(self) -> None:
        oldest = next(iter(self._stored))
        if len(self._stored) > _MOST_KEYS and self._stored[oldest].response is not None:
            del self._stored[oldest]

    def refuse(self, status: int, about: str = "") -> ApiResponse:
        """Return a real HTTP refusal in an envelope; its codes and its body are inferred."""
        code, message = _MESSAGES[status]
        text = message.format(about[:200])
        return ApiResponse(status, self._envelope(status, code=code, error={"$": text}), inferred=True)

    async def _sleep_if(self, seconds: float) -> None:
        if seconds:
            await self._sleep(seconds)

    def _handle(self, handler: Handler, call: ApiCall, *, inferred: bool) -> ApiResponse:
        try:
            body = MemberReader(decode(call.body) if call.body else {})
        except NotJSON:
            error: Payload = {"$": "The request is not valid JSON."}
            return ApiResponse(200, self._envelope(400, code="VALIDATION_FAILED", error=error), inferred=True)
        try:
            payload = handler(self._account, ApiRequest(body, MemberReader(_plain(call.query))))
        except SoftError as refused:
            log.info("refused: %s %s", refused.code, refused.error)
            return ApiResponse(
                200, self._envelope(400, code=refused.code, error=refused.error), refused.inferred
            )
        return ApiResponse(200, self._envelope(200, payload=payload), inferred)

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
        return encode_plain({"correlationId": correlation_id, "meta": meta, **(payload or {})})


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_SIZE).digest()


def _plain(query: MultiMapping[str]) -> dict[str, object]:
    """Return a query as an object; a member that is repeated is a list."""
    return {name: values[0] if len(values := query.getall(name)) == 1 else values for name in set(query)}

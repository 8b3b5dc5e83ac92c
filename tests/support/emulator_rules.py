"""The rules of the catalogs (``x-rules``), and which test proves each of them in the emulator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, TypeVar

import aiohttp
import attrs

from returnhelper._wire import encode
from returnhelper.emulator import Emulator
from returnhelper.emulator.routes import ROUTES
from tests.support.catalogs import load, operations

F = TypeVar("F", bound=Callable[..., object])

KEYS = {"x-rr-apikey": "key", "x-rr-apitoken": "token"}
PROVEN: dict[tuple[str, str], str] = {}
"""Operation and rule -> the test that proves it; filled by `proves` and by the table of refusals."""


def rules() -> Iterator[tuple[str, str]]:
    """Yield every rule with its operation."""
    for catalog in ("user-core", "user-fba-outbound", "public"):
        for methods in load(catalog)["paths"].values():
            for spec in methods.values():
                if isinstance(spec, dict) and spec.get("operationId") in operations():
                    yield from ((spec["operationId"], text) for text in spec.get("x-rules", ()))


def mark(test: str, operation: str, beginning: str) -> None:
    """Note that a test proves the rule that begins so; `*` is every operation that has it."""
    found = [
        (op, text)
        for op, text in rules()
        if text.startswith(beginning) and (operation == "*" or op == operation)
    ]
    assert found, f"no rule of {operation} begins with {beginning!r}"
    PROVEN.update(dict.fromkeys(found, test))


def proves(operation: str, *beginnings: str) -> Callable[[F], F]:
    """Mark a test as the proof of rules of an operation."""

    def wrap(test: F) -> F:
        for beginning in beginnings:
            mark(test.__name__, operation, beginning)
        return test

    return wrap


@attrs.frozen
class Api:
    """The emulator's API without the client, which would refuse much before sending."""

    emu: Emulator
    http: aiohttp.ClientSession

    async def call(self, operation: str, /, **members: Any) -> dict[str, Any]:
        """Call an operation; return its whole response."""
        body, _ = await self.call_with_headers(operation, **members)
        return body

    async def call_with_headers(
        self, operation: str, /, **members: Any
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Call an operation; return its whole response and the headers."""
        route = next(route for route in ROUTES if route.operation == operation)
        sent: dict[str, Any]
        if route.method == "GET":
            sent = {"params": {name: value for name, value in members.items() if value is not None}}
        else:
            sent = {"data": encode(members)}
        async with self.http.request(route.method, self.emu.url + route.path, headers=KEYS, **sent) as r:
            assert r.status == 200
            return json.loads(await r.read(), parse_float=Decimal), dict(r.headers)

"""Every operation of the catalogs succeeds in the emulator, and its response is what the catalog says."""

from __future__ import annotations

import json
import warnings
from collections.abc import AsyncIterable, AsyncIterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from returnhelper import APIError, ReturnHelper
from returnhelper.emulator import Emulator
from returnhelper.emulator.routes import ROUTES
from tests.support import coverage_core, coverage_fba, emulator_world
from tests.support.catalogs import Documented, Schema, deviations, operations
from tests.support.emulator_world import World

# Members of which the catalog knows another name or that it knows from older pages only, and which therefore do not print.
NOT_PRINTED = {
    "labelRequestId": "left the pages",
    "fromEamil": "misspelled in a table, samples print fromEmail",
    "toEamil": "misspelled in a table, samples print toEmail",
    "warehosueRemarks": "misspelled in a table, samples print warehouseRemarks",
    "shippingFeeDetailList": "at top level in a table, below data in the sample",
}
TOP_LEVEL = {
    "getAllReturnServiceType.data": "accepted for safety only",
    "getPreSignedUploadUrl.data": "accepted for safety only",
    "listShipments.returnRequestId": "an artefact of the new sample",
}


class Recorder:
    """Keeps the body of every response that a session reads."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, str, bytes]] = []
        self._chunks: dict[int, bytes] = {}
        self.trace = aiohttp.TraceConfig(trace_config_ctx_factory=self._context)
        self.trace.on_request_start.append(self._start)
        self.trace.on_response_chunk_received.append(self._chunk)

    def _context(self, **_: object) -> SimpleNamespace:
        return SimpleNamespace()

    async def _start(self, _: object, __: object, given: Any) -> None:
        self.bodies.append((given.method, given.url.path.lower(), b""))

    async def _chunk(self, _: object, __: object, given: Any) -> None:
        method, path, body = self.bodies[-1]
        self.bodies[-1] = method, path, body + given.chunk

    def last(self, op: Documented) -> Any:
        """Return the body of the last response of an operation."""
        wanted = op.method, f"/{op.api}{op.path}".lower()
        return json.loads(
            next(body for method, path, body in reversed(self.bodies) if (method, path) == wanted),
            parse_float=Decimal,
        )


@pytest.fixture
async def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def world(emu: Emulator, recorder: Recorder) -> AsyncIterator[World]:
    async with (
        aiohttp.ClientSession(trace_configs=[recorder.trace]) as session,
        ReturnHelper(
            api_key="key", api_token="token", environment=emu.environment, session=session
        ) as client,
    ):
        yield World(emu, client)


async def invoke(call: coverage_core.SampleCall, rh: ReturnHelper) -> object:
    """Make a call; read a list to its end."""
    result = call(rh)
    if isinstance(result, AsyncIterable):
        return [row async for row in result]
    return await result


async def refusal(call: coverage_core.SampleCall, rh: ReturnHelper) -> APIError | None:
    """Make a call; return the error that the API responded with, if any."""
    try:
        await invoke(call, rh)
    except APIError as error:
        return error
    return None


def printed(path: str, _: Schema) -> bool:
    """Return whether a member has to print."""
    name = path.rpartition(".")[2]
    wrapped = ".data." in path and name in NOT_PRINTED and name == "shippingFeeDetailList"
    return wrapped or (name not in NOT_PRINTED and path not in TOP_LEVEL)


async def test_every_operation(world: World, recorder: Recorder, capsys: Any) -> None:
    """All 82 operations succeed through the client, and their responses have every documented member, and no other."""
    found: dict[str, list[str]] = {}
    for op in operations().values():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            if op.id in emulator_world.CALLS:
                await emulator_world.CALLS[op.id](world)
            else:
                await invoke(coverage_fba.CALLS[op.id].complete, world.rh)
        body = recorder.last(op)
        assert body["meta"] == {"status": 200, "data": {}, "errorCode": None, "error": {}}, op.id
        if problems := sorted(set(deviations(op.catalog, op.response, body, op.id, printed=printed))):
            found[op.id] = problems
    with capsys.disabled():
        print(f"\n{len(operations()) - len(found)} of {len(operations())} operations of the emulator")
    assert found == {}


async def test_the_client_calls_of_the_conformance_test(emu: Emulator, rh: ReturnHelper) -> None:
    """Each call of the client's conformance test is answered as the API would: by a success or by a soft error."""
    for calls in (coverage_core.CALLS | coverage_fba.CALLS).values():
        for call in calls:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                refused = await refusal(call, rh)
            assert refused is None or (refused.http_status, refused.status) == (200, 400)
            assert refused is None or refused.fields


def test_routes_are_those_of_the_catalogs() -> None:
    """The routes are the documented operations with their methods and paths, no more and no fewer."""
    documented = {op.id: (op.method, f"/{op.api}{op.path}".lower()) for op in operations().values()}
    assert {route.operation: (route.method, route.path.lower()) for route in ROUTES} == documented

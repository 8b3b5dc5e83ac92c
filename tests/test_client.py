"""The client: event loops, closing, and single calls."""

from __future__ import annotations

import asyncio
import gc
import http.server
import inspect
import json
import pydoc
import threading
import warnings
from collections.abc import Iterator
from typing import Annotated

import attrs
import pytest
from aioresponses import aioresponses

from returnhelper import (
    Acknowledgement,
    ConfigurationError,
    Environment,
    RequestInvalid,
    RequestOptions,
    ReturnHelper,
    UnexpectedContent,
    ValidationFailed,
)
from returnhelper._lazy import lazy_property
from returnhelper._request import Operation
from returnhelper._validation import Between, Parameters
from returnhelper._wire import Model, model
from returnhelper.resources._base import Resource
from tests.support.server import KEY, TOKEN, Script, client

BASE = "https://api.returnshelper.com/uat/user"
WRITE = Operation("Recall/Create", "POST", "/api/Recall/create", params=Parameters(n=int))
LIST = Operation("Recall/List", "GET", "/api/Recall/list", payload=("data", "recallList"))
OLD = Operation("Recall/Old", "GET", "/api/Recall/old", deprecated="Recall/List")
META = {"status": 200, "data": {}, "errorCode": None, "error": {}}


@model
class Thing(Model):
    thing_id: int
    name: str | None = None


class Things(Resource):
    async def create(self, options: RequestOptions | None = None) -> Thing:
        return await self._one(WRITE, Thing, options, n=1)

    async def list(self) -> object:
        return await self._many(LIST, Thing, None)

    async def old(self) -> Acknowledgement:
        return await self._one(OLD, Acknowledgement, None)


def things(rh: ReturnHelper) -> Things:
    return Things(rh._transport)


@pytest.fixture
def sandbox() -> Iterator[aioresponses]:
    """Mock the vendor's sandbox as users of the package do."""
    with aioresponses() as mocked:
        yield mocked


async def test_a_typed_result(sandbox: aioresponses) -> None:
    """A result is typed and has its correlation id, bytes, headers and key."""
    sandbox.post(BASE + WRITE.path, payload={"correlationId": "c-9", "meta": META, "thingId": "5"})
    async with ReturnHelper(api_key=KEY, api_token=TOKEN) as rh:
        thing = await things(rh).create(RequestOptions(idempotency_key="k-1"))
    assert (thing.thing_id, thing.correlation_id) == (5, "c-9")
    assert thing.response is not None
    assert thing.response.idempotency_key == "k-1"
    assert json.loads(thing.response.body)["thingId"] == "5"
    assert thing.response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("payload", "ids"),
    [
        ({"data": [{"thingId": 1}, {"thingId": 2}]}, [1, 2]),
        ({"recallList": [{"thingId": 1}], "totalNumberOfRecords": 7}, [1]),
        ({"data": None}, []),
        ({"data": []}, []),
        ({}, []),
        ({"data": {"items": [{"thingId": 3}]}}, [3]),
    ],
)
async def test_lists_under_any_documented_name(
    sandbox: aioresponses, payload: dict[str, object], ids: list[int]
) -> None:
    """A list is read from the newest member name first; a missing list is empty."""
    sandbox.get(BASE + LIST.path, payload={"correlationId": "c", "meta": META, **payload})
    async with ReturnHelper(api_key=KEY, api_token=TOKEN) as rh:
        found = await things(rh).list()
    assert [thing.thing_id for thing in found] == ids  # type: ignore[attr-defined]
    assert found.total == payload.get("totalNumberOfRecords")  # type: ignore[attr-defined]


async def test_a_response_that_does_not_fit(sandbox: aioresponses) -> None:
    """The error names the path and keeps the response: the call itself succeeded."""
    sandbox.post(BASE + WRITE.path, payload={"correlationId": "c", "meta": META, "thingId": "five"})
    async with ReturnHelper(api_key=KEY, api_token=TOKEN) as rh:
        with pytest.raises(UnexpectedContent, match="thingId") as caught:
            await things(rh).create()
    assert caught.value.response is not None
    assert caught.value.idempotency_key == caught.value.response.idempotency_key is not None


async def test_soft_errors_are_raised(sandbox: aioresponses) -> None:
    """HTTP 200 with meta.status 400 is ValidationFailed."""
    meta = {
        "status": 400,
        "data": {},
        "errorCode": "VALIDATION_FAILED",
        "error": {"weight": "must be above 0"},
    }
    sandbox.post(BASE + WRITE.path, payload={"correlationId": "c", "meta": meta})
    async with ReturnHelper(api_key=KEY, api_token=TOKEN) as rh:
        with pytest.raises(ValidationFailed) as caught:
            await things(rh).create()
    assert caught.value.fields == {"weight": "must be above 0"}


async def test_deprecated_operations_warn_where_they_are_called(sandbox: aioresponses) -> None:
    """The warning points to the caller's line."""
    sandbox.get(BASE + OLD.path, payload={"correlationId": "c", "meta": META})
    async with ReturnHelper(api_key=KEY, api_token=TOKEN) as rh:
        with pytest.warns(DeprecationWarning, match="use Recall/List") as caught:
            await things(rh).old()
    assert caught[0].filename == __file__


async def test_china_has_no_public_url() -> None:
    """Lookups in China raise an error: no base URL is documented."""
    lookup = Operation("Country/Get", "GET", "/api/country", api="public")
    async with ReturnHelper(api_key=KEY, api_token=TOKEN, environment=Environment.PRODUCTION_CHINA) as rh:
        with pytest.raises(ConfigurationError, match="Public API"):
            await rh._transport.call(lookup)


def test_limits_can_be_switched_off() -> None:
    """Broken limits raise RequestInvalid, unless the client or the call says otherwise; types are always checked."""
    op = attrs.evolve(LIST, params=Parameters(page_size=Annotated[int, Between(1, 5)]))
    strict, loose = ReturnHelper("k", "t"), ReturnHelper("k", "t", check_limits=False)
    off, on = RequestOptions(check_limits=False), RequestOptions(check_limits=True)
    with pytest.raises(RequestInvalid, match="pageSize: must be 1 to 5, not 6"):
        things(strict)._check(op, None, {"page_size": 6})
    things(strict)._check(op, None, {"page_size": 5})
    things(strict)._check(op, off, {"page_size": 6})
    things(loose)._check(op, None, {"page_size": 6})
    with pytest.raises(RequestInvalid):
        things(loose)._check(op, on, {"page_size": 6})
    with pytest.raises(RequestInvalid, match="pageSize: must be a whole number, not '6'"):
        things(loose)._check(op, off, {"page_size": "6"})


class _Responder(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"correlationId": "c", "meta": META, "thingId": 1}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        pass


@pytest.fixture
def threaded() -> Iterator[str]:
    """Run a server outside of any event loop."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Responder) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_one_client_for_several_loops(threaded: str) -> None:
    """A client made outside of any loop works in one loop after another, and can be closed twice."""
    rh = client(threaded)

    async def use() -> int:
        async with rh:
            await asyncio.gather(*(things(rh).create() for _ in range(5)))
            thing = await things(rh).create()
        await rh.aclose()
        return thing.thing_id

    assert [asyncio.run(use()) for _ in range(3)] == [1, 1, 1]


def test_loops_in_several_threads(threaded: str) -> None:
    """Loops that run at the same time have separate sessions."""
    rh = client(threaded)
    found: list[int] = []

    async def use() -> None:
        for _ in range(10):
            found.append((await things(rh).create()).thing_id)
        await rh.aclose()

    threads = [threading.Thread(target=lambda: asyncio.run(use())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 40


def test_a_loop_that_ended_without_closing(threaded: str) -> None:
    """The next loop opens its own session."""
    rh = client(threaded)

    async def use(*, close: bool) -> int:
        thing = await things(rh).create()
        if close:
            await rh.aclose()
        return thing.thing_id

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ResourceWarning
        )  # asyncio's own, for the sockets of the loop that is gone
        assert asyncio.run(use(close=False)) == 1
        assert asyncio.run(use(close=True)) == 1
        gc.collect()


async def test_an_unclosed_client_warns(script: Script) -> None:
    """A client that is not closed gives a ResourceWarning; an unused or closed one does not."""
    script.respond({"thingId": 1})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ReturnHelper("k", "t")
        gc.collect()
    rh = client(script.url)
    await things(rh).create()
    (state,) = rh._sessions._states.values()
    with pytest.warns(ResourceWarning, match="was not closed"):
        rh = None  # type: ignore[assignment] # its last reference
    assert not state.closed
    await state.aclose()


async def test_resources_are_freed_with_the_client(script: Script) -> None:
    """A closed client needs no garbage collection."""
    script.respond({"thingId": 1})
    async with client(script.url) as rh:
        await things(rh).create()
        shipments = rh.shipments
        assert repr(shipments) == "<Shipments of <Transport to custom>>"


def test_help_shows_every_resource() -> None:
    """`help(ReturnHelper)` shows each resource with its line, and not the object that makes it."""
    page = pydoc.plain(pydoc.render_doc(ReturnHelper))
    resources = [name for name, value in vars(ReturnHelper).items() if isinstance(value, lazy_property)]
    assert len(resources) == 17
    for name in resources:
        doc = inspect.getdoc(vars(ReturnHelper)[name])
        assert doc
        assert f" |  {name}\n |      {doc}\n" in page
    assert "object at 0x" not in page
    assert "cached_property" not in page


def test_resources_can_be_replaced_in_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resource is made once, and a test may put a stand-in there and take it away again."""
    rh = ReturnHelper("key-1", "token-1")
    labels, stand_in = rh.labels, object()
    assert rh.labels is labels
    with monkeypatch.context() as patched:
        patched.setattr(rh, "labels", stand_in)
        assert rh.labels is stand_in
    assert rh.labels is labels
    del rh.labels
    assert rh.labels is not labels

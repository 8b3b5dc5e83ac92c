"""Sessions: one for each event loop and thread, and those that are passed in."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import aiohttp
import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from returnhelper import ConfigurationError, RequestOptions, RetryPolicy, ReturnHelper
from returnhelper._session import Sessions
from returnhelper.config import Timeouts
from tests.support.server import client, envelope


@attrs.define
class Backend:
    """The API and its storage on one server."""

    url: str = ""
    seen: list[web.Request] = attrs.field(factory=list)
    now: int = 0
    most: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await request.read()
            await asyncio.sleep(0.01)
            if request.path.endswith("GetPreSignedUploadUrl"):
                return envelope({"preSignedUrl": f"{self.url}/put", "fileKey": "k"})
            return web.Response(body=b"file") if request.path == "/get" else envelope({"balances": []})
        finally:
            self.now -= 1


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    """Serve API and storage."""
    backend = Backend()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", backend.handle)
    async with TestServer(app) as server:
        backend.url = str(server.make_url("/")).rstrip("/")
        yield backend


async def use_everything(rh: ReturnHelper, backend: Backend, tmp_path: Path) -> None:
    """Make a call, an upload and a download: four requests."""
    await rh.balances.list()
    await rh.files.upload(b"abc", filename="x.png")
    await rh.files.download(f"{backend.url}/get", tmp_path / "x")


REQUESTS = [
    ("GET", "/user/api/UserApiBalance/getUserApiBalance"),
    ("GET", "/public/api/file/GetPreSignedUploadUrl"),
    ("PUT", "/put"),
    ("GET", "/get"),
]


async def test_a_session_is_used_with_its_traces_and_middlewares(backend: Backend, tmp_path: Path) -> None:
    """Calls and transfers run the middlewares and traces of a session that was passed in."""
    traced: list[str] = []
    passed: list[str] = []
    bodies: list[bytes] = []

    async def on_start(_: object, __: object, params: aiohttp.TraceRequestStartParams) -> None:
        traced.append(params.url.path)

    async def log(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        passed.append(request.url.path)
        response = await handler(request)
        bodies.append(await response.read())  # as logging middlewares do; the body must be there all the same
        return response

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(on_start)
    async with aiohttp.ClientSession(trace_configs=[trace], middlewares=(log,)) as session:
        await use_everything(client(backend.url, session=session), backend, tmp_path)
    assert traced == passed == [request.path for request in backend.seen]
    assert [request.path for request in backend.seen][1:] == [path for _, path in REQUESTS][1:]
    assert bodies[-1] == (tmp_path / "x").read_bytes() == b"file"


async def test_a_session_is_used_with_its_proxy(backend: Backend, tmp_path: Path) -> None:
    """Calls and transfers use the proxy of a session that was passed in."""
    proxied: list[str] = []

    async def forward(request: web.BaseRequest) -> web.StreamResponse:
        proxied.append(str(request.url))
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method, request.url, data=await request.read(), headers=request.headers
            ) as response,
        ):
            return web.Response(
                status=response.status,
                body=await response.read(),
                headers={"Content-Type": response.headers["Content-Type"]},
            )

    runner = web.ServerRunner(web.Server(forward))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        async with aiohttp.ClientSession(proxy=f"http://127.0.0.1:{port}") as session:
            await use_everything(client(backend.url, session=session), backend, tmp_path)
    finally:
        await runner.cleanup()
    assert len(proxied) == len(backend.seen) == 4
    assert all(url.startswith(backend.url) for url in proxied)


async def test_defaults_of_a_session_are_for_the_api(backend: Backend, tmp_path: Path) -> None:
    """Default headers, cookies and passwords of a session are sent to the API, but not with transfers."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(
        headers={"X-Gateway": "g", "Authorization": "Basic abc", "user-agent": "mine"},
        cookies={"s": "1"},
        cookie_jar=jar,
    ) as session:
        await use_everything(client(backend.url, session=session), backend, tmp_path)
    call, slot, put, get = backend.seen
    for request in (call, slot):
        assert (request.headers["X-Gateway"], request.headers["Authorization"]) == ("g", "Basic abc")
        assert request.headers["Cookie"] == "s=1"
    for request in (put, get):
        assert not {"X-Gateway", "Authorization", "Cookie", "x-rr-apikey", "x-rr-apitoken"} & set(
            request.headers
        )
        assert request.headers["User-Agent"].startswith("returnhelper/")
    assert put.headers["Content-Length"] == "3"


@pytest.mark.parametrize("given", [True, False], ids=["session passed in", "own session"])
async def test_netrc_adds_no_password(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, given: bool
) -> None:
    """Passwords from .netrc are sent neither to the API nor with a signed address."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login planted password planted")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with aiohttp.ClientSession(trust_env=True) as session:
        async with session.get(f"{backend.url}/get") as response:
            assert response.request_info.headers["Authorization"]  # so it is read
        options = {"session": session} if given else {"trust_env": True}
        async with client(backend.url, **options) as rh:
            await use_everything(rh, backend, tmp_path)
            with_own = RequestOptions(headers={"Authorization": "Bearer mine"})
            monkeypatch.delenv("NETRC")
            await rh.balances.list(options=with_own)
    _, *ours, own = backend.seen
    assert [request.headers.get("Authorization") for request in ours] == [None] * 4
    assert own.headers["Authorization"] == "Bearer mine"


async def test_transfers_take_slots(backend: Backend, tmp_path: Path) -> None:
    """`max_concurrency` limits calls, uploads and downloads together."""
    async with client(backend.url, max_concurrency=3) as rh:
        await asyncio.gather(
            *(rh.files.download(f"{backend.url}/get", tmp_path / f"{n}") for n in range(12)),
            *(rh.files.upload(b"abc", filename=f"{n}.png") for n in range(12)),
            *(rh.balances.list() for n in range(12)),
        )
    assert backend.most == 3
    assert len(backend.seen) == 48


async def test_failed_transfers_free_their_slots(backend: Backend, tmp_path: Path) -> None:
    """Failed and cancelled transfers free their slots."""
    async with client(backend.url, max_concurrency=1, retry=RetryPolicy.NONE) as rh:
        for _ in range(3):
            with pytest.raises(ConfigurationError):
                await rh.files.upload(_broken(), filename="x.png", size=9)
            task = asyncio.ensure_future(rh.files.download(f"{backend.url}/get", tmp_path / "x"))
            await asyncio.sleep(0.005)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await asyncio.wait_for(use_everything(rh, backend, tmp_path), 5)


async def _broken() -> AsyncIterator[bytes]:
    yield b"abc"


def _in_a_loop_of_its_own() -> tuple[asyncio.AbstractEventLoop, aiohttp.ClientSession]:
    loop = asyncio.new_event_loop()

    async def make() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    return loop, loop.run_until_complete(make())


def test_a_session_of_another_loop_is_refused() -> None:
    """A session works only in the loop that created it; elsewhere an error says so before anything is sent."""
    loop, session = _in_a_loop_of_its_own()
    rh = client("http://127.0.0.1:9", session=session)
    with pytest.raises(ConfigurationError, match="belongs to another event loop"):
        asyncio.run(rh.warehouses.list())
    loop.run_until_complete(session.close())
    with pytest.raises(ConfigurationError, match="is closed"):
        asyncio.run(rh.warehouses.list())
    loop.close()


class RetryClient:
    """A wrapper around a session, like those of retry libraries."""

    closed = False

    def request(self, *args: object, **kwargs: object) -> None:
        """Never called."""


def test_a_wrapper_is_not_a_session() -> None:
    """The constructor refuses an object that only resembles a session."""
    with pytest.raises(ConfigurationError, match=r"^session must be a ClientSession.*RetryClient"):
        client("http://127.0.0.1:9", session=RetryClient())


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Switch threads after every microsecond."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_threads")
def test_threads_share_a_client() -> None:
    """Threads with a loop each open, find and remove the sessions of one client without disturbing each other."""
    given = cast(
        "aiohttp.ClientSession", SimpleNamespace(closed=False, headers={}, auth=None, trust_env=False)
    )
    sessions = Sessions(
        given=given,
        headers={},
        timeouts=Timeouts(),
        retry=RetryPolicy.NONE,
        max_concurrency=5,
        trust_env=False,
    )
    failures: list[BaseException] = []
    start = threading.Barrier(8)

    async def use(*, close: bool) -> None:
        state = sessions.current()
        assert sessions.current() is state
        if close:
            await sessions.aclose()
            assert sessions.current() is not state

    def run() -> None:
        try:
            start.wait()
            for _ in range(60):
                loops = [asyncio.new_event_loop() for _ in range(20)]
                for number, loop in enumerate(loops):
                    loop.run_until_complete(use(close=number == 0))
                for loop in loops:
                    loop.close()  # its state stays behind, for the next loop of any thread to clear away
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    asyncio.run(use(close=False))
    assert len(sessions._states) == 1

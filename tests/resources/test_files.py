"""Uploads and downloads with a storage host on a real socket."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from returnhelper import Environment, ReturnHelper, _storage
from returnhelper._address import Address
from returnhelper._storage import StorageTransport
from returnhelper.config import RequestOptions, RetryPolicy, Timeouts
from returnhelper.errors import (
    APIError,
    ConfigurationError,
    ConnectionFailed,
    RequestInvalid,
    RequestTimeout,
    ServerFault,
    TransportError,
    UnexpectedContent,
)
from returnhelper.resources.files import Files

KEY, TOKEN = "key-of-the-test", "token-of-the-test"
LABEL = bytes(range(256)) * 4000
QUICK = RetryPolicy(attempts=3, wait_initial=0)


class Storage:
    """The API's upload addresses and the storage host behind them."""

    def __init__(self) -> None:
        self.stored: list[tuple[dict[str, str], bytes]] = []
        self.requests: list[web.Request] = []
        self.faults: list[int] = []
        self.slot: dict[str, object] = {}
        self.gate = asyncio.Event()
        self.base = ""

    async def pre_signed(self, request: web.Request) -> web.Response:
        name = request.query["filename"]
        slot = {
            "preSignedUrl": f"{self.base}/put/{quote(name)}?X-Signature=a%2Fb%3D&x=+1",
            "filename": name,
            "fileKey": f"rr/api/files/2024/10/x/{name}",
            "contentType": request.query["mimeType"],
            "expires": "2024-10-04T06:55:23Z",
        }
        return web.json_response({"correlationId": "c-1", "meta": {"status": 200}, **slot, **self.slot})

    async def put(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.faults and (status := self.faults.pop(0)):
            return web.Response(status=status, text="<Error><Code>AccessDenied</Code><S>a/b=</S></Error>")
        self.stored.append(({k.lower(): v for k, v in request.headers.items()}, await request.read()))
        return web.Response()

    async def get(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.faults and (status := self.faults.pop(0)):
            return web.Response(status=status, text="<Error><Code>NoSuchKey</Code></Error>")
        kind = request.match_info["kind"]
        if kind == "label":
            return web.Response(body=LABEL, content_type="application/pdf")
        if kind == "hop":
            raise web.HTTPFound("/get/label")
        if kind == "loop":
            raise web.HTTPFound("/get/loop")
        response = web.StreamResponse()
        if kind == "broken":
            response.content_length = len(LABEL)
        await response.prepare(request)
        await response.write(LABEL[:300_000])
        if kind == "broken":
            assert request.transport is not None
            request.transport.abort()
        elif kind == "slow":
            await self.gate.wait()
        else:
            await response.write(LABEL[300_000:])
        return response


@asynccontextmanager
async def storage() -> AsyncIterator[tuple[Storage, ReturnHelper]]:
    """Run the storage and a client for it."""
    store = Storage()
    app = web.Application(client_max_size=100_000_000)
    app.router.add_get("/public/api/file/GetPreSignedUploadUrl", store.pre_signed)
    app.router.add_put("/put/{name}", store.put)
    app.router.add_get("/get/{kind}", store.get)
    async with TestServer(app) as server:
        store.base = str(server.make_url("")).rstrip("/")
        environment = Environment.custom(user_url=f"{store.base}/user", public_url=f"{store.base}/public")
        async with ReturnHelper(KEY, TOKEN, environment=environment, retry=QUICK) as rh:
            yield store, rh
        store.gate.set()


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    """Yield the parts."""
    for part in parts:
        yield part


async def test_uploads_bytes() -> None:
    """Bytes arrive whole, with their MIME type, at exactly the address that was signed."""
    async with storage() as (store, rh):
        done = await rh.files.upload(LABEL, filename="a b.png")
    ((headers, body),) = store.stored
    assert body == LABEL
    assert (headers["content-type"], headers["content-length"]) == ("image/png", str(len(LABEL)))
    assert store.requests[0].raw_path == "/put/a%20b.png?X-Signature=a%2Fb%3D&x=+1"
    assert (done.filename, done.file_key) == ("a b.png", "rr/api/files/2024/10/x/a b.png")
    assert (done.size, done.correlation_id) == (len(LABEL), "c-1")


async def test_uploads_a_path(tmp_path: Path) -> None:
    """File name and MIME type are taken from a path."""
    (tmp_path / "label.pdf").write_bytes(LABEL)
    async with storage() as (store, rh):
        done = await rh.files.upload(tmp_path / "label.pdf")
    assert store.stored[0][1] == LABEL
    assert (done.filename, done.content_type) == ("label.pdf", "application/pdf")


@pytest.mark.parametrize("size", [None, len(LABEL) + 3])
async def test_uploads_an_iterator(size: int | None) -> None:
    """An iterator arrives whole and with its length, whether or not `size` is given."""
    async with storage() as (store, rh):
        await rh.files.upload(pieces(b"abc", LABEL), filename="x.bin", mime_type="application/x", size=size)
    headers, body = store.stored[0]
    assert body == b"abc" + LABEL
    assert headers["content-length"] == str(len(LABEL) + 3)
    assert "transfer-encoding" not in headers


async def test_uploads_an_empty_file() -> None:
    """An empty file can be uploaded."""
    async with storage() as (store, rh):
        assert (await rh.files.upload(b"", filename="x.txt")).size == 0
    assert store.stored[0][1] == b""


async def test_storage_hosts_get_no_credentials(tmp_path: Path) -> None:
    """Neither key nor token is sent to the host of a file."""
    async with storage() as (store, rh):
        await rh.files.upload(b"1", filename="x.txt")
        await rh.files.download(f"{store.base}/get/hop", tmp_path / "x.pdf")
    assert len(store.requests) == 3
    for request in store.requests:
        shown = f"{request.path_qs} {dict(request.headers)}"
        assert KEY not in shown
        assert TOKEN not in shown
        assert "idempotency" not in shown.lower()


async def test_a_failed_upload_is_retried() -> None:
    """A retry sends the whole body again."""
    async with storage() as (store, rh):
        store.faults = [500, 503]
        await rh.files.upload(LABEL, filename="x.png")
        store.faults = [500, 0]
        await rh.files.upload(pieces(LABEL), filename="x.png")
    assert [body for _, body in store.stored] == [LABEL, LABEL]


async def test_a_retry_is_one_warning_without_the_address(caplog: pytest.LogCaptureFixture) -> None:
    """A retry of a transfer logs one warning, without the signed address."""
    async with storage() as (store, rh):
        store.faults = [500, 503]
        await rh.files.upload(LABEL, filename="x.png")
    lines = [vars(record) for record in caplog.records if record.levelno >= logging.WARNING]
    assert [line["name"] for line in lines] == ["stamina", "stamina"]
    assert all("the upload to 127.0.0.1 was refused" in line["stamina.caused_by"] for line in lines)
    assert not any(secret in repr(lines) for secret in ("Signature", "a%2Fb", "a/b=", KEY, TOKEN))


async def test_a_stream_is_not_sent_twice() -> None:
    """An iterator with a given size cannot be repeated, so the first failure is raised."""
    async with storage() as (store, rh):
        store.faults = [503]
        with pytest.raises(ServerFault) as caught:
            await rh.files.upload(pieces(b"abc"), filename="x.png", size=3)
    assert (caught.value.http_status, caught.value.attempts) == (503, 1)


async def test_a_refused_upload_says_why_and_shows_no_signature() -> None:
    """The error names host, status and code, but not the signature."""
    async with storage() as (store, rh):
        store.faults = [403]
        with pytest.raises(APIError) as caught:
            await rh.files.upload(LABEL * 20, filename="x.png")
    assert (caught.value.http_status, caught.value.error_code) == (403, "AccessDenied")
    assert "a/b=" not in str(caught.value)
    assert "Signature" not in str(caught.value)
    assert len(store.requests) == 1


async def test_a_long_upload_outlives_the_read_timeout() -> None:
    """The read timeout starts when the body has been sent."""

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(6):
            await asyncio.sleep(0.1)
            yield b"x" * 1000

    options = RequestOptions(timeout=Timeouts(read=0.3), retry=RetryPolicy.NONE)
    async with storage() as (store, rh):
        await rh.files.upload(slow(), filename="x.png", size=6000, options=options)
    assert len(store.stored[0][1]) == 6000


async def test_concurrent_uploads() -> None:
    """Uploads do not wait for each other and leave no threads behind."""
    async with storage() as (store, rh):
        await asyncio.gather(*(rh.files.upload(LABEL, filename=f"{n}.png") for n in range(20)))
        await asyncio.gather(*(rh.files.upload(pieces(LABEL), filename=f"{n}.png") for n in range(20)))
    assert {body for _, body in store.stored} == {LABEL}
    assert len(store.stored) == 40
    assert await _threads_left() == []


async def test_a_cancelled_upload_leaves_nothing(tmp_path: Path) -> None:
    """Cancelling at any moment ends the threads and closes the files of an upload."""
    (tmp_path / "label.pdf").write_bytes(LABEL * 8)
    async with storage() as (_, rh):
        for moment in range(16):
            source = pieces(*[LABEL] * 8) if moment % 2 else tmp_path / "label.pdf"
            task = asyncio.create_task(rh.files.upload(source, filename="label.pdf"))
            await asyncio.sleep(moment * 0.003)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await rh.files.upload(b"1", filename="x.png")
    assert await _threads_left() == []


async def _threads_left() -> list[str]:
    for _ in range(200):
        left = [t.name for t in threading.enumerate() if t.name.startswith("returnhelper-file")]
        if not left:
            break
        await asyncio.sleep(0.01)
    return left


async def test_defaults_of_a_session_are_not_sent_to_storage(tmp_path: Path) -> None:
    """Default headers and cookies of a session that was passed in are not sent to storage hosts."""
    async with (
        storage() as (store, _),
        aiohttp.ClientSession(headers={"Authorization": "secret"}, cookies={"s": "1"}) as session,
    ):
        base = store.base
        environment = Environment.custom(user_url=f"{base}/user", public_url=f"{base}/public")
        rh = ReturnHelper(KEY, TOKEN, environment=environment, session=session)
        await rh.files.download(f"{base}/get/label", tmp_path / "x")
        await rh.aclose()
        assert not session.closed
    assert "Authorization" not in store.requests[0].headers
    assert "Cookie" not in store.requests[0].headers


async def test_errors_of_the_source_are_raised() -> None:
    """What the caller's iterator raises reaches the caller unchanged."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"abc"
        raise LookupError("mine")

    async with storage() as (store, rh):
        for size in (None, 10):
            with pytest.raises(LookupError, match="mine"):
                await rh.files.upload(broken(), filename="x.png", size=size)
    assert store.stored == []


@pytest.mark.parametrize("size", [2, 4])
async def test_a_wrong_size_is_an_error(size: int) -> None:
    """A body that is not as long as announced is an error, and is not stored."""
    async with storage() as (store, rh):
        with pytest.raises(ConfigurationError, match=f"{size} bytes"):
            await rh.files.upload(pieces(b"abc"), filename="x.png", size=size)
    assert store.stored == []


async def test_bad_sources_are_refused_before_any_request(tmp_path: Path) -> None:
    """A missing file, a source without a name and an unknown MIME type are errors before the first request."""
    async with storage() as (store, rh):
        with pytest.raises(ConfigurationError, match="No such file"):
            await rh.files.upload(tmp_path / "none.png")
        with pytest.raises(ConfigurationError, match="pass filename"):
            await rh.files.upload(b"abc")
        with pytest.raises(ConfigurationError, match="pass mime_type"):
            await rh.files.upload(b"abc", filename="x.unheardof")
        with pytest.raises(ConfigurationError, match="size"):
            await rh.files.upload(pieces(b"abc"), filename="x.png", size=-1)
        with pytest.raises(ConfigurationError, match="source"):
            await rh.files.upload(7, filename="x.png")  # type: ignore[arg-type]
        with pytest.raises(RequestInvalid, match="filename"):
            await rh.files.get_pre_signed_upload_url("", mime_type="image/png")
    assert store.requests == []


async def test_a_response_without_an_address_is_an_error() -> None:
    """A response without an upload address cannot be used."""
    async with storage() as (store, rh):
        store.slot = {"preSignedUrl": None}
        with pytest.raises(UnexpectedContent, match="preSignedUrl: null"):
            await rh.files.upload(b"1", filename="x.png")
        store.slot = {"preSignedUrl": "ftp://x/y"}
        with pytest.raises(ConfigurationError, match="the url of the file"):
            await rh.files.upload(b"1", filename="x.png")


async def test_the_repr_hides_the_address() -> None:
    """A pre-signed address is as good as a password, so the repr hides it."""
    async with storage() as (_, rh):
        slot = await rh.files.get_pre_signed_upload_url("x.png", mime_type="image/png")
    assert slot.pre_signed_url is not None
    assert "Signature" in slot.pre_signed_url
    assert "Signature" not in repr(slot)


@pytest.mark.parametrize("kind", ["label", "hop", "chunked"])
async def test_downloads(tmp_path: Path, kind: str) -> None:
    """A file arrives complete, redirected or without a length, and replaces an older one."""
    target = tmp_path / "label.pdf"
    target.write_bytes(b"old")
    async with storage() as (store, rh):
        saved = await rh.files.download(f"{store.base}/get/{kind}", target)
    assert target.read_bytes() == LABEL
    assert (saved.path, saved.size) == (target, len(LABEL))
    assert [p.name for p in tmp_path.iterdir()] == ["label.pdf"]


@pytest.mark.parametrize(
    ("kind", "error", "options"),
    [
        ("broken", UnexpectedContent, None),
        ("loop", UnexpectedContent, None),
        ("slow", RequestTimeout, RequestOptions(timeout=0.3)),
        ("slow", RequestTimeout, RequestOptions(timeout=Timeouts(read=0.2), retry=RetryPolicy.NONE)),
    ],
)
async def test_a_failed_download_leaves_nothing(
    tmp_path: Path, kind: str, error: type[TransportError], options: RequestOptions | None
) -> None:
    """A download that fails leaves the older file unchanged and no partial file."""
    target = tmp_path / "label.pdf"
    target.write_bytes(b"old")
    async with storage() as (store, rh):
        with pytest.raises(error):
            await rh.files.download(f"{store.base}/get/{kind}", target, options=options)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("label.pdf", b"old")]


async def test_a_broken_download_is_retried(tmp_path: Path) -> None:
    """A server fault and a lost connection are retried."""
    async with storage() as (store, rh):
        store.faults = [503]
        await rh.files.download(f"{store.base}/get/label", tmp_path / "x.pdf")
        with pytest.raises(UnexpectedContent) as caught:
            await rh.files.download(f"{store.base}/get/broken", tmp_path / "y.pdf")
    assert caught.value.attempts == 3
    assert [p.name for p in tmp_path.iterdir()] == ["x.pdf"]


async def test_a_cancelled_download_leaves_nothing(tmp_path: Path) -> None:
    """Cancelling at any moment leaves a complete file or none."""
    async with storage() as (store, rh):
        for moment in range(12):
            kind = "slow" if moment % 2 else "label"
            task = asyncio.create_task(rh.files.download(f"{store.base}/get/{kind}", tmp_path / f"{moment}"))
            await asyncio.sleep(moment * 0.002)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    assert all(p.read_bytes() == LABEL for p in tmp_path.iterdir())
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("kind", ["label", "chunked"])
async def test_max_bytes_stops_a_download(tmp_path: Path, kind: str) -> None:
    """A file above the limit is not saved, whether or not its length was announced."""
    async with storage() as (store, rh):
        with pytest.raises(UnexpectedContent, match="max_bytes"):
            await rh.files.download(f"{store.base}/get/{kind}", tmp_path / "x", max_bytes=len(LABEL) - 1)
        await rh.files.download(f"{store.base}/get/{kind}", tmp_path / "y", max_bytes=len(LABEL))
        await rh.files.download(f"{store.base}/get/{kind}", tmp_path / "z", max_bytes=None)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["y", "z"]


async def test_a_missing_file_is_an_api_error(tmp_path: Path) -> None:
    """404 is an APIError with the code of the storage."""
    async with storage() as (store, rh):
        store.faults = [404]
        with pytest.raises(APIError) as caught:
            await rh.files.download(f"{store.base}/get/label", tmp_path / "x")
    assert (caught.value.http_status, caught.value.error_code) == (404, "NoSuchKey")


async def test_an_unwritable_path_is_an_error(tmp_path: Path) -> None:
    """A directory or a missing directory is a ConfigurationError."""
    async with storage() as (store, rh):
        for path in (tmp_path, tmp_path / "none" / "x.pdf"):
            with pytest.raises(ConfigurationError):
                await rh.files.download(f"{store.base}/get/label", path)
    assert list(tmp_path.iterdir()) == []


async def test_plain_http_is_refused(tmp_path: Path) -> None:
    """Plain http is refused unless the environment allows it."""
    async with storage() as (store, rh):
        strict = StorageTransport(rh._sessions, environment=Environment.PRODUCTION, user_agent="x")
        files = Files(rh._transport, strict)
        with pytest.raises(ConfigurationError, match="plain http"):
            await files.download(f"{store.base}/get/label", tmp_path / "x")
        with pytest.raises(ConfigurationError, match="plain http"):
            await files.upload(b"1", filename="x.png")
    assert store.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "file:///etc/passwd",
        "http://",
        "http://[",
        "https://u:p@h/x",
        "https://h:99999/",
        "https://h/\r\nX: y",
        "https://h/a\ud800",
        "https://h/a?\udcff",
        "https://h\udcff/a",
    ],
)
async def test_unusable_addresses(tmp_path: Path, url: str) -> None:
    """An unusable address is a ConfigurationError that does not repeat it."""
    async with storage() as (_, rh):
        with pytest.raises(ConfigurationError) as caught:
            await rh.files.download(url, tmp_path / "x")
    assert len(url) < 3 or url not in str(caught.value)


async def test_an_unreachable_host(tmp_path: Path) -> None:
    """If no connection can be made, the error is ConnectionFailed."""
    async with storage() as (_, rh):
        with pytest.raises(ConnectionFailed):
            await rh.files.download("http://127.0.0.1:1/x", tmp_path / "x")


def test_redirects_to_plain_http_are_not_followed() -> None:
    """A redirect from https to http is never followed."""
    source = Address("https://files.example/a")
    transfer = _storage._Transfer("the download", {}, source.redactor())
    with pytest.raises(UnexpectedContent, match="plain http"):
        _storage._redirected(transfer, source, "http://files.example/b")
    target = _storage._redirected(transfer, source, "/b?c=%2F")
    assert str(target.url) == "https://files.example/b?c=%2F"


async def test_image_addresses() -> None:
    """File keys of photos become URLs on the documented hosts; elsewhere `base_url` is needed."""
    sandbox = ReturnHelper(KEY, TOKEN)
    production = ReturnHelper(KEY, TOKEN, environment=Environment.PRODUCTION)
    china = ReturnHelper(KEY, TOKEN, environment=Environment.PRODUCTION_CHINA)
    key = "img/returns/a b?.jpg"
    assert sandbox.files.image_url(key) == "https://rr-dev-files.returnshelper.com/img/returns/a%20b%3F.jpg"
    assert production.files.image_url("/k") == "https://file.returnhelpercentre.com/k"
    with pytest.raises(ConfigurationError, match="base_url"):
        china.files.image_url(key)
    assert china.files.image_url("k", base_url="https://files.example/") == "https://files.example/k"
    with pytest.raises(ConfigurationError, match="base_url"):
        china.files.image_url("k", base_url="files.example")
    with pytest.raises(ConfigurationError, match="key"):
        sandbox.files.image_url("")

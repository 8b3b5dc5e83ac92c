"""Downloads and uploads of files: links, permissions and special files. With a storage host on a real socket."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from returnhelper import ConfigurationError, RetryPolicy, ReturnHelper, UnexpectedContent
from returnhelper.errors import TransportError
from tests.support.server import Handler, Script, client, envelope, raw

CONTENT = bytes(range(256)) * 2000
UNSAFE = ["", "a\0b", "a\ud800b", b"x\0", 5, None, ["x"]]


@pytest.fixture
async def files(script: Script) -> AsyncIterator[ReturnHelper]:
    """A client whose server has one file."""
    script.respond(raw(CONTENT, kind="application/pdf"))
    async with client(script.url, retry=RetryPolicy(attempts=2, wait_initial=0)) as rh:
        yield rh


async def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        await call()  # type: ignore[misc]
    str(caught.value).encode()
    return str(caught.value)


@pytest.mark.parametrize("exists", [True, False])
async def test_a_symbolic_link_is_followed(
    files: ReturnHelper, script: Script, tmp_path: Path, *, exists: bool
) -> None:
    """A download through a symbolic link writes the file that it points to, and keeps the link."""
    (tmp_path / "labels").mkdir()
    target, link = tmp_path / "labels" / "current.pdf", tmp_path / "link.pdf"
    if exists:
        target.write_bytes(b"old")
    link.symlink_to(target)
    saved = await files.files.download(f"{script.url}/x", link)
    assert link.is_symlink()
    assert target.read_bytes() == CONTENT
    assert saved.path == link
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["current.pdf", "labels", "link.pdf"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
async def test_permissions_are_kept(files: ReturnHelper, script: Script, tmp_path: Path, mode: int) -> None:
    """The new file has the permissions of the one that it replaces."""
    target = tmp_path / "label.pdf"
    target.write_bytes(b"old")
    target.chmod(mode)
    await files.files.download(f"{script.url}/x", target)
    assert target.read_bytes() == CONTENT
    assert stat.S_IMODE(target.stat().st_mode) == mode


async def test_a_new_file_has_default_permissions(
    files: ReturnHelper, script: Script, tmp_path: Path
) -> None:
    """The umask decides about the permissions of a new file."""
    (tmp_path / "other").touch()
    await files.files.download(f"{script.url}/x", tmp_path / "label.pdf")
    assert (tmp_path / "label.pdf").stat().st_mode == (tmp_path / "other").stat().st_mode


def fifo(path: Path) -> None:
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.symlink_to(path)


def listener(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(path))


def device(path: Path) -> None:
    path.symlink_to("/dev/null")


SPECIAL: dict[str, Callable[[Path], None]] = {
    "directory": Path.mkdir,
    "fifo": fifo,
    "loop": loop,
    "socket": listener,
    "device": device,
}


@pytest.mark.parametrize("kind", SPECIAL)
async def test_special_files_are_refused(
    files: ReturnHelper, script: Script, tmp_path: Path, kind: str
) -> None:
    """Directories, FIFOs, sockets, devices and circular links are neither replaced nor uploaded, and nothing is sent."""
    path = tmp_path / "x.png"
    SPECIAL[kind](path)
    before = path.lstat()
    for call in (
        lambda: files.files.download(f"{script.url}/x", path),
        lambda: files.files.upload(path),
    ):
        assert "x.png" in await asyncio.wait_for(refused(call), 5)
    assert path.lstat().st_ino == before.st_ino
    assert script.seen == []


@pytest.mark.parametrize("path", UNSAFE)
async def test_invalid_paths(files: ReturnHelper, script: Script, path: object) -> None:
    """An invalid path is an error that names the argument, before any request."""
    assert "path must be the path of a file" in await refused(
        lambda: files.files.download(f"{script.url}/x", path)  # type: ignore[arg-type]
    )
    assert await refused(lambda: files.files.upload(path, mime_type="image/png"))  # type: ignore[arg-type]
    assert script.seen == []


async def test_unusable_paths(files: ReturnHelper, script: Script, tmp_path: Path) -> None:
    """A missing directory, an overlong name and a file in place of a directory are errors before any request."""
    (tmp_path / "file").touch()
    for path in (
        tmp_path / "no" / "x",
        tmp_path / ("x" * 300),
        tmp_path / "file" / "x",
        tmp_path / "\udcff" / "x",
    ):
        assert "cannot be read or written" in await refused(
            lambda path=path: files.files.download(f"{script.url}/x", path)  # type: ignore[misc]
        )
    assert script.seen == []


@pytest.mark.parametrize("kind", ["a\r\nX-Evil: 1", "a\0", "", " ", "é", 5])
async def test_mime_types_are_checked(files: ReturnHelper, script: Script, kind: object) -> None:
    """A MIME type that cannot be a header value is refused before the first request."""
    text = await refused(lambda: files.files.upload(b"1", filename="x.unheardof", mime_type=kind))  # type: ignore[arg-type]
    assert "mime_type" in text
    assert script.seen == []


@pytest.mark.parametrize("chunk", ["text", 5, None])
@pytest.mark.parametrize("size", [None, 4])
async def test_sources_must_yield_bytes(
    files: ReturnHelper, script: Script, chunk: object, size: int | None
) -> None:
    """The error shows what an iterator yielded instead of bytes."""

    async def source() -> AsyncIterator[object]:
        yield chunk

    script.responses.insert(0, slot(script))
    text = await refused(lambda: files.files.upload(source(), filename="x.png", size=size))  # type: ignore[arg-type]
    assert f"source must yield bytes, not {chunk!r}" in text


def slot(script: Script) -> Handler:
    async def respond(_: web.Request) -> web.Response:
        return envelope({"preSignedUrl": f"{script.url}/put", "fileKey": "k"})

    return respond


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "1", 10**400])
async def test_max_bytes_is_checked(
    files: ReturnHelper, script: Script, tmp_path: Path, most: object
) -> None:
    """`max_bytes` is a positive whole number or None."""
    text = await refused(
        lambda: files.files.download(f"{script.url}/x", tmp_path / "x", max_bytes=most)  # type: ignore[arg-type]
    )
    assert text.startswith("max_bytes must be")
    assert script.seen == []


async def test_a_compressed_file_is_decompressed(files: ReturnHelper, script: Script, tmp_path: Path) -> None:
    """A file that the storage sends compressed is saved decompressed, within the same limit."""
    script.responses.clear()
    script.respond(raw(gzip.compress(CONTENT), Content_Encoding="gzip"))
    saved = await files.files.download(f"{script.url}/x", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert saved.size == len(CONTENT)
    with pytest.raises(UnexpectedContent, match="max_bytes"):
        await files.files.download(f"{script.url}/x", tmp_path / "y", max_bytes=len(CONTENT) - 1)
    assert not (tmp_path / "y").exists()


async def test_a_truncated_compressed_file_is_not_saved(
    files: ReturnHelper, script: Script, tmp_path: Path
) -> None:
    """A gzip body that lacks its end is retried and never saved, wherever it is cut."""
    packed = gzip.compress(CONTENT)
    for cut in (1, 4, 8, 9, 100, len(packed) - 20):
        script.responses.clear()
        script.respond(raw(packed[:-cut], Content_Encoding="gzip"))
        before = len(script.seen)
        with pytest.raises(TransportError) as caught:
            await files.files.download(f"{script.url}/x", tmp_path / "x")
        assert isinstance(caught.value, UnexpectedContent)
        assert (caught.value.truncated, caught.value.attempts, len(script.seen) - before) == (True, 2, 2)
    script.responses.insert(0, raw(packed[:-1], Content_Encoding="gzip"))
    script.responses[1] = raw(packed, Content_Encoding="gzip")
    await files.files.download(f"{script.url}/x", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT


async def test_a_write_protected_file_is_not_replaced(
    files: ReturnHelper, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that the process may not write is not replaced, although its directory would allow it."""
    target = tmp_path / "label.pdf"
    target.write_bytes(b"old")
    allowed = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) != target and allowed(path, mode)
    )  # for root
    assert "write-protected" in await refused(lambda: files.files.download(f"{script.url}/x", target))
    assert target.read_bytes() == b"old"
    assert script.seen == []

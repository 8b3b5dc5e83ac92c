"""Files on the local disk, written and read beside the event loop and never in it."""

from __future__ import annotations

import asyncio
import os
import tempfile
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from .errors import ConfigurationError, UnexpectedContent
from .models.files import DownloadedFile

P = ParamSpec("P")
T = TypeVar("T")

_CHUNK = 256 * 1024


class Thread:
    """One thread for the operations of one transfer.

    They run in the order they were asked for, even if the caller is cancelled meanwhile: a file is never closed or
    removed under a write that is still going on.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="returnhelper-file")

    async def run(self, do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function; its OSError becomes a ConfigurationError."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, lambda: do(*args, **kwargs))
        except OSError as e:
            reason = e.strerror or type(e).__name__
            where = f" {e.filename}" if isinstance(e.filename, str) else ""
        raise ConfigurationError(f"the file{where} cannot be read or written: {reason}")

    async def finish(self, do: Callable[[], None]) -> None:
        """Run a last function, after all that is under way; it happens even if the wait for it is cancelled."""
        last = self._pool.submit(do)
        self._pool.shutdown(wait=False)
        # Cancelling the wait must not take back a function that is still queued.
        await asyncio.shield(asyncio.wrap_future(last))


class Part:
    """A file that becomes visible under its name only when it is complete."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f".{uuid.uuid4().hex}.part")
        self._file: BinaryIO | None = None

    def open(self) -> None:
        """Open the file beside its target, so that the renaming stays within one file system."""
        if self.target.is_dir():
            raise IsADirectoryError(0, "it is a directory", str(self.target))
        self._file = self.path.open("xb")

    def write(self, chunk: bytes) -> None:
        """Append."""
        assert self._file is not None
        self._file.write(chunk)

    def keep(self) -> None:
        """Put the file in its place, on the disk first: a crash must not leave an empty one there."""
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self.path.replace(self.target)
        self._file = None

    def discard(self) -> None:
        """Remove what is not complete; nothing to do for a file that was kept."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                self.path.unlink()


async def save(
    headers: Mapping[str, str], chunks: AsyncIterator[bytes], target: Path, max_bytes: int | None
) -> DownloadedFile:
    """Write the chunks to the target, all or nothing."""
    announced = headers.get("Content-Length", "")
    if max_bytes is not None and announced.isascii() and announced.isdigit() and len(announced) < 19:
        _within(int(announced), max_bytes)
    thread, part, size = Thread(), Part(target), 0
    try:
        await thread.run(part.open)
        async for chunk in chunks:
            size += len(chunk)
            _within(size, max_bytes)
            await thread.run(part.write, chunk)
        await thread.run(part.keep)
    finally:
        await thread.finish(part.discard)
    return DownloadedFile(path=target, size=size, content_type=headers.get("Content-Type"))


def _within(size: int, max_bytes: int | None) -> None:
    if max_bytes is not None and size > max_bytes:
        raise UnexpectedContent(
            f"the file is larger than max_bytes ({max_bytes}) and was not saved", maybe_applied=False
        )


class Source:
    """A body of known size."""

    def __init__(self, size: int, chunks: Callable[[], AsyncIterator[bytes]], *, repeatable: bool) -> None:
        self.size = size
        self.chunks = chunks
        self.repeatable = repeatable


@asynccontextmanager
async def open_source(
    source: str | os.PathLike[str] | bytes | AsyncIterable[bytes], size: int | None
) -> AsyncIterator[Source]:
    """Give the source a size, and its chunks as often as they are asked for where that is possible."""
    if isinstance(source, bytes | bytearray | memoryview):
        whole = bytes(source)
        yield Source(len(whole), lambda: _slices(whole), repeatable=True)
    elif isinstance(source, str | os.PathLike):
        async with _opened(Path(source)) as known:
            yield known
    elif not isinstance(source, AsyncIterable):
        raise ConfigurationError("the source of an upload is a path, bytes or an async iterator of bytes")
    elif size is not None:
        if not isinstance(size, int) or size < 0:
            raise ConfigurationError("size must be the number of bytes that the iterator yields")
        yield Source(size, lambda: _counted(source, size), repeatable=False)
    else:
        async with _opened(None, source) as known:
            yield known


@asynccontextmanager
async def _opened(path: Path | None, content: AsyncIterable[bytes] | None = None) -> AsyncIterator[Source]:
    """Open a file, or gather the content in a temporary one that has no name and vanishes by itself."""
    thread = Thread()
    files: list[BinaryIO] = []

    def open_() -> None:
        files.append(tempfile.TemporaryFile() if path is None else path.open("rb"))  # noqa: SIM115 - closed below

    def close() -> None:
        for file in files:
            file.close()

    try:
        await thread.run(open_)
        (file,) = files
        if content is not None:
            async for chunk in content:
                await thread.run(file.write, chunk)
        size = await thread.run(file.seek, 0, os.SEEK_END)
        yield Source(size, lambda: _counted(_read(thread, file), size), repeatable=True)
    finally:
        await thread.finish(close)


async def _read(thread: Thread, file: BinaryIO) -> AsyncIterator[bytes]:
    await thread.run(file.seek, 0)
    while chunk := await thread.run(file.read, _CHUNK):
        yield chunk


async def _slices(whole: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(whole), _CHUNK):
        yield whole[start : start + _CHUNK]


async def _counted(chunks: AsyncIterable[bytes], size: int) -> AsyncIterator[bytes]:
    """Pass the chunks on, and stop where they do not add up to the size that was announced."""
    sent = 0
    async for chunk in chunks:
        sent += len(chunk)
        if sent > size:
            break
        yield chunk
    if sent != size:
        raise ConfigurationError(
            f"the source of the upload does not have the {size} bytes that were announced"
        )

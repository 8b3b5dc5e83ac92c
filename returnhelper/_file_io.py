"""Files on the local disk, read and written in threads: never in the event loop."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import tempfile
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

import attrs

from .errors import ConfigurationError, UnexpectedContent, format_value
from .models.files import DownloadedFile

P = ParamSpec("P")
T = TypeVar("T")

_CHUNK = 256 * 1024


async def _run_in(executor: Executor | None, do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function; what the file system refuses becomes a ConfigurationError."""
    loop = asyncio.get_running_loop()
    try:
        return await loop.run_in_executor(executor, lambda: do(*args, **kwargs))
    except OSError as e:
        reason = e.strerror or type(e).__name__
        where = "" if e.filename is None else f" {format_value(e.filename, most=200)}"
    except ValueError as e:  # a NUL character, or text that the file system cannot encode
        reason, where = str(e), ""
    raise ConfigurationError(f"the file{where} cannot be read or written: {reason}")


class Thread:
    """One thread for the operations of one transfer.

    They run in the order of their calls, even if the caller is cancelled meanwhile: a file is never closed or removed
    under a write that is still going on.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="returnhelper-file")

    async def run(self, do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function; what the file system refuses becomes a ConfigurationError."""
        return await _run_in(self._pool, do, *args, **kwargs)

    async def finish(self, do: Callable[[], None]) -> None:
        """Run a last function, after all that is under way; it happens even if the wait for it is cancelled."""
        last = self._pool.submit(do)
        self._pool.shutdown(wait=False)
        # Cancelling the wait must not take back a function that is still queued.
        await asyncio.shield(asyncio.wrap_future(last))


def path_of(name: str, value: object) -> Path:
    """Return a path argument as a Path; raise ConfigurationError for what cannot be one."""
    if isinstance(value, str | os.PathLike):
        try:
            text = os.fsdecode(value)
            os.fsencode(text)  # no file name has a lone surrogate
        except (TypeError, ValueError):
            text = ""
        if text and "\0" not in text:
            return Path(text)
    raise ConfigurationError(f"{name} must be the path of a file, not {format_value(value)}")


@attrs.frozen
class Target:
    """Where a file will be saved: the path as given, and the file that it leads to.

    `mode` is that of the file already there, None for a new one.
    """

    path: Path
    file: Path
    mode: int | None


async def find_target(path: str | os.PathLike[str]) -> Target:
    """Return where a file under this path can be saved: symbolic links are followed, and only files are replaced."""
    return await _run_in(None, _find_target, path_of("path", path))


def _find_target(path: Path) -> Target:
    found = Path(os.path.realpath(path))
    try:
        mode = found.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    if mode is not None and not os.access(found, os.W_OK):
        raise PermissionError(errno.EACCES, "it is write-protected", str(path))
    if not os.access(found.parent, os.W_OK | os.X_OK):
        raise OSError(errno.EACCES, "its directory is missing or write-protected", str(path))
    return Target(path, found, None if mode is None else stat.S_IMODE(mode) & 0o777)


class _Part:
    """A file that becomes visible under its name only when it is complete."""

    def __init__(self, target: Target) -> None:
        self._target = target
        # Beside its target, so that the renaming stays within one file system.
        self._path = target.file.with_name(f".{uuid.uuid4().hex}.part")
        self._file: BinaryIO | None = None

    def open(self) -> None:
        self._file = self._path.open("xb")
        if self._target.mode is not None:
            self._path.chmod(self._target.mode)

    def write(self, chunk: bytes) -> None:
        assert self._file is not None
        self._file.write(chunk)

    def keep(self) -> None:
        """Put the file in its place, on the disk first: a crash must not leave an empty one there."""
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.replace(self._target.file)
        self._file = None

    def discard(self) -> None:
        """Remove what is not complete; nothing to do for a file that was kept."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                self._path.unlink()


async def save(
    headers: Mapping[str, str], chunks: AsyncIterator[bytes], target: Target, max_bytes: int | None
) -> DownloadedFile:
    """Write the chunks to the target, all or nothing."""
    announced = headers.get("Content-Length", "")
    if announced.isascii() and announced.isdigit() and len(announced) < 19:
        _check_size(int(announced), max_bytes)
    thread, part, size = Thread(), _Part(target), 0
    try:
        await thread.run(part.open)
        async for chunk in chunks:
            size += len(chunk)
            _check_size(size, max_bytes)
            await thread.run(part.write, chunk)
        await thread.run(part.keep)
    finally:
        await thread.finish(part.discard)
    return DownloadedFile(path=target.path, size=size, content_type=headers.get("Content-Type"))


def _check_size(size: int, max_bytes: int | None) -> None:
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
    """Open the source; where possible, its chunks can be read again for every attempt."""
    if isinstance(source, bytes | bytearray | memoryview):
        whole = bytes(source)
        yield Source(len(whole), lambda: _slices(whole), repeatable=True)
    elif isinstance(source, str | os.PathLike):
        async with _opened(path_of("source", source)) as known:
            yield known
    elif not isinstance(source, AsyncIterable):
        raise ConfigurationError(
            f"source must be a path, bytes or an async iterator of bytes, not {format_value(source)}"
        )
    elif size is not None:
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise ConfigurationError(
                f"size must be the number of bytes that the iterator yields, not {format_value(size)}"
            )
        yield Source(size, lambda: _counted(_only_bytes(source), size), repeatable=False)
    else:
        async with _opened(None, source) as known:
            yield known


@asynccontextmanager
async def _opened(path: Path | None, content: AsyncIterable[bytes] | None = None) -> AsyncIterator[Source]:
    """Open a file, or collect the content in a temporary one that has no name and vanishes by itself."""
    thread = Thread()
    files: list[BinaryIO] = []

    def open_() -> None:
        files.append(tempfile.TemporaryFile() if path is None else _open_regular(path))  # noqa: SIM115 - closed below

    def close() -> None:
        for file in files:
            file.close()

    try:
        await thread.run(open_)
        (file,) = files
        if content is not None:
            async for chunk in _only_bytes(content):
                await thread.run(file.write, chunk)
        size = await thread.run(file.seek, 0, os.SEEK_END)
        yield Source(size, lambda: _counted(_read(thread, file), size), repeatable=True)
    finally:
        await thread.finish(close)


def _open_regular(path: Path) -> BinaryIO:
    # Without O_NONBLOCK, opening a FIFO waits until a writer opens it.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


async def _read(thread: Thread, file: BinaryIO) -> AsyncIterator[bytes]:
    await thread.run(file.seek, 0)
    while chunk := await thread.run(file.read, _CHUNK):
        yield chunk


async def _slices(whole: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(whole), _CHUNK):
        yield whole[start : start + _CHUNK]


async def _only_bytes(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        if not isinstance(chunk, bytes | bytearray | memoryview):
            raise ConfigurationError(f"source must yield bytes, not {format_value(chunk)}")
        yield bytes(chunk)


async def _counted(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
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

"""Read and decompress the body of a response: aiohttp accepts a compressed body that lacks its end."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

import aiohttp

ENCODINGS: Final = "gzip, deflate"
"""The compressions that requests accept."""

CHUNK: Final = 256 * 1024
_GZIP_MAGIC: Final = b"\x1f\x8b"


class BodyError(Exception):
    """A body cannot be decompressed; `truncated` says that it ends too early."""

    def __init__(self, message: str, *, truncated: bool = False) -> None:
        super().__init__(message)
        self.truncated = truncated


async def read_chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield the content of a response that was requested without automatic decompression.

    Raise `BodyError` if it does not decompress completely, and what aiohttp raises.
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in {"", "identity"}:
        async for chunk in _wire_chunks(response):
            yield chunk
        return
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise BodyError(f"a body compressed as {encoding[:40]!r}, which was not requested")
    inflater = _Inflater(gzip=encoding != "deflate")
    async for chunk in _wire_chunks(response):
        for piece in inflater.feed(chunk):
            yield piece
            await asyncio.sleep(0)  # a small chunk may inflate to a thousand times its size
    if rest := inflater.finish():
        yield rest


async def _wire_chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    if response.content.at_eof():  # empty, or already read by a middleware
        yield await response.read()
        return
    while chunk := await response.content.read(CHUNK):
        yield chunk


class _Inflater:
    """Decompress a stream in pieces of bounded size."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._stream: zlib._Decompress | None = None
        self._ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the data decompress to."""
        while data and not self._ended:
            stream = self._stream = self._stream or self._open(data)
            piece = self._decompress(stream, data)
            if piece:
                yield piece
            data = self._next_member(stream) if stream.eof else stream.unconsumed_tail

    def finish(self) -> bytes:
        """Return the rest. Raise `BodyError` if the stream has not come to its end; an empty body is complete."""
        if self._stream is None:
            return b""
        rest = self._stream.flush()
        if not self._stream.eof:
            raise BodyError("a compressed body that breaks off", truncated=True)
        return rest

    def _decompress(self, stream: zlib._Decompress, data: bytes) -> bytes:
        try:
            return stream.decompress(data, CHUNK)
        except zlib.error as e:
            message = str(e)
        raise BodyError(f"a body that is not valid {'gzip' if self._gzip else 'deflate'} ({message})")

    def _open(self, data: bytes) -> zlib._Decompress:
        if self._gzip:
            return zlib.decompressobj(zlib.MAX_WBITS | 16)
        # `deflate` means the zlib format, but some servers send it without the header, whose low bits are 8.
        return zlib.decompressobj(zlib.MAX_WBITS if data[0] & 0x0F == 8 else -zlib.MAX_WBITS)

    def _next_member(self, stream: zlib._Decompress) -> bytes:
        """Return what follows the end of a gzip member if that is another one; anything else is padding."""
        rest = stream.unused_data
        if self._gzip and rest.startswith(_GZIP_MAGIC):
            self._stream = None
            return rest
        self._ended = not (
            self._gzip and _GZIP_MAGIC.startswith(rest)
        )  # the next chunk may complete the two bytes
        return b""

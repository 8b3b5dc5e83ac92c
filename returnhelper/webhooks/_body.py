"""Read the body of a request within limits, before it is known who sent it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Final

from returnhelper.webhooks.outcome import OutcomeKind
from returnhelper.webhooks.signature import (
    OLD_SIGNATURE_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    Headers,
    find_header,
)

TRIAL_SIZE: Final = 4096
"""The most that is read of a body without signature headers: enough for the trial POST of a registration."""

_SMALL: Final = 64 << 10


class BodyRefused(Exception):
    """The rest of the body is not read. Never leaves the receiver."""

    def __init__(self, status: int, kind: OutcomeKind, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.kind = kind
        self.reason = reason


class Budget:
    """The bytes of unverified bodies that are in memory, of all requests together.

    Bodies above 64 kB may use half of it, so that a few large ones do not keep out the usual small ones.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, size: int, of: int) -> bool:
        """Take `size` bytes for a body that has `of` bytes so far; return whether there was room."""
        if self.used + size > (self.limit if of <= _SMALL else self.limit // 2):
            return False
        self.used += size
        return True

    def give_back(self, size: int) -> None:
        """Return the bytes of a body that was verified or refused."""
        self.used -= size


async def read_body(
    headers: Headers,
    chunks: AsyncIterable[bytes],
    *,
    limit: int,
    budget: Budget,
    timeout: float,  # noqa: ASYNC109 - it becomes an outcome
) -> bytes:
    """Return the whole body; raise `BodyRefused` as soon as it breaks a limit."""
    unsigned = not looks_signed(headers)
    most = min(limit, TRIAL_SIZE) if unsigned else limit
    too_large = (
        BodyRefused(401, OutcomeKind.REFUSED, "no signature headers, and too large for a trial")
        if unsigned and limit > most
        else BodyRefused(413, OutcomeKind.OVERSIZE, f"the body is larger than {limit} bytes")
    )
    if (content_length(headers) or 0) > most:
        raise too_large
    parts, size = list[bytes](), 0
    try:
        async with asyncio.timeout(timeout):
            async for chunk in chunks:
                if size + len(chunk) > most:
                    raise too_large
                if not budget.take(len(chunk), size + len(chunk)):
                    raise BodyRefused(
                        503, OutcomeKind.OVERLOADED, "too many bytes of other requests in memory"
                    )
                size += len(chunk)
                parts.append(chunk)
    except TimeoutError:
        reason = f"the body did not arrive within {timeout:g} seconds"
        if not size:
            reason = f"nothing of {reason}; if this repeats, a middleware may have read it"
        raise BodyRefused(408, OutcomeKind.INCOMPLETE, reason) from None
    finally:
        budget.give_back(size)
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()
    return b"".join(parts)


def looks_signed(headers: Headers) -> bool:
    """Return whether both headers are present that every delivery carries."""
    signature = any(
        find_header(headers, name) is not None for name in (SIGNATURE_HEADER, OLD_SIGNATURE_HEADER)
    )
    return signature and find_header(headers, TIMESTAMP_HEADER) is not None


def content_length(headers: Headers) -> int | None:
    """Return the announced length of the body, if any."""
    value = find_header(headers, "content-length")
    try:
        return None if value is None else int(value)
    except ValueError:
        return None


def content_encoding(headers: Headers) -> str | None:
    """Return the one coding that the body may be unpacked from, if it names one that is supported."""
    value = find_header(headers, "content-encoding")
    if value is None:
        return None
    name = (value if isinstance(value, str) else value.decode("latin-1")).strip().lower()
    return name if name in _WINDOWS else None


# how zlib reads each content coding, in the order in which they are tried; some senders omit deflate's header
_WINDOWS: Final = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}


class NotPacked(Exception):
    """The body is not of the coding that its header names, or is incomplete. Never leaves the receiver."""


def unpack(body: bytes, coding: str, limit: int) -> bytes:
    """Return the unpacked body; raise `NotPacked`, or `BodyRefused` if it is larger than `limit` bytes."""
    for window in _WINDOWS[coding]:
        decompressor = zlib.decompressobj(window)
        try:
            unpacked = decompressor.decompress(body, limit + 1)
        except zlib.error:
            continue
        if len(unpacked) > limit:
            raise BodyRefused(413, OutcomeKind.OVERSIZE, f"the unpacked body is larger than {limit} bytes")
        if decompressor.eof and not decompressor.unused_data:
            return unpacked
    raise NotPacked

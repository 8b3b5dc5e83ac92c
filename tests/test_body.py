"""Bodies are decompressed completely or not at all."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable

import pytest

from returnhelper._body import CHUNK, BodyError, _Inflater

TEXT = (
    b'{"meta": {"status": 200}, "note": "' + bytes(random.Random(5).choices(range(97, 123), k=3000)) + b'"}'
)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


FORMATS: dict[str, tuple[bool, Callable[[bytes], bytes]]] = {
    "gzip": (True, gzip.compress),
    "two members": (True, lambda data: gzip.compress(data[:1000]) + gzip.compress(data[1000:])),
    "zlib": (False, zlib.compress),
    "raw deflate": (False, raw_deflate),
}


def inflate(packed: bytes, *, gzip: bool, step: int) -> bytes:
    inflater = _Inflater(gzip=gzip)
    pieces = [
        piece
        for start in range(0, len(packed), step)
        for piece in inflater.feed(packed[start : start + step])
    ]
    assert all(len(piece) <= CHUNK for piece in pieces)
    return b"".join(pieces) + inflater.finish()


@pytest.mark.parametrize("step", [1, 2, 7, 1 << 20])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_in_chunks_of_every_size(name: str, step: int) -> None:
    """The content does not depend on the format or on how the network splits it."""
    is_gzip, pack = FORMATS[name]
    assert inflate(pack(TEXT), gzip=is_gzip, step=step) == TEXT


@pytest.mark.parametrize("name", ["gzip", "zlib", "raw deflate"])
def test_truncation_is_noticed_everywhere(name: str) -> None:
    """A stream that lacks any of its last bytes, even of its checksum, is truncated."""
    is_gzip, pack = FORMATS[name]
    packed = pack(TEXT)
    for end in range(1, len(packed)):
        with pytest.raises(BodyError) as caught:
            inflate(packed[:end], gzip=is_gzip, step=1 << 20)
        assert caught.value.truncated


@pytest.mark.parametrize("packed", [TEXT, b"\x1f\x8bnonsense", gzip.compress(TEXT)[:-8] + b"\0" * 8])
def test_what_is_not_gzip_is_not_truncated(packed: bytes) -> None:
    """Other formats and wrong checksums are errors, but not truncation."""
    with pytest.raises(BodyError, match="not valid gzip") as caught:
        inflate(packed, gzip=True, step=1 << 20)
    assert not caught.value.truncated


def test_an_empty_body_is_complete() -> None:
    """A response without content may still name a compression."""
    assert inflate(b"", gzip=True, step=1) == b""


def test_padding_is_not_content() -> None:
    """Bytes after the last gzip member are ignored."""
    assert inflate(gzip.compress(TEXT) + b"\0" * 1000, gzip=True, step=10) == TEXT


def test_a_bomb_comes_in_bounded_pieces() -> None:
    """A decompression bomb is read in small pieces."""
    size = 50 << 20
    assert len(inflate(gzip.compress(bytes(size)), gzip=True, step=1 << 20)) == size

"""Bytes to plain values and back, exactly: no float touches a number with a decimal point."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, cast

import msgspec

from returnhelper._wire.scalars import StructureError
from returnhelper._wire.writer import plain
from returnhelper.types import JSONValue

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode
_encode_sorted = msgspec.json.Encoder(decimal_format="number", order="sorted").encode

# An escaped surrogate, after any number of escaped backslashes: as part of a pair (group 2), or alone.
_SURROGATE = re.compile(
    rb"(?<!\\)((?:\\\\)*)"
    rb"(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)

BOM: Final = b"\xef\xbb\xbf"  # UTF-8 byte order mark


class NotJSON(ValueError):
    """The bytes are not JSON, or JSON that cannot be read; the text completes the sentence "the body is …"."""


def decode(body: bytes) -> JSONValue:
    """Read JSON; numbers with a decimal point or an exponent become `Decimal` with the same digits. Raise `NotJSON`."""
    try:
        decoded: JSONValue = _decode(body)
    except Exception:  # noqa: BLE001 - the decoder raises five unrelated classes
        return _decode_leniently(body)
    return decoded


def _decode_leniently(body: bytes) -> JSONValue:
    """Read what the strict decoder refuses but some senders write: a byte order mark, an unpaired surrogate."""
    body = bytes(body).removeprefix(BOM)
    if b"\\u" in body:
        body = _SURROGATE.sub(lambda found: found[0] if found[2] else found[1] + b"\\ufffd", body)
    try:
        return cast("JSONValue", _decode(body))
    except RecursionError:
        raise NotJSON("JSON that is nested too deeply") from None
    except (msgspec.ValidationError, ArithmeticError):  # of the conversion of an integer, of a decimal
        raise NotJSON("JSON with a number that is too large") from None
    except Exception as error:  # noqa: BLE001
        raise NotJSON(f"not JSON ({type(error).__name__})") from None


def encode(value: object) -> bytes:
    """Write JSON. Decimals become numbers with the same digits; fields of models that are None are left out.

    Raise `StructureError` for a value that JSON cannot express.
    """
    try:
        return _encode(plain(value))
    except (TypeError, UnicodeEncodeError, OverflowError, ValueError, RecursionError) as error:
        if isinstance(error, StructureError):
            raise
        raise StructureError(f"cannot be written as JSON ({type(error).__name__})") from None


def canonical(body: bytes) -> bytes:
    """Return the JSON that `encode` wrote with its members in alphabetical order: a release may write another order."""
    return _encode_sorted(_decode(body))


def encode_plain(value: object) -> bytes:
    """Write JSON from JSON's own types and Decimal; twice as fast as `encode`, for what the program itself has built."""
    return _encode(value)

"""Kinds of columns: what a record accepts for a value, and what the stores write for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from operator import attrgetter
from typing import Any, Final

import attrs
import msgspec

from returnhelper._time import EPOCH, to_time
from returnhelper.errors import ConfigurationError, format_value
from returnhelper.inbox._history import PastAttempt, read_history, write_history

_MICROSECOND: Final = timedelta(microseconds=1)
_LONGEST_KEY: Final = 400
_encode_json = msgspec.json.Encoder().encode


@attrs.frozen(eq=False)
class ColumnKind:
    """How values of one kind are checked, written and read.

    ``check`` takes the name of the argument and what was given for it, and returns the value or raises
    `ConfigurationError`. ``write`` and ``read`` convert between the value and plain text, bytes or an integer.
    """

    check: Callable[[str, object], object]
    write: Callable[[Any], object] | None = None
    read: Callable[[Any], object] | None = None


@attrs.frozen
class Column:
    """One attribute of a record in a store.

    ``changes`` tells what happens to a record from the delivery, which never changes. ``on_add`` is False if an add leaves
    the column empty. ``keeps`` is True if a change that has None for it leaves the value that is there. ``default`` is the
    value of a record for which nothing was written.
    """

    name: str
    kind: ColumnKind
    changes: bool = False
    on_add: bool = True
    keeps: bool = False
    default: object = None


class Codec:
    """Write some columns of an object as plain values, and read them back; kinds in ``native`` stay as they are."""

    def __init__(self, columns: Iterable[Column], *, native: Iterable[ColumnKind] = ()) -> None:
        columns, native = tuple(columns), frozenset(native)
        self.names = tuple(column.name for column in columns)
        self._values = attrgetter(*self.names)
        kinds = [None if column.kind in native else column.kind for column in columns]
        self._write = [(index, kind.write) for index, kind in enumerate(kinds) if kind and kind.write]
        self._read = [(index, kind.read) for index, kind in enumerate(kinds) if kind and kind.read]
        self._defaults = [
            (index, column.default) for index, column in enumerate(columns) if column.default is not None
        ]

    def write(self, source: object) -> list[Any]:
        """Return the plain values of an object that has the columns as attributes."""
        values = list(self._values(source))
        for index, convert in self._write:
            if (value := values[index]) is not None:
                values[index] = convert(value)
        return values

    def read(self, row: Iterable[Any]) -> list[Any]:
        """Return the values of a row; None for columns that were added after it was written."""
        values = list(row)
        values += [None] * (len(self.names) - len(values))
        for index, convert in self._read:
            if (value := values[index]) is not None:
                values[index] = convert(value)
        for index, default in self._defaults:
            if values[index] is None:
                values[index] = default
        return values


def storable_text(text: str) -> str:
    """Escape what some stores cannot keep in text: NUL characters and unpaired surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def storable_key(text: str) -> str:
    """Return a key that every store can index: of one that is too long or cannot be kept as it is, the SHA-256."""
    if len(text) <= _LONGEST_KEY and storable_text(text) == text:
        return text
    return "sha256-of-key:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def to_micros(time: datetime) -> int:
    """Return the microseconds since 1970 of an aware time, exactly."""
    return (time - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the aware UTC time of a number of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=micros)


def check_text(name: str, value: object) -> str:
    """Return a text as every store keeps it."""
    return storable_text(_str(name, value))


def check_key(name: str, value: object) -> str:
    """Return a key as every store keeps it."""
    if type(value) is str and len(value) <= _LONGEST_KEY and value.isascii() and "\0" not in value:
        return value  # what nearly all keys are: no need to escape and compare, in a third of the time
    return storable_key(_str(name, value))


def check_count(name: str, value: object, *, least: int = 0, most: int = 1_000_000) -> int:
    """Return a whole number within its limits."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigurationError(
            f"{name} must be a whole number from {least} to {most}, not {format_value(value)}"
        )
    return value


def _str(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be text, not {format_value(value)}")
    return value


def _bytes(name: str, value: object) -> bytes:
    if not isinstance(value, bytes):
        raise ConfigurationError(f"{name} must be bytes, not {type(value).__name__}")
    return value


def _headers(name: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{name} must be a mapping of text to text, not {type(value).__name__}")
    for header, text in value.items():
        if not isinstance(header, str) or not isinstance(text, str):
            raise ConfigurationError(
                f"{name} must be a mapping of text to text; one item is "
                f"{type(header).__name__} to {type(text).__name__}"
            )
    return value


def _headers_to_json(headers: Mapping[str, str]) -> str:
    plain = dict(headers)
    try:
        return _encode_json(plain).decode()
    except UnicodeEncodeError:
        # an unpaired surrogate, which is how servers pass on bytes that are not UTF-8
        return json.dumps(plain)


def enumeration(members: type[Enum], codes: Mapping[Any, int]) -> ColumnKind:
    """Return the kind of an enumeration that is written as the code of its member."""

    def check(name: str, value: object) -> object:
        try:
            return members(value)
        except ValueError:
            known = ", ".join(str(member.value) for member in members)
            raise ConfigurationError(f"{name} must be one of {known}, not {format_value(value)}") from None

    return ColumnKind(check, codes.__getitem__, {code: member for member, code in codes.items()}.__getitem__)


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be a bool, not {format_value(value)}")
    return value


def _history(name: str, value: object) -> tuple[PastAttempt, ...]:
    if not isinstance(value, tuple) or not all(isinstance(item, PastAttempt) for item in value):
        raise ConfigurationError(f"{name} must be a tuple of PastAttempt, not {format_value(value)}")
    return value


TEXT: Final = ColumnKind(check_text)
FLAG: Final = ColumnKind(_flag, int, bool)
HISTORY: Final = ColumnKind(_history, write_history, read_history)
KEY: Final = ColumnKind(check_key)
BYTES: Final = ColumnKind(_bytes)
HEADERS: Final = ColumnKind(_headers, _headers_to_json, json.loads)
TIME: Final = ColumnKind(to_time, to_micros, from_micros)
COUNT: Final = ColumnKind(check_count)

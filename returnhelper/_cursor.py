"""Where a pass through a list stands, and the text that takes it to another process."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Final

import attrs

from ._time import EPOCH, as_utc
from .errors import ConfigurationError, format_value

_VERSION: Final = 2
_RECENT: Final = 16
_DIGEST: Final = 12  # characters
_LONGEST: Final = 1000
_LARGEST: Final = 2**63


@attrs.frozen(kw_only=True)
class Position:
    """A place between two items of a list."""

    name: str
    """The operation whose list this is."""
    created_from: datetime | None = None
    created_to: datetime | None = None
    start: datetime | None = None
    """Where the current window begins; None for a list without windows."""
    offset: int = 0
    """Items of the current window that lie before this place."""
    count: int = 0
    """Items of the whole span that have been returned."""
    window_total: int | None = None
    """The server's latest count for the current window."""
    span_total: int | None = None
    """The server's count for the whole span."""
    done: bool = False
    recent: tuple[str, ...] = ()
    """Digests of the items just before this place, the nearest last: they find it again in a list that changed."""

    def after(self, digests: list[str], *, offset: int, returned: int) -> Position:
        """Return the place behind some more items of the same window; the digest of an item without a key is empty."""
        return attrs.evolve(
            self,
            offset=offset,
            count=self.count + returned,
            recent=(*self.recent, *filter(None, digests[-_RECENT:]))[-_RECENT:],
        )


def digest(key: Hashable) -> str:
    """Return a short digest of an item's key, so that a cursor discloses no ids."""
    hashed = hashlib.blake2b(repr(key).encode("utf-8", "backslashreplace"), digest_size=_DIGEST * 3 // 4)
    return base64.urlsafe_b64encode(hashed.digest()).decode()


def write_cursor(position: Position) -> str:
    """Return the cursor of a position: URL-safe text of less than 1 kB."""
    state = [
        _VERSION,
        position.name,
        *(_to_micros(time) for time in (position.created_from, position.created_to, position.start)),
        position.offset,
        position.count,
        position.window_total,
        position.span_total,
        position.done,
        "".join(position.recent),
    ]
    return base64.urlsafe_b64encode(json.dumps(state, separators=(",", ":")).encode()).decode()


def read_cursor(cursor: str, expected: Position) -> Position:
    """Return the position of a cursor. Raise `ConfigurationError` unless it belongs to the expected list and span."""
    if not isinstance(cursor, str):
        raise ConfigurationError(
            f"cursor must be the text of an earlier page.cursor, not {format_value(cursor)}"
        )
    try:
        position = _read(cursor)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise ConfigurationError(
            f"cursor is damaged or comes from another release of this package: {format_value(cursor)}; start again "
            "without one"
        ) from None
    if position.name != expected.name:
        raise ConfigurationError(
            f"cursor belongs to the list {position.name or 'without a name'}, not to {expected.name or 'this one'}"
        )
    span = position.created_from, position.created_to
    if (expected.created_from, expected.created_to) not in ((None, None), span):
        raise ConfigurationError(
            f"cursor belongs to the span from {position.created_from} to {position.created_to}: pass these as "
            "created_from and created_to, or start again without a cursor"
        )
    return position


def _read(cursor: str) -> Position:
    if len(cursor) > _LONGEST:
        raise ValueError
    state = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
    version, name, created_from, created_to, start, offset, count, window_total, span_total, done, recent = (
        state
    )
    if version != _VERSION or type(name) is not str or type(done) is not bool or type(recent) is not str:
        raise ValueError
    for number in (offset, count):
        _require_count(number)
    for total in (window_total, span_total):
        if total is not None:
            _require_count(total)
    position = Position(
        name=name,
        created_from=_from_micros(created_from),
        created_to=_from_micros(created_to),
        start=_from_micros(start),
        offset=offset,
        count=count,
        window_total=window_total,
        span_total=span_total,
        done=done,
        recent=tuple(recent[i : i + _DIGEST] for i in range(0, len(recent), _DIGEST)),
    )
    _require_window(position)
    return position


def _require_count(value: object) -> None:
    if type(value) is not int or not 0 <= value < _LARGEST:
        raise ValueError


def _require_window(position: Position) -> None:
    times = position.created_from, position.start, position.created_to
    if times == (None, None, None):
        return
    first, start, last = times
    if first is None or start is None or last is None or not first <= start <= last:
        raise ValueError


def _to_micros(time: datetime | None) -> int | None:
    return None if time is None else (as_utc(time) - EPOCH) // timedelta(microseconds=1)


def _from_micros(micros: object) -> datetime | None:
    if micros is None:
        return None
    if type(micros) is not int:
        raise ValueError
    return EPOCH + timedelta(microseconds=micros)

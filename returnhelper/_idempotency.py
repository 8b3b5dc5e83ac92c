"""Idempotency keys that a second run of the same work derives again, without anything being stored.

Whoever runs a unit of work, such as the handler of an event, opens a `KeyScope` for it; the context variable hands it to
the calls. This module is below both sides: neither knows the other.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Final, NamedTuple, TypeAlias

from .errors import ConfigurationError, format_value

Refusals: TypeAlias = tuple[tuple[str, int], ...]
"""How often the server has refused calls, by their ids."""

EVENT: Final = "event"
NAME: Final = "name"

# Part of every key: whoever changes how keys are derived changes it too, and says so in the changelog.
_VERSION: Final = b"returnhelper idempotency key 1"
_MOST_REFUSALS: Final = 100


class DerivedKey(NamedTuple):
    """The key of one call: its text, which call of which account it is, and the how-manieth of its kind."""

    text: str
    kind: tuple[bytes, bytes]
    number: int
    call_id: str


class KeyScope:
    """The calls of one unit of work, in whichever tasks and threads it makes them.

    A key follows from the unit of work, the operation, the content, and the number of equal calls that were carried out
    before: the first of three equal calls has the same key in every run, and so has the third. A call that failed gives
    its number back, so calling again repeats it. `refusals` are those that earlier runs have met and recorded: after a
    refusal a server may repeat its response to the same key for ever, so the next run sends another one.

    Each account has its own count, since a server knows the keys of each account apart (inferred). It is no part of a
    key: a new API key of the account changes nothing.
    """

    def __init__(
        self, kind: str, name: str, *, refusals: Refusals = (), outer: KeyScope | None = None
    ) -> None:
        self.identity = (kind, name)
        self.outer = outer
        self._refusals = dict(refusals)
        self._refused: set[str] = set()
        self._taken: dict[tuple[bytes, bytes], set[int]] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<keys from {self.identity[0]} {self.identity[1]!r}>"

    def take(self, operation: str, content: bytes, account: bytes = b"") -> DerivedKey:
        """Return the key of a call that is about to be made."""
        call = _digest(operation.encode(), content)
        with self._lock:
            taken = self._taken.setdefault((account, call), set())
            number = next(number for number in range(len(taken) + 1) if number not in taken)
            taken.add(number)
            call_id = _digest(account, call, _bytes(number))[:8].hex()
            refusals = self._refusals.get(call_id, 0)
        where, name = self.identity
        key = _digest(
            _VERSION,
            where.encode(),
            name.encode("utf-8", "surrogatepass"),
            call,
            _bytes(number),
            _bytes(refusals),
        )
        return DerivedKey(_as_uuid(key), (account, call), number, call_id)

    def give_back(self, key: DerivedKey, *, refused: bool) -> None:
        """Take note that a call failed; `refused` says that the server has certainly not carried it out."""
        with self._lock:
            self._taken[key.kind].discard(key.number)
            if refused:
                self._refused.add(key.call_id)

    def refusals(self) -> Refusals:
        """Return the refusals of all runs, this one included."""
        with self._lock:
            for call_id in self._refused:
                self._refusals[call_id] = self._refusals.get(call_id, 0) + 1
            self._refused.clear()
            return tuple(self._refusals.items())[:_MOST_REFUSALS]


_current: ContextVar[KeyScope | None] = ContextVar("returnhelper_idempotency", default=None)


def current_scope() -> KeyScope | None:
    """Return the scope of the unit of work that runs, if there is one."""
    return _current.get()


def enter_scope(scope: KeyScope | None) -> None:
    """Let the calls of this context, until it ends, take their keys from a scope; None for random keys."""
    _current.set(scope)


class KeysFrom:
    """A context manager within which keys are derived from a name; see `ReturnHelper.keys_from`."""

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise ConfigurationError(
                f"name must be a text that this work alone has, such as 'order-A-1001', not {format_value(name)}"
            )
        self._name = name
        self._tokens: list[Token[KeyScope | None]] = []

    def __enter__(self) -> None:
        outer = _current.get()
        known = next((scope for scope in _outwards(outer) if scope.identity == (NAME, self._name)), None)
        self._tokens.append(_current.set(known or KeyScope(NAME, self._name, outer=outer)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        token = self._tokens.pop()
        try:
            _current.reset(token)
        except (
            ValueError
        ):  # left in another context than it was entered in, as fixtures and generators may be
            _current.set(None if token.old_value is Token.MISSING else token.old_value)


def _outwards(scope: KeyScope | None) -> Iterable[KeyScope]:
    while scope is not None:
        yield scope
        scope = scope.outer


def _digest(*parts: bytes) -> bytes:
    # each with its length: no two lists of parts are the same bytes
    return hashlib.sha256(b"".join(_bytes(len(part)) + part for part in parts)).digest()


def _bytes(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _as_uuid(digest: bytes) -> str:
    """Return 122 bits of a digest in the form that the vendor asks for, as a UUID of version 8 (RFC 9562)."""
    h = digest[:16].hex()
    return f"{h[:8]}-{h[8:12]}-8{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"

"""What becomes of a record after an attempt, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import Enum, auto
from typing import Final

import attrs

from returnhelper.inbox._columns import storable_text
from returnhelper.webhooks.router import Discard, Retry

_LONGEST_REASON: Final = 1000


class DispositionKind(Enum):
    """What becomes of a record."""

    DONE = auto()
    DISCARD = auto()
    RETRY = auto()
    HOLD = auto()
    LOST = auto()
    RELEASE = auto()


@attrs.frozen
class Disposition:
    """What becomes of a record, and why.

    ``after`` is the delay that the handler asked for. ``error`` is the class name of the exception behind it, if any.
    ``stored`` is True if the inbox knows it already, because the transaction of the handlers has completed the record;
    ``paused`` if no handler ran, because its action is paused.
    """

    kind: DispositionKind
    reason: str = ""
    after: timedelta | None = None
    error: str = ""
    stored: bool = False
    paused: bool = False

    @property
    def failed(self) -> bool:
        """Whether a handler raised something other than `Retry` or `Discard`."""
        return self.kind is DispositionKind.RETRY and bool(self.error)

    @property
    def deferred(self) -> bool:
        """Whether a handler asked for a certain delay, which does not count as an attempt."""
        return self.kind is DispositionKind.RETRY and self.after is not None

    def plain(self) -> Disposition:
        """Return the same disposition with a reason that any store can keep."""
        name = self.error.encode("ascii", "backslashreplace").decode() or "no class"
        return attrs.evolve(self, reason=f"{name} (the store did not accept the full reason)")


def classify(error: BaseException | None) -> Disposition:
    """Return the disposition for what the handlers raised, or for None.

    The members of an exception group count one by one: a failure outweighs `Retry`, and `Retry` outweighs `Discard`.
    """
    if error is None:
        return Disposition(DispositionKind.DONE)
    leaves = list(_leaves(error))
    name = type(error).__name__
    failures = [leaf for leaf in leaves if not isinstance(leaf, Discard | Retry)]
    if failures:
        reason = "; ".join(describe(leaf) for leaf in failures)
        if isinstance(error, BaseExceptionGroup):
            reason = f"{name}: {reason}"
        return Disposition(DispositionKind.RETRY, reason[:_LONGEST_REASON], error=name)
    retries = [leaf for leaf in leaves if isinstance(leaf, Retry)]
    if retries:
        delays = [_get(leaf, "after") for leaf in retries]
        reason = "; ".join(_text(leaf) for leaf in retries)
        return Disposition(
            DispositionKind.RETRY,
            reason[:_LONGEST_REASON],
            max((delay for delay in delays if isinstance(delay, timedelta)), default=None),
        )
    reason = "; ".join(_text(_get(leaf, "reason")) for leaf in leaves)
    return Disposition(DispositionKind.DISCARD, reason[:_LONGEST_REASON])


def describe(error: BaseException) -> str:
    """Return the class and the text of an exception, or the class alone if the text cannot be had."""
    text = _text(error)
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def _get(error: BaseException, name: str) -> object:
    """Return an attribute, or an empty text: a subclass may have left it out or made it a property that raises."""
    try:
        return getattr(error, name)
    except Exception:  # noqa: BLE001
        return ""


def _text(value: object) -> str:
    """Return a text that can be stored and logged; an empty one if the value has none."""
    try:
        return storable_text(str(value))
    except Exception:  # noqa: BLE001 - a class may do anything in its `__str__`
        return ""


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _leaves(member)
    else:
        yield error

"""Check the arguments of a call: a wrong one raises `ConfigurationError`, which names it and shows what it got.

`checked` reads the rules from the annotations of a function. Where a call runs too often for that, or where there is a
hint to give, the `require_*` functions say the same of one argument.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from .errors import ConfigurationError, format_value

if TYPE_CHECKING:
    import attrs

F = TypeVar("F", bound=Callable[..., Any])

MOST: Final = 2**63 - 1
"""The largest integer that every store and every server takes."""


class Range(NamedTuple):
    """Bounds of a number, both included; in an annotation, as `Annotated[int, Range(1, 50)]`."""

    least: float = 0
    most: float = MOST

    def __str__(self) -> str:
        return f"at least {self.least}" if self.most == MOST else f"from {self.least} to {self.most}"


ANY_SIZE: Final = Range()
POSITIVE: Final = Range(1)
PROBABILITY: Final = Range(0, 1)


def refuse(name: str, value: object, wanted: str, hint: str = "") -> ConfigurationError:
    """Return the error for an argument that is not what it must be; `hint` says what to do."""
    return ConfigurationError(f"{name} must be {wanted}, not {format_value(value)}{hint and f': {hint}'}")


def require(name: str, value: object, *, valid: bool, what: str, hint: str = "") -> None:
    """Raise unless the argument is valid; `what` says what it must be, `hint` what to do."""
    if not valid:
        raise refuse(name, value, what, hint)


def require_type(name: str, value: object, expected: type, example: str = "") -> None:
    """Raise unless the argument is an object of a class."""
    if not isinstance(value, expected):
        raise refuse(name, value, f"{_with_article(expected.__name__)}{example and f', such as {example}'}")


def require_bool(name: str, value: object) -> None:
    """Raise unless the argument is True or False."""
    if not isinstance(value, bool):
        raise refuse(name, value, "True or False")


def require_text(name: str, value: object) -> None:
    """Raise unless the argument is text."""
    if not isinstance(value, str):
        raise refuse(name, value, "text")


def require_callable(name: str, value: object, what: str = "a function") -> None:
    """Raise unless the argument can be called."""
    if not callable(value):
        raise refuse(name, value, what)


def require_int(name: str, value: object, bounds: Range = ANY_SIZE) -> None:
    """Raise unless the argument is a whole number within bounds."""
    if not isinstance(value, int) or isinstance(value, bool) or not bounds.least <= value <= bounds.most:
        raise refuse(name, value, f"a whole number {bounds}")


def is_encodable(text: str) -> bool:
    """Return whether a text can be written as UTF-8: one with an unpaired surrogate cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def checked(function: F) -> F:
    """Check the arguments of a function or method by its annotations before it runs.

    A number without a `Range` in its annotation must not be negative: nothing in this package takes one that is.
    Protocols, type variables and `object` take anything.
    """
    names = tuple(inspect.signature(function).parameters)

    @functools.cache
    def checks() -> dict[str, Callable[[str, object], None]]:
        # Resolved by the first call: when the function is defined, the names in its annotations may not exist yet.
        given = {name: hint for name, hint in function.__annotations__.items() if name != "return"}
        hints = get_type_hints(
            SimpleNamespace(__annotations__=given), function.__globals__, include_extras=True
        )
        return {name: _compile(hint) for name, hint in hints.items()}

    def check(args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        rules = checks()
        for name, value in (*zip(names, args, strict=False), *kwargs.items()):
            rule = rules.get(name)
            if rule is not None:
                rule(name, value)

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapper(*args: object, **kwargs: object) -> object:  # pyright: ignore[reportRedeclaration]
            check(args, kwargs)
            return await function(*args, **kwargs)

    else:

        @functools.wraps(function)
        def wrapper(*args: object, **kwargs: object) -> object:
            check(args, kwargs)
            return function(*args, **kwargs)

    return cast("F", wrapper)


def check_fields(instance: attrs.AttrsInstance) -> None:
    """Check the fields of an attrs object by their annotations; for `__attrs_post_init__`."""
    import attrs  # only who has attrs classes pays for it: verification needs the standard library alone

    hints = get_type_hints(type(instance), include_extras=True)
    for attribute in attrs.fields(type(instance)):
        _compile(hints[attribute.name])(attribute.name, getattr(instance, attribute.name))


class _Kind(NamedTuple):
    """What one member of a union accepts, and how a message calls it."""

    accepts: Callable[[object], bool]
    wanted: str
    check_members: Callable[[str, object], None] | None = None


def _number(accepted: type | types.UnionType, wanted: str, bounds: Range) -> _Kind:
    def accepts(value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, accepted):
            return False
        if value != value:  # noqa: PLR0124 - NaN, which as a Decimal cannot even be compared
            return False
        return bool(bounds.least <= value <= bounds.most)  # type: ignore[operator]

    return _Kind(accepts, f"{wanted} {bounds}")


def _sequence(expected: type, members: tuple[object, ...]) -> _Kind:
    member = _compile(members[0]) if members else None

    def accepts(value: object) -> bool:
        # Text is a sequence too, of single characters, and a mapping one of its keys: hardly ever what was meant.
        return isinstance(value, expected) and not isinstance(value, str | bytes | bytearray | Mapping)

    def check_members(name: str, value: object) -> None:
        if member is not None and isinstance(value, Sequence):
            for index, entry in enumerate(value):
                member(f"{name}[{index}]", entry)

    return _Kind(accepts, "a sequence", check_members)


def _duration(bounds: Range) -> _Kind:
    def accepts(value: object) -> bool:
        return isinstance(value, timedelta) and bounds.least <= value.total_seconds() <= bounds.most

    return _Kind(accepts, "a timedelta")


def _kind(annotation: object, bounds: Range) -> _Kind | None:
    """Return what an annotation that is no union accepts; None for anything at all."""
    origin = get_origin(annotation) or annotation
    if origin is Literal:
        choices = get_args(annotation)
        return _Kind(lambda value: value in choices, " or ".join(map(repr, choices)))
    if origin is Callable or origin is type:
        wanted = "a function" if origin is Callable else "a class"
        return _Kind(callable if origin is Callable else lambda value: isinstance(value, type), wanted)
    if origin in (Sequence, Iterable, list, tuple):
        return _sequence(origin, get_args(annotation))
    if origin is int:
        return _number(int, "a whole number", bounds)
    if origin is float:
        return _number(int | float, "a number", bounds)
    if origin is Decimal:
        return _number(int | Decimal, "a Decimal or a whole number", bounds)
    if origin is timedelta:
        return _duration(bounds)
    if not isinstance(origin, type) or origin is object or getattr(origin, "_is_protocol", False):
        return None
    return _Kind(lambda value: isinstance(value, origin), _with_article(origin.__name__))


@functools.cache
def _compile(annotation: object) -> Callable[[str, object], None]:
    bounds = ANY_SIZE
    if get_origin(annotation) is Annotated:
        annotation, *marks = get_args(annotation)
        bounds = next((mark for mark in marks if isinstance(mark, Range)), bounds)
    union = get_origin(annotation) in (Union, types.UnionType)
    kinds = [_kind(member, bounds) for member in (get_args(annotation) if union else (annotation,))]

    def check(name: str, value: object) -> None:
        known = [kind for kind in kinds if kind is not None]
        if len(known) < len(kinds):
            return
        taken = next((kind for kind in known if kind.accepts(value)), None)
        if taken is None:
            raise refuse(name, value, " or ".join(kind.wanted for kind in known))
        if taken.check_members is not None:
            taken.check_members(name, value)

    return check


def _with_article(name: str) -> str:
    plain = {"str": "text", "bool": "True or False", "bytes": "bytes", "NoneType": "None"}.get(name)
    return plain or f"{'an' if name[0] in 'AEIOaeio' else 'a'} {name}"

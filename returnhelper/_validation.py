"""Documented limits as data, and the one walk that checks them before a request is sent.

A limit stands once, in the annotation of a model's field or of an operation's parameter: `weight: PositiveDecimal`,
which is `Annotated[Decimal, Positive()]`. A limit is a callable that returns what is wrong with a value, or None.
`Parameters` holds the annotations of one operation, and the rules that tie several of its values together.

- `Parameters`, `Operation.params`: what an operation takes
- `FieldError`, `ErrorKind`: what the walk finds
- `compile_check`: annotation -> function, once per annotation; checking a valid value costs no text and no list
- the limits, and the annotations that several models and operations share
"""

from __future__ import annotations

import re
import types
import typing
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Context, Decimal, localcontext
from enum import Enum, auto
from typing import Annotated, Any, NamedTuple, TypeAlias, Union, get_args, get_origin
from uuid import UUID

import attrs

from returnhelper._time import as_utc
from returnhelper._wire import Model
from returnhelper._wire.model import attributes, camel, wire_names
from returnhelper.errors import format_value
from returnhelper.types import OpenStrEnum

MAX_PAGE_SIZE = 50

Annotation: TypeAlias = Any
"""What may stand behind a colon: a class, a union, `Annotated[…]`. The type system has no name for it."""

Limit: TypeAlias = Callable[[Any], str | None]
Rule: TypeAlias = Callable[..., Iterable[tuple[str, str]]]
"""Takes the arguments of a call by name, and yields the wire path and the problem of what does not fit together."""


class ErrorKind(Enum):
    """What a problem is about."""

    LIMIT = auto()
    """A documented limit: the server may have relaxed it, so the check can be switched off."""
    TYPE = auto()
    """A value of the wrong type, or none where one is required."""
    CLASS = auto()
    """Something else where an object of one of our classes belongs."""


class FieldError(NamedTuple):
    """One problem: where it is, by the names of the wire and by those of Python, and what is wrong."""

    wire_path: str
    python_path: str
    message: str
    kind: ErrorKind

    def __str__(self) -> str:
        """Name the field as the wire does, and first as the caller does where that is another word."""
        parameter = self.python_path.partition(".")[0].partition("[")[0]
        named_alike = self.wire_path.startswith(camel(parameter))
        return (
            f"{self.wire_path if named_alike else f'{self.python_path} ({self.wire_path})'}: {self.message}"
        )


Found: TypeAlias = Sequence[FieldError]
Check: TypeAlias = Callable[[Any], Found]

_NONE_FOUND: Found = ()


# ---------------------------------------------------------------------------------------------------------------------
# Limits of one value


# Z* are separators, Cc controls, Cf formats such as the zero-width space, Cs unpaired surrogates.
_INVISIBLE = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cs"})


def _is_visible(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character) not in _INVISIBLE


def not_blank(text: str) -> str | None:
    """Ask for a character that is not white space."""
    return None if text.strip() else "is required"


@attrs.frozen
class MaxLength:
    """Ask for a text of at most so many characters."""

    most: int

    def __call__(self, text: str) -> str | None:
        return None if len(text) <= self.most else f"takes at most {self.most} characters, has {len(text)}"


@attrs.frozen
class Entries:
    """Ask for a number of entries in a list or a mapping."""

    least: int = 0
    most: int | None = None

    def __call__(self, entries: typing.Sized) -> str | None:
        count = len(entries)
        if count >= self.least and (self.most is None or count <= self.most):
            return None
        if self.most is None:
            return f"takes at least {self.least} {'entry' if self.least == 1 else 'entries'}, has {count}"
        return f"takes {self.least} to {self.most} entries, has {count}"


@attrs.frozen
class Between:
    """Ask for a number in a range."""

    least: int
    most: int | None = None

    def __call__(self, number: int) -> str | None:
        if number >= self.least and (self.most is None or number <= self.most):
            return None
        wanted = f"at least {self.least}" if self.most is None else f"{self.least} to {self.most}"
        return f"must be {wanted}, not {format_value(number)}"


def above_zero(number: Decimal | int) -> str | None:
    """Ask for a number above zero."""
    return None if number > 0 else f"must be above zero, not {format_value(number)}"


class OneOf:
    """Ask for one of a few codes, in exactly this spelling."""

    def __init__(self, *codes: str) -> None:
        self.codes = codes

    def __call__(self, code: str) -> str | None:
        spelling = code.wire if isinstance(code, OpenStrEnum) else code
        if spelling in self.codes:
            return None
        return f"must be {' or '.join(map(repr, self.codes))}, not {format_value(spelling)}"


@attrs.frozen
class Matches:
    """Ask for a text of a certain form."""

    pattern: re.Pattern[str] = attrs.field(converter=re.compile)
    wanted: str

    def __call__(self, text: str) -> str | None:
        return None if self.pattern.fullmatch(text) else f"must be {self.wanted}, not {format_value(text)}"


def is_uuid(value: UUID | str) -> str | None:
    """Ask for a UUID, as an object or as text."""
    if isinstance(value, UUID):
        return None
    try:
        UUID(value)
    except ValueError:
        return f"must be a UUID, not {format_value(value)}"
    return None


def is_reference(text: str) -> str | None:
    """Ask for 1 to 50 visible characters; the server replaces an empty reference by its own."""
    if len(text) > 50:
        return f"takes 1 to 50 characters, has {len(text)}"
    if not all(map(_is_visible, text)):
        return "must not contain white space, control or invisible characters"
    return None


# ---------------------------------------------------------------------------------------------------------------------
# Annotations that several models and operations share

Text: TypeAlias = Annotated[str, not_blank]
EntityId: TypeAlias = Annotated[int, Between(1, 2**63 - 1)]
WarehouseId: TypeAlias = Annotated[int, Between(1, 2**31 - 1)]
FbaId: TypeAlias = Annotated[UUID | str, is_uuid]
Ulid: TypeAlias = Annotated[str, Matches(r"[0-9A-Za-z]{26}", "a ULID of 26 letters and digits")]
PositiveDecimal: TypeAlias = Annotated[Decimal, above_zero]
CountryCode: TypeAlias = Annotated[
    str, Matches(r"[a-z]{3}", "a country code of three lower-case letters such as 'usa'")
]
SellerReference: TypeAlias = Annotated[str, is_reference]
CustomFields: TypeAlias = Annotated[Mapping[str, str], Entries(0, 24)]
EntityIds: TypeAlias = Annotated[Sequence[EntityId], Entries(1)]


@attrs.frozen
class Sent:
    """Say how a parameter is sent, where that is not its value under its name in camel case."""

    name: str | None = None
    form: Callable[[Any], object] | None = None
    """Turns the value into what the wire wants."""
    null: bool = False
    """Whether None is sent; otherwise it is left out."""


BODY = Sent("")
"""The parameter is the whole body."""


# ---------------------------------------------------------------------------------------------------------------------
# What an operation takes


class Parameters:
    """The parameters of an operation by their Python names, and the rules that tie several of them together."""

    __slots__ = ("_compiled", "annotations", "rules")

    def __init__(self, *rules: Rule, **annotations: Annotation) -> None:
        self.rules = rules
        self.annotations = annotations
        self._compiled: dict[str, _Parameter] | None = None

    def check(self, arguments: Mapping[str, object]) -> Found:
        """Return the problems of the arguments. Rules are asked when every type is right."""
        found: Found = _NONE_FOUND
        for name, parameter in self._parameters().items():
            problems = parameter.check(arguments[name])
            if problems:
                found = [*found, *_below(parameter.wire_name, name, problems)]
        if self.rules and all(error.kind is ErrorKind.LIMIT for error in found):
            for rule in self.rules:
                broken = rule(**arguments)
                found = [*found, *(FieldError(path, path, text, ErrorKind.LIMIT) for path, text in broken)]
        return found

    def to_wire(self, arguments: Mapping[str, object]) -> object:
        """Return the members of the request, or the body where one parameter is all of it."""
        members: dict[str, object] = {}
        for name, parameter in self._parameters().items():
            value = arguments[name]
            if parameter.form is not None:
                value = parameter.form(value)
            if not parameter.wire_name:
                return value
            if value is not None or parameter.null:
                members[parameter.wire_name] = value
        return members

    def _parameters(self) -> dict[str, _Parameter]:
        if self._compiled is None:
            self._compiled = {name: _parameter(name, given) for name, given in self.annotations.items()}
        return self._compiled


class _Parameter(NamedTuple):
    wire_name: str
    check: Check
    form: Callable[[Any], object] | None
    null: bool


def _parameter(name: str, annotation: Annotation) -> _Parameter:
    marks = (mark for mark in getattr(annotation, "__metadata__", ()) if isinstance(mark, Sent))
    sent = next(marks, Sent())
    wire_name = camel(name) if sent.name is None else sent.name
    bare = annotation.__origin__ if _origin(annotation) is Annotated else annotation
    form = sent.form or (list if _origin(bare) in _LISTS else str if UUID in get_args(bare) else None)
    return _Parameter(wire_name, compile_check(annotation), form, sent.null)


# ---------------------------------------------------------------------------------------------------------------------
# The walk

_LISTS = (tuple, list, Sequence)
_checks: dict[Annotation, Check] = {}


def compile_check(annotation: Annotation) -> Check:
    """Return the function that checks a value against an annotation, with everything that it contains."""
    check = _checks.get(annotation)
    if check is None:
        check = _checks[annotation] = _compile(annotation)
    return check


def _compile(annotation: Annotation) -> Check:
    limits: tuple[Limit, ...] = ()
    if _origin(annotation) is Annotated:
        limits = tuple(mark for mark in annotation.__metadata__ if callable(mark))  # pyright: ignore[reportAssignmentType]
        annotation = annotation.__origin__
    if _origin(annotation) in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not types.NoneType]
        required = len(members) == len(get_args(annotation))
        if len(members) == 1:
            check = compile_check(members[0])
            return check if required else lambda value: _NONE_FOUND if value is None else check(value)
    else:
        members, required = [annotation], True
    if annotation is object or annotation is Any:
        return lambda _: _NONE_FOUND
    origin = _origin(members[0])
    if isinstance(members[0], type) and issubclass(members[0], Model):
        return _model_check(members[0])
    if origin in _LISTS:
        return _list_check(get_args(members[0])[0], limits)
    if origin in (dict, Mapping):
        return _mapping_check(get_args(members[0])[1], limits)
    return _value_check(members, limits, required=required)


def _origin(annotation: Annotation) -> object:
    return get_origin(annotation)


def _problem(message: str, kind: ErrorKind = ErrorKind.TYPE) -> Found:
    return (FieldError("", "", message, kind),)


def _wrong_type(value: object, wanted: str) -> Found:
    return _problem("is required" if value is None else f"must be {wanted}, not {format_value(value)}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name and name[0] != "[" else path + name


def _below(wire_name: str, name: str, found: Found) -> list[FieldError]:
    """Return problems of a part, with the path as it is seen from the whole."""
    return [
        FieldError(
            _join(wire_name, error.wire_path), _join(name, error.python_path), error.message, error.kind
        )
        for error in found
    ]


def _first_broken(limits: tuple[Limit, ...], value: object) -> Found:
    for limit in limits:
        message = limit(value)
        if message is not None:
            return _problem(message, ErrorKind.LIMIT)
    return _NONE_FOUND


def _value_check(members: Sequence[Any], limits: tuple[Limit, ...], *, required: bool) -> Check:
    classes = tuple(_class_of(member) for member in members)
    whole = int in classes or Decimal in classes
    wanted = _wanted(classes)

    def check(value: object) -> Found:
        if value is None and not required:
            return _NONE_FOUND
        fits = isinstance(value, classes) or (isinstance(value, int) and Decimal in classes)
        if not fits or (whole and _is_no_number(value)):
            return _wrong_type(value, wanted)
        return _first_broken(limits, value) if limits else _NONE_FOUND

    return check


def _class_of(annotation: Annotation) -> type:
    # A code may be given as plain text wherever it stands.
    return str if isinstance(annotation, type) and issubclass(annotation, str) else annotation


def _is_no_number(value: object) -> bool:
    return isinstance(value, bool) or (isinstance(value, Decimal) and not value.is_finite())


_WANTED = {
    str: "text",
    bool: "True or False",
    int: "a whole number",
    Decimal: "a finite Decimal or an int (a float is not exact)",
    UUID: "a UUID",
    datetime: "a datetime",
}


def _wanted(classes: tuple[type, ...]) -> str:
    if UUID in classes:
        return _WANTED[UUID]
    return " or ".join(dict.fromkeys(_WANTED.get(cls, cls.__name__) for cls in classes))


def _list_check(element: Annotation, limits: tuple[Limit, ...]) -> Check:
    check_element = compile_check(element)

    def check(value: object) -> Found:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            return _wrong_type(value, "a list")
        found: list[FieldError] = []
        for index, entry in enumerate(value):
            problems = check_element(entry)
            if problems:
                found += _below(f"[{index}]", f"[{index}]", problems)
        return [*_first_broken(limits, value), *found] if limits or found else _NONE_FOUND

    return check


def _mapping_check(member: Annotation, limits: tuple[Limit, ...]) -> Check:
    check_member = compile_check(member)

    def check(value: object) -> Found:
        if not isinstance(value, Mapping):
            return _wrong_type(value, "a mapping")
        found: list[FieldError] = []
        for key, entry in value.items():
            if not isinstance(key, str):
                found += _problem(f"takes text as keys, not {format_value(key)}")
                continue
            problems = check_member(entry)
            if problems:
                found += _below(key, f"[{key!r}]", problems)
        return [*_first_broken(limits, value), *found] if limits or found else _NONE_FOUND

    return check


def _model_check(cls: type[Model]) -> Check:
    hints = typing.get_type_hints(cls, include_extras=True)
    names = wire_names(cls)
    checks = [(f.name, names[f.name][0], compile_check(hints[f.name])) for f in attributes(cls)]

    def check(value: object) -> Found:
        if not isinstance(value, cls):
            return _problem(
                f"must be a {cls.__name__}, not {type(value).__name__}: "
                f"build it with {cls.__module__}.{cls.__name__}(…)",
                ErrorKind.CLASS,
            )
        found: Found = _NONE_FOUND
        if value.raw is None:  # what came from the server goes back as it came
            for name, wire_name, check_field in checks:
                problems = check_field(getattr(value, name))
                if problems:
                    found = [*found, *_below(wire_name, name, problems)]
        return found

    return check


# ---------------------------------------------------------------------------------------------------------------------
# Rules that tie several values together


def sum_problem(total: Decimal, parts: Iterable[Decimal], of: str) -> str | None:
    """Ask for the exact sum of the parts."""
    # Digits enough that adding money never rounds, which the default context does after 28; no traps, since what
    # overflows is no sum of money either.
    with localcontext(Context(prec=200, traps=[])):
        expected = sum(map(Decimal, parts), Decimal(0))
        return None if expected == total else f"must equal the sum of {of}, {expected}"


def span_in_order(*, created_from: datetime, created_to: datetime, **_: object) -> Iterable[tuple[str, str]]:
    """Ask for two times in their order; a time without a zone means UTC."""
    if as_utc(created_to) < as_utc(created_from):
        yield "createTo", "must not be before createFrom"


PAGE = Parameters(
    page_size=Annotated[int, Between(1, MAX_PAGE_SIZE)],
    cursor=str | None,
)
SPAN = Parameters(
    span_in_order,
    created_from=Annotated[datetime, Sent("createFrom")],
    created_to=Annotated[datetime, Sent("createTo")],
    **PAGE.annotations,
)

"""Small types that every part of the package shares: JSON aliases, open enumerations, RMA numbers, answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, Self, TypeAlias, TypeVar, overload

import attrs

__all__ = ["JSONObject", "JSONValue", "OpenStrEnum", "RawResponse", "ResultList", "Rma", "RmaParts"]

if TYPE_CHECKING:
    JSONValue: TypeAlias = (
        bool | int | Decimal | float | str | Sequence["JSONValue"] | Mapping[str, "JSONValue"] | None
    )
    """Anything that JSON can say. Numbers with a point or an exponent are `Decimal`."""
else:
    JSONValue = object  # a recursive alias cannot be resolved at run time outside its module

JSONObject: TypeAlias = Mapping[str, JSONValue]

T = TypeVar("T")


if TYPE_CHECKING:

    class OpenStrEnum(str, Enum):  # noqa: UP042 - StrEnum promises that a value is its member
        """An enumeration of codes that the other side may extend.

        Behaves as the (normalised) text of the code: it compares, hashes and prints as that text. An unknown code
        is not an error; it keeps its value and says so in `is_known`.
        """

        @property
        def wire(self) -> str | int:
            """The code as the wire printed it, before normalisation."""
            return str(self.value)

        @property
        def is_known(self) -> bool:
            """Whether this release of the package has a name for the code."""
            return True

        @classmethod
        def known(cls) -> tuple[Self, ...]:
            """Return the codes that have a name, in the order of their declaration."""
            return tuple(cls)

        # Declared here so that type checkers do not take a comparison with every member for exhaustive.
        def __eq__(self, other: object) -> bool: ...
        def __hash__(self) -> int: ...

else:

    class _OpenEnumType(type):
        """Turn the text constants of a class body into members, and calls into look-ups that never fail."""

        def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
            codes = {key: code for key, code in namespace.items() if key[0] != "_" and type(code) is str}
            cls = super().__new__(mcls, name, bases, {**namespace, "__slots__": ()})
            members = dict(getattr(cls, "__members__", {}))
            table = {}
            for key, code in codes.items():
                members[key] = _member(cls, code, key, code)
                type.__setattr__(cls, key, members[key])
            for member in members.values():
                table[str(member)] = member
            for wire, code in namespace.get("_synonyms_", {}).items():
                target = table.get(code)
                synonym = _member(cls, code, target.name if target is not None else None, wire)
                table[wire] = synonym
                if type(wire) is int:
                    table.setdefault(str(wire), _member(cls, code, synonym.name, str(wire)))
            type.__setattr__(cls, "__members__", members)
            type.__setattr__(cls, "_table_", table)
            return cls

        def __call__(cls, value: object) -> Any:
            if type(value) is cls:
                return value
            if isinstance(value, bool) or not isinstance(value, str | int):
                raise TypeError(f"{cls.__name__} takes a text or an integer, not {type(value).__name__}")
            found = cls._table_.get(value)
            if found is not None:
                return found
            wire = int(value) if isinstance(value, int) else str.__str__(value)
            return _member(cls, str(wire), None, wire)

        def __setattr__(cls, name: str, value: object) -> NoReturn:
            raise AttributeError(f"{cls.__name__} is an enumeration; its members cannot be changed")

        def __iter__(cls) -> Iterator[Any]:
            return iter(cls.__members__.values())

        def __len__(cls) -> int:
            return len(cls.__members__)

        def __getitem__(cls, name: str) -> Any:
            return cls.__members__[name]

        def __contains__(cls, value: object) -> bool:
            return isinstance(value, str) and value in cls.__members__.values()

    def _member(cls: type, code: str, name: str | None, wire: str | int) -> Any:
        member = str.__new__(cls, code)
        object.__setattr__(member, "_name", name)
        object.__setattr__(member, "_wire", wire)
        return member

    class _OpenCode(str):
        __slots__ = ("_name", "_wire")

    class OpenStrEnum(_OpenCode, metaclass=_OpenEnumType):
        """An enumeration of codes that the other side may extend.

        Behaves as the (normalised) text of the code: it compares, hashes and prints as that text. An unknown code
        is not an error; it keeps its value and says so in `is_known`.
        """

        _synonyms_: ClassVar[Mapping[str | int, str]] = {}

        @property
        def name(self) -> str:
            """The name of the member, or the code itself where it has none."""
            return self._name if self._name is not None else str(self)

        @property
        def value(self) -> str:
            """The normalised code as plain text."""
            return str(self)

        @property
        def wire(self) -> str | int:
            """The code as the wire printed it, before normalisation."""
            return self._wire

        @property
        def is_known(self) -> bool:
            """Whether this release of the package has a name for the code."""
            return self._name is not None

        @classmethod
        def known(cls) -> tuple[Self, ...]:
            """Return the codes that have a name, in the order of their declaration."""
            return tuple(cls.__members__.values())

        def __str__(self) -> str:
            return str.__str__(self)[:]

        def __repr__(self) -> str:
            own = str.__repr__(self)
            if self._name is None:
                return f"<{type(self).__name__}: {own}, unknown>"
            origin = "" if self._wire == str(self) else f", wire {self._wire!r}"
            return f"<{type(self).__name__}.{self._name}: {own}{origin}>"

        def __setattr__(self, name: str, value: object) -> NoReturn:
            raise AttributeError(f"{type(self).__name__} cannot be changed")

        def __reduce_ex__(self, protocol: int) -> tuple[type, tuple[str | int]]:
            return type(self), (self._wire,)

        def __copy__(self) -> OpenStrEnum:
            return self

        def __deepcopy__(self, memo: dict[int, Any]) -> OpenStrEnum:
            return self


_RMA = re.compile(r"([A-Z]+)-([0-9]+)-([0-9]{6})-([A-Z])([0-9]{1,5})(?:-([0-9]{2}))?-([0-9]{1,2})", re.ASCII)


@attrs.frozen
class RmaParts:
    """The groups of an RMA number, in the order of its text."""

    prefix: str
    warehouse_id: int
    date: date | None
    environment: str
    sequence: int
    split: int | None
    check: str


class Rma(str):
    """An RMA number, the identifier that the warehouse gives to one package on arrival.

    Any text is accepted, because the rule of the number is inferred from samples; `parts` is None where it does not
    follow that rule. The check digits are opaque. A number may be swapped for another (`notifyUserRmaSwapped`).
    """

    __slots__ = ()

    @property
    def parts(self) -> RmaParts | None:
        """The groups of the number, or None if it has an unfamiliar shape."""
        found = _RMA.fullmatch(self)
        if found is None:
            return None
        prefix, warehouse, day, environment, sequence, split, check = found.groups()
        return RmaParts(
            prefix,
            _short_int(warehouse),
            _short_date(day),
            environment,
            int(sequence),
            int(split) if split else None,
            check,
        )

    @property
    def warehouse_id(self) -> int | None:
        """The warehouse that the number names."""
        parts = self.parts
        return parts.warehouse_id if parts else None

    @property
    def is_split(self) -> bool:
        """Whether the package is one part of a split parcel."""
        parts = self.parts
        return parts is not None and parts.split is not None


def _short_int(digits: str) -> int:
    return int(digits[:18])


def _short_date(yymmdd: str) -> date | None:
    try:
        return datetime.strptime(yymmdd, "%y%m%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        return None


@attrs.frozen(kw_only=True)
class RawResponse:
    """What the server answered to one call, as bytes: for support requests and for members that no model names."""

    operation: str
    http_status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    correlation_id: str | None = None
    idempotency_key: str | None = None


class ResultList(Sequence[T], Generic[T]):
    """A list that a call returned, with what the envelope said about it."""

    __slots__ = ("_items", "response", "total")

    def __init__(
        self, items: Sequence[T] = (), *, response: RawResponse | None = None, total: int | None = None
    ) -> None:
        self._items = tuple(items)
        self.response = response
        self.total = total

    @property
    def correlation_id(self) -> str | None:
        """The server's trace id of the call; quote it to support."""
        return None if self.response is None else self.response.correlation_id

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ResultList):
            return self._items == other._items
        return isinstance(other, list | tuple) and self._items == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        total = "" if self.total is None else f", total={self.total}"
        return f"{type(self).__name__}({list(self._items)!r}{total})"

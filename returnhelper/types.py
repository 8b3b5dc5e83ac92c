"""Small types that every part of the package shares: JSON aliases, open enumerations, RMA numbers, responses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, EnumType
from typing import TYPE_CHECKING, ClassVar, Generic, Self, TypeAlias, TypeVar, overload

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


class _OpenEnumType(EnumType):
    if not TYPE_CHECKING:  # type checkers know better what calling an enumeration returns

        def __call__(cls, value: object, *args: object, **kwargs: object) -> object:
            # Looked up here, since a constant may have another spelling than the same code that was read.
            found = cls._table_.get(value) if isinstance(value, str | int) else None
            return super().__call__(value, *args, **kwargs) if found is None else found

    def __contains__(cls, value: object) -> bool:  # as in Python 3.12; before that it raises for text
        return isinstance(value, str) and value in cls._value2member_map_


class OpenStrEnum(str, Enum, metaclass=_OpenEnumType):  # noqa: UP042 - a StrEnum is closed
    """An enumeration of codes that the other side may extend.

    Behaves as the normalised text of the code: it compares, hashes and prints as that text. An unknown code is not an
    error; it keeps its value, and `is_known` is False. Codes are looked up without regard to case.
    """

    _wire: str | int

    __synonyms__: ClassVar[Mapping[str | int, str]] = {}
    """Other spellings and numbers of codes; a subclass fills it."""

    __newer__: ClassVar[Mapping[str, str]] = {}
    """Codes with a newer spelling, in which their constants are sent; what was read keeps the spelling it came in."""

    if TYPE_CHECKING:
        _table_: ClassVar[Mapping[object, OpenStrEnum]]
        _folded_: ClassVar[Mapping[str, str]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        constants: dict[object, OpenStrEnum] = {str(member): member for member in cls}
        table = dict(constants)
        for wire, code in cls.__synonyms__.items():
            table[wire] = cls._make(code, wire)
            if isinstance(wire, int):
                table.setdefault(str(wire), cls._make(code, str(wire)))
        for code, spelling in cls.__newer__.items():
            vars(constants[code])["_wire"] = spelling
            table[code], table[spelling] = cls._make(code, code), constants[code]
        folded: dict[str, str] = {}
        for text, member in table.items():
            if isinstance(text, str):
                folded.setdefault(text.casefold(), str(member))
        cls._table_, cls._folded_ = table, folded

    def __new__(cls, code: str | int) -> Self:
        """Make a member of the class body; any other call looks the code up and never fails for text or an integer."""
        member = str.__new__(cls, code)
        vars(member).update(_value_=code, _wire=code)
        return member

    @classmethod
    def _make(cls, code: str, wire: str | int) -> Self:
        """Return a code that is no member itself: a synonym of one, or an unknown code."""
        known = cls._value2member_map_.get(code)
        made = str.__new__(cls, code)
        vars(made).update(
            _value_=code, _wire=wire, _name_=code if known is None else known.name, _sort_order_=-1
        )
        return made

    @classmethod
    def _missing_(cls, value: object) -> OpenStrEnum:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise TypeError(f"{cls.__name__} takes text or an integer, not {type(value).__name__}")
        found = cls._table_.get(value)
        if found is not None:
            return found
        wire = int(value) if isinstance(value, int) else str.__str__(value)
        text = str(wire)
        return cls._make(cls._folded_.get(text.casefold(), text), wire)

    @property
    def wire(self) -> str | int:
        """The code as the wire printed it, before normalisation; that of a constant as it is sent."""
        return self._wire

    @property
    def is_known(self) -> bool:
        """Whether this release of the package has a name for the code."""
        return self._value_ in type(self)._value2member_map_

    @classmethod
    def known(cls) -> tuple[Self, ...]:
        """Return the codes that have a name, in the order of their declaration."""
        return tuple(cls)

    # Assigned, so that type checkers do not take a comparison with every member for exhaustive.
    __eq__ = str.__eq__
    __hash__ = str.__hash__

    def __str__(self) -> str:
        return str.__str__(self)[:]

    def __repr__(self) -> str:
        own = str.__repr__(self)
        if not self.is_known:
            return f"<{type(self).__name__}: {own}, unknown>"
        origin = "" if self._wire == str(self) else f", wire {self._wire!r}"
        return f"<{type(self).__name__}.{self.name}: {own}{origin}>"

    def __setattr__(self, name: str, value: object) -> None:
        if "_sort_order_" in self.__dict__:
            raise AttributeError(f"{type(self).__name__} cannot be changed")
        super().__setattr__(name, value)

    def __reduce_ex__(self, protocol: object) -> tuple[type[Self], tuple[str | int]]:
        return type(self), (self._wire,)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


_RMA = re.compile(r"([A-Z]+)-([0-9]+)-([0-9]{6})-([A-Z])([0-9]{1,5})(?:-([0-9]{2}))?-([0-9]{1,2})", re.ASCII)


@attrs.frozen(kw_only=True)
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
            prefix=prefix,
            warehouse_id=_short_int(warehouse),
            date=_short_date(day),
            environment=environment,
            sequence=int(sequence),
            split=int(split) if split else None,
            check=check,
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
    """The server's response to one call, as bytes: for support requests and for members that no model names."""

    operation: str
    http_status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    correlation_id: str | None = None
    idempotency_key: str | None = None


class ResultList(Sequence[T], Generic[T]):
    """A list that a call returned, with the total and the response that it came from."""

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

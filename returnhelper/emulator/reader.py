"""Read the members of a request and collect what is wrong with them, as the server does."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from sys import intern
from typing import Final
from uuid import UUID

from returnhelper._time import as_utc, utc_now

_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MOST_DIGITS: Final = 18  # the server's ids are 64-bit integers
_LARGEST: Final = Decimal(10**12)
_LONGEST_SHOWN: Final = 100
_MOST_ENTRIES: Final = 24


class SoftError(Exception):
    """A refused request: HTTP 200 with ``meta.status`` 400. `inferred` says that the vendor documents no such refusal."""

    def __init__(
        self, error: Mapping[str, object], code: str = "VALIDATION_FAILED", *, inferred: bool = False
    ) -> None:
        super().__init__(code)
        self.code = code
        self.error = dict(error)
        self.inferred = inferred


def to_integer(value: object) -> int | None:
    """Return an integer, given as a number or as its text; None for anything else and for more than 18 digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 10**_MOST_DIGITS else None
    if isinstance(value, str) and re.fullmatch(rf"-?[0-9]{{1,{_MOST_DIGITS}}}", value):
        return int(value)
    return None


class MemberReader:
    """The members of one object of a request; problems of nested objects are collected at the root."""

    def __init__(self, value: object, path: str = "", problems: dict[str, list[str]] | None = None) -> None:
        self.value: Mapping[str, object] = value if isinstance(value, Mapping) else {}
        self._path = path
        self.problems: dict[str, list[str]] = {} if problems is None else problems

    def add(self, name: str, message: str) -> None:
        """Add a problem of the member `name`."""
        self.problems.setdefault(self._path + name, []).append(message)

    def check(self) -> None:
        """Refuse the request if there was any problem."""
        if self.problems:
            # Documented: property name mapped to comma-joined messages.
            raise SoftError({name: ", ".join(messages) for name, messages in self.problems.items()})

    def text(self, name: str, *, limit: int | None = None) -> str:
        """Read a required text."""
        value = self.optional(name, limit=limit)
        if not value:
            self._missing(name)
        return value or ""

    def optional(self, name: str, *, limit: int | None = None) -> str | None:
        """Read a text that may be absent."""
        value = self.value.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self._invalid(name, value)
            return None
        if limit is not None and len(value) > limit:
            self.add(
                name,
                f"The length of {_words(name)} must be {limit} characters or fewer. You entered {len(value)} characters.",
            )
        return value

    def seller_reference(self, name: str = "sellerReferenceNumber") -> str | None:
        """Read a reference of 1 to 50 visible characters; None lets the server create one."""
        value = self.optional(name, limit=50)
        if value and any(not c.isprintable() or c.isspace() for c in value):
            self.add(name, f"{_words(name)} is not in the correct format.")
        return value or None

    def integer(self, name: str, *, least: int = 1, most: int | None = None) -> int:
        """Read a required id or quantity; its text is accepted too."""
        value = self.value.get(name)
        if value is None or value == "" or value is False:
            self._missing(name)
            return 0
        number = to_integer(value)
        if number is None:
            self._invalid(name, value)
            return 0
        if most is not None and not least <= number <= most:
            self.add(name, f"{_words(name)} must be between {least} and {most}.")
        elif number < least:
            self.add(name, f"{_words(name)} must be greater than '{least - 1}'.")
        return number

    def decimal(self, name: str) -> Decimal:
        """Read a required number above zero."""
        value = self.value.get(name)
        if value is None:
            self._missing(name)
            return Decimal(0)
        number = _shared_decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
        if not number.is_finite() or number > _LARGEST:
            self._invalid(name, value)
            return Decimal(0)
        if not number > 0:
            self.add(name, f"{_words(name)} must be greater than '0'.")
        return number

    def child(self, name: str) -> MemberReader:
        """Read a required object."""
        if not isinstance(self.value.get(name), Mapping):
            self._missing(name)
            return MemberReader({}, f"{self._path}{name}.", {})
        return MemberReader(self.value[name], f"{self._path}{name}.", self.problems)

    def children(self, name: str) -> list[MemberReader]:
        """Read a required list of objects."""
        value = self.value.get(name)
        if not isinstance(value, list) or not value:
            self._missing(name)
            return []
        return [
            MemberReader(item, f"{self._path}{name}[{i}].", self.problems) for i, item in enumerate(value)
        ]

    def ids(self, name: str, limit: int) -> list[int]:
        """Read a required list of ids, each at most once; a query repeats the member."""
        value = self.value.get(name)
        if isinstance(value, str):  # one value of a query
            value = [value]
        if not isinstance(value, list) or not value:
            self._missing(name)
            return []
        if len(value) > limit:
            self.add(name, f"{_words(name)} must contain {limit} items or fewer.")
        ids = [number for item in value if (number := to_integer(item)) is not None]
        if len(ids) != len(value):
            self._invalid(name, value)
            return []
        if len(set(ids)) != len(ids):
            self.add(name, f"{_words(name)} must not contain an id twice.")
        return ids

    def strings(self, name: str) -> dict[str, str]:
        """Read a map of texts, at most 24 entries."""
        value = self.value.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
            self._invalid(name, value)
            return {}
        if len(value) > _MOST_ENTRIES:
            self.add(name, f"{_words(name)} must contain {_MOST_ENTRIES} items or fewer.")
        return {intern(str(key)): str(text) for key, text in value.items()}

    def uuid(self, name: str) -> UUID:
        """Read a required UUID."""
        value = self.value.get(name)
        if value is None or value == "":
            self._missing(name)
        else:
            try:
                return UUID(value if isinstance(value, str) else "")
            except ValueError:
                self._invalid(name, value)
        return UUID(int=0)

    def code(self, name: str, known: Container[str]) -> str:
        """Read a required text that must be one of the known codes."""
        value = self.text(name)
        if value and value not in known:
            self._invalid(name, value)
        return value

    def country(self, name: str) -> str:
        """Read a required country: ISO 3166 alpha-3 in lower case."""
        value = self.text(name)
        if value and not re.fullmatch("[a-z]{3}", value):
            self._invalid(name, value)
        return value

    def reject(self, name: str) -> None:
        """Refuse a member that must not be sent."""
        if self.value.get(name) not in (None, "", []):
            self.add(name, f"{_words(name)} must be empty.")

    def time(self, name: str) -> datetime:
        """Read a required ISO 8601 time; a missing offset means UTC."""
        value = self.value.get(name)
        if value is None or value == "":
            self._missing(name)
            return utc_now()
        try:
            return as_utc(datetime.fromisoformat(value if isinstance(value, str) else ""))
        except ValueError:
            self._invalid(name, value)
            return utc_now()

    def _missing(self, name: str) -> None:
        self.add(name, f"{_words(name)} must not be empty.")

    def _invalid(self, name: str, value: object) -> None:
        text = value if isinstance(value, str) else type(value).__name__
        self.add(name, f"The value '{text[:_LONGEST_SHOWN]}' is not valid.")


def _shared_decimal(text: str) -> Decimal:
    """Return a number; NaN if it is none. Parcels often have the same sizes, which then are one object."""
    return _to_decimal(text) if len(text) <= _MOST_DIGITS else _to_decimal.__wrapped__(text)


@lru_cache(maxsize=4096)
def _to_decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def _words(name: str) -> str:
    """Return a member's name as the documented messages print it: 'return Inventory Id'."""
    return f"'{_WORD_START.sub(' ', name)}'"

"""Documented limits, looked at before a request leaves: one collector that names every broken field at once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence, Sized
from datetime import datetime
from decimal import Context, Decimal, localcontext
from typing import TypeGuard

from ._time import as_utc

MAX_CUSTOM_FIELDS = 24
MAX_PAGE_SIZE = 50
MAX_RECALL = 100
MAX_SPLIT = 50
MAX_SELLER_REFERENCE = 50

_COUNTRY = re.compile(r"[a-z]{3}")


class FieldErrors(Mapping[str, str]):
    """Collects broken limits by the wire path of the field; the first problem of a field counts."""

    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}

    def __getitem__(self, path: str) -> str:
        return self.fields[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def add(self, path: str, rule: str) -> None:
        """Note that the field breaks the rule."""
        self.fields.setdefault(path, rule)

    def length(self, path: str, value: Sized | None, least: int = 0, most: int | None = None) -> None:
        """Ask for a number of entries, or of characters of a text."""
        if value is None:
            if least:
                self.add(path, "is required")
            return
        size = len(value)
        unit = "characters" if isinstance(value, str) else "entries"
        if most is not None and not least <= size <= most:
            self.add(path, f"takes {least} to {most} {unit}, has {size}")
        elif size < least:
            self.add(path, f"takes at least {least} {unit}, has {size}")

    def text(self, path: str, value: object, most: int | None = None) -> None:
        """Ask for a text that says something."""
        if not isinstance(value, str) or not value.strip():
            self.add(path, "is required")
        else:
            self.length(path, value, 1, most)

    def one_of(self, path: str, value: object, *allowed: str) -> None:
        """Ask for one of a few codes."""
        if value not in allowed:
            self.add(path, f"must be {' or '.join(map(repr, allowed))}")

    def country(self, path: str, value: object) -> None:
        """Ask for ISO 3166 alpha-3 in lower case."""
        if not isinstance(value, str) or not _COUNTRY.fullmatch(value):
            self.add(path, "must be a country code of three lower-case letters, such as 'usa'")

    def number(self, path: str, value: object) -> bool:
        """Ask for a finite, exact number; tell whether it is one."""
        if _is_exact(value):
            return True
        self.add(path, "must be a finite Decimal or an int; a float is not exact")
        return False

    def positive(self, path: str, value: Decimal | int | None) -> None:
        """Ask for a number above zero."""
        if self.number(path, value) and value is not None and value <= 0:
            self.add(path, "must be above zero")

    def whole(self, path: str, value: object, least: int, most: int | None = None) -> None:
        """Ask for a whole number in a range."""
        if not isinstance(value, int) or isinstance(value, bool):
            self.add(path, "must be a whole number")
        elif value < least or (most is not None and value > most):
            self.add(path, f"must be {least} to {most}" if most is not None else f"must be at least {least}")

    def identifier(self, path: str, value: object) -> None:
        """Ask for the id of a classic entity: a positive 64-bit number."""
        self.whole(path, value, 1, 2**63 - 1)

    def identifiers(self, path: str, values: object, most: int | None = None) -> None:
        """Ask for a non-empty list of ids, none of them twice."""
        if not isinstance(values, Sequence) or isinstance(values, str):
            self.add(path, "must be a list of ids")
            return
        listed = list(values)
        self.length(path, listed, 1, most)
        for index, value in enumerate(listed):
            self.identifier(f"{path}[{index}]", value)
        numbers = [value for value in listed if isinstance(value, int)]
        if len(set(numbers)) < len(numbers):
            self.add(path, "names an id twice")

    def sum_of(self, path: str, value: object, parts: Sequence[object], what: str) -> None:
        """Ask for the exact sum; silent where a part is no number, since that is a problem of its own."""
        numbers = [number for number in (*parts, value) if _is_exact(number)]
        if len(numbers) <= len(parts):
            return
        # Digits enough that adding money never rounds, which the default context does after 28; no traps, since
        # what overflows is no sum of money either.
        with localcontext(Context(prec=200, traps=[])):
            total = sum(map(Decimal, numbers[:-1]), Decimal(0))
            if total != value:
                self.add(path, f"must equal the sum of {what}, {total}")

    def span(self, from_path: str, start: object, to_path: str, end: object) -> None:
        """Ask for two times in their order; a time without zone means UTC."""
        for path, time in ((from_path, start), (to_path, end)):
            if not isinstance(time, datetime):
                self.add(path, "must be a datetime")
        if isinstance(start, datetime) and isinstance(end, datetime) and as_utc(end) < as_utc(start):
            self.add(to_path, f"must not be before {from_path}")

    def seller_reference(self, path: str, value: object) -> None:
        """Ask for 1 to 50 visible characters; the server replaces an absent or empty reference by its own."""
        if value is None or value == "":
            return
        if not isinstance(value, str):
            self.add(path, "must be text")
        elif len(value) > MAX_SELLER_REFERENCE:
            self.add(path, f"takes 1 to {MAX_SELLER_REFERENCE} characters, has {len(value)}")
        elif any(_invisible(character) for character in value):
            self.add(path, "must not hold whitespace, control or invisible characters")

    def custom_fields(self, path: str, value: Mapping[str, object] | None) -> None:
        """Ask for at most 24 pairs of texts."""
        if value is None:
            return
        self.length(path, value, 0, MAX_CUSTOM_FIELDS)
        for key, text in value.items():
            if not isinstance(key, str) or not isinstance(text, str):
                self.add(f"{path}.{key}", "must be text")


def _is_exact(value: object) -> TypeGuard[Decimal | int]:
    if isinstance(value, Decimal):
        return value.is_finite()
    return isinstance(value, int) and not isinstance(value, bool)


def _invisible(character: str) -> bool:
    # Z* are separators, Cc controls, Cf formats such as zero-width space and byte order mark, Cs lone surrogates
    return character.isspace() or unicodedata.category(character) in {"Zs", "Zl", "Zp", "Cc", "Cf", "Cs"}

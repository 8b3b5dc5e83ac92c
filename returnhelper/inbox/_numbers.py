"""Numbers in order, with a key each: cheap to add to, to take from, and to read from any place on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Final

_SHIFT: Final = 10


class Numbers:
    """Numbers that are added in nearly any order, in buckets of 1,024 neighbours."""

    def __init__(self) -> None:
        self._buckets: dict[int, dict[int, str]] = {}
        self._order: list[int] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, number: int, key: str) -> None:
        """Add a number that is not there."""
        place = number >> _SHIFT
        bucket = self._buckets.get(place)
        if bucket is None:
            self._buckets[place] = bucket = {}
            insort(self._order, place)
        bucket[number] = key
        self._count += 1

    def remove(self, number: int) -> None:
        """Remove a number that is there."""
        place = number >> _SHIFT
        bucket = self._buckets[place]
        del bucket[number]
        self._count -= 1
        if not bucket:
            del self._buckets[place]
            del self._order[bisect_left(self._order, place)]

    def after(self, start: int | None) -> Iterator[tuple[int, str]]:
        """Yield the numbers above ``start`` with their keys, in order."""
        begin = 0 if start is None else bisect_left(self._order, start >> _SHIFT)
        for place in self._order[begin:]:
            for number, key in sorted(self._buckets[place].items()):
                if start is None or number > start:
                    yield number, key

    def before(self, start: int | None) -> Iterator[tuple[int, str]]:
        """Yield the numbers below ``start`` with their keys, the highest first."""
        end = len(self._order) if start is None else bisect_right(self._order, start >> _SHIFT)
        for place in reversed(self._order[:end]):
            for number, key in sorted(self._buckets[place].items(), reverse=True):
                if start is None or number < start:
                    yield number, key

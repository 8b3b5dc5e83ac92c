"""The shape of a carrier's limits, and the check of a sender and a parcel against them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

import attrs

from returnhelper.errors import format_value
from returnhelper.models.codes import DimensionUnit
from returnhelper.models.return_shipments import Parcel, ShipFrom

_STREETS: Final = ("street1", "street2", "street3")


@attrs.frozen
class TextLimit:
    """Limits of one text of the sender; a text that is None or empty is only checked for being required."""

    most: int | None = None
    required: bool = False
    least: int = 0
    pattern: re.Pattern[str] | None = None

    def problem(self, text: str | None) -> str | None:
        """Return what is wrong with the text, or None."""
        if not text:
            return "is required" if self.required else None
        if self.most is not None and len(text) > self.most:
            return f"takes at most {self.most} characters, has {len(text)}"
        if len(text) < self.least:
            return f"takes at least {self.least} characters, has {len(text)}"
        if self.pattern is not None and not self.pattern.search(text):
            return f"must match {self.pattern.pattern}, not {format_value(text)}"
        return None


@attrs.frozen(kw_only=True)
class CarrierLimits:
    """Limits of the services of one carrier.

    `texts` are those of `ShipFrom`, by attribute. `streets` says how long the first two or three street lines may be
    together: (number of lines, length); with `streets_if` only where that line is there. Sizes are centimetres: `longest`
    side, `girth` as length + 2 x width + 2 x height, `volume` in cubic centimetres.
    """

    carrier: str
    countries: frozenset[str]
    texts: Mapping[str, TextLimit]
    streets: tuple[tuple[int, int], ...] = ()
    streets_if: str = "street1"
    longest: int | None = None
    girth: int | None = None
    volume: int | None = None

    def problems(self, sender: ShipFrom, parcel: Parcel) -> Iterator[tuple[str, str]]:
        """Yield the attribute that breaks a limit, such as `ship_from.phone`, and what is wrong with it."""
        if sender.country not in self.countries:
            known = " or ".join(sorted(self.countries))
            yield (
                "ship_from.country",
                f"must be {known} for {self.carrier}, not {format_value(sender.country)}",
            )
        for attribute, limit in self.texts.items():
            problem = limit.problem(getattr(sender, attribute))
            if problem is not None:
                yield f"ship_from.{attribute}", f"{problem} ({self.carrier})"
        if getattr(sender, self.streets_if):
            yield from self._street_problems(sender)
        if DimensionUnit(parcel.dimension_unit) == DimensionUnit.CENTIMETRE:
            yield from self._size_problems(parcel)

    def _street_problems(self, sender: ShipFrom) -> Iterator[tuple[str, str]]:
        for lines, most in self.streets:
            length = sum(len(getattr(sender, name) or "") for name in _STREETS[:lines])
            if length > most:
                text = f"street1 to street{lines} take at most {most} characters together, have {length}"
                yield "ship_from.street1", f"{text} ({self.carrier})"

    def _size_problems(self, parcel: Parcel) -> Iterator[tuple[str, str]]:
        sizes = {"length": parcel.length, "width": parcel.width, "height": parcel.height}
        longest, middle, shortest = sorted(map(Decimal, sizes.values()), reverse=True)
        side = max(sizes, key=lambda name: sizes[name])
        for what, size, most in (
            ("the longest side", longest, self.longest),
            ("length + 2 x width + 2 x height", longest + 2 * middle + 2 * shortest, self.girth),
            ("the volume", longest * middle * shortest, self.volume),
        ):
            if most is not None and size > most:
                unit = "cm3" if what == "the volume" else "cm"
                yield (
                    f"parcel.{side}",
                    f"{what} is {size} {unit}, at most {most} are accepted ({self.carrier})",
                )

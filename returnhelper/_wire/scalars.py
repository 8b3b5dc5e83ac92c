"""One plain JSON value to one Python value. Each function is complete; the compiled reader only skips it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

from returnhelper._time import from_wire

_LONGEST_NUMBER = 400
_TRUTH = {"true": True, "false": False, "1": True, "0": False}


class StructureError(ValueError):
    """A value does not fit the type that the catalog gives it. `path` names the member, `label.labelUrl`."""

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.message = message
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return _misfit, (self.message, self.path)


def _misfit(message: str, path: str) -> StructureError:
    return StructureError(message, path=path)


def _wanted(what: str, value: object) -> StructureError:
    """Name the kind of the value and never the value: it may be personal data."""
    kinds = {dict: "an object", list: "an array", bool: "a boolean", type(None): "null", str: "a text"}
    return StructureError(f"expected {what}, got {kinds.get(type(value), 'a number')}")


def to_int(value: object) -> int:
    """Read a whole number, printed as a number or as text."""
    if type(value) is int:
        return value
    number = value
    if isinstance(value, str):
        text = value.strip()
        digits = text[1:] if text[:1] in {"-", "+"} else text
        if digits.isascii() and digits.isdigit() and len(digits) < _LONGEST_NUMBER:
            return int(text)
        number = _number(text)
    if isinstance(number, Decimal) and _is_whole(number):
        return int(number)
    raise _wanted("a whole number", value)


def _is_whole(number: Decimal) -> bool:
    # 12.0 is whole; the size of the exponent is looked at first, since int(Decimal("1e999999")) takes gigabytes
    return number.adjusted() < _LONGEST_NUMBER and number == number.to_integral_value()


def _number(text: str) -> Decimal | None:
    """Read a number out of a text, or None where it is something else."""
    try:
        number = Decimal(text) if len(text) < _LONGEST_NUMBER else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def to_decimal(value: object) -> Decimal:
    """Read a number exactly as it was printed."""
    if type(value) is Decimal:
        return value
    if type(value) is int:
        return Decimal(value)
    number = _number(value) if isinstance(value, str) else None
    if number is None:
        raise _wanted("a number", value)
    return number


def to_datetime(value: object) -> datetime | None:
    """Read a time as aware UTC; the unset time of the wire is None. Digits after the sixth are cut off."""
    if not isinstance(value, str):
        raise _wanted("a time", value)
    try:
        return from_wire(value.strip())
    except ValueError:
        raise _wanted("a time", value) from None


def to_date(value: object) -> date | None:
    """Read a day; a time of day behind it is ignored."""
    if not isinstance(value, str):
        raise _wanted("a date", value)
    try:
        day = datetime.fromisoformat(value.strip()).date()
    except ValueError:
        raise _wanted("a date", value) from None
    return None if day == date.min else day


def to_str(value: object) -> str:
    """Read a text; a number or a truth value becomes the text that it was printed as."""
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    raise _wanted("a text", value)


def to_bool(value: object) -> bool:
    """Read a truth value, printed as true, as 1 or as text."""
    if type(value) is bool:
        return value
    if value in (0, 1):
        return bool(value)
    if isinstance(value, str) and (text := value.strip().lower()) in _TRUTH:
        return _TRUTH[text]
    raise _wanted("a boolean", value)


def to_uuid(value: object) -> UUID:
    """Read a UUID in any of its usual spellings."""
    if isinstance(value, str):
        try:
            return UUID(value.strip())
        except ValueError:
            pass
    raise _wanted("a UUID", value)


def to_code(value: object) -> str | int:
    """Read what an open enumeration takes: a text or a whole number; any other number is an unknown code."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value
    if isinstance(value, Decimal):
        return int(value) if _is_whole(value) else str(value)
    raise _wanted("a code", value)

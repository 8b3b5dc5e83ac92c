"""One plain JSON value to one Python value. The compiled reader skips a function where its result is evident."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

from returnhelper._time import from_wire

MAX_DIGITS = 400  # of a number that is read; no id or amount comes near
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


class StructureError(ValueError):
    """A value does not fit the type that the catalog gives it. `path` names the member, `label.labelUrl`."""

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.message = message
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.message, self.path)


def _rebuild(message: str, path: str) -> StructureError:
    return StructureError(message, path=path)


_JSON_TYPES = {dict: "an object", list: "an array", bool: "a boolean", type(None): "null", str: "a string"}


def _expected(what: str, value: object) -> StructureError:
    """Name the type of the value and never the value: it may be personal data."""
    return StructureError(f"expected {what}, got {_JSON_TYPES.get(type(value), 'a number')}")


def to_int(value: object) -> int:
    """Read a whole number, written as a number or a string."""
    if type(value) is int:
        return value
    number = value
    if isinstance(value, str):
        text = value.strip()
        digits = text[1:] if text[:1] in {"-", "+"} else text
        if digits.isascii() and digits.isdigit() and len(digits) < MAX_DIGITS:
            return int(text)
        number = _number(text)
    if isinstance(number, Decimal) and _is_whole(number):
        return int(number)
    raise _expected("a whole number", value)


def _is_whole(number: Decimal) -> bool:
    # 12.0 is whole; the exponent is checked first, since int(Decimal("1e999999")) takes gigabytes
    return number.adjusted() < MAX_DIGITS and number == number.to_integral_value()


def _number(text: str) -> Decimal | None:
    """Read a number from a string; None if it is not one."""
    try:
        number = Decimal(text) if len(text) < MAX_DIGITS else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def to_decimal(value: object) -> Decimal:
    """Read a number exactly as it was written."""
    if type(value) is Decimal:
        return value
    if type(value) is int:
        return Decimal(value)
    number = _number(value) if isinstance(value, str) else None
    if number is None:
        raise _expected("a number", value)
    return number


def to_datetime(value: object) -> datetime | None:
    """Read a time as aware UTC; the unset time of the wire is None. Digits after the sixth decimal place are dropped."""
    if not isinstance(value, str):
        raise _expected("a time", value)
    try:
        return from_wire(value.strip())
    except ValueError:
        raise _expected("a time", value) from None


def to_date(value: object) -> date | None:
    """Read a date; a time of day after it is ignored."""
    # `fromisoformat` also reads compact forms, and so some epoch numbers
    if not isinstance(value, str) or value.strip()[4:5] != "-":
        raise _expected("a date", value)
    try:
        day = datetime.fromisoformat(value.strip()).date()
    except ValueError:
        raise _expected("a date", value) from None
    return None if day == date.min else day


def to_str(value: object) -> str:
    """Read a string; a number or boolean becomes the string that it was written as."""
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    raise _expected("a string", value)


def to_bool(value: object) -> bool:
    """Read a boolean, written as true, as 1 or as a string."""
    if type(value) is bool:
        return value
    if value in (0, 1):
        return bool(value)
    if isinstance(value, str) and (text := value.strip().lower()) in _BOOLEANS:
        return _BOOLEANS[text]
    raise _expected("a boolean", value)


def to_uuid(value: object) -> UUID:
    """Read a UUID in any of its usual notations."""
    if isinstance(value, str):
        try:
            return UUID(value.strip())
        except ValueError:
            pass
    raise _expected("a UUID", value)


def to_code(value: object) -> str | int:
    """Read the value of an open enumeration, a string or a whole number; any other number is an unknown code."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value
    if isinstance(value, Decimal):
        return int(value) if _is_whole(value) else str(value)
    raise _expected("a code", value)

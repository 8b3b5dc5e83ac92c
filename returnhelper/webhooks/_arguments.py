"""Checks of constructor arguments: each raises `ConfigurationError`, naming the argument and what it got."""

from __future__ import annotations

from returnhelper.errors import ConfigurationError, format_value


def require(name: str, value: object, *, valid: bool, what: str, hint: str = "") -> None:
    """Raise unless the value is valid; `what` says what the argument must be, `hint` what to do."""
    if not valid:
        raise ConfigurationError(f"{name} must be {what}, not {format_value(value)}.{hint and ' '}{hint}")


def require_callable(name: str, value: object, what: str = "a function") -> None:
    """Raise unless the value can be called."""
    require(name, value, valid=callable(value), what=what)


def require_positive_int(name: str, value: object, what: str) -> None:
    """Raise unless the value is a positive integer."""
    valid = isinstance(value, int) and not isinstance(value, bool) and value > 0
    require(name, value, valid=valid, what=f"a positive {what}")

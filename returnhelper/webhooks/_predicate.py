"""The `when` of routers and expectations: a plain function of the event."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from returnhelper.errors import ConfigurationError, format_value


def is_coroutine_function(function: object) -> bool:
    """Return whether calling `function` makes a coroutine: functions, methods, partials and objects with `__call__`."""
    while isinstance(function, partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        inspect.getattr_static(type(function), "__call__", None)
    )


def require_predicate(when: object) -> None:
    """Raise `ConfigurationError` unless `when` is None or a plain function."""
    if when is not None and (not callable(when) or is_coroutine_function(when)):
        raise ConfigurationError(
            f"when must be a plain function of the event, not {format_value(when)}: "
            "a coroutine function would always be true."
        )


def holds(when: Callable[[Any], object], event: object) -> bool:
    """Return whether the predicate holds for an event.

    An awaitable or a generator, which is always true, is a `ConfigurationError`.
    """
    result = when(event)
    if isinstance(result, bool):
        return result
    awaitable = inspect.isawaitable(result)
    if awaitable or inspect.isgenerator(result) or inspect.isasyncgen(result):
        if inspect.iscoroutine(result):
            result.close()  # or the interpreter warns that it was never awaited
        name = getattr(when, "__qualname__", None) or format_value(when)
        raise ConfigurationError(
            f"when must be a plain function of the event, but {name} returned {'an awaitable' if awaitable else 'a generator'}, "
            f"which would always be true: {'do the asynchronous part in the handler' if awaitable else 'use any() or all()'}."
        )
    return bool(result)

"""Checks of arguments by their annotations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

import attrs
import pytest

from returnhelper._arguments import POSITIVE, Range, check_fields, checked
from returnhelper.errors import ConfigurationError


@checked
def order(
    name: str,
    count: Annotated[int, POSITIVE] = 1,
    *,
    rate: Annotated[float, Range(0, 1)] = 1.0,
    after: float | timedelta | None = None,
    weight: Decimal = Decimal(1),
    mode: Literal["FULL", "NORMAL"] = "FULL",
    tags: Sequence[str] = (),
    extra: Mapping[str, str] | None = None,
    done: Callable[[], None] | None = None,
    anything: object = None,
) -> str:
    """Do nothing, with arguments of every kind."""
    return name


@pytest.mark.parametrize(
    "given",
    [
        {"name": 5},
        {"name": None},
        {"count": 0},
        {"count": True},
        {"count": 10**400},
        {"rate": 1.5},
        {"rate": float("nan")},
        {"rate": "1"},
        {"after": -1},
        {"after": timedelta(-1)},
        {"after": float("inf")},
        {"weight": 1.5},
        {"weight": Decimal("NaN")},
        {"mode": "full"},
        {"tags": "abc"},
        {"tags": b"abc"},
        {"tags": None},
        {"extra": []},
        {"done": "f"},
    ],
    ids=str,
)
def test_refused(given: dict[str, object]) -> None:
    """An argument that its annotation rules out is refused by its name, and the error shows it."""
    (name,) = given
    with pytest.raises(ConfigurationError, match=rf"^{name} must be .*, not "):
        order(**{"name": "x", **given})  # type: ignore[arg-type]


def test_accepted() -> None:
    """What the annotations allow goes through, by position too."""
    assert order("x", 3, rate=0, after=timedelta(1), weight=2, tags=["a"], extra={}, done=dict) == "x"  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"^count must be a whole number at least 1, not -3"):
        order("x", -3)


async def test_coroutine_functions() -> None:
    """A checked coroutine function is still one, and refuses when it is awaited."""

    @checked
    async def send(what: bytes) -> bytes:
        return what

    assert inspect.iscoroutinefunction(send)
    assert await send(b"x") == b"x"
    with pytest.raises(ConfigurationError, match="what"):
        await send("x")  # type: ignore[arg-type]


def test_fields() -> None:
    """The fields of an attrs object are checked alike."""

    @attrs.define
    class Parcel:
        weight: int

        def __attrs_post_init__(self) -> None:
            check_fields(self)

    assert Parcel(1).weight == 1
    with pytest.raises(ConfigurationError, match="weight"):
        Parcel("1")  # type: ignore[arg-type]

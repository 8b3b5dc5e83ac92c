"""How every benchmark prints what it measured: the median with its quartiles, and the goal where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import quantiles


def cell(values: Sequence[float], goal: float | None = None, *, at_least: bool = False) -> str:
    """Return `1.14 (1.10 to 1.19)`, followed by the goal and whether the median meets it."""
    low, middle, high = quantiles(values, n=4)
    text = f"{middle:.2f} ({low:.2f} to {high:.2f})"
    if goal is None:
        return text
    met = middle >= goal if at_least else middle <= goal
    return f"{text}, goal {'>=' if at_least else '<='} {goal:g}{'' if met else ' MISSED'}"

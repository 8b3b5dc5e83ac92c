"""Screen: what the demo prints, one row at a time."""

from __future__ import annotations

import time
from collections import Counter
from textwrap import wrap

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

# kind of row -> its colour, its symbol, and its symbol where only ASCII can be printed
_KINDS = {
    "call": ("cyan", "→", ">"),
    "desk": ("yellow", "■", "#"),
    "event": ("green", "←", "<"),
    "dup": ("bright_black", "↺", "="),
    "held": ("magenta", "‖", "|"),
    "refused": ("red", "✗", "x"),
    "lost": ("red", "✗", "x"),
}

_LEGEND = (
    ("call", "the shop calls"),
    ("desk", "the warehouse acts"),
    ("event", "a handler ran"),
    ("dup", "a duplicate is dropped"),
)
_WIDE = 100


class Screen:
    """Print rows as they happen, in colour on a terminal and plain elsewhere; count them by kind."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.rows: Counter[str] = Counter()
        self._unicode = console.encoding.lower().startswith("utf")
        self._start = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def title(self, text: str, addresses: list[tuple[str, str]]) -> None:
        """Print the title, where things run and what the symbols mean."""
        self._start = time.monotonic()
        self._print(Text(), text, "bold")
        for name, address in addresses:
            self.console.print(
                Text(f"  {name:<9} ", style="bright_black").append(address, style=""), soft_wrap=True
            )
        legend = [
            Text(f"{self._symbol(kind)} {kind} ", style=_KINDS[kind][0]).append(meaning, style="bright_black")
            for kind, meaning in _LEGEND
        ]
        per_line = len(legend) if self.console.width >= _WIDE else 2
        for first in range(0, len(legend), per_line):
            self._print(Text("  ").append_text(Text("  ").join(legend[first : first + per_line])))

    def chapter(self, text: str) -> None:
        """Print the heading of a recipe."""
        self.console.print()
        self.console.print(
            Rule(
                Text(text, style="bold"),
                align="left",
                style="bright_black",
                characters="─" if self._unicode else "-",
            )
        )

    def row(self, kind: str, name: str, detail: str) -> None:
        """Print what just happened."""
        self.rows[kind] += 1
        dim = "bright_black" if kind == "dup" else ""
        line = Text.assemble(
            (f"{self.elapsed:5.2f}s ", "bright_black"),
            (f"{f'{self._symbol(kind)} {kind}':<9} ", _KINDS[kind][0]),
            (f"{name:<25} ", dim or "bold"),
        )
        self._print(line, detail, dim)

    def checks(self, checks: list[tuple[str, bool]]) -> None:
        """Print each expectation and whether it was met."""
        yes, no = ("✓", "✗") if self._unicode else ("ok", "NO")
        for text, met in checks:
            line = Text(f"  {yes if met else no} ", style="bold green" if met else "bold red")
            self._print(line, text, "" if met else "red")

    def figures(self, figures: list[tuple[str, str, str]]) -> None:
        """Print the summary: each figure, what it counts and a remark."""
        for figure, meaning, remark in figures:
            line = Text.assemble((f"{figure:>8}  ", "bold cyan"), f"{meaning:<18}  ")
            self._print(line, remark, "bright_black")

    def _print(self, line: Text, rest: str = "", style: str = "") -> None:
        """Print a line; on a narrow screen its rest is wrapped and indented. No line ends in blanks."""
        indent = "\n" + " " * len(line)
        rows = wrap(self._plain(rest), max(20, self.console.width - len(line)), break_on_hyphens=False)
        line.append(indent.join(rows), style=style)
        line.rstrip()
        self.console.print(line, soft_wrap=True)

    def _symbol(self, kind: str) -> str:
        return _KINDS[kind][1 if self._unicode else 2]

    def _plain(self, text: str) -> str:
        return text if self._unicode else text.replace("→", "->").replace("·", "-")

"""Screen: the demo's table, a row at a time."""

from __future__ import annotations

import time
from collections import Counter

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

_STYLES = {
    "call": "cyan",
    "desk": "yellow",
    "event": "green",
    "repeat": "bright_black",
    "held": "magenta",
    "refused": "red",
    "lost": "red",
}
_SIGNS = {"call": "→", "desk": "■", "event": "←", "repeat": "↺", "held": "‖", "refused": "✗", "lost": "✗"}
_PLAIN = {"call": ">", "desk": "#", "event": "<", "repeat": "=", "held": "|", "refused": "x", "lost": "x"}

_LEGEND = (
    ("call", "the shop calls"),
    ("desk", "the warehouse acts"),
    ("event", "a handler ran"),
    ("repeat", "came twice"),
)


class Screen:
    """Print rows as they happen, in colour on a terminal, plain elsewhere; count them by kind."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.rows: Counter[str] = Counter()
        self._unicode = console.encoding.lower().startswith("utf")
        self._start = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def title(self, text: str, places: list[tuple[str, str]]) -> None:
        """Print the head of the whole: where things run, and what the signs mean."""
        self._start = time.monotonic()
        self.console.print(Text(text, style="bold"))
        for name, place in places:
            self.console.print(
                Text(f"  {name:<9} ", style="bright_black").append(place, style=""), soft_wrap=True
            )
        legend = Text("  ")
        for kind, meaning in _LEGEND:
            legend.append(f"{self._sign(kind)} {kind} ", style=_STYLES[kind])
            legend.append(f"{meaning}  ", style="bright_black")
        self.console.print(legend)

    def chapter(self, text: str) -> None:
        """Begin a recipe."""
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
        quiet = kind == "repeat"
        row = Table.grid(padding=(0, 1), expand=False)
        row.add_column(width=6, justify="right", style="bright_black")
        row.add_column(width=9, style=_STYLES[kind])
        row.add_column(width=25, style="bright_black" if quiet else "bold", no_wrap=True)
        row.add_column(overflow="fold", style="bright_black" if quiet else "")
        row.add_row(f"{self.elapsed:.2f}s", f"{self._sign(kind)} {kind}", name, Text(self._plain(detail)))
        self.console.print(row)

    def checks(self, checks: list[tuple[str, bool]]) -> None:
        """Print what was expected, and whether it happened."""
        yes, no = ("✓", "✗") if self._unicode else ("ok", "NO")
        for text, fact in checks:
            line = Text(f"  {yes if fact else no} ", style="bold green" if fact else "bold red")
            self.console.print(line.append(self._plain(text), style="" if fact else "red"))

    def figures(self, figures: list[tuple[str, str, str]]) -> None:
        """Print the summary: a figure, what it counts, and a remark."""
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right", style="bold cyan", min_width=8)
        table.add_column()
        table.add_column(style="bright_black")
        for figure, meaning, remark in figures:
            table.add_row(figure, meaning, self._plain(remark))
        self.console.print(table)

    def _sign(self, kind: str) -> str:
        return (_SIGNS if self._unicode else _PLAIN)[kind]

    def _plain(self, text: str) -> str:
        return text if self._unicode else text.replace("→", "->").replace("·", "-")

"""Screen: the demo's table, a row at a time."""

from __future__ import annotations

import time
from collections import Counter
from textwrap import wrap

from rich.console import Console
from rich.rule import Rule
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
_WIDE = 100


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
        self._print(Text(), text, "bold")
        for name, place in places:
            self.console.print(
                Text(f"  {name:<9} ", style="bright_black").append(place, style=""), soft_wrap=True
            )
        legend = [
            Text(f"{self._sign(kind)} {kind} ", style=_STYLES[kind]).append(meaning, style="bright_black")
            for kind, meaning in _LEGEND
        ]
        per_line = len(legend) if self.console.width >= _WIDE else 2
        for first in range(0, len(legend), per_line):
            self._print(Text("  ").append_text(Text("  ").join(legend[first : first + per_line])))

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
        quiet = "bright_black" if kind == "repeat" else ""
        line = Text.assemble(
            (f"{self.elapsed:5.2f}s ", "bright_black"),
            (f"{f'{self._sign(kind)} {kind}':<9} ", _STYLES[kind]),
            (f"{name:<25} ", quiet or "bold"),
        )
        self._print(line, detail, quiet)

    def checks(self, checks: list[tuple[str, bool]]) -> None:
        """Print what was expected, and whether it happened."""
        yes, no = ("✓", "✗") if self._unicode else ("ok", "NO")
        for text, fact in checks:
            line = Text(f"  {yes if fact else no} ", style="bold green" if fact else "bold red")
            self._print(line, text, "" if fact else "red")

    def figures(self, figures: list[tuple[str, str, str]]) -> None:
        """Print the summary: a figure, what it counts, and a remark."""
        for figure, meaning, remark in figures:
            line = Text.assemble((f"{figure:>8}  ", "bold cyan"), f"{meaning:<18}  ")
            self._print(line, remark, "bright_black")

    def _print(self, line: Text, rest: str = "", style: str = "") -> None:
        """Print a line whose rest goes on below itself where the screen is narrow; no blanks at the ends."""
        indent = "\n" + " " * len(line)
        rows = wrap(self._plain(rest), max(20, self.console.width - len(line)), break_on_hyphens=False)
        line.append(indent.join(rows), style=style)
        line.rstrip()
        self.console.print(line, soft_wrap=True)

    def _sign(self, kind: str) -> str:
        return (_SIGNS if self._unicode else _PLAIN)[kind]

    def _plain(self, text: str) -> str:
        return text if self._unicode else text.replace("→", "->").replace("·", "-")

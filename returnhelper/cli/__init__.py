"""The `returnhelper` command, one module per subcommand; it needs the extra `cli`."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence

from returnhelper._extras import how_to_install

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 for success, 1 for a reported failure, 2 for wrong usage."""
    missing = [name for name in ("cyclopts", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        print(how_to_install("The returnhelper command", " and ".join(missing), "cli"), file=sys.stderr)
        sys.exit(2)
    from returnhelper.cli._app import run

    sys.exit(run(sys.argv[1:] if arguments is None else arguments))

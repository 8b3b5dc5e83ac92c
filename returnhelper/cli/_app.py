"""The command line: its subcommands and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App

from returnhelper._version import __version__
from returnhelper.cli.demo import demo
from returnhelper.cli.diagnose import diagnose
from returnhelper.cli.emulator import emulator
from returnhelper.errors import ConfigurationError, ReturnHelperError

# As plain text: rendering help as Markdown imports a parser, a third of the time that `--help` takes.
app = App(
    name="returnhelper",
    help="Work with the Return Helper API.",
    version=__version__,
    help_format="plaintext",
)
app.command(demo)
app.command(emulator)
app.command(diagnose)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; return the exit code."""
    try:
        code = app(list(arguments))
    except ReturnHelperError as e:
        print(f"returnhelper: {e}", file=sys.stderr)
        return 2 if isinstance(e, ConfigurationError) else 1
    except KeyboardInterrupt:
        return 130
    return code if isinstance(code, int) else 0

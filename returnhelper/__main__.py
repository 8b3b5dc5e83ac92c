"""`python -m returnhelper` is the `returnhelper` command."""

from __future__ import annotations

from returnhelper.cli import main

if __name__ == "__main__":
    main()

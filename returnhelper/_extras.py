"""Say how to install what an optional part of the package needs."""

from __future__ import annotations


def how_to_install(what: str, needs: str, extra: str) -> str:
    """Return the message of an optional part whose packages are missing."""
    return (
        f'{what} needs {needs}: pip install ".[{extra}]" in a checkout of the project, '
        f'or pip install "returnhelper[{extra}]" from a package index'
    )

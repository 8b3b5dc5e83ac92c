"""The inputs that fuzzing begins with: one file each, in a folder for each target."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).with_name("corpus")


def seeds(target: str) -> list[bytes]:
    """Return the inputs of a target."""
    return [path.read_bytes() for path in sorted((FOLDER / target).iterdir())]

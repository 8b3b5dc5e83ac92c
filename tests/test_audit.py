"""`make audit` does not take "not looked up" for "nothing found"."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

REPORT = runpy.run_path(str(Path(__file__).parents[1] / ".ci" / "audit.py"))["report"]
SOUND: dict[str, Any] = {"name": "attrs", "version": "26.1", "vulns": []}
HOLED = {"name": "yarl", "version": "1.0", "vulns": [{"id": "CVE-2030-1", "fix_versions": ["1.1"]}]}
SKIPPED = {"name": "rich", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code", "text"),
    [
        ([SOUND], 0, "1 of 1 packages audited, 0 advisories"),
        ([SOUND, SKIPPED], 0, "1 of 2 packages audited, 0 advisories"),
        ([SOUND, HOLED], 1, "yarl 1.0: CVE-2030-1, fixed in 1.1\n2 of 2 packages audited, 1 advisories"),
        ([SKIPPED, SKIPPED], 2, "the advisory database has no data here: none of 2 packages was audited"),
    ],
)
def test_what_was_audited_is_said(packages: list[object], code: int, text: str) -> None:
    """The exit code tells sound from unsafe and both from not audited; the text counts."""
    assert REPORT(json.dumps({"dependencies": packages})) == (code, text)


@pytest.mark.parametrize("output", ["", "Traceback", "[]", "null", '{"error": 1}'])
def test_an_unreachable_database_is_said(output: str) -> None:
    """Without a report nothing was audited."""
    assert REPORT(output) == (2, "the advisory database cannot be reached: nothing was audited")

"""The types themselves, as a user's checker sees them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "typing"
ACCEPTED, REJECTED = SAMPLES / "accepted.py", SAMPLES / "rejected.py"


def _run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=SAMPLES.parent.parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.stdout + done.stderr


def _mypy(cache: Path) -> Iterator[tuple[str, int, str]]:
    out = _run("mypy", "--strict", "--no-error-summary", f"--cache-dir={cache}", str(ACCEPTED), str(REJECTED))
    for line in out.splitlines():
        found = re.match(r"(.+?):(\d+): error: (.*)", line)
        if found:
            yield Path(found[1]).name, int(found[2]), found[3]
        elif "note:" not in line:
            raise AssertionError(out)


def _pyright(_: Path) -> Iterator[tuple[str, int, str]]:
    out = _run("pyright", "--outputjson", "--pythonpath", sys.executable, str(ACCEPTED), str(REJECTED))
    if "{" not in out:
        pytest.skip(f"pyright does not run here: {out[-200:]}")
    report = json.loads(out[out.index("{") : out.rindex("}") + 1])
    assert report["summary"]["filesAnalyzed"] == 2
    for found in report["generalDiagnostics"]:
        if found["severity"] == "error":
            yield Path(found["file"]).name, found["range"]["start"]["line"] + 1, found["message"]


def _marked() -> set[int]:
    lines = REJECTED.read_text(encoding="utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if "# wrong" in line}


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_right_lines_pass_and_wrong_ones_do_not(checker: str, tmp_path: Path) -> None:
    """What users may write is accepted, and each marked mistake is caught, by both checkers."""
    if checker == "pyright" and not (shutil.which("node") or shutil.which("nodejs")):
        pytest.skip("pyright needs Node.js")
    found = list(_mypy(tmp_path) if checker == "mypy" else _pyright(tmp_path))
    assert [error for error in found if error[0] == ACCEPTED.name] == []
    refused = {line for name, line, _ in found if name == REJECTED.name}
    assert {"missed": _marked() - refused, "unexpected": refused - _marked()} == {
        "missed": set(),
        "unexpected": set(),
    }

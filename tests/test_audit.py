"""`make audit` does not take "not looked up" for "nothing found"."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
REPORT = runpy.run_path(str(ROOT / ".ci" / "audit.py"))["report"]
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


@pytest.mark.parametrize(
    ("module", "code", "said"),
    [
        ("", 2, "pip-audit is not installed: nothing was audited\n"),
        (
            f"import sys; print('No known vulnerabilities found', file=sys.stderr); print({json.dumps({'dependencies': [SKIPPED]})!r})",
            2,
            "the advisory database has no data here: none of 1 packages was audited\n",
        ),
        (
            "import sys; sys.exit('ERROR: no connection to the index')",
            2,
            "the advisory database cannot be reached: nothing was audited (ERROR: no connection to the index)\n",
        ),
        (
            """print('{"dependencies": [{"name": "attrs", "version": "26.1", "vulns": []}]}')""",
            0,
            "1 of 1 packages audited, 0 advisories\n",
        ),
    ],
)
def test_the_script(tmp_path: Path, module: str, code: int, said: str) -> None:
    """The script prints one line that is true, and exits with its documented status."""
    script = tmp_path / "audit.py"
    script.write_text((ROOT / ".ci" / "audit.py").read_text("utf-8"), "utf-8")
    missing = "" if module else "import importlib.util; importlib.util.find_spec = lambda name: None\n"
    (tmp_path / "pip_audit.py").write_text(module, "utf-8")
    (tmp_path / "run.py").write_text(f"{missing}import audit, sys; sys.exit(audit.main())", "utf-8")
    done = subprocess.run(
        [sys.executable, "run.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, said, "")

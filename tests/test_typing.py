"""The types, as a user's type checker sees them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import pytest

from tests.test_docs import PAGES, ROOT, blocks

GIVEN = """
from __future__ import annotations
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from returnhelper import ReturnHelper
    from returnhelper.emulator import Emulator
    from returnhelper.inbox import Inbox
    from returnhelper.models.return_shipments import CreateReturnShipmentRequest
    from returnhelper.webhooks import Endpoint, Receiver, Router, Verifier

    async def serve(receiver: Receiver | None = None) -> None: ...
    async def shop_is_open() -> bool: ...
    url = signing_key = old_key = new_key = sandbox_url = sandbox_key = ""

async def page(
    rh: ReturnHelper, emu: Emulator, inbox: Inbox, router: Router, receiver: Receiver, verifier: Verifier,
    request: CreateReturnShipmentRequest,
) -> None:
"""
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
    # without the project's settings: users have none of them
    options = ("--config-file=", "--strict", "--no-error-summary", f"--cache-dir={cache}")
    out = _run("mypy", *options, str(ACCEPTED), str(REJECTED))
    for line in out.splitlines():
        found = re.match(r"(.+?):(\d+): error: (.*)", line)
        if found:
            yield Path(found[1]).name, int(found[2]), found[3]
        elif "note:" not in line:
            raise AssertionError(out)


def _pyright(folder: Path) -> Iterator[tuple[str, int, str]]:
    # copied, because the project's settings leave these files out
    for sample in (ACCEPTED, REJECTED):
        shutil.copy(sample, folder)
    settings = {"extraPaths": [str(SAMPLES.parent.parent)]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    out = _run("pyright", "--outputjson", "--pythonpath", sys.executable, "--project", str(folder))
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


def _as_module(page: Path) -> str:
    """Return the examples of a page as one function; those that are not executed stand alone in functions of their own."""
    parts = [GIVEN, "    pass"]
    for block in blocks(page):
        if block.language == "python":
            code = block.code.replace("from __future__ import annotations\n", "")
            if not block.run:
                code = f"async def block_{block.line}() -> None:\n" + indent(code, "    ")
            parts.append(indent(code, "    "))
    return "\n".join(parts)


def test_the_examples_of_the_pages_are_typed(tmp_path: Path) -> None:
    """A type checker accepts every example of the documentation and the README."""
    if not (shutil.which("node") or shutil.which("nodejs")):
        pytest.skip("pyright needs Node.js")
    for page in [*PAGES, ROOT / "README.md"]:
        (tmp_path / f"{page.stem.replace('-', '_')}_page.py").write_text(_as_module(page), encoding="utf-8")
    found = json.loads(_run("pyright", "--outputjson", "--pythonpath", sys.executable, str(tmp_path)))
    assert found["summary"]["filesAnalyzed"] == len(PAGES) + 1
    problems = [
        f"{Path(one['file']).name}:{one['range']['start']['line'] + 1} {one['message']}"
        for one in found["generalDiagnostics"]
        if one["severity"] == "error"
    ]
    assert "\n".join(problems) == ""

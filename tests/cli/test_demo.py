from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from returnhelper.cli import demo as demo_command
from returnhelper.cli._recipes import Demo
from returnhelper.cli._screen import Screen

QUIET = {key: value for key, value in os.environ.items() if key not in {"FORCE_COLOR", "COLUMNS", "TERM"}}


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "returnhelper", *arguments],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        env=QUIET | {"PYTHONIOENCODING": "utf-8"} | environ,
    )


def test_demo_succeeds() -> None:
    """The demo plays all recipes, exits with 0 and prints no colours into a pipe."""
    done = run("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "✗ every" not in done.stdout
    for action in [
        "labelGenerated",
        "markShipmentArrive",
        "newInventoryCreated",
        "assignUnknown",
        "changeLineItemImage",
        "vasUpdated",
        "splitLineItem",
        "updateResendStatus",
        "recallUpdateStatus",
        "completeInventoryHandling",
        "cancelInventoryHandling",
    ]:
        assert f"← event   {action}" in done.stdout
    assert "↺ dup" in done.stdout


def test_demo_without_unicode() -> None:
    """A terminal without Unicode gets ASCII only."""
    done = run("demo", PYTHONIOENCODING="ascii:strict", PYTHONUTF8="0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.isascii()


@pytest.mark.parametrize("fault", ["calls", "deliveries"])
async def test_demo_fails_when_something_is_missing(fault: str, tmp_path: Path) -> None:
    """The exit code is 1 when a call fails or an expected event never arrives."""

    def disturb(demo: Demo) -> None:
        if fault == "calls":
            demo.emu.faults.html(path="createReturnShipment", status=200)
        else:
            demo.emu.deliveries.pause()
            demo.shop.timeout = 0.2

    with (tmp_path / "out.txt").open("w", encoding="utf-8") as out:
        screen = Screen(Console(file=out, width=120))
        assert await demo_command.run_recipes(screen, tmp_path / "inbox.db", 0.0, 1, disturb) == 1
    text = (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert "✗ every step of the recipes happened, except" in text


def test_demo_leaves_the_loggers_as_they_were() -> None:
    """The demo restores the levels of the loggers that it silenced."""
    ours, theirs = logging.getLogger("returnhelper"), logging.getLogger("stamina")
    ours.setLevel(logging.INFO)
    try:
        assert demo_command.demo(pace=0) == 0
        assert (ours.level, theirs.level) == (logging.INFO, logging.NOTSET)
    finally:
        ours.setLevel(logging.NOTSET)


def test_missing_extra() -> None:
    """Without cyclopts and rich the command says what to install and exits with 2."""
    code = (
        "import sys; sys.modules['rich'] = sys.modules['cyclopts'] = None\n"
        "from returnhelper.cli import main; main(['demo'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2
    assert 'pip install ".[cli]" in a checkout' in done.stderr
    assert 'pip install "returnhelper[cli]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_diagnose(tmp_path: Path) -> None:
    """`diagnose` names the trailing slash that makes a signature fail, and never prints the key."""
    key = "fELbRuPhLNC3eRRUrM0LMfA3HX+pNndtp9vk7LEAEf6bfuwOgCcrX9vdb8sg2ixLvlx3uf0R3djw1wrLWPvh4Q=="
    from returnhelper.webhooks import Endpoint, sign

    (tmp_path / "body").write_bytes(b"{}")
    signature = sign(Endpoint("https://shop.example/rh/", key), "2030-05-06T07:08:09.1Z", b"{}")
    arguments = [
        "diagnose",
        str(tmp_path / "body"),
        "--timestamp",
        "2030-05-06T07:08:09.1Z",
        "--signature",
        signature,
    ]
    good = run(*arguments, "--url", "https://shop.example/rh/", RETURNHELPER_SIGNING_KEY=key)
    assert (good.returncode, good.stderr) == (0, "")
    bad = run(*arguments, "--url", "https://shop.example/rh", RETURNHELPER_SIGNING_KEY=key)
    assert bad.returncode == 1
    assert "slash" in bad.stdout
    assert key not in bad.stdout + bad.stderr
    other = ("--url", "https://shop.example/elsewhere", "--other-url", "https://shop.example/rh/")
    result = run(*arguments, *other, RETURNHELPER_SIGNING_KEY=f"YWJj {key}")
    assert result.returncode == 1
    assert "candidate key" in result.stdout
    assert "https://shop.example/rh/" in result.stdout
    wrong = run(*arguments, "--url", "https://shop.example/rh", RETURNHELPER_SIGNING_KEY="no Base64!")
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)


@pytest.mark.parametrize("width", ["40", "80"])
def test_demo_on_a_narrow_screen(width: str) -> None:
    """The lines of the demo fit a narrow terminal as far as they can be wrapped, and none ends in blanks."""
    done = run("demo", COLUMNS=width)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert not [line for line in lines if line != line.rstrip()]
    if width == "80":
        assert not [line for line in lines if len(line) > 80 and "  inbox " not in line]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "99999"),
        ("--duplicates", "3"),
        ("--reorder=-1",),
        ("--webhook-url", "shop.example"),
        ("--signing-key", "no Base64!"),
        ("--host", "192.0.2.1", "--port", "0"),
    ],
)
def test_wrong_options_of_the_emulator(arguments: tuple[str, ...]) -> None:
    """A wrong option of the emulator leads to one line on stderr and exit code 2, before anything runs."""
    done = run("emulator", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("returnhelper: ")
    assert done.stderr.count("\n") == 1


async def test_emulator() -> None:
    """The emulator prints each call and each refusal, and SIGTERM ends it with exit code 0."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-m", "returnhelper", "emulator", "--port", "0", "--allowed-host", "emu"),
        stdout=asyncio.subprocess.PIPE,
        env=QUIET | {"PYTHONIOENCODING": "utf-8"},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            head = await process.stdout.readuntil(b"Press Ctrl-C to stop.\n")
            url = re.findall(r"USER_URL=(\S+)", head.decode())[0]
            async with aiohttp.ClientSession() as http:
                for host, status in (("emu", 401), ("other", 403)):
                    async with http.get(f"{url}/api/nothing", headers={"Host": host}) as response:
                        assert response.status == status
            assert b"GET /user/api/nothing: status 401" in await process.stdout.readline()
            assert b"GET /user/api/nothing refused: Host 'other'" in await process.stdout.readline()
            process.terminate()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def test_usage() -> None:
    """An unknown subcommand is wrong usage, and the help lists the subcommands."""
    assert run("nonsense").returncode != 0
    help_ = run("--help")
    assert help_.returncode == 0
    for name in ("demo", "emulator", "diagnose"):
        assert name in help_.stdout

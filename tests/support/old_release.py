"""The release of layout 1 in processes of its own, beside the present one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

# The modules of the stores at commit f69a4ea, as they were
ARCHIVE = Path(__file__).parents[1] / "data" / "release-of-layout-1.zip"
_PROGRAM = Path(__file__).with_name("old_process.py")


class OldRelease:
    """An inbox of the release of layout 1, in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def __call__(self, verb: str, *arguments: object) -> Any:
        """Return what a verb of `old_process` returns; an error as its class and its text."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([verb, *arguments]).encode() + b"\n")
        line = await self._process.stdout.readline()
        assert line, "the old process has ended"
        return json.loads(line)


@contextlib.asynccontextmanager
async def old_release(kind: str, where: str, name: str) -> AsyncIterator[OldRelease]:
    """Start a process that runs the release of layout 1 over a store, and kill it at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        str(_PROGRAM),
        kind,
        where,
        name,
        env=os.environ | {"PYTHONPATH": str(ARCHIVE)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield OldRelease(process)
    finally:
        process.kill()
        await process.wait()

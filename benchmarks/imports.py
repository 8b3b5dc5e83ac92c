"""CPU that a new process spends before it does something, in milliseconds over `python -c pass`.

The candidates take turns, and the bytecode of all modules is compiled before. The floor of a service that calls the API is
`import aiohttp`, that of one that receives events `import asyncio, attrs, msgspec`.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile

from benchmarks.figures import cell

EVENT = '{"action": "newInventoryCreated", "returnInventory": {"returnInventoryId": 1}}'
CANDIDATES: dict[str, tuple[list[str], float | None]] = {
    "import asyncio, attrs, msgspec": (["-c", "import asyncio, attrs, msgspec"], None),
    "import aiohttp": (["-c", "import aiohttp"], None),
    "import returnhelper": (["-c", "import returnhelper"], 20),
    "ReturnHelper(…)": (["-c", "import returnhelper as r; r.ReturnHelper('k' * 9, 't' * 9)"], None),
    "receiver, router, verifier, first typed event": (
        [
            "-c",
            f"from returnhelper.webhooks import Receiver, Router, Verifier, parse_event; parse_event(b'{EVENT}')",
        ],
        200,
    ),
    "returnhelper --help": (["-m", "returnhelper", "--help"], 200),
}


def spent(arguments: list[str], folder: str) -> float:
    """Return the CPU milliseconds of one process."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def main() -> None:
    """Print the milliseconds of every candidate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    found: dict[str, list[float]] = {name: [] for name in CANDIDATES}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(rounds + 1):
            floor = spent(["-c", "pass"], folder)
            for name, (arguments, _) in CANDIDATES.items():
                taken = spent(arguments, folder) - floor
                if turn:  # the first round compiles
                    found[name].append(taken)
    print("CPU of a new process, milliseconds over `python -c pass`")
    for name, (_, goal) in CANDIDATES.items():
        print(f"{name:48}{cell(found[name], goal)}")


if __name__ == "__main__":
    main()

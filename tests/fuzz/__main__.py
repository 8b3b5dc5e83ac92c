"""Fuzz for a number of runs: with atheris where it is installed, with hypothesis elsewhere.

    python -m tests.fuzz                              100,000 runs of each target
    python -m tests.fuzz receiver parser --runs 10000000 --seconds 3600

Each target runs in a process of its own and prints how many runs it made. A finding ends the target; its input is
written to the folder of --findings, and the exit code is 1. Put it into tests/fuzz/corpus/ with its repair.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.corpus import FOLDER
from tests.fuzz.targets import TARGETS

DICTIONARY = FOLDER.with_name("words.dict")


def fuzz(target: str, runs: int, seconds: int, findings: Path) -> tuple[int, str]:
    """Fuzz one target in a process of its own; return the number of runs, and the output if there was a finding."""
    findings.mkdir(parents=True, exist_ok=True)
    engine = "tests.fuzz.coverage_guided" if find_spec("atheris") else "tests.fuzz.property_based"
    with TemporaryDirectory(prefix="rh-fuzz-") as found:
        done = subprocess.run(
            [sys.executable, "-m", engine, target, str(runs), str(seconds), found, str(findings)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    counts = re.findall(r"^(?:Done (\d+) runs|#(\d+)\s)", done.stdout, re.MULTILINE)
    count = max((int(number) for pair in counts for number in pair if number), default=0)
    return count, done.stdout if done.returncode else ""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", default=[], help=", ".join(TARGETS))
    parser.add_argument("--runs", type=int, default=100_000, help="runs of each target")
    parser.add_argument("--seconds", type=int, default=0, help="longest time for each target; 0 for no limit")
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"))
    chosen = parser.parse_args()
    if unknown := set(chosen.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    total, failed = 0, []
    for target in chosen.targets or TARGETS:
        began = time.monotonic()
        count, output = fuzz(target, chosen.runs, chosen.seconds, chosen.findings)
        total += count
        result = "FINDING" if output else "no finding"
        print(f"{target:14}{count:>12,} runs in {time.monotonic() - began:6.0f} s: {result}", flush=True)
        if output:
            failed.append(target)
            print(output[-6000:], flush=True)
    print(f"{'in all':14}{total:>12,} runs, {len(failed)} findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

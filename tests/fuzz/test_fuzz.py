"""Whatever bytes come in, the package keeps its promises; `python -m tests.fuzz` runs for as long as you like."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import fuzz
from tests.fuzz.corpus import seeds
from tests.fuzz.property_based import mutations
from tests.fuzz.targets import TARGETS

SLOW = {"command_line": 20, "diagnosis": 50}


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus(target: str) -> None:
    """No input of the corpus breaks a promise; among them is every finding of the past."""
    inputs = seeds(target)
    assert len(inputs) >= 5
    for data in inputs:
        TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_mutations(target: str) -> None:
    """Nor does any variation of one."""

    @settings(max_examples=SLOW.get(target, 200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(mutations(target) | st.binary())
    def one(data: bytes) -> None:
        TARGETS[target](data)

    one()


@pytest.mark.siege
@pytest.mark.parametrize("target", TARGETS)
def test_many_runs(target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A budget of runs in a process of its own finds nothing; RETURNHELPER_FUZZ_RUNS and _SECONDS set it."""
    runs = int(os.environ.get("RETURNHELPER_FUZZ_RUNS", "1000000"))
    seconds = int(os.environ.get("RETURNHELPER_FUZZ_SECONDS", "120"))
    count, output = fuzz(target, runs, seconds, tmp_path)
    with capsys.disabled():
        print(f"\n{target}: {count:,} runs")
    assert output == "", output[-6000:]
    assert count > 0

"""Fuzz one target with hypothesis; the arguments are those of `tests.fuzz.__main__.fuzz`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.corpus import seeds
from tests.fuzz.targets import TARGETS, capture_log


@st.composite
def mutations(draw: st.DrawFn, target: str) -> bytes:
    """Return an input of the corpus with pieces cut, repeated, replaced or inserted."""
    data = draw(st.sampled_from(seeds(target)) | st.binary(max_size=400))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        stop = draw(st.integers(start, min(len(data), start + 60)))
        piece = draw(
            st.binary(max_size=12) | st.sampled_from([b"", b"null", b'""', b"-1", b"1e400", b"[]", b"{}"])
        )
        data = data[:start] + piece + data[stop if draw(st.booleans()) else start :]
    return data


def main(target: str, runs: int, seconds: int, findings: Path) -> None:
    count, end = 0, time.monotonic() + seconds if seconds else float("inf")
    last = b""

    @settings(
        max_examples=runs,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(mutations(target))
    def one(data: bytes) -> None:
        nonlocal count, last
        if time.monotonic() > end:
            return
        count, last = count + 1, data
        TARGETS[target](data)

    capture_log()
    try:
        one()
    except BaseException:
        (findings / f"{target}-crash").write_bytes(last)
        print(f"#{count} FINDING {last!r}", flush=True)
        raise
    print(f"Done {count} runs", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[5]))

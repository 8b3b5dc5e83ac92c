"""Fuzz one target with atheris; the arguments are those of `tests.fuzz.__main__.fuzz`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["returnhelper"]):
    from tests.fuzz.targets import TARGETS, capture_log

from tests.fuzz.corpus import FOLDER

target, runs, seconds, found, findings = sys.argv[1:]
capture_log()
atheris.Setup(
    [
        sys.argv[0],
        f"-runs={runs}",
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-timeout=300",
        "-rss_limit_mb=4096",
        f"-dict={FOLDER.with_name('words.dict')}",
        f"-artifact_prefix={findings}/{target}-",
        found,  # new inputs go to the first folder
        str(FOLDER / target),
    ],
    TARGETS[target],
)
atheris.Fuzz()

"""Log refused requests so that a flood of them does not flood the log."""

from __future__ import annotations

import logging
import shlex
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from returnhelper.errors import VerificationFailureReason

_FIRST: Final = 10
_PERIOD: Final = 60.0


class RefusalLog:
    """Log the first refusals of a minute one by one, and the others as one line when the next minute has begun.

    Memory is bounded as long as the reasons are texts of this package.
    """

    def __init__(self, logger: logging.Logger, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._ends = 0.0
        self._logged = 0
        self._suppressed: Counter[str] = Counter()

    def add(self, reason: str, level: int = logging.WARNING) -> None:
        """Log a refusal, or count it for the summary."""
        now = self._clock()
        if now >= self._ends:
            self.flush()
            self._ends, self._logged = now + _PERIOD, 0
        if self._logged < _FIRST:
            self._logged += 1
            self._logger.log(level, "request refused: %s", reason)
        else:
            self._suppressed[reason] += 1

    def flush(self) -> None:
        """Log the summary of what was not logged one by one."""
        if self._suppressed:
            counts = ", ".join(f"{reason}: {count:,}" for reason, count in self._suppressed.most_common())
            self._logger.warning("%s more requests refused (%s)", f"{self._suppressed.total():,}", counts)
            self._suppressed.clear()


_HINTS: Final = {
    VerificationFailureReason.MISMATCH: (
        "the signature fits no configured endpoint: if Return Helper sent the request, the signing key, the registered "
        "URL or the body differs. Save the raw body and both headers of such a request to find out which, with the key "
        "in RETURNHELPER_SIGNING_KEY: {command}; or call returnhelper.webhooks.diagnose"
    ),
    VerificationFailureReason.MISSING_HEADER: (
        "the request has no returnhelper-signature or no timestamp header: if Return Helper sent it, a proxy or a "
        "middleware in front of {urls} removes them"
    ),
    VerificationFailureReason.BAD_ENCODING: (
        "the signature header is not the Base64 text of 32 bytes, or a header contains characters that none can "
        "contain: if Return Helper sent the request, a proxy or a middleware in front of {urls} changes it"
    ),
    VerificationFailureReason.BAD_TIMESTAMP: (
        "the signature matches, but the timestamp header is not an ISO 8601 time with a zone designator: a delivery to "
        "{urls} was split at another place to replay it, or the sender uses a new form; find out with: {command}"
    ),
}


class Hints:
    """Log once for each reason what it means and how to find the cause; later refusals are logged without."""

    def __init__(self, logger: logging.Logger, urls: Sequence[str]) -> None:
        self._logger = logger
        self._urls = tuple(dict.fromkeys(urls))
        self._given: set[VerificationFailureReason] = set()

    def give(self, reason: VerificationFailureReason) -> None:
        """Log the hint for a reason, unless it was."""
        if reason in self._given:
            return
        self._given.add(reason)
        first, *others = map(shlex.quote, self._urls)
        command = f"returnhelper diagnose BODY --url {first} --timestamp TIMESTAMP --signature SIGNATURE"
        command += "".join(f" --other-url {url}" for url in others)
        hint = _HINTS[reason].format(command=command, urls=", ".join(self._urls))
        self._logger.warning("%s: %s (logged once)", reason, hint)

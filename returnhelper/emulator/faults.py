"""Faults: what the server does badly, on demand."""

from __future__ import annotations

import random as _random
from enum import Enum

import attrs


class FaultKind(Enum):
    """What goes wrong."""

    DROP_ANSWER = "acts, then closes the connection without an answer"
    DROP_REQUEST = "closes the connection without having acted"
    STATUS = "answers with a bare HTTP status, without having acted"
    HTML = "answers with a gateway's page, without having acted"
    LATENCY = "takes its time, then acts and answers"


@attrs.define(kw_only=True)
class Fault:
    """One thing that goes wrong: how often (`rate`), at most how many `times`, and on which paths (`path`)."""

    kind: FaultKind
    rate: float = 1.0
    times: int | None = None
    path: str = ""
    status: int = 503
    retry_after: float | None = None
    seconds: float = 0.0
    hits: int = 0


class Faults:
    """The faults in force; the oldest that applies is taken, latency adds up."""

    def __init__(self, random: _random.Random) -> None:
        self._random = random
        self._faults: list[Fault] = []

    def clear(self) -> None:
        """Behave again."""
        self._faults.clear()

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force; its `hits` count up."""
        self._faults.append(fault)
        return fault

    def drop_answer(self, *, rate: float = 1.0, times: int | None = None, path: str = "") -> Fault:
        """Act, then close the connection without an answer."""
        return self.add(Fault(kind=FaultKind.DROP_ANSWER, rate=rate, times=times, path=path))

    def drop_request(self, *, rate: float = 1.0, times: int | None = None, path: str = "") -> Fault:
        """Close the connection without having acted."""
        return self.add(Fault(kind=FaultKind.DROP_REQUEST, rate=rate, times=times, path=path))

    def unavailable(
        self, *, rate: float = 1.0, times: int | None = None, path: str = "", retry_after: float | None = None
    ) -> Fault:
        """Answer 503."""
        return self.add(
            Fault(kind=FaultKind.STATUS, rate=rate, times=times, path=path, retry_after=retry_after)
        )

    def rate_limited(
        self, *, rate: float = 1.0, times: int | None = None, path: str = "", retry_after: float | None = 1.0
    ) -> Fault:
        """Answer 429 with ``Retry-After`` in seconds (the vendor documents no rate limit)."""
        return self.add(
            Fault(
                kind=FaultKind.STATUS, status=429, rate=rate, times=times, path=path, retry_after=retry_after
            )
        )

    def html(
        self, *, status: int = 502, rate: float = 1.0, times: int | None = None, path: str = ""
    ) -> Fault:
        """Answer with a gateway's page."""
        return self.add(Fault(kind=FaultKind.HTML, status=status, rate=rate, times=times, path=path))

    def latency(
        self, seconds: float, *, rate: float = 1.0, times: int | None = None, path: str = ""
    ) -> Fault:
        """Take `seconds` to act; the same idempotency key is refused with 409 meanwhile (inferred)."""
        return self.add(Fault(kind=FaultKind.LATENCY, seconds=seconds, rate=rate, times=times, path=path))

    def draw(self, path: str) -> tuple[Fault | None, float]:
        """Return what goes wrong with a request to `path`, and how late its answer is."""
        late, chosen = 0.0, None
        for fault in self._faults:
            if fault.path.lower() not in path or (fault.times is not None and fault.hits >= fault.times):
                continue
            if chosen is not None and fault.kind is not FaultKind.LATENCY:
                continue
            if fault.rate < 1.0 and self._random.random() >= fault.rate:
                continue
            fault.hits += 1
            if fault.kind is FaultKind.LATENCY:
                late += fault.seconds
            else:
                chosen = fault
        return chosen, late

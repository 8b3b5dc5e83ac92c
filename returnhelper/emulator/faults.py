"""Faults: how the server misbehaves, on demand."""

from __future__ import annotations

import random as _random
from datetime import timedelta
from enum import Enum
from typing import Annotated, TypeAlias

import attrs

from returnhelper._arguments import POSITIVE, PROBABILITY, Range, check_fields, checked
from returnhelper._time import to_seconds

Share: TypeAlias = Annotated[float, PROBABILITY]
Times: TypeAlias = Annotated[int | None, POSITIVE]
Status: TypeAlias = Annotated[int, Range(200, 599)]


class FaultKind(Enum):
    """What the server does instead of responding properly."""

    DROP_RESPONSE = "acts, then closes the connection without a response"
    DROP_REQUEST = "closes the connection without acting"
    STATUS = "responds with a bare HTTP status, without acting"
    HTML = "responds with the error page of a gateway, without acting"
    LATENCY = "acts and responds late"


@attrs.define(kw_only=True)
class Fault:
    """One fault: the share of requests it meets (`rate`), how many at most (`times`), and on which paths (`path`).

    `hits` counts the requests that it has met.
    """

    kind: FaultKind
    rate: Share = 1.0
    times: Times = None
    path: str = ""
    status: Status = 503
    retry_after: float | None = None
    seconds: float = 0.0
    hits: int = 0

    def __attrs_post_init__(self) -> None:
        check_fields(self)

    def applies(self, path: str) -> bool:
        """Return whether the fault may meet a request to this path, which is in lower case."""
        return self.path.lower() in path and (self.times is None or self.hits < self.times)


class Faults:
    """The faults in force; the oldest that applies is taken, latencies add up."""

    def __init__(self, random: _random.Random) -> None:
        self._random = random
        self._faults: list[Fault] = []

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    @checked
    def add(self, fault: Fault) -> Fault:
        """Put a fault in force."""
        self._faults.append(fault)
        return fault

    @checked
    def drop_response(self, *, rate: Share = 1.0, times: Times = None, path: str = "") -> Fault:
        """Act, then close the connection without a response."""
        return self.add(Fault(kind=FaultKind.DROP_RESPONSE, rate=rate, times=times, path=path))

    @checked
    def drop_request(self, *, rate: Share = 1.0, times: Times = None, path: str = "") -> Fault:
        """Close the connection without acting."""
        return self.add(Fault(kind=FaultKind.DROP_REQUEST, rate=rate, times=times, path=path))

    @checked
    def unavailable(
        self, *, rate: Share = 1.0, times: Times = None, path: str = "", retry_after: float | None = None
    ) -> Fault:
        """Respond with 503."""
        return self.add(
            Fault(kind=FaultKind.STATUS, rate=rate, times=times, path=path, retry_after=retry_after)
        )

    @checked
    def rate_limited(
        self, *, rate: Share = 1.0, times: Times = None, path: str = "", retry_after: float | None = 1.0
    ) -> Fault:
        """Respond with 429 and ``Retry-After`` in seconds (the vendor documents no rate limit)."""
        return self.add(
            Fault(
                kind=FaultKind.STATUS, status=429, rate=rate, times=times, path=path, retry_after=retry_after
            )
        )

    @checked
    def html(self, *, status: Status = 502, rate: Share = 1.0, times: Times = None, path: str = "") -> Fault:
        """Respond with the error page of a gateway."""
        return self.add(Fault(kind=FaultKind.HTML, status=status, rate=rate, times=times, path=path))

    @checked
    def latency(
        self, delay: float | timedelta, *, rate: Share = 1.0, times: Times = None, path: str = ""
    ) -> Fault:
        """Act after `delay`; a request with the same idempotency key gets 409 meanwhile (inferred)."""
        seconds = to_seconds("delay", delay, zero=True)
        return self.add(Fault(kind=FaultKind.LATENCY, seconds=seconds, rate=rate, times=times, path=path))

    @checked
    def draw(self, path: str) -> tuple[Fault | None, float]:
        """Return the fault that meets a request to `path`, if any, and the latency in seconds."""
        latency, chosen = 0.0, None
        for fault in self._faults:
            if not fault.applies(path) or (chosen is not None and fault.kind is not FaultKind.LATENCY):
                continue
            if fault.rate < 1.0 and self._random.random() >= fault.rate:
                continue
            fault.hits += 1
            if fault.kind is FaultKind.LATENCY:
                latency += fault.seconds
            else:
                chosen = fault
        return chosen, latency

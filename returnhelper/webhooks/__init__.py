"""Webhooks: verify a delivery, name its event, route it to a coroutine. Loaded lazily; needs no HTTP library."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from returnhelper.errors import EventNotReceived, PayloadInvalid, VerificationFailed
    from returnhelper.webhooks import events as events
    from returnhelper.webhooks.diagnosis import Cause, Diagnosis, diagnose
    from returnhelper.webhooks.envelope import Envelope, dedup_key, read_envelope
    from returnhelper.webhooks.events import Event, UnknownEvent, parse_event
    from returnhelper.webhooks.receiver import Outcome, OutcomeKind, Receiver
    from returnhelper.webhooks.router import Discard, Retry, Router
    from returnhelper.webhooks.signature import Endpoint, Verified, Verifier, sign
    from returnhelper.webhooks.waiting import Expectation, create_and_wait

_EXPORTS = {
    "Cause": "returnhelper.webhooks.diagnosis",
    "Diagnosis": "returnhelper.webhooks.diagnosis",
    "Discard": "returnhelper.webhooks.router",
    "Endpoint": "returnhelper.webhooks.signature",
    "Envelope": "returnhelper.webhooks.envelope",
    "Event": "returnhelper.webhooks.events",
    "EventNotReceived": "returnhelper.errors",
    "Expectation": "returnhelper.webhooks.waiting",
    "OutcomeKind": "returnhelper.webhooks.receiver",
    "Outcome": "returnhelper.webhooks.receiver",
    "PayloadInvalid": "returnhelper.errors",
    "Receiver": "returnhelper.webhooks.receiver",
    "Retry": "returnhelper.webhooks.router",
    "Router": "returnhelper.webhooks.router",
    "UnknownEvent": "returnhelper.webhooks.events",
    "VerificationFailed": "returnhelper.errors",
    "Verified": "returnhelper.webhooks.signature",
    "Verifier": "returnhelper.webhooks.signature",
    "create_and_wait": "returnhelper.webhooks.waiting",
    "dedup_key": "returnhelper.webhooks.envelope",
    "diagnose": "returnhelper.webhooks.diagnosis",
    "parse_event": "returnhelper.webhooks.events",
    "read_envelope": "returnhelper.webhooks.envelope",
    "sign": "returnhelper.webhooks.signature",
}

__all__ = [
    "Cause",
    "Diagnosis",
    "Discard",
    "Endpoint",
    "Envelope",
    "Event",
    "EventNotReceived",
    "Expectation",
    "Outcome",
    "OutcomeKind",
    "PayloadInvalid",
    "Receiver",
    "Retry",
    "Router",
    "UnknownEvent",
    "VerificationFailed",
    "Verified",
    "Verifier",
    "create_and_wait",
    "dedup_key",
    "diagnose",
    "events",
    "parse_event",
    "read_envelope",
    "sign",
]


def __getattr__(name: str) -> object:
    if name == "events":
        return import_module("returnhelper.webhooks.events")
    home = _EXPORTS.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

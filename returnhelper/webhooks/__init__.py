"""Webhooks: verify a delivery, identify its event, route it to a coroutine. Loaded lazily; needs no HTTP library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from returnhelper._lazy import lazy_exports

if TYPE_CHECKING:
    from returnhelper.errors import (
        EventNotReceived,
        PayloadInvalid,
        VerificationFailed,
        VerificationFailureReason,
    )
    from returnhelper.webhooks import events as events
    from returnhelper.webhooks.diagnosis import Cause, Diagnosis, diagnose
    from returnhelper.webhooks.envelope import Envelope, dedup_key, read_envelope
    from returnhelper.webhooks.events import Event, UnknownEvent, parse_event
    from returnhelper.webhooks.outcome import Outcome, OutcomeKind, ReceiverCounters
    from returnhelper.webhooks.receiver import Receiver
    from returnhelper.webhooks.router import Discard, Retry, Router
    from returnhelper.webhooks.signature import Endpoint, Verified, Verifier, sign
    from returnhelper.webhooks.waiting import Expectation

_EXPORTS = {
    "..errors": ("EventNotReceived", "PayloadInvalid", "VerificationFailed", "VerificationFailureReason"),
    ".diagnosis": ("Cause", "Diagnosis", "diagnose"),
    ".envelope": ("Envelope", "dedup_key", "read_envelope"),
    ".events": ("events", "Event", "UnknownEvent", "parse_event"),
    ".outcome": ("Outcome", "OutcomeKind", "ReceiverCounters"),
    ".receiver": ("Receiver",),
    ".router": ("Discard", "Retry", "Router"),
    ".signature": ("Endpoint", "Verified", "Verifier", "sign"),
    ".waiting": ("Expectation",),
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
    "ReceiverCounters",
    "Retry",
    "Router",
    "UnknownEvent",
    "VerificationFailed",
    "VerificationFailureReason",
    "Verified",
    "Verifier",
    "dedup_key",
    "diagnose",
    "events",
    "parse_event",
    "read_envelope",
    "sign",
]

if not TYPE_CHECKING:  # type checkers would accept any name
    __getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)

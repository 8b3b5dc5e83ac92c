"""Webhooks: verify a delivery, identify its event, route it to a coroutine. Loaded lazily; needs no HTTP library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from returnhelper._lazy import lazy_exports

if TYPE_CHECKING:
    from returnhelper.errors import EventNotReceived as EventNotReceived
    from returnhelper.errors import PayloadInvalid as PayloadInvalid
    from returnhelper.errors import VerificationFailed as VerificationFailed
    from returnhelper.errors import VerificationFailureReason as VerificationFailureReason
    from returnhelper.webhooks import events as events
    from returnhelper.webhooks.diagnosis import Cause as Cause
    from returnhelper.webhooks.diagnosis import Diagnosis as Diagnosis
    from returnhelper.webhooks.diagnosis import diagnose as diagnose
    from returnhelper.webhooks.envelope import Envelope as Envelope
    from returnhelper.webhooks.envelope import dedup_key as dedup_key
    from returnhelper.webhooks.envelope import read_envelope as read_envelope
    from returnhelper.webhooks.events import Event as Event
    from returnhelper.webhooks.events import UnknownEvent as UnknownEvent
    from returnhelper.webhooks.events import parse_event as parse_event
    from returnhelper.webhooks.outcome import Outcome as Outcome
    from returnhelper.webhooks.outcome import OutcomeKind as OutcomeKind
    from returnhelper.webhooks.outcome import ReceiverCounters as ReceiverCounters
    from returnhelper.webhooks.receiver import Receiver as Receiver
    from returnhelper.webhooks.router import Discard as Discard
    from returnhelper.webhooks.router import Retry as Retry
    from returnhelper.webhooks.router import Router as Router
    from returnhelper.webhooks.signature import Endpoint as Endpoint
    from returnhelper.webhooks.signature import Verified as Verified
    from returnhelper.webhooks.signature import Verifier as Verifier
    from returnhelper.webhooks.signature import sign as sign
    from returnhelper.webhooks.waiting import Expectation as Expectation

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

if not TYPE_CHECKING:  # type checkers would accept any name
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _EXPORTS)

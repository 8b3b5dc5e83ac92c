"""Every error that this package raises.

    ReturnHelperError
    ├── ConfigurationError            wrong arguments, before any I/O
    ├── RequestInvalid                a documented limit is broken; found before sending
    ├── TransportError                no usable response; .maybe_applied: may the server have acted?
    │   ├── ConnectionFailed
    │   ├── RequestTimeout
    │   └── UnexpectedContent         not the documented JSON (gateway page, truncated body, redirect)
    ├── APIError                      the server refused the call
    │   ├── ValidationFailed          soft errors: HTTP 200 with meta.status 400
    │   ├── AuthenticationFailed      401, 403
    │   ├── Conflict                  409
    │   ├── RateLimited               429
    │   └── ServerFault               5xx
    ├── WebhookError
    │   ├── VerificationFailed        the delivery is not authentic; .reason: a VerificationFailureReason
    │   ├── PayloadInvalid            the body does not fit the class of its event
    │   └── EventNotReceived          an expected event did not arrive in time
    └── InboxError
        ├── InboxUnavailable          the store cannot be reached, or is full
        └── SchemaTooNew              the store was written by a newer release

All of them can be pickled, printed and logged. None holds a live response, a key, a token or a signature.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from .types import JSONValue, RawResponse

_E = TypeVar("_E", bound="ReturnHelperError")

_UNPRINTABLE: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]+")


def format_value(value: object, *, most: int = 80) -> str:
    """Return what an error message shows of a value: its `repr`, shortened and on one line. Never raises."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - an int of many digits or somebody's class; the message is about something else
        text = f"<{type(value).__name__}>"
    return one_line(text, most)


def one_line(text: str, most: int) -> str:
    """Return text for a message: on one line, without control characters, shortened, and printable everywhere."""
    text = _UNPRINTABLE.sub(" ", text).strip()
    return text if len(text) <= most else f"{text[:most]}…"


class VerificationFailureReason(StrEnum):
    """Why a delivery is not authentic."""

    MISSING_HEADER = "missing_header"
    BAD_ENCODING = "bad_encoding"
    BAD_TIMESTAMP = "bad_timestamp"
    """The signature matches, but the `timestamp` header is not a time: URL, timestamp and body were split at another place."""
    MISMATCH = "mismatch"


class ReturnHelperError(Exception):
    """Base of every error of this package."""

    idempotency_key: str | None = None
    """The idempotency key of the failed call: pass it in `RequestOptions` to repeat the same call."""

    operation: str | None = None
    """The operation that failed, such as `ReturnShipment/CreateReturnShipment`."""

    def __init__(self, *args: object) -> None:
        # A peer's text may contain an unpaired surrogate, which cannot be printed, logged or sent.
        super().__init__(*(_encodable(arg) if isinstance(arg, str) else arg for arg in args))

    def __reduce__(self) -> tuple[object, ...]:
        # The default calls the class with `args`, which keyword-only constructors refuse.
        return _rebuild, (type(self), self.args, dict(self.__dict__))


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _rebuild(cls: type[_E], args: tuple[object, ...], state: dict[str, object]) -> _E:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(ReturnHelperError):
    """An argument, an environment variable or the setup is wrong; nothing was sent."""


class RequestInvalid(ReturnHelperError):
    """A value has the wrong type or breaks a documented limit; nothing was sent.

    `.fields` maps each such field to its rule.
    """

    fields: Mapping[str, str]

    def __init__(self, fields: Mapping[str, str], *, message: str | None = None) -> None:
        self.fields = dict(fields)
        listed = "; ".join(f"{name}: {rule}" for name, rule in self.fields.items())
        super().__init__(
            message or f"the request is invalid and was not sent: {listed or 'no field is named'}"
        )


class TransportError(ReturnHelperError):
    """No usable response arrived.

    `.maybe_applied` is False only if the request certainly never reached the server. Otherwise repeat the call with the
    same `.idempotency_key`: the server then runs it once.
    """

    maybe_applied: bool
    attempts: int

    def __init__(
        self,
        message: str,
        *,
        maybe_applied: bool = True,
        attempts: int = 1,
        operation: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        super().__init__(message)
        self.maybe_applied = maybe_applied
        self.attempts = attempts
        self.operation = operation
        self.idempotency_key = idempotency_key


class ConnectionFailed(TransportError):
    """The connection could not be made, or broke before the response began.

    `.permanent` is True where a retry is pointless, as with a certificate that is not trusted.
    """

    permanent: bool = False


class RequestTimeout(TransportError):
    """A phase took too long; `.phase` is `connect`, `read` or `total`."""

    phase: str = "total"


class UnexpectedContent(TransportError):
    """The response is not the documented JSON: a gateway page, a truncated or empty body, a redirect.

    A response without proof of success belongs here too: neither `meta.status` nor the documented payload is there.
    """

    http_status: int | None = None
    content_type: str | None = None
    snippet: str = ""
    """The first characters of the body, without control characters and without credentials."""

    truncated: bool = False
    """Whether the connection broke inside the body."""

    response: RawResponse | None = None
    """The whole response, where one arrived; key and token are removed from it."""


class APIError(ReturnHelperError):
    """The server understood the call and refused it.

    `.http_status` is the status line, `.status` is `meta.status`, `.error_code` is `meta.errorCode`, `.fields` maps
    request properties to messages, `.detail` is `meta.error` as received. Quote `.correlation_id` to support.
    """

    http_status: int
    status: int
    error_code: str | None
    fields: Mapping[str, str]
    detail: JSONValue
    correlation_id: str | None
    attempts: int

    def __init__(
        self,
        message: str,
        *,
        http_status: int,
        status: int | None = None,
        error_code: str | None = None,
        fields: Mapping[str, str] = MappingProxyType({}),
        detail: JSONValue = None,
        correlation_id: str | None = None,
        attempts: int = 1,
        operation: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.status = http_status if status is None else status
        self.error_code = error_code
        self.fields = dict(fields)
        self.detail = detail
        self.correlation_id = correlation_id
        self.attempts = attempts
        self.operation = operation
        self.idempotency_key = idempotency_key


class ValidationFailed(APIError):
    """The server refused the content of the call (`VALIDATION_FAILED`, `TRACKING_ALREADY_EXIST`, …)."""


class AuthenticationFailed(APIError):
    """Key and token are missing, unknown, of another environment, or not allowed to do this (401, 403)."""


class Conflict(APIError):
    """The call collides with the state of the account, or with a call of the same idempotency key (409)."""


class RateLimited(APIError):
    """Too many calls (429). `.retry_after` is how many seconds the server asked to wait, None if it did not."""

    retry_after: float | None = None


class ServerFault(APIError):
    """The server failed (5xx) in every attempt; the call may have been carried out even so."""

    maybe_applied: bool = True
    retry_after: float | None = None


class WebhookError(ReturnHelperError):
    """Base of the errors about a delivery or an event."""


class VerificationFailed(WebhookError):
    """The delivery is not authentic: `.reason` says why, `.diagnosis` has the details where it was asked for."""

    reason: VerificationFailureReason
    diagnosis: str | None

    def __init__(
        self, reason: VerificationFailureReason, *, message: str | None = None, diagnosis: str | None = None
    ) -> None:
        self.reason = reason
        self.diagnosis = diagnosis
        text = message or f"the delivery is not authentic ({reason}): respond with 401 and do not act on it"
        if reason is VerificationFailureReason.MISMATCH and not message and not diagnosis:
            text += "; if Return Helper sent it, find the cause with returnhelper.webhooks.diagnose"
        super().__init__(f"{text}; {diagnosis}" if diagnosis else text)


class PayloadInvalid(WebhookError):
    """An authentic body does not fit the class of its event; `.path` names the member, such as `label.labelUrl`."""

    path: str

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class EventNotReceived(WebhookError, TimeoutError):
    """The expected event did not arrive in time. It may still arrive, and its handlers run then.

    `.shipment_id` is the shipment that `create_and_wait` has created, None elsewhere.
    """

    shipment_id: int | None = None


class InboxError(ReturnHelperError):
    """Base of the errors of an inbox."""


class InboxUnavailable(InboxError):
    """The store cannot be reached or cannot write. Respond with 503, so that the sender tries again."""


class SchemaTooNew(InboxError):
    """The store was written by a newer release of this package; upgrade before opening it."""

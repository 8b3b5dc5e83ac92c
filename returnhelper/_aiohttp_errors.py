"""What aiohttp, yarl, ssl and the socket raise, as the errors of this package: the one boundary for calls and transfers."""

from __future__ import annotations

import re
import ssl
from typing import Final, Protocol

import aiohttp
from aiohttp.http import HttpProcessingError

from .errors import ConfigurationError, ConnectionFailed, RequestTimeout, ReturnHelperError, UnexpectedContent

ERRORS: Final = (
    aiohttp.ClientError,
    HttpProcessingError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    RuntimeError,
    AttributeError,
    LookupError,
    AssertionError,
)
"""Everything that a request can raise without a fault of this package. User code in a session may raise other things."""

_URL: Final = re.compile(
    r"\b([a-z][a-z0-9+.-]*://)(?:[^\s/?#@'\"]*@)?([^\s/?#@'\"]*)[^\s'\"]*", re.IGNORECASE
)
_UNPRINTABLE: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_LONGEST_CAUSE: Final = 300

_WRONG_NAME: Final = frozenset({62, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_WRONG_TIME: Final = frozenset({9, 10})  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED


class Exchange(Protocol):
    """What a call or a transfer remembers from attempt to attempt.

    `sent` says that an attempt got a connection, `maybe_applied` that one that failed may have been carried out.
    """

    sent: bool
    maybe_applied: bool

    @property
    def name(self) -> str: ...
    @property
    def operation_name(self) -> str | None: ...
    @property
    def idempotency_key(self) -> str | None: ...
    def redact(self, text: str) -> str: ...


def translate(
    error: Exception, exchange: Exchange, response: aiohttp.ClientResponse | None
) -> ReturnHelperError:
    """Return the error of this package for one of `ERRORS`, without keeping it: it may hold secrets."""
    cause = cause_of(error, exchange)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return timed_out(exchange, "connect", "no connection in time", sent=False)
    if isinstance(error, TimeoutError):  # aiohttp's are both TimeoutError and OSError
        return timed_out(exchange, "read", "the server was silent for too long")
    if isinstance(error, aiohttp.ClientPayloadError | HttpProcessingError):
        return unusable(exchange, f"a body that is incomplete ({cause})", response, truncated=True)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _refused_by_proxy(error, exchange)
    if isinstance(error, aiohttp.ClientResponseError):
        return unusable(
            exchange, f"a response that is not valid HTTP ({cause})", response, status=error.status
        )
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ServerFingerprintMismatch):
        return _not_connected(error, exchange, cause)
    if isinstance(error, RuntimeError) and "closed" in str(error).lower():
        return failed(exchange, f"the session was closed ({cause})", permanent=True)
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return ConfigurationError(
            f"{exchange.name} has no usable URL ({cause}); check the environment and any proxy"
        )
    if isinstance(error, aiohttp.ClientError | OSError | EOFError):
        return failed(exchange, cause)
    return ConfigurationError(f"{exchange.name} cannot be sent: {cause}")


def cause_of(error: BaseException, exchange: Exchange) -> str:
    """Return class and text of an error on one line, without credentials and with no more of a URL than its host."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - somebody's class; the message is about something else
        text = ""
    text = _UNPRINTABLE.sub(" ", _URL.sub(r"\1\2", exchange.redact(text))).strip()
    kind = type(error).__name__
    return f"{kind}: {text[:_LONGEST_CAUSE]}" if text else kind


def failed(
    exchange: Exchange, cause: str, *, sent: bool | None = None, permanent: bool = False
) -> ConnectionFailed:
    """Build the error for a connection that could not be made or that broke before the response."""
    sent = exchange.sent if sent is None else sent
    what = "got no response" if sent else "was not sent"
    error = ConnectionFailed(
        f"{exchange.name} {what}: {cause}{_advice(exchange, sent=sent)}",
        maybe_applied=sent or exchange.maybe_applied,
        operation=exchange.operation_name,
        idempotency_key=exchange.idempotency_key,
    )
    error.permanent = permanent
    return error


def timed_out(exchange: Exchange, phase: str, cause: str, *, sent: bool | None = None) -> RequestTimeout:
    """Build the error for a phase that took too long."""
    sent = exchange.sent if sent is None else sent
    error = RequestTimeout(
        f"{exchange.name}: {cause}{_advice(exchange, sent=sent) or '; it was not sent'}",
        maybe_applied=sent or exchange.maybe_applied,
        operation=exchange.operation_name,
        idempotency_key=exchange.idempotency_key,
    )
    error.phase = phase
    return error


def unusable(
    exchange: Exchange,
    what: str,
    response: aiohttp.ClientResponse | None = None,
    *,
    status: int | None = None,
    truncated: bool = False,
) -> UnexpectedContent:
    """Build the error for a response that cannot be used."""
    if response is not None:
        what, status = f"HTTP {response.status} with {what}", response.status
    error = UnexpectedContent(
        f"{exchange.name} got {what}",
        operation=exchange.operation_name,
        idempotency_key=exchange.idempotency_key,
    )
    error.http_status = status
    error.truncated = truncated
    return error


def _advice(exchange: Exchange, *, sent: bool) -> str:
    if not sent and not exchange.maybe_applied:
        return ""
    if exchange.idempotency_key is None:
        return "; it can be repeated"
    which = "it" if sent else "an earlier attempt"
    return f"; {which} may have been carried out: repeat it with the same idempotency_key"


def _not_connected(error: Exception, exchange: Exchange, cause: str) -> ConnectionFailed:
    reason = getattr(error, "certificate_error", None) or getattr(error, "os_error", None)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return failed(
            exchange, f"{cause}; {_certificate_advice(reason.verify_code)}", sent=False, permanent=True
        )
    # A handshake that breaks off is a matter of the network; one that is refused will be refused again.
    permanent = isinstance(error, aiohttp.ServerFingerprintMismatch) or (
        isinstance(reason, ssl.SSLError) and not isinstance(reason, ssl.SSLEOFError)
    )
    return failed(exchange, cause, sent=False, permanent=permanent)


def _certificate_advice(code: int) -> str:
    if code in _WRONG_NAME:
        return "the certificate is for another host: check the URL"
    if code in _WRONG_TIME:
        return "the certificate is not valid at this time: check the clock of this machine"
    return "the certificate is not trusted: if it is your proxy's, pass a session that knows its CA"


def _refused_by_proxy(error: aiohttp.ClientHttpProxyError, exchange: Exchange) -> ConnectionFailed:
    advice = "; check user and password in its URL" if error.status == 407 else ""
    return failed(
        exchange,
        f"the proxy refused the connection with HTTP {error.status}{advice}",
        sent=False,
        permanent=400 <= error.status < 500 and error.status not in {408, 425, 429},
    )

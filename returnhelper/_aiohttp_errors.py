"""Translate what aiohttp, yarl, ssl and sockets raise: the one boundary of calls and transfers."""

from __future__ import annotations

import re
import ssl
from typing import Final

import aiohttp
from aiohttp.http import HttpProcessingError

from ._body import BodyError
from ._request import Exchange
from ._secrets import Redactor
from .errors import (
    ConfigurationError,
    ConnectionFailed,
    RequestTimeout,
    ReturnHelperError,
    UnexpectedContent,
    one_line,
)


class NotRepeated(aiohttp.ClientError):
    """A connection broke, and aiohttp would have sent the request a second time by itself."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__("the connection broke")
        self.error = error


ERRORS: Final = (
    aiohttp.ClientError,
    HttpProcessingError,
    BodyError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    RuntimeError,
    AttributeError,
    LookupError,
    AssertionError,
)
"""What a request can raise. The middlewares and traces of a session may also raise errors of their own."""

# A proxy without its scheme is not a URL but may contain a password: `user:password@proxy:3128`.
_USER: Final = re.compile(r"[^\s/'\"@]+@(?=[^\s/'\"@])")
_URL: Final = re.compile(
    r"\b([a-z][a-z0-9+.-]*://)(?:[^\s/?#@'\"]*@)?([^\s/?#@'\"]*)[^\s'\"]*", re.IGNORECASE
)
_STANDARD: Final = frozenset({"aiohttp", "asyncio", "builtins", "json", "multidict", "yarl"})
_LONGEST_CAUSE: Final = 300

_WRONG_NAME: Final = frozenset({62, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_WRONG_TIME: Final = frozenset({9, 10})  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED


def translate(error: Exception, exchange: Exchange) -> ReturnHelperError:
    """Return the error of this package for one of `ERRORS`, which is not chained: it may hold secrets."""
    if isinstance(error, NotRepeated):
        error = error.error or aiohttp.ServerDisconnectedError()
    cause = cause_of(error, exchange.redactor)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return timed_out(exchange, "connect", "no connection in time", sent=False)
    if isinstance(error, TimeoutError):  # aiohttp's are both TimeoutError and OSError
        return timed_out(exchange, "read", "the server was silent for too long")
    if isinstance(error, BodyError):
        return unusable(exchange, str(error), truncated=error.truncated)
    if isinstance(error, aiohttp.ClientPayloadError | HttpProcessingError):
        return unusable(exchange, f"a body that breaks off ({cause})", truncated=True)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _refused_by_proxy(error, exchange)
    if isinstance(error, aiohttp.ClientResponseError):
        return _not_http(error, exchange)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ServerFingerprintMismatch):
        return _not_connected(error, exchange, cause)
    if isinstance(error, RuntimeError) and "closed" in str(error).lower():
        return failed(exchange, f"the session was closed ({cause})", permanent=True)
    if isinstance(error, aiohttp.ClientError | OSError | EOFError) and not isinstance(error, ValueError):
        return failed(exchange, cause)
    advice = (
        "; check the URL, the headers and the proxy, which is written like http://host:port"
        if isinstance(error, ValueError)
        else ""
    )
    return ConfigurationError(f"{exchange.name} cannot be sent: {cause}{advice}")


def is_callers_own(error: Exception) -> bool:
    """Whether the class of an error is the caller's own: a session runs the caller's middlewares and traces."""
    standard = isinstance(error, aiohttp.ClientError | HttpProcessingError | BodyError | OSError)
    return not standard and type(error).__module__.partition(".")[0] not in _STANDARD


def cause_of(error: BaseException, redactor: Redactor) -> str:
    """Return class and text of an error on one line, without credentials, and with URLs cut down to their hosts."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a class of the caller
        text = ""
    text = one_line(_USER.sub("", _URL.sub(r"\1\2", redactor.text(text))), _LONGEST_CAUSE)
    kind = type(error).__name__
    return f"{kind}: {text}" if text else kind


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


def unusable(exchange: Exchange, what: str, *, truncated: bool = False) -> UnexpectedContent:
    """Build the error for a response that cannot be used."""
    status = "" if exchange.status is None else f"HTTP {exchange.status} with "
    error = UnexpectedContent(
        f"{exchange.name} got {status}{what}{_advice(exchange, sent=True)}",
        operation=exchange.operation_name,
        idempotency_key=exchange.idempotency_key,
    )
    error.http_status = exchange.status
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
    # A handshake that breaks off may succeed next time; one that is refused will be refused again.
    permanent = isinstance(error, aiohttp.ServerFingerprintMismatch) or (
        isinstance(reason, ssl.SSLError) and not isinstance(reason, ssl.SSLEOFError)
    )
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        cause = f"the proxy cannot be reached ({cause})"
    return failed(exchange, cause, sent=False, permanent=permanent)


def _certificate_advice(code: int) -> str:
    if code in _WRONG_NAME:
        return "the certificate is for another host: check the URL"
    if code in _WRONG_TIME:
        return "the certificate is not valid at this time: check the clock of this machine"
    return "the certificate is not trusted: if it is your proxy's, set SSL_CERT_FILE or pass a session that knows its CA"


def _refused_by_proxy(error: aiohttp.ClientHttpProxyError, exchange: Exchange) -> ConnectionFailed:
    proxy = error.request_info.real_url
    advice = "; check user and password in its URL" if error.status == 407 else ""
    return failed(
        exchange,
        f"the proxy {proxy.host}:{proxy.port} refused the connection with HTTP {error.status}{advice}",
        sent=False,
        permanent=400 <= error.status < 500 and error.status not in {408, 425, 429},
    )


def _not_http(error: aiohttp.ClientResponseError, exchange: Exchange) -> UnexpectedContent:
    text = one_line(exchange.redactor.text(error.message), _LONGEST_CAUSE)
    advice = ""
    if text.startswith("Got more than"):  # aiohttp's limit for one header
        advice = "; a session with a larger max_field_size and max_line_size can be passed in"
    return unusable(exchange, f"a response that is not valid HTTP ({text}{advice})")

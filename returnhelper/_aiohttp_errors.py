"""What aiohttp raises, as the errors of this package: what failed, and whether the server may have acted."""

from __future__ import annotations

import aiohttp

from ._request import PreparedRequest
from ._response import unexpected
from .errors import ConfigurationError, ConnectionFailed, RequestTimeout, ReturnHelperError, UnexpectedContent


def translate(
    error: Exception, call: PreparedRequest, response: aiohttp.ClientResponse | None
) -> ReturnHelperError:
    """Return the error of this package for one of aiohttp's, without keeping it."""
    kind = type(error).__name__
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return timed_out(call, "connect", "no connection within the time for it", maybe_applied=False)
    if isinstance(error, TimeoutError):  # aiohttp's are both TimeoutError and OSError
        return timed_out(call, "read", "the server fell silent")
    if isinstance(error, aiohttp.InvalidURL):
        return ConfigurationError(f"{call.operation.name} has no usable URL; check the environment")
    if isinstance(error, aiohttp.ClientPayloadError):
        return _truncated(call, response, kind)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _unconnected(call, f"the proxy refused with HTTP {error.status}")
    if isinstance(error, aiohttp.ClientResponseError):
        return unexpected(call, "an answer that is not HTTP", status=error.status, headers={}, body=b"")
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        failed = _unconnected(call, f"TLS failed ({kind}); check the URL, the clock and the certificates")
        failed.permanent = True
        return failed
    if isinstance(error, aiohttp.ClientConnectorError):
        return _unconnected(call, f"no connection ({kind}: {error.os_error.strerror or 'no reason given'})")
    if isinstance(error, aiohttp.ClientError | OSError):
        return _broken(call, kind)
    if isinstance(error, RuntimeError) and "closed" in str(error).lower():
        return _broken(call, "the session was closed")
    return ConfigurationError(
        f"{call.operation.name} cannot be sent: aiohttp refuses its URL or headers ({kind})"
    )


def _unconnected(call: PreparedRequest, what: str) -> ConnectionFailed:
    earlier = (
        "; an earlier attempt may have been carried out: repeat it with the same idempotency_key"
        if call.maybe_applied
        else ""
    )
    return ConnectionFailed(
        f"{call.operation.name} was not sent: {what}{earlier}",
        maybe_applied=call.maybe_applied,
        operation=call.operation.name,
        idempotency_key=call.idempotency_key,
    )


def _broken(call: PreparedRequest, what: str) -> ConnectionFailed:
    if not call.sent:
        return _unconnected(call, what)
    return ConnectionFailed(
        f"{call.operation.name} broke off before an answer ({what}); repeat it with the same idempotency_key",
        operation=call.operation.name,
        idempotency_key=call.idempotency_key,
    )


def timed_out(
    call: PreparedRequest, phase: str, what: str, *, maybe_applied: bool | None = None
) -> RequestTimeout:
    applied = call.maybe_applied or (call.sent if maybe_applied is None else maybe_applied)
    advice = (
        "it may have been carried out: repeat it with the same idempotency_key"
        if applied
        else "it was not sent"
    )
    error = RequestTimeout(
        f"{call.operation.name}: {what}; {advice}",
        maybe_applied=applied,
        operation=call.operation.name,
        idempotency_key=call.idempotency_key,
    )
    error.phase = phase
    return error


def _truncated(
    call: PreparedRequest, response: aiohttp.ClientResponse | None, kind: str
) -> UnexpectedContent:
    headers = {} if response is None else response.headers
    status = 0 if response is None else response.status
    error = unexpected(
        call,
        f"HTTP {status} with a body that breaks off or cannot be read ({kind})",
        status=status,
        headers=headers,
        body=b"",
    )
    error.truncated = True
    return error

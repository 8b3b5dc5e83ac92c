"""Read a response without any I/O: whether it is a success, which error it is, and whether to try again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, cast

from multidict import CIMultiDict

from . import errors
from ._request import Operation, ParsedResponse, PreparedRequest
from ._wire import NotJSON, decode, encode
from .config import RetryPolicy
from .errors import APIError, TransportError, UnexpectedContent, one_line
from .types import JSONObject, JSONValue, RawResponse

_SNIPPET: Final = 200
_LONGEST_TEXT: Final = 500
_DEEPEST: Final = 20
_LARGEST: Final = 2**63
_ENVELOPE: Final = frozenset({"correlationid", "meta"})


def interpret(
    request: PreparedRequest, status: int, headers: Mapping[str, str], body: bytes
) -> ParsedResponse:
    """Return a response that `meta.status` calls a success, or whose payload has yet to prove it; raise any other.

    Most failures arrive as HTTP 200 with another `meta.status`, so the status line alone decides nothing.
    """
    result = _read(request, status, headers, body)
    if isinstance(result, ParsedResponse):
        return result
    # A server may echo key and token: crash reports show the locals of the frames that an error passes through.
    del headers, body
    raise result


def _read(
    request: PreparedRequest, status: int, headers: Mapping[str, str], body: bytes
) -> ParsedResponse | APIError | UnexpectedContent:
    envelope = None if 300 <= status < 400 else _envelope(headers, body)
    if envelope is None:
        return _without_envelope(request, status, headers, body, None)
    meta = _member(envelope, "meta")
    if meta is None:
        # Newer examples print the payload alone: it has to prove success by itself.
        if not 200 <= status < 300 or envelope.keys() <= {"correlationId", "meta"}:
            return _without_envelope(request, status, headers, body, envelope)
        meta_status: int | None = None
    elif type(meta) is not dict:
        return unexpected(request, "a meta that is not an object", status=status, headers=headers, body=body)
    else:
        meta_status, understood = _status(meta)
        if _error_code(meta) is not None or not _is_success(meta_status) or not 200 <= status < 300:
            return _refusal(request, status, headers, meta, meta_status, _correlation_id(envelope))
        if not understood:
            return unexpected(
                request, "a meta.status that is not a number", status=status, headers=headers, body=body
            )
    response = RawResponse(
        operation=request.operation.name,
        http_status=status,
        headers=headers,
        body=body,
        correlation_id=_correlation_id(envelope),
        idempotency_key=request.idempotency_key,
    )
    return ParsedResponse(envelope, response, request, meta_status is not None)


def _envelope(headers: Mapping[str, str], body: bytes) -> JSONObject | None:
    """Return the object in the body; None if the body is anything else, or is labelled as HTML."""
    declared = headers.get("Content-Type", "")
    if "json" not in declared and "html" in declared:
        return None
    try:
        decoded = decode(body)
    except NotJSON:
        return None
    if type(decoded) is not dict:  # not Mapping: every call passes here, and that check is slow
        return None
    # Other types are accepted if the body shows the envelope: proxies relabel, and the payload may be a paid label.
    if declared and "json" not in declared and not isinstance(_member(decoded, "meta"), Mapping):
        return None
    return decoded


def _member(members: JSONObject, name: str) -> JSONValue:
    """Return a member of the envelope, in whatever casing it is printed; None if there is none."""
    value = members.get(name)
    if value is None and name not in members:
        folded = name.casefold()
        for other, candidate in members.items():
            if other.casefold() == folded:
                return candidate
    return value


def _correlation_id(envelope: JSONObject) -> str | None:
    value = _member(envelope, "correlationId")
    return value if isinstance(value, str) else None


def _status(meta: JSONObject) -> tuple[int | None, bool]:
    """Return `meta.status`, None where it is missing, and whether it could be read."""
    meta_status = _member(meta, "status")
    if meta_status is None or type(meta_status) is int:
        return meta_status, True
    if (
        isinstance(meta_status, Decimal)
        and meta_status.adjusted() < 9
        and meta_status == meta_status.to_integral_value()
    ):
        return int(meta_status), True
    if isinstance(meta_status, str) and re.fullmatch(r"\s*[0-9]{1,9}\s*", meta_status, re.ASCII):
        return int(meta_status), True
    return None, False


def _is_success(meta_status: int | None) -> bool:
    return meta_status is None or 200 <= meta_status < 300


def _error_code(meta: JSONObject) -> str | None:
    """Return `meta.errorCode` as text; None where it is null, missing or blank."""
    code = _member(meta, "errorCode")
    if code is None or (isinstance(code, str) and not code.strip()):
        return None
    return code if isinstance(code, str) else _as_json(code)


_ADVICE: Final[Mapping[type[APIError], str]] = {
    errors.ValidationFailed: "correct the request; the same request fails again",
    errors.AuthenticationFailed: "check key, token and environment: keys of sandbox and production differ",
    errors.Conflict: "look up what exists before you send anything again",
    errors.RateLimited: "wait before the next call, or lower max_concurrency",
    errors.ServerFault: "repeat the call later",
    APIError: "see error_code, or quote correlation_id to support",
}


def error_class(status: int) -> type[APIError]:
    """Return the class of a refusal by its status, that of the status line or of `meta.status`."""
    if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}:
        return errors.ValidationFailed
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return errors.AuthenticationFailed
    if status == HTTPStatus.CONFLICT:
        return errors.Conflict
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return errors.RateLimited
    return errors.ServerFault if 500 <= status < 600 else APIError


def _refusal(
    request: PreparedRequest,
    http_status: int,
    headers: Mapping[str, str],
    meta: JSONObject,
    meta_status: int | None = None,
    correlation_id: str | None = None,
) -> APIError:
    status = http_status if meta_status is None else meta_status
    if not 200 <= http_status < 300:
        # A real HTTP error was raised before the envelope was applied.
        cls, reason = error_class(http_status), f"HTTP {http_status}"
    else:
        cls, reason = (
            error_class(HTTPStatus.BAD_REQUEST if _is_success(meta_status) else status),
            f"status {status}",
        )
    code = _error_code(meta)
    if code is not None:
        code = reason = one_line(request.redact(code), _LONGEST_TEXT)
    detail = _redacted(request, _member(meta, "error"), _DEEPEST)
    fields = {name: _text(value) for name, value in detail.items()} if isinstance(detail, Mapping) else {}
    listed = "; ".join(f"{name}: {text}" for name, text in fields.items())
    if correlation_id is not None:
        correlation_id = request.redact(correlation_id)
    error = cls(
        f"{request.name} was refused, {reason}"
        + (f" ({one_line(listed, _LONGEST_TEXT)})" if listed else "")
        + (f" [correlationId {one_line(correlation_id, _SNIPPET)}]" if correlation_id else "")
        + f": {_advice(cls, request)}",
        http_status=http_status,
        status=status,
        error_code=code,
        fields=fields,
        detail=detail,
        correlation_id=correlation_id,
        operation=request.name,
        idempotency_key=request.idempotency_key,
    )
    if isinstance(error, errors.RateLimited | errors.ServerFault):
        error.retry_after = retry_after(headers)
    return error


def _advice(cls: type[APIError], request: PreparedRequest) -> str:
    keyed = cls is errors.ServerFault and request.idempotency_key is not None
    return _ADVICE[cls] + (" with the same idempotency_key" if keyed else "")


def _text(value: JSONValue) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence) and all(isinstance(text, str) for text in value):
        return ", ".join(cast("Sequence[str]", value))
    return _as_json(value)


def _as_json(value: JSONValue) -> str:
    try:
        return encode(value).decode()
    except ValueError:
        return f"<{type(value).__name__}>"


def _redacted(request: PreparedRequest, value: JSONValue, depth: int) -> JSONValue:
    """Return the value without key and token; what is nested too deep to be printed or pickled becomes an ellipsis."""
    if isinstance(value, str):
        return request.redact(value)
    if isinstance(value, Mapping | Sequence) and depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return {request.redact(name): _redacted(request, member, depth - 1) for name, member in value.items()}
    if isinstance(value, Sequence):
        return [_redacted(request, item, depth - 1) for item in value]
    return value


def _without_envelope(
    request: PreparedRequest,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    decoded: JSONObject | None,
) -> APIError | UnexpectedContent:
    """Return the error for a response without envelope: gateways respond before the API does, in their own ways."""
    if decoded is not None and status == HTTPStatus.BAD_REQUEST:
        # ASP.NET's own validation responds with `errors` and no envelope (inferred).
        return _refusal(request, status, headers, {"error": _member(decoded, "errors")})
    if error_class(status) not in {APIError, errors.ValidationFailed} or (
        decoded is not None and status >= 400
    ):
        return _refusal(request, status, headers, {})
    if 300 <= status < 400:
        what = "a redirect, which is not followed because it would carry the credentials along"
    elif not body:
        what = "an empty body"
    else:
        what = f"{headers.get('Content-Type') or 'content without a type'} instead of the documented JSON"
    return unexpected(request, what, status=status, headers=headers, body=body)


_CHECK: Final = "check the environment's URL and any proxy on the way"
UNCERTAIN: Final = "the response is in .response; do not repeat the call with another idempotency key"


def unexpected(
    request: PreparedRequest,
    what: str,
    *,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    advice: str = _CHECK,
    correlation_id: str | None = None,
) -> UnexpectedContent:
    """Build the error for a response that cannot be used. Key and token are removed from all that it keeps."""
    body = request.redact_bytes(body)
    snippet = one_line(body[: 20 * _SNIPPET].decode("utf-8", "replace"), _SNIPPET)
    error = UnexpectedContent(
        one_line(f"{request.name} got HTTP {status} with {request.redact(what)}; {advice}", 2 * _LONGEST_TEXT)
        + (f". The response begins: {snippet!r}" if snippet else ""),
        operation=request.name,
        idempotency_key=request.idempotency_key,
    )
    kept = CIMultiDict((request.redact(name), request.redact(value)) for name, value in headers.items())
    error.http_status = status
    error.content_type = kept.get("Content-Type")
    error.snippet = snippet
    error.response = RawResponse(
        operation=request.name,
        http_status=status,
        headers=kept,
        body=body,
        correlation_id=None if correlation_id is None else request.redact(correlation_id),
        idempotency_key=request.idempotency_key,
    )
    return error


def unfit(parsed: ParsedResponse, problem: str) -> UnexpectedContent:
    """Build the error for a response that is no failure but lacks the documented payload."""
    response = parsed.response
    return unexpected(
        parsed.request,
        f"a response without its documented payload ({problem})",
        status=response.http_status,
        headers=response.headers,
        body=response.body,
        advice=UNCERTAIN,
        correlation_id=response.correlation_id,
    )


def payload(operation: Operation, envelope: JSONObject) -> tuple[JSONValue, bool]:
    """Return the payload and whether it is a documented member.

    That is the first member of `operation.payload` that is not null; without one, all that is not of the envelope.
    """
    for name in operation.payload:
        value = _member(envelope, name)
        if value is not None:
            return value, True
    return {name: value for name, value in envelope.items() if name.casefold() not in _ENVELOPE}, False


def total(envelope: JSONObject) -> int | None:
    """Return the total that some paged lists carry."""
    value = _member(envelope, "totalNumberOfRecords")
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value, re.ASCII):
        return int(value)
    return value if type(value) is int and 0 <= value < _LARGEST else None


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Return the seconds that `Retry-After` asks for, written as a number or as a date; None if it is neither.

    A date is compared with the server's own `Date` where there is one, since clocks differ.
    """
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text, re.ASCII):
        return float(text)
    until = _http_date(text)
    if until is None:
        return None
    since = now or _http_date(headers.get("Date", "")) or datetime.now(UTC)
    return max(0.0, (until - since).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed


def wait_before_retry(
    error: TransportError | APIError, policy: RetryPolicy, *, attempt: int, left: float | None
) -> float | None:
    """Return how long to wait after the `attempt`-th attempt failed; None if it must not be tried again.

    `left` are the seconds left of the total: a wait that would outlast them is pointless.
    """
    if attempt >= policy.attempts or not _worth_a_retry(error):
        return None
    wait = policy.backoff(attempt)
    if isinstance(error, errors.RateLimited | errors.ServerFault) and error.retry_after is not None:
        # Waiting less than the server asked for would only earn the next refusal.
        if error.retry_after > policy.max_retry_after:
            return None
        wait = max(wait, error.retry_after)
    return None if left is not None and wait >= left else wait


def _worth_a_retry(error: TransportError | APIError) -> bool:
    if isinstance(error, errors.ConnectionFailed):
        return not error.permanent
    if not isinstance(error, UnexpectedContent | APIError):
        return True  # a timeout
    # The same classes stand for soft errors under HTTP 200, which are decided responses. A server ends an idle connection
    # with 408, just when a request is on its way: that one was not read.
    if error.http_status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}:
        return True
    if isinstance(error, UnexpectedContent):
        return error.truncated
    return isinstance(error, errors.ServerFault) and error.http_status >= 500

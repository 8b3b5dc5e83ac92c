"""Read an answer without any I/O: what it says, which error it is, whether another attempt is worth it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import cast

from . import errors
from ._request import Operation, ParsedResponse, PreparedRequest
from ._wire import NotJSON, decode, encode
from .config import RetryPolicy
from .errors import APIError, TransportError, UnexpectedContent
from .types import JSONObject, JSONValue, RawResponse

_SNIPPET = 200


def interpret(call: PreparedRequest, status: int, headers: Mapping[str, str], body: bytes) -> ParsedResponse:
    """Read an answer; raise what it says if that is not success.

    Most failures arrive as HTTP 200 with another `meta.status`, so the status line alone decides nothing.
    """
    envelope = _envelope(headers, body)
    if envelope is None:
        raise _without_envelope(call, status, headers, body)
    meta = envelope.get("meta")
    if isinstance(meta, dict):
        said = _status(meta, status)
    elif 200 <= status < 300 and len(envelope.keys() - {"correlationId"}) > 0:
        # Newer examples print the payload alone; an object with something in it is taken at its word.
        meta, said = {}, 200
    else:
        raise _without_envelope(call, status, headers, body, envelope)
    correlation_id = envelope.get("correlationId")
    if not isinstance(correlation_id, str):
        correlation_id = None
    if said != 200 or not 200 <= status < 300:
        raise _refusal(call, status, said, meta, correlation_id, headers)
    response = RawResponse(
        operation=call.operation.name,
        http_status=status,
        headers=headers,
        body=body,
        correlation_id=correlation_id,
        idempotency_key=call.idempotency_key,
    )
    return ParsedResponse(envelope, response)


def _envelope(headers: Mapping[str, str], body: bytes) -> JSONObject | None:
    """Return the object that the body holds; None if it is anything else, or called HTML."""
    declared = headers.get("Content-Type", "")
    if "json" not in declared and "html" in declared:
        return None
    try:
        decoded = decode(body)
    except NotJSON:
        return None
    if not isinstance(decoded, dict):  # not Mapping: every call passes here, and that check is slow
        return None
    # Other wrong types are forgiven if the body shows the envelope: proxies relabel, and the answer may be a label.
    if declared and "json" not in declared and not isinstance(decoded.get("meta"), Mapping):
        return None
    return decoded


def _status(meta: JSONObject, http_status: int) -> int:
    said = meta.get("status")
    if isinstance(said, str) and said.strip().isascii() and said.strip().isdigit() and len(said) < 10:
        return int(said)
    if isinstance(said, int) and not isinstance(said, bool):
        return said
    return 400 if meta.get("errorCode") and 200 <= http_status < 300 else http_status


_ADVICE: Mapping[type[APIError], str] = {
    errors.ValidationFailed: "correct the request; sending it again as it is fails again",
    errors.AuthenticationFailed: "check key, token and environment: keys of sandbox and production differ",
    errors.Conflict: "look up what exists before sending anything again",
    errors.RateLimited: "wait before the next call, or lower max_concurrency",
    errors.ServerFault: "repeat the call later with the same idempotency_key",
    APIError: "see error_code, or quote correlation_id to support",
}


def error_class(status: int) -> type[APIError]:
    """Return the class of a refusal by its status, that of the status line or of `meta.status`."""
    if status in {400, 422}:
        return errors.ValidationFailed
    if status in {401, 403}:
        return errors.AuthenticationFailed
    if status == 409:
        return errors.Conflict
    if status == 429:
        return errors.RateLimited
    return errors.ServerFault if 500 <= status < 600 else APIError


def _refusal(
    call: PreparedRequest,
    status: int,
    said: int,
    meta: JSONObject,
    correlation_id: str | None,
    headers: Mapping[str, str],
) -> APIError:
    # A real HTTP error was raised before the envelope was applied: it goes first.
    cls = error_class(said if 200 <= status < 300 else status)
    code = None if not meta.get("errorCode") else redact(str(meta["errorCode"]), call.secrets)
    detail = _redacted(meta.get("error"), call.secrets)
    fields = {name: _message(value) for name, value in detail.items()} if isinstance(detail, Mapping) else {}
    if correlation_id is not None:
        correlation_id = redact(correlation_id, call.secrets)
    listed = "; ".join(f"{name}: {text}" for name, text in fields.items())
    what = code or f"status {said}"
    trace = f" [correlationId {correlation_id}]" if correlation_id else ""
    error = cls(
        f"{call.operation.name} was refused, {what}{f' ({listed[:500]})' if listed else ''}{trace}: {_ADVICE[cls]}",
        http_status=status,
        status=said,
        error_code=code,
        fields=fields,
        detail=detail,
        correlation_id=correlation_id,
        operation=call.operation.name,
        idempotency_key=call.idempotency_key,
    )
    return _with_retry_after(error, headers)


def _message(value: JSONValue) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence) and all(isinstance(text, str) for text in value):
        return ", ".join(cast("Sequence[str]", value))
    return encode(value).decode()


def _without_envelope(
    call: PreparedRequest,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    decoded: JSONObject | None = None,
) -> APIError | UnexpectedContent:
    """Name an answer that is no envelope: gateways answer before the API does, with pages of their own."""
    if decoded is not None and status == 400:
        # ASP.NET's own validation answers with `errors` and no envelope (inferred).
        return _refusal(call, status, status, {"error": decoded.get("errors")}, None, headers)
    if error_class(status) not in {APIError, errors.ValidationFailed} or (
        decoded is not None and status >= 400
    ):
        return _refusal(call, status, status, {}, None, headers)
    if 300 <= status < 400:
        what = "a redirect, which is not followed because it would carry the credentials along"
    elif not body:
        what = "an empty body"
    else:
        what = f"{headers.get('Content-Type') or 'content without a type'} instead of the documented JSON"
    return unexpected(call, f"HTTP {status} with {what}", status=status, headers=headers, body=body)


def unexpected(
    call: PreparedRequest, what: str, *, status: int, headers: Mapping[str, str], body: bytes
) -> UnexpectedContent:
    """Build the error for an answer that cannot be used."""
    snippet = redact(
        re.sub(r"[\s\x00-\x1f\x7f]+", " ", body[: 4 * _SNIPPET].decode("utf-8", "replace")), call.secrets
    )
    shown = snippet[:_SNIPPET].strip()
    error = UnexpectedContent(
        f"{call.operation.name} got {redact(what, call.secrets)}; check the environment's URL and any proxy on the way"
        + (f". It begins: {shown!r}" if shown else ""),
        operation=call.operation.name,
        idempotency_key=call.idempotency_key,
    )
    error.http_status = status
    error.content_type = redact(headers.get("Content-Type", ""), call.secrets) or None
    error.snippet = shown
    return error


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """Return the text without the secrets; a server or a proxy may echo what it was sent."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _redacted(value: JSONValue, secrets: tuple[str, ...]) -> JSONValue:
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, Mapping):
        return {redact(name, secrets): _redacted(member, secrets) for name, member in value.items()}
    if isinstance(value, Sequence):
        return [_redacted(item, secrets) for item in value]
    return value


def _with_retry_after(error: APIError, headers: Mapping[str, str]) -> APIError:
    if isinstance(error, errors.RateLimited | errors.ServerFault):
        error.retry_after = retry_after(headers)
    return error


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Return the seconds that `Retry-After` asks for, written as a number or as a date; None if it says nothing.

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
    if isinstance(error, UnexpectedContent):
        return error.truncated
    if isinstance(error, errors.ConnectionFailed):
        return not error.permanent
    if isinstance(error, errors.RateLimited | errors.ServerFault):
        # The same class stands for soft errors under HTTP 200, which are decided answers.
        return error.http_status == 429 or error.http_status >= 500
    return isinstance(error, errors.RequestTimeout)


def payload(operation: Operation, envelope: JSONObject) -> JSONValue:
    """Return the payload of an envelope: the first member of `operation.payload` that is there."""
    for name in operation.payload:
        value = envelope.get(name)
        if value is not None:
            return value
    return {name: value for name, value in envelope.items() if name not in {"correlationId", "meta"}}


def total(envelope: JSONObject) -> int | None:
    """Return the total that some paged lists carry."""
    value = envelope.get("totalNumberOfRecords")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None

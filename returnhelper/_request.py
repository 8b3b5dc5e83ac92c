"""Build a request without any I/O: the operation as data, and the request that a call makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Protocol, TypeAlias, TypeVar
from urllib.parse import quote, urlencode

import attrs

from ._idempotency import DerivedKey, KeyScope
from ._secrets import NOTHING_SECRET, Redactor
from ._time import to_time, to_wire
from ._validation import Parameters
from ._wire import Model, StructureError, canonical, encode, model
from .config import RequestOptions
from .errors import ConfigurationError, format_value
from .types import JSONObject, RawResponse, ResultList

__all__ = [
    "Acknowledgement",
    "Operation",
    "ParsedResponse",
    "PreparedRequest",
    "QueryValue",
    "RawResponse",
    "RequestOptions",
    "ResultList",
    "SupportsCall",
]

T = TypeVar("T")

QueryValue: TypeAlias = str | int | bool | Decimal | datetime | date | Sequence[int] | None

IDEMPOTENCY_KEY = "x-returnhelper-idempotency-key"


@attrs.frozen(eq=False)
class Operation:
    """An endpoint of the vendor as data.

    `params` are what it takes, with their limits. `payload` lists the members that may hold the payload, the newest name
    first. `creates` says that the payload lists what was created, so that it is never empty.
    """

    name: str
    method: Literal["GET", "POST"]
    path: str
    payload: tuple[str, ...] = ()
    api: Literal["user", "public"] = "user"
    creates: bool = False
    deprecated: str | None = None
    params: Parameters = attrs.field(factory=Parameters, kw_only=True)

    @property
    def writes(self) -> bool:
        """Whether it may change something, so that its calls carry an idempotency key."""
        return self.method == "POST"


@model
class Acknowledgement(Model):
    """Success without content: the bare envelope."""


class Exchange:
    """A call or a transfer: one object for all its attempts.

    `sent` says that the attempt got a connection, `status` is that of its response, `maybe_applied` says that an earlier
    attempt may have been carried out.
    """

    foreign = False
    """Whether it goes to a host that is not the API."""

    __slots__ = ("headers", "idempotency_key", "maybe_applied", "name", "redactor", "sent", "status")

    def __init__(
        self,
        name: str,
        headers: Mapping[str, str],
        redactor: Redactor = NOTHING_SECRET,
        idempotency_key: str | None = None,
    ) -> None:
        self.name = name
        self.headers = headers
        self.redactor = redactor
        self.idempotency_key = idempotency_key
        self.sent = False
        self.status: int | None = None
        self.maybe_applied = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def operation_name(self) -> str | None:
        """The name of the operation, for the attribute of errors."""
        return None if self.foreign else self.name


class PreparedRequest(Exchange):
    """One logical call: the same for every attempt, the idempotency key included.

    `derived_key` is set if that key was derived from the unit of work that makes the call.
    """

    __slots__ = ("body", "derived_key", "operation", "query")

    def __init__(
        self,
        operation: Operation,
        *,
        query: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str],
        idempotency_key: str | None = None,
        derived_key: DerivedKey | None = None,
        redactor: Redactor = NOTHING_SECRET,
    ) -> None:
        super().__init__(operation.name, headers, redactor, idempotency_key)
        self.derived_key = derived_key
        self.operation = operation
        self.query = query
        self.body = body

    def redact(self, text: str) -> str:
        """Return the text without key and token; a server or a proxy may echo what it was sent."""
        return self.redactor.text(text)

    def redact_bytes(self, body: bytes) -> bytes:
        """Return a body without key and token."""
        return self.redactor.body(body)


@attrs.define(eq=False)  # not frozen: that costs every call 0.3 µs, and the object never reaches a caller
class ParsedResponse:
    """A response that is not an error: the decoded envelope, and where it came from."""

    envelope: JSONObject = attrs.field(repr=False)
    response: RawResponse
    request: PreparedRequest
    proven: bool
    """Whether `meta.status` says success. If not, the payload has to prove it."""


class SupportsCall(Protocol):
    """What a resource needs to make its calls."""

    @property
    def check_limits(self) -> bool: ...

    async def call(
        self,
        operation: Operation,
        *,
        query: Mapping[str, QueryValue] | None = None,
        body: object | None = None,
        options: RequestOptions | None = None,
    ) -> ParsedResponse: ...


def prepare(
    operation: Operation,
    *,
    query: Mapping[str, QueryValue] | None,
    body: object | None,
    options: RequestOptions | None,
    new_key: str | None,
    scope: KeyScope | None = None,
    account: bytes = b"",
    redactor: Redactor = NOTHING_SECRET,
) -> PreparedRequest:
    """Build a request. One that writes has the idempotency key of `options`, else one of `scope`, else `new_key`.

    `account` identifies the account among those that make calls in one scope.
    """
    headers: dict[str, str] = {}
    key = None
    if options is not None:
        headers.update(options.headers)
        key = options.idempotency_key
    if key is not None and not operation.writes:
        raise ConfigurationError(f"{operation.name} changes nothing: leave idempotency_key out")
    content: bytes | None = None
    if operation.method == "POST":
        headers["Content-Type"] = "application/json"
        try:
            content = encode({} if body is None else body)
        except StructureError as e:
            raise ConfigurationError(f"the body of {operation.name} cannot be written as JSON: {e}") from None
    text = query_string(query) if query else ""
    derived = None
    if operation.writes and key is None:
        if scope is not None:
            derived = scope.take(operation.name, canonical(content or b"null") + text.encode(), account)
        key = new_key if derived is None else derived.text
    if key is not None:
        headers[IDEMPOTENCY_KEY] = key
    return PreparedRequest(
        operation,
        query=text,
        body=content,
        headers=headers,
        idempotency_key=key,
        derived_key=derived,
        redactor=redactor,
    )


def query_string(query: Mapping[str, QueryValue]) -> str:
    """Write a query as the server reads it: booleans in lower case, times in UTC, nothing for None.

    A list repeats its name: that is the default of ASP.NET (inferred).
    """
    pairs = [
        (name, _query_text(name, item))
        for name, value in query.items()
        if value is not None
        for item in (value if isinstance(value, list | tuple) else (value,))
    ]
    return urlencode(pairs, quote_via=quote)


def _query_text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return to_wire(to_time(name, value))
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ConfigurationError(
                f"{name} contains an unpaired surrogate, which cannot be sent: {format_value(value)}"
            ) from None
        return str.__str__(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | Decimal):
        return str(value)
    raise ConfigurationError(
        f"{name} must be text, a number, a time or a list of numbers, not {format_value(value)}"
    )

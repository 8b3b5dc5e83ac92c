"""Text that must never be shown: held by objects whose `repr` says nothing, checked without raising it into view."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

from .errors import ConfigurationError

_HIDDEN: Final = "***"
_SHORTEST: Final = 6
_NOT_IN_A_HEADER: Final = re.compile(r"[^\t\x20-\x7e]")
_NOT_IN_A_NAME: Final = re.compile(r"[^!#$%&'*+\-.^_`|~0-9A-Za-z]")
_RESERVED: Final = frozenset(
    {
        "x-rr-apikey",
        "x-rr-apitoken",
        "x-returnhelper-idempotency-key",
        "accept-encoding",
        "content-length",
        "transfer-encoding",
        "host",
    }
)


class Secret(str):
    """Text that goes out as it is but whose `repr`, which crash reports show, hides it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def header_problem(value: object) -> str | None:
    """Return why a value cannot be the value of an HTTP header, without showing it; None if it can."""
    if not isinstance(value, str):
        return f"must be text, not {type(value).__name__}"
    if not value or value.strip() != value:
        return "is empty or has blanks around it; check where it is read from"
    if _NOT_IN_A_HEADER.search(value):
        return "contains a line break or another character that is not allowed in an HTTP header"
    return None


class Credentials:
    """API key and token. Frames that may raise hold this object instead of the two."""

    __slots__ = ("_key", "_problems", "_token")

    def __init__(
        self, api_key: object, api_token: object, *, names: tuple[str, str] = ("api_key", "api_token")
    ) -> None:
        # Problems are raised by `check`: a frame of this method would show the arguments in a crash report.
        found = ((names[0], header_problem(api_key)), (names[1], header_problem(api_token)))
        self._problems = [f"{name} {problem}" for name, problem in found if problem is not None]
        self._key, self._token = Secret(api_key), Secret(api_token)

    def __repr__(self) -> str:
        return "<credentials>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("credentials cannot be pickled")

    def check(self) -> None:
        """Raise `ConfigurationError` if key or token cannot be sent."""
        for problem in self._problems:
            raise ConfigurationError(problem)

    def headers(self) -> dict[str, str]:
        """Return the two headers; pass them on without binding them to a name."""
        return {"x-rr-apikey": self._key, "x-rr-apitoken": self._token}

    def values(self) -> tuple[str, str]:
        """Return token and key."""
        return self._token, self._key

    def redact(self, text: str) -> str:
        """Return the text without key and token; a server or a proxy may echo what it was sent."""
        return redact(text, self.values())


class ExtraHeaders(Mapping[str, str]):
    """The headers that a caller adds; they may hold passwords, so their `repr` lists the names only."""

    __slots__ = ("_headers", "_problem")

    def __init__(self, headers: object) -> None:
        self._problem: str | None = None
        self._headers: dict[str, str] = {}
        if isinstance(headers, Mapping):
            self._problem = next(filter(None, map(_problem, headers.items())), None)
            self._headers = {str(name): Secret(value) for name, value in headers.items()}
        else:
            self._problem = f"headers must be a mapping of names to texts, not {type(headers).__name__}"

    def __repr__(self) -> str:
        return f"<headers {', '.join(self._headers) or '(none)'}>"

    def __getitem__(self, name: str) -> str:
        return self._headers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def check(self) -> None:
        """Raise `ConfigurationError` if they cannot be sent."""
        if self._problem is not None:
            raise ConfigurationError(self._problem)


def _problem(header: tuple[object, object]) -> str | None:
    name, value = header
    if not isinstance(name, str) or not name or _NOT_IN_A_NAME.search(name):
        return "headers contains a name that is not an HTTP header name"
    if name.lower() in _RESERVED:
        return f"headers: {name} is set by the client itself"
    problem = header_problem(value)
    return None if problem is None else f"headers[{name}] {problem}"


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """Return the text without the secrets, as they are and as JSON, URLs and HTML spell them.

    Shorter ones than six characters are not searched for: they would mangle words that contain them.
    """
    for spelling in _spellings(secrets):
        text = text.replace(spelling, _HIDDEN)
    return text


def redact_bytes(body: bytes, secrets: tuple[str, ...]) -> bytes:
    """Return the bytes without the secrets."""
    for spelling in _spellings(secrets):
        body = body.replace(spelling.encode(), _HIDDEN.encode())
    return body


def _spellings(secrets: tuple[str, ...]) -> Iterator[str]:
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            plain = str.__str__(secret)
            as_json = json.dumps(plain)[1:-1]
            # A spelling that contains another one goes first.
            yield from dict.fromkeys(
                (quote(plain, safe=""), html.escape(plain), as_json.replace("/", "\\/"), as_json, plain)
            )

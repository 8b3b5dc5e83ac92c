"""Secrets: held by objects whose `repr` hides them, and checked without showing them in a traceback."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from types import TracebackType
from typing import ClassVar, Final, NoReturn, Self, SupportsIndex, TypeVar, cast

from .errors import ConfigurationError, format_value

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)

_NOT_IN_A_HEADER: Final = re.compile(r"[^\t\x20-\x7e]")
_NOT_IN_A_NAME: Final = re.compile(r"[^!#$%&'*+\-.^_`|~0-9A-Za-z]")
_SENSITIVE: Final = re.compile("auth|cookie|key|password|secret|token", re.IGNORECASE)
_NET_ESCAPED: Final = re.compile(r"[&'\"+<>`]")  # what System.Text.Json writes as \uXXXX
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_REDACTED: Final = "***"
_SHORTEST: Final = 6
"""Shorter secrets are not searched for: they occur in ordinary words, and real ones are far longer."""

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


class Uncopyable:
    """An object that holds secrets and connections: `pickle` and `copy` raise `ConfigurationError`."""

    __slots__ = ()

    _refused: ClassVar = "pickled or copied"

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        raise ConfigurationError(
            f"{type(self).__name__} cannot be {self._refused}: it holds secrets or connections. "
            "Create one where it is used, from your configuration."
        )


class Unpicklable(Uncopyable):
    """An unchangeable object that holds a secret: `pickle` raises `ConfigurationError`, a copy is the object itself."""

    __slots__ = ()

    _refused: ClassVar = "pickled"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object], /) -> Self:
        return self


class Secret(Unpicklable, str):
    """Text that is sent unchanged, but whose `repr`, which crash reports show, hides it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{_REDACTED}'"


class _SecretBytes(Unpicklable, bytes):
    """Bytes whose `repr` hides them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"b'{_REDACTED}'"


def hide(value: T) -> T:
    """Return a text or bytes argument with a `repr` that hides it; rebind the name of the argument at once."""
    if isinstance(value, str):
        return cast("T", Secret(value))
    return cast("T", _SecretBytes(value)) if isinstance(value, bytes) else value


def without_frames(error: E, package: str) -> E:
    """Return an error, and what it is chained to, without the frames of a package in their tracebacks.

    Crash reports show local variables, which in those frames are headers, addresses or passwords.
    """
    for link in _chain(error):
        link.__traceback__ = _cut(link.__traceback__, package)
    return error


def _chain(error: BaseException) -> Iterator[BaseException]:
    pending, seen = [error], set[int]()
    while pending:
        link = pending.pop()
        if id(link) not in seen:
            seen.add(id(link))
            pending += [other for other in (link.__cause__, link.__context__) if other is not None]
            yield link


def _cut(trace: TracebackType | None, package: str) -> TracebackType | None:
    kept: list[TracebackType | None] = []
    while trace is not None:
        if str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0] != package:
            kept.append(trace)
        trace = trace.tb_next
    for one, following in pairwise([*kept, None]):
        if one is not None:
            one.tb_next = following
    return kept[0] if kept else None


def header_problem(value: object) -> str | None:
    """Return why a value cannot be the value of an HTTP header, without showing it; None if it can."""
    if not isinstance(value, str):
        return f"must be text, not {type(value).__name__}"
    if not value or value.strip() != value:
        return "is empty or has whitespace around it; check where it is read from"
    if _NOT_IN_A_HEADER.search(value):
        return "contains a line break or another character that is not allowed in an HTTP header"
    return None


class Redactor(Unpicklable):
    """Replaces secrets in text, whether plain or escaped as in JSON, HTML or URLs."""

    __slots__ = ("_encoded", "_texts")

    def __init__(self, *secrets: str) -> None:
        # Longer forms first: one may contain another.
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        self._texts = tuple(sorted(forms, key=len, reverse=True))
        self._encoded = tuple(form.encode() for form in self._texts)

    def __repr__(self) -> str:
        return "<redactor>"

    def text(self, text: str) -> str:
        """Return the text without the secrets: a server or a proxy may echo what it was sent.

        Lone surrogates, as which aiohttp decodes header bytes that are not UTF-8, become replacement characters.
        """
        for form in self._texts:
            text = text.replace(form, _REDACTED)
        return text if text.isascii() else _SURROGATES.sub("\ufffd", text)

    def body(self, body: bytes) -> bytes:
        """Return the bytes without the secrets."""
        for form in self._encoded:
            body = body.replace(form, _REDACTED.encode())
        return body


NOTHING_SECRET: Final = Redactor()


def _forms(secret: str) -> set[str]:
    import html  # rarely needed, and large
    import json
    from urllib.parse import quote

    plain = str.__str__(secret)
    quoted = quote(plain, safe="")
    as_json = json.dumps(plain)[1:-1]
    return {
        plain,
        as_json,
        as_json.replace("/", "\\/"),
        _NET_ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04X}", plain),
        _NET_ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", plain),
        quoted,
        re.sub("%..", lambda match: match[0].lower(), quoted),
        html.escape(plain),
        _NET_ESCAPED.sub(lambda match: f"&#x{ord(match[0]):X};", plain),
    }


class Credentials(Unpicklable):
    """API key and token. Frames in which errors may be raised hold this object, not the values."""

    __slots__ = ("_key", "_problems", "_token", "redactor")

    def __init__(
        self, api_key: object, api_token: object, *, names: tuple[str, str] = ("api_key", "api_token")
    ) -> None:
        # Problems are raised by `check`: a frame of this method would show the arguments in a crash report.
        found = ((names[0], header_problem(api_key)), (names[1], header_problem(api_token)))
        self._problems = [f"{name} {problem}" for name, problem in found if problem is not None]
        self._key, self._token = Secret(api_key), Secret(api_token)
        self.redactor = Redactor(self._token, self._key)

    def __repr__(self) -> str:
        return "<credentials>"

    def check(self) -> None:
        """Raise `ConfigurationError` if key or token cannot be sent."""
        for problem in self._problems:
            raise ConfigurationError(problem)

    def account(self, url: str) -> bytes:
        """Return a digest that identifies the account at a server."""
        return hashlib.sha256(f"{url}\0{self._key}".encode("utf-8", "surrogatepass")).digest()[:16]

    def redactor_with(self, headers: Mapping[str, str]) -> Redactor:
        """Return a redactor that also covers headers which sound secret by their names, such as Authorization."""
        values = [value for name, value in headers.items() if _SENSITIVE.search(name)]
        if not values:
            return self.redactor
        return Redactor(self._token, self._key, *values, *(value.split()[-1] for value in values))

    def headers(self) -> dict[str, str]:
        """Return the two headers; the `repr` of their values hides them."""
        return {"x-rr-apikey": self._key, "x-rr-apitoken": self._token}


class ExtraHeaders(Unpicklable, Mapping[str, str]):
    """The headers that a caller adds. They may contain passwords, so the `repr` lists the names only."""

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
        return f"headers must have names that are HTTP tokens, not {format_value(name)}"
    if name.lower() in _RESERVED:
        return f"headers: {name} is set by the client itself"
    problem = header_problem(value)
    return None if problem is None else f"headers[{name}] {problem}"

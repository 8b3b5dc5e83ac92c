"""Find out why a signature does not match: undo the usual mistakes one by one and see which one it was."""

from __future__ import annotations

import binascii
import hmac
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import StrEnum
from functools import partial
from itertools import combinations, product, zip_longest
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit, urlunsplit

from returnhelper._arguments import checked
from returnhelper.errors import ConfigurationError, VerificationFailed, VerificationFailureReason
from returnhelper.webhooks._signing import (
    METHOD,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    Endpoint,
    Headers,
    SigningKey,
    find_header,
    is_digest,
    raw_body,
    read_signing_headers,
    timestamp_text,
)

__all__ = ["Cause", "Diagnosis", "diagnose"]

_BOM: Final = b"\xef\xbb\xbf"
_HASHING_BUDGET: Final = 1 << 28  # bytes hashed while guessing the lost digits of a timestamp


class Cause(StrEnum):
    """Why a signature does not match."""

    NONE = "none"
    MISSING_HEADER = "missing_header"
    BAD_ENCODING = "bad_encoding"
    OTHER_KEY = "other_key"
    KEY_AS_TEXT = "key_as_text"
    SCHEME = "scheme"
    SLASH = "slash"
    HOST_CASE = "host_case"
    PORT = "port"
    OTHER_URL = "other_url"
    RESERIALISED_BODY = "reserialised_body"
    BOM = "bom"
    LINE_ENDS = "line_ends"
    TIMESTAMP = "timestamp"
    UNKNOWN = "unknown"


class Diagnosis(NamedTuple):
    """The likely cause and what to do; `causes` lists all of them if several things are wrong at once.

    `proven` means that the signature matches once the causes are undone; otherwise it is a guess from the body. A guess
    with a second cause of `unknown` says that undoing the first one was not enough.
    """

    cause: Cause
    detail: str
    proven: bool = True
    causes: tuple[Cause, ...] = ()

    def __str__(self) -> str:
        return f"{'' if self.proven else 'probably '}{self.cause}: {self.detail}"


class _Signed(NamedTuple):
    """The parts of a signed message, as the signer may have had them."""

    key: SigningKey
    url: bytes
    timestamp: bytes
    body: bytes

    def matches(self, digest: bytes) -> bool:
        message = b"".join((METHOD, self.url, self.timestamp, self.body))
        return hmac.compare_digest(self.key.digest(message), digest)


class _Change(NamedTuple):
    """A mistake undone: which part the signer had instead, and what to tell the user."""

    causes: tuple[Cause, ...]
    part: str
    value: bytes | SigningKey
    detail: str


@checked
def diagnose(
    endpoint: Endpoint, headers: Headers, body: bytes, *, keys: Iterable[str] = (), urls: Iterable[str] = ()
) -> Diagnosis:
    """Name the likely cause of a mismatch between a delivery and `endpoint`; never show a key.

    `keys` (Base64 text) and `urls` are further candidates, such as the key of the other environment. Single mistakes
    are tried first, then pairs. Meant for interactive use: it computes some thousands of digests.
    """
    raw = raw_body(body)
    try:
        signature, timestamp = read_signing_headers(headers)
    except VerificationFailed as failure:
        return _unreadable(headers, failure)
    if not is_digest(signature):
        return Diagnosis(Cause.BAD_ENCODING, "The signature header is not the Base64 text of 32 bytes.")
    digest = binascii.a2b_base64(signature)
    signed = _Signed(endpoint.signing_key, endpoint.url.encode(), timestamp, raw)
    if signed.matches(digest):
        if timestamp_text(timestamp) is not None:
            return Diagnosis(Cause.NONE, "The signature matches.")
        detail = (
            "The signature matches, but the timestamp header is not an ISO 8601 time with a zone designator: "
            "a part of the URL or the body was moved into it, or out of it."
        )
        return Diagnosis(Cause.TIMESTAMP, detail, causes=(Cause.TIMESTAMP,))
    host = find_header(headers, "host")
    changes = (
        tuple(_keys(endpoint.signing_key, keys)),
        tuple(_urls(endpoint.url, host.decode("latin-1") if isinstance(host, bytes) else host, urls)),
        tuple(_timestamps(timestamp.decode("utf-8", "replace"))),
        tuple(_bodies(raw)),
    )
    return _search(signed, changes, digest) or _search_lost_digits(signed, changes, digest) or _guess(raw)


def _unreadable(headers: Headers, failure: VerificationFailed) -> Diagnosis:
    if failure.reason is VerificationFailureReason.MISSING_HEADER:
        missing = SIGNATURE_HEADER if find_header(headers, TIMESTAMP_HEADER) is not None else TIMESTAMP_HEADER
        return Diagnosis(
            Cause.MISSING_HEADER,
            f"The header {missing} is missing: the request is unsigned, or a proxy removed it.",
        )
    return Diagnosis(Cause.BAD_ENCODING, "A signing header contains characters that no header can contain.")


def _search(signed: _Signed, changes: tuple[tuple[_Change, ...], ...], digest: bytes) -> Diagnosis | None:
    """Undo one mistake, then two in different parts."""
    for count in (1, 2):
        for parts in combinations(changes, count):
            for undone in product(*parts):
                replaced: dict[str, Any] = {change.part: change.value for change in undone}
                if signed._replace(**replaced).matches(digest):
                    return _found(undone)
    return None


def _found(undone: tuple[_Change, ...]) -> Diagnosis:
    causes = tuple(cause for change in undone for cause in change.causes)
    return Diagnosis(causes[0], " ".join(change.detail for change in undone), causes=causes)


def _keys(key: SigningKey, candidates: Iterable[str]) -> Iterator[_Change]:
    def change(cause: Cause, value: SigningKey, detail: str) -> _Change:
        return _Change((cause,), "key", value, detail)

    for number, text in enumerate(candidates, 1):
        detail = f"The delivery was signed with candidate key number {number}."
        with suppress(ConfigurationError):
            yield change(Cause.OTHER_KEY, SigningKey.from_base64(text), detail)
        if text:
            as_text = f"Candidate key number {number} was used as text; decode it from Base64 first."
            yield change(Cause.KEY_AS_TEXT, SigningKey(text.encode("utf-8", "replace")), as_text)
    signed_with_text = "The signer used the key as text; it must decode the key from Base64 first."
    yield change(Cause.KEY_AS_TEXT, SigningKey(key.to_base64().encode()), signed_with_text)
    encoded_twice = "The key was encoded twice; pass the Base64 text as the portal shows it."
    with suppress(ConfigurationError):
        yield change(Cause.KEY_AS_TEXT, key.decoded_again(), encoded_twice)


def _urls(url: str, host: str | None, candidates: Iterable[str]) -> Iterator[_Change]:
    seen = {url}

    def change(causes: tuple[Cause, ...], other: str, where: str) -> Iterator[_Change]:
        if other not in seen:
            seen.add(other)
            detail = f"The registered URL differs from the configured one{where}: it is {other}."
            yield _Change(causes, "url", other.encode("utf-8", "replace"), detail)

    for cause, other, where in _url_variants(url, host):
        yield from change((cause,), other, f" {where}")
    for other in candidates:
        yield from change((Cause.OTHER_URL,), other, "")
    # two differences inside the URL at once, such as http and a missing slash
    for cause, first, where in tuple(_url_variants(url, host)):
        for second, other, where_too in _url_variants(first, None):
            yield from change((cause, second), other, f" {where} and {where_too}")


_OTHER_SCHEME: Final = {"http": "https", "https": "http"}
_PORTS: Final = ("", ":443", ":80", ":8443", ":8080", ":8000", ":3000", ":5000")


def _url_variants(url: str, host: str | None) -> Iterator[tuple[Cause, str, str]]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return
    if scheme := _OTHER_SCHEME.get(parts.scheme.lower()):
        where = f"in its scheme ({scheme}, not {parts.scheme}; a proxy may have ended or added TLS)"
        yield Cause.SCHEME, scheme + url[len(parts.scheme) :], where
    path = parts.path[:-1] if parts.path.endswith("/") else parts.path + "/"
    yield Cause.SLASH, urlunsplit(parts._replace(path=path)), "in its trailing slash"
    name = parts.netloc if port is None else parts.netloc.rpartition(":")[0]
    yield from _host_variants(parts, name, "" if port is None else f":{port}")
    yield Cause.OTHER_URL, urlunsplit(parts._replace(query="", fragment="")), "in its query"
    yield Cause.OTHER_URL, urlunsplit(parts._replace(path="", query="", fragment="")), "in its path"
    yield Cause.OTHER_URL, urlunsplit(parts._replace(path=parts.path.lower())), "in the case of its path"
    if host and host != parts.netloc:
        yield _compare_hosts(name, host), urlunsplit(parts._replace(netloc=host)), "from the Host header"


def _host_variants(parts: SplitResult, name: str, port: str) -> Iterator[tuple[Cause, str, str]]:
    *labels, last = name.split(".")
    capitals = (name.capitalize(), ".".join([*map(str.capitalize, labels), last]))
    for other in (name.lower(), name.upper(), name.title(), *capitals):
        yield Cause.HOST_CASE, urlunsplit(parts._replace(netloc=other + port)), "in the case of its host"
    for other in _PORTS:
        if other != port:
            yield Cause.PORT, urlunsplit(parts._replace(netloc=name + other)), "in its port"


def _compare_hosts(name: str, host: str) -> Cause:
    other = host.rpartition(":")[0] if ":" in host else host
    if other.lower() != name.lower():
        return Cause.OTHER_URL
    return Cause.HOST_CASE if other != name else Cause.PORT


_TIMESTAMP: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?\s*(?:Z|z|\+00:?00|)$")


def _timestamps(stamp: str) -> Iterator[_Change]:
    found = _TIMESTAMP.match(stamp.strip())
    if not found:
        return
    day, time, digits = found[1], found[2], found[3] or ""
    fractions = dict.fromkeys(
        [digits, digits.rstrip("0"), *(digits.ljust(width, "0") for width in range(1, 8))]
    )
    for fraction, zone in product(fractions, ("Z", "+00:00", "")):
        other = f"{day}T{time}{'.' if fraction else ''}{fraction}{zone}"
        if other != stamp:
            detail = f"The timestamp was reformatted in transit; {other} was signed. Pass the header on as received."
            yield _Change((Cause.TIMESTAMP,), "timestamp", other.encode(), detail)


def _search_lost_digits(
    signed: _Signed, changes: tuple[tuple[_Change, ...], ...], digest: bytes
) -> Diagnosis | None:
    """Try every fraction of seven digits that a clock of fewer digits may have cut, alone and beside another mistake."""
    found = _TIMESTAMP.match(signed.timestamp.decode("utf-8", "replace").strip())
    if not found or not found[3] or not 3 <= len(found[3]) < 7:
        return None
    budget = _HASHING_BUDGET
    keys, urls, _, bodies = changes
    in_turn = (change for group in zip_longest(keys, urls, bodies) for change in group if change is not None)
    for undone in ((), *((change,) for change in in_turn)):
        other: dict[str, Any] = {change.part: change.value for change in undone}
        start = signed._replace(**other)
        budget -= 2 * 10 ** (7 - len(found[3])) * (len(start.body) + 100)
        if budget < 0:
            return None
        for stamp in _longer_fractions(found):
            if start._replace(timestamp=stamp).matches(digest):
                detail = (
                    f"The timestamp lost digits in transit; {stamp.decode()} was signed. "
                    "Pass the header on as received."
                )
                return _found((*undone, _Change((Cause.TIMESTAMP,), "timestamp", stamp, detail)))
    return None


def _longer_fractions(stamp: re.Match[str]) -> Iterator[bytes]:
    missing = 7 - len(stamp[3])
    start = f"{stamp[1]}T{stamp[2]}.{stamp[3]}"
    for number in range(10**missing):
        digits = f"{number:0{missing}d}"
        yield f"{start}{digits}Z".encode()
        if digits.endswith("0"):
            yield f"{start}{digits.rstrip('0')}Z".encode()


def _bodies(raw: bytes) -> Iterator[_Change]:
    seen = {raw}

    def change(cause: Cause, others: Iterable[bytes], detail: str) -> Iterator[_Change]:
        for other in others:
            if other not in seen:
                seen.add(other)
                yield _Change((cause,), "body", other, detail)

    with_or_without_bom = raw.removeprefix(_BOM) if raw.startswith(_BOM) else _BOM + raw
    yield from change(
        Cause.BOM,
        [with_or_without_bom],
        "A byte order mark was added or removed; pass the body on as received.",
    )
    unix = raw.replace(b"\r\n", b"\n")
    yield from change(
        Cause.LINE_ENDS,
        (unix, unix.replace(b"\n", b"\r\n"), raw.rstrip(b"\r\n"), raw + b"\n", raw + b"\r\n"),
        "Line ends were changed; pass the body on as received.",
    )
    yield from change(
        Cause.RESERIALISED_BODY,
        _reserialised(raw),
        "The body was parsed and written again; pass on the raw bytes of the request.",
    )


# A number with a point passes through the JSON encoder as marked text, so that it comes out with the zeros it had.
_MARKED_NUMBER: Final = re.compile(r'"\\u0000([^"]*)"')
_LAYOUTS: Final = (
    ((",", ":"), None),
    ((", ", ": "), None),
    ((",", ": "), 2),
    ((",", ": "), 4),
)


def _mark_number(text: str, *, digits: int) -> str:
    whole, _, fraction = text.partition(".")
    padded = f"{whole}.{fraction.ljust(digits, '0')}" if digits and "e" not in text.lower() else text
    return "\0" + padded


def _reserialised(raw: bytes) -> Iterator[bytes]:
    """Write the body as the sender may have: other spacing, escapes, order, trailing zeros."""
    for digits in (0, 2, 3, 4):
        try:
            value = json.loads(raw, parse_float=partial(_mark_number, digits=digits))
        except (ValueError, RecursionError):
            return
        for (separators, indent), ascii_only, sorted_keys in product(_LAYOUTS, (False, True), (False, True)):
            try:
                text = json.dumps(
                    value,
                    separators=separators,
                    indent=indent,
                    ensure_ascii=ascii_only,
                    sort_keys=sorted_keys,
                )
            except (ValueError, RecursionError):  # pragma: no cover - nesting that only the parser survives
                return
            other = _MARKED_NUMBER.sub(r"\1", text).encode("utf-8", "surrogatepass")
            yield other
            if indent:
                yield other.replace(b"\n", b"\r\n")


def _guess(raw: bytes) -> Diagnosis:
    """Say what the body shows. Each of these mistakes was undone in vain, so another thing must differ as well."""
    two = "at least two things differ, most often the key or the URL too"
    for cause, seen, rest in (
        (Cause.BOM, raw.startswith(_BOM) and "begins with a byte order mark", two),
        (Cause.LINE_ENDS, raw.endswith(b"\n") and "ends with a line break", two),
        (
            Cause.RESERIALISED_BODY,
            _is_printed(raw) and "has the layout of a JSON library, not the sender's",
            f"either the original cannot be restored, or {two}",
        ),
    ):
        if seen:
            detail = (
                f"The body {seen}: pass on the raw bytes of the request. Undoing that is not enough: {rest}."
            )
            return Diagnosis(cause, detail, proven=False, causes=(cause, Cause.UNKNOWN))
    detail = (
        "None of the usual mistakes explains it, nor two of them at once. Most often the key belongs to another account "
        "or environment: pass candidate keys. Otherwise compare the configured URL with the registered one, character "
        "by character."
    )
    return Diagnosis(Cause.UNKNOWN, detail, proven=False)


def _is_printed(raw: bytes) -> bool:
    try:
        value = json.loads(raw)
        printed = {
            json.dumps(value, ensure_ascii=ascii_only, separators=(", ", ": ")).encode(
                "utf-8", "surrogatepass"
            )
            for ascii_only in (True, False)
        }
    except (ValueError, RecursionError):
        return False
    return raw in printed and b": " in raw

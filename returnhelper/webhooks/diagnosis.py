"""Find out why a signature does not match: try what usually goes wrong, and say what it was. Never shows a key."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import StrEnum
from functools import partial
from itertools import combinations, product
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from returnhelper.errors import ConfigurationError
from returnhelper.webhooks.signature import (
    OLD_SIGNATURE_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    Endpoint,
    Headers,
    _decode_key,
    _is_digest,
    _raw,
    _to_bytes,
    find_header,
)

__all__ = ["Cause", "Diagnosis", "diagnose"]

_BOM = b"\xef\xbb\xbf"
_HASHING_BUDGET = 1 << 26  # bytes hashed while guessing the lost digits of a timestamp


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
    """The likely cause and what to do; `causes` names all of them if two things are wrong at once.

    `proven` says that the signature matches once the cause is undone; else it is a guess from the look of the body.
    """

    cause: Cause
    detail: str
    proven: bool = True
    causes: tuple[Cause, ...] = ()

    def __str__(self) -> str:
        return f"{'' if self.proven else 'probably '}{self.cause}: {self.detail}"


class _Change(NamedTuple):
    cause: Cause
    value: bytes
    detail: str


_Parts = tuple[bytes, bytes, bytes, bytes]  # key, URL, timestamp, body


def diagnose(
    endpoint: Endpoint, headers: Headers, body: bytes, *, keys: Iterable[str] = (), urls: Iterable[str] = ()
) -> Diagnosis:
    """Name the likely cause of a mismatch between a delivery and `endpoint`.

    `keys` (Base64 text) and `urls` are further candidates, such as the key of the other environment. One wrong thing is
    looked for first, then two at once. Meant for a person at a desk: it tries some thousands of digests.
    """
    raw = _raw(body)
    signature = find_header(headers, SIGNATURE_HEADER)
    signature = find_header(headers, OLD_SIGNATURE_HEADER) if signature is None else signature
    timestamp = find_header(headers, TIMESTAMP_HEADER)
    if signature is None or timestamp is None:
        missing = SIGNATURE_HEADER if signature is None else TIMESTAMP_HEADER
        return Diagnosis(
            Cause.MISSING_HEADER, f"The header {missing} is missing: unsigned, or a proxy dropped it."
        )
    given, stamp = _to_bytes(signature), _to_bytes(timestamp)
    if given is None or stamp is None or not _is_digest(given):
        return Diagnosis(Cause.BAD_ENCODING, "The signature header is not the Base64 text of 32 bytes.")
    wanted = binascii.a2b_base64(given)
    parts = (endpoint._key, endpoint.url.encode(), stamp, raw)
    if _matches(parts, wanted):
        return Diagnosis(Cause.NONE, "The signature matches.")
    host = find_header(headers, "host")
    changes = (
        tuple(_keys(endpoint._key, keys)),
        tuple(_urls(endpoint.url, host.decode("latin-1") if isinstance(host, bytes) else host, urls)),
        tuple(_timestamps(stamp.decode("utf-8", "replace"))),
        tuple(_bodies(raw)),
    )
    return _search(parts, changes, wanted) or _lost_digits(parts, wanted) or _guess(raw)


def _matches(parts: _Parts, wanted: bytes) -> bool:
    key, url, timestamp, body = parts
    return hmac.compare_digest(hmac.digest(key, b"".join((b"POST", url, timestamp, body)), "sha256"), wanted)


def _search(parts: _Parts, changes: tuple[tuple[_Change, ...], ...], wanted: bytes) -> Diagnosis | None:
    for several in (1, 2):
        for places in combinations(range(4), several):
            for picked in product(*(changes[place] for place in places)):
                trial = list(parts)
                for place, change in zip(places, picked, strict=True):
                    trial[place] = change.value
                if _matches((trial[0], trial[1], trial[2], trial[3]), wanted):
                    detail = " ".join(change.detail for change in picked)
                    return Diagnosis(picked[0].cause, detail, causes=tuple(change.cause for change in picked))
    return None


def _keys(key: bytes, candidates: Iterable[str]) -> Iterator[_Change]:
    for number, text in enumerate(candidates, 1):
        detail = f"The delivery was signed with candidate key number {number}."
        with suppress(ConfigurationError):
            yield _Change(Cause.OTHER_KEY, _decode_key(text), detail)
        if text:
            as_text = f"Candidate key number {number} was used as text; decode it from Base64 first."
            yield _Change(Cause.KEY_AS_TEXT, text.encode("utf-8", "replace"), as_text)
    signed_with_text = "The signer used the key as text; it must decode the key from Base64 first."
    yield _Change(Cause.KEY_AS_TEXT, base64.b64encode(key), signed_with_text)
    try:
        inner = base64.b64decode(key, validate=True)
    except ValueError:
        return
    if inner:
        yield _Change(
            Cause.KEY_AS_TEXT,
            inner,
            "The key was encoded twice; give the Base64 text as the portal shows it.",
        )


def _urls(url: str, host: str | None, candidates: Iterable[str]) -> Iterator[_Change]:
    seen = {url}

    def change(cause: Cause, other: str, what: str) -> Iterator[_Change]:
        if other not in seen:
            seen.add(other)
            yield _Change(
                cause, other.encode("utf-8", "replace"), f"The registered URL differs {what}: {other}"
            )

    for cause, other, what in _variants(url, host):
        yield from change(cause, other, what)
    for other in candidates:
        yield from change(Cause.OTHER_URL, other, "from the configured one")
    # two differences inside the URL at once, such as http and a missing slash
    for _, first, _what in tuple(_variants(url, host)):
        for cause, other, _what2 in _variants(first, None):
            yield from change(cause, other, "in more than one place")


def _variants(url: str, host: str | None) -> Iterator[tuple[Cause, str, str]]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return
    scheme = {"http": "https", "https": "http"}.get(parts.scheme.lower())
    if scheme:
        yield Cause.SCHEME, scheme + url[len(parts.scheme) :], "in its scheme"
    path = parts.path[:-1] if parts.path.endswith("/") else parts.path + "/"
    yield Cause.SLASH, urlunsplit(parts._replace(path=path)), "in its trailing slash"
    bare = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc
    suffix = f":{port}" if port is not None else ""
    labels = bare.split(".")
    capitals = (bare.capitalize(), ".".join([*(label.capitalize() for label in labels[:-1]), labels[-1]]))
    for other in (bare.lower(), bare.upper(), bare.title(), *capitals):
        yield Cause.HOST_CASE, urlunsplit(parts._replace(netloc=other + suffix)), "in the case of its host"
    ports = ("", ":443", ":80", ":8443", ":8080", ":8000", ":3000", ":5000")
    for other in ports:
        if other != suffix:
            yield Cause.PORT, urlunsplit(parts._replace(netloc=bare + other)), "in its port"
    yield Cause.OTHER_URL, urlunsplit(parts._replace(query="", fragment="")), "in its query"
    yield Cause.OTHER_URL, urlunsplit(parts._replace(path="", query="", fragment="")), "in its path"
    yield Cause.OTHER_URL, urlunsplit(parts._replace(path=parts.path.lower())), "in the case of its path"
    if host and host != parts.netloc:
        name = host.rpartition(":")[0] if ":" in host else host
        same = name.lower() == bare.lower()
        cause = Cause.OTHER_URL if not same else Cause.HOST_CASE if name != bare else Cause.PORT
        yield cause, urlunsplit(parts._replace(netloc=host)), "from the Host header"


_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?\s*(Z|z|\+00:?00|)$")


def _timestamps(stamp: str) -> Iterator[_Change]:
    found = _STAMP.match(stamp.strip())
    if not found:
        return
    day, time, fraction, _zone = found.groups()
    digits = fraction or ""
    fractions = dict.fromkeys(
        [digits, digits.rstrip("0"), *(digits.ljust(width, "0") for width in range(1, 8))]
    )
    for form, zone in product(fractions, ("Z", "+00:00", "")):
        other = f"{day}T{time}{'.' if form else ''}{form}{zone}"
        if other != stamp:
            detail = f"The timestamp was reformatted on the way; {other} was signed. Pass the header on as received."
            yield _Change(Cause.TIMESTAMP, other.encode(), detail)


def _lost_digits(parts: _Parts, wanted: bytes) -> Diagnosis | None:
    # millisecond clocks cut the seven digits to three: few enough to try them all
    stamp = parts[2].decode("utf-8", "replace")
    found = _STAMP.match(stamp.strip())
    if (
        not found
        or not found[3]
        or not 3 <= len(found[3]) < 7
        or 10_000 * (len(parts[3]) + 100) > _HASHING_BUDGET
    ):
        return None
    missing = 7 - len(found[3])
    start = f"{found[1]}T{found[2]}.{found[3]}"
    for number in range(10**missing):
        digits = f"{number:0{missing}d}"
        for other in {f"{start}{digits}Z", f"{start}{digits.rstrip('0')}Z"}:
            if _matches((parts[0], parts[1], other.encode(), parts[3]), wanted):
                detail = f"The timestamp lost digits on the way; {other} was signed. Pass the header on as received."
                return Diagnosis(Cause.TIMESTAMP, detail, causes=(Cause.TIMESTAMP,))
    return None


def _bodies(raw: bytes) -> Iterator[_Change]:
    seen = {raw}

    def change(cause: Cause, other: bytes, what: str) -> Iterator[_Change]:
        if other not in seen:
            seen.add(other)
            yield _Change(cause, other, what)

    bom = "A byte order mark was added or removed; hand over the body as received."
    yield from change(Cause.BOM, raw[3:] if raw.startswith(_BOM) else _BOM + raw, bom)
    lines = "Line ends were changed; hand over the body as received."
    unix = raw.replace(b"\r\n", b"\n")
    for other in (unix, unix.replace(b"\n", b"\r\n"), raw.rstrip(b"\r\n"), raw + b"\n", raw + b"\r\n"):
        yield from change(Cause.LINE_ENDS, other, lines)
    for other in _reserialised(raw):
        yield from change(
            Cause.RESERIALISED_BODY,
            other,
            "The body was parsed and printed again; hand over the raw bytes of the request.",
        )


# A number with a point travels through the printer as marked text, so that it comes out with the zeros it had.
_MARKED = re.compile(r'"\\u0000([^"]*)"')


def _number(text: str, *, zeros: int) -> str:
    whole, _, fraction = text.partition(".")
    padded = f"{whole}.{fraction.ljust(zeros, '0')}" if zeros and "e" not in text.lower() else text
    return "\0" + padded


def _reserialised(raw: bytes) -> Iterator[bytes]:
    for zeros in (0, 2, 3, 4):
        try:
            value = json.loads(raw, parse_float=partial(_number, zeros=zeros))
        except (ValueError, RecursionError):
            return
        for separators, indent in (
            ((",", ":"), None),
            ((", ", ": "), None),
            ((",", ": "), 2),
            ((",", ": "), 4),
        ):
            for ascii_only, ordered in product((False, True), (False, True)):
                try:
                    text = json.dumps(
                        value,
                        separators=separators,
                        indent=indent,
                        ensure_ascii=ascii_only,
                        sort_keys=ordered,
                    )
                except (
                    ValueError,
                    RecursionError,
                ):  # pragma: no cover - nesting that only the parser survives
                    return
                other = _MARKED.sub(r"\1", text).encode("utf-8", "surrogatepass")
                yield other
                if indent:
                    yield other.replace(b"\n", b"\r\n")


def _guess(raw: bytes) -> Diagnosis:
    try:
        value = json.loads(raw)
        printed = {
            json.dumps(value, ensure_ascii=ascii_only, separators=(", ", ": ")).encode(
                "utf-8", "surrogatepass"
            )
            for ascii_only in (True, False)
        }
    except (ValueError, RecursionError):
        printed = set()
    if raw in printed and b": " in raw:
        detail = (
            "The body looks printed by a JSON library, not as the sender writes it; hand over the raw bytes."
        )
        return Diagnosis(Cause.RESERIALISED_BODY, detail, proven=False)
    detail = (
        "Nothing usual explains it. Most often the key belongs to another account or environment: give candidate keys. "
        "Else compare the configured URL with the registered one, letter by letter."
    )
    return Diagnosis(Cause.UNKNOWN, detail, proven=False)

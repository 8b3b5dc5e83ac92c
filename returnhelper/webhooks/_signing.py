"""Bytes, headers and HMAC: what verification and diagnosis share. Needs only the standard library.

The signature is the Base64 text of HMAC-SHA256 over ``POST`` + registered URL + ``timestamp`` header + raw body, with
the Base64-decoded signing key. Nothing is normalised: not the URL, not the timestamp, not the body. Nothing separates
the parts either, so only the form of the timestamp shows where it begins and ends: see `timestamp_text`.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from returnhelper._secrets import Unpicklable, hide
from returnhelper.errors import ConfigurationError, VerificationFailed, VerificationFailureReason

if TYPE_CHECKING:
    from hashlib import _Hash as HASH

METHOD: Final = b"POST"
SIGNATURE_HEADER: Final = "returnhelper-signature"
OLD_SIGNATURE_HEADER: Final = "signature"  # the header table of the old documentation
TIMESTAMP_HEADER: Final = "timestamp"
_DIGEST_SIZE: Final = hashlib.sha256().digest_size
_BLOCK_SIZE: Final = hashlib.sha256().block_size


class SupportsItems(Protocol):
    """Headers that are no mapping, such as `http.client.HTTPMessage`; or a WSGI environ."""

    def items(self) -> Iterable[tuple[object, object]]:
        """Return names and values."""
        ...


Headers: TypeAlias = (
    Mapping[str, str]
    | Mapping[bytes, bytes]
    | Collection[tuple[str, str]]
    | Collection[tuple[bytes, bytes]]
    | SupportsItems
)
"""Any mapping (case does not matter) or a list of pairs, of text or of bytes. They are read more than once."""


class SigningKey(Unpicklable):
    """A decoded signing key. Opaque: no repr, log line or crash report that prints local variables shows it."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def from_base64(cls, text: object) -> SigningKey:
        """Decode the text of the portal; raise `ConfigurationError`, which does not show it, if it is not Base64."""
        text = hide(text)
        problem = "is not Base64 text"
        if isinstance(text, str):
            if not text.strip():
                problem = "is empty: check where it is read from"
            try:
                secret = binascii.a2b_base64(text.strip().encode("ascii"), strict_mode=True)
            except ValueError:
                secret = b""
            if secret:
                return cls(secret)
        raise ConfigurationError(
            f"signing_key {problem}. "
            "Copy it from the portal, Settings, Signing Key and API Token, as it is shown."
        ) from None  # the cause would show the key in a traceback

    def to_base64(self) -> str:
        """Return the text that the portal shows for the key."""
        return binascii.b2a_base64(self._secret, newline=False).decode("ascii")

    def decoded_again(self) -> SigningKey:
        """Return the key that this one is the Base64 text of; raise `ConfigurationError` if it is not such text."""
        return SigningKey.from_base64(self._secret.decode("latin-1"))

    def fingerprint(self) -> str:
        """Return a name for the key that tells it from others and does not reveal it: 16 hexadecimal digits."""
        return hashlib.sha256(b"returnhelper signing key\0" + self._secret).hexdigest()[:16]

    def digest(self, message: bytes) -> bytes:
        """Return the HMAC-SHA256 of a message."""
        return hmac.digest(self._secret, message, "sha256")

    def hashes(self, start: bytes) -> tuple[HASH, HASH]:
        """Return the inner and outer hash of an HMAC-SHA256 (RFC 2104) that has already read `start`."""
        block = self._secret if len(self._secret) <= _BLOCK_SIZE else hashlib.sha256(self._secret).digest()
        block = block.ljust(_BLOCK_SIZE, b"\0")
        inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + start)
        return inner, hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def __repr__(self) -> str:
        return "<hidden>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SigningKey) and hmac.compare_digest(self._secret, other._secret)

    def __hash__(self) -> int:
        return hash(self._secret)


class Endpoint(Unpicklable):
    """Name one registered notification endpoint and the account's signing key.

    `url` is the text registered with Return Helper, character for character: scheme, host case, port, path, query and a
    trailing slash all count. `signing_key` is the Base64 text shown in the portal under Settings. Raises
    `ConfigurationError` for a URL or key that cannot be right, without showing the key. `fingerprint` names the key
    without revealing it.
    """

    __slots__ = ("_inner", "_outer", "fingerprint", "signing_key", "url")

    fingerprint: str
    url: str
    signing_key: SigningKey

    def __init__(self, url: str, signing_key: str) -> None:
        signing_key = hide(signing_key)  # crash reports show arguments
        if not isinstance(url, str) or not url:
            raise ConfigurationError(
                f"Endpoint.url must be the registered URL as text, for example https://shop.example/hook; got {url!r}."
            )
        try:
            prefix = METHOD + url.encode()
        except UnicodeEncodeError:
            raise ConfigurationError(
                f"Endpoint.url contains characters that no URL can contain: {url!r}. Pass the registered URL."
            ) from None
        self.url = url
        self.signing_key = SigningKey.from_base64(signing_key)
        self.fingerprint = self.signing_key.fingerprint()
        self._inner, self._outer = self.signing_key.hashes(prefix)

    def signature(self, timestamp: bytes, body: bytes) -> bytes:
        """Return the signature header of a delivery to this endpoint."""
        # Copies of two hashes instead of a copy of `hmac.HMAC`, whose wrapper adds 6 % to a small acknowledgement.
        inner = self._inner.copy()
        inner.update(timestamp)
        inner.update(body)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return binascii.b2a_base64(outer.digest(), newline=False)

    def __repr__(self) -> str:
        return f"Endpoint(url={self.url!r}, signing_key={self.signing_key!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Endpoint):
            return NotImplemented
        return self.url == other.url and self.signing_key == other.signing_key

    def __hash__(self) -> int:
        return hash(self.url)


def read_signing_headers(headers: Headers) -> tuple[bytes, bytes]:
    """Return the bytes of signature and timestamp, or raise `VerificationFailed`, whatever the headers contain."""
    if type(headers) is dict:  # what most servers pass; the search adds 8 % to a small acknowledgement
        given, stamp = headers.get(SIGNATURE_HEADER), headers.get(TIMESTAMP_HEADER)
        if type(given) is str and type(stamp) is str:
            both = given + stamp
            if both.isascii() and "," not in both:
                return given.encode(), stamp.encode()
    return _search_signing_headers(headers)


def _search_signing_headers(headers: Headers) -> tuple[bytes, bytes]:
    signature = find_header(headers, SIGNATURE_HEADER)
    if signature is None:
        signature = find_header(headers, OLD_SIGNATURE_HEADER)
    timestamp = find_header(headers, TIMESTAMP_HEADER)
    if signature is None or timestamp is None:
        raise VerificationFailed(VerificationFailureReason.MISSING_HEADER)
    given, stamp = header_bytes(signature), header_bytes(timestamp)
    if given is None or stamp is None:
        raise VerificationFailed(VerificationFailureReason.BAD_ENCODING)
    return given, stamp


def find_header(headers: Headers, name: str) -> str | bytes | None:
    """Return the first value of the header `name` (lower case), whatever shape the headers have; never raise."""
    try:
        if type(headers) is dict or isinstance(headers, Mapping):
            value = headers.get(name)  # type: ignore[call-overload,unused-ignore]
            if value is not None:
                return _first(value)
        for key, value in header_items(headers):
            if key == name:
                return _first(value)
    except Exception:  # noqa: BLE001 - a peer or a framework may hand over anything; only VerificationFailed may leave
        return None
    return None


def header_items(headers: Headers) -> Iterator[tuple[str, object]]:
    """Yield the headers under lower-case names; of a WSGI environ those that are headers."""
    given: Any = headers
    is_environ = isinstance(given, Mapping) and "REQUEST_METHOD" in given
    for key, value in given.items() if hasattr(given, "items") else given:
        name = key if isinstance(key, str) else key.decode("latin-1")
        if is_environ:
            if not name.startswith("HTTP_") and name not in _CGI_NAMES:
                continue
            name = name.removeprefix("HTTP_").replace("_", "-")
        yield name.lower(), value


def plain_headers(headers: Headers) -> Headers:
    """Return headers whose names are unique and that are ASCII as a dict of text under lower-case names, others as they are.

    A delivery searches its headers eight times: together 0.36 of the time in such a dict, the conversion included.
    """
    plain: dict[str, str] = {}
    try:
        for name, value in header_items(headers):
            text = value.decode("ascii") if isinstance(value, bytes) else value
            if type(text) is not str or not text.isascii() or not name.isascii() or name in plain:
                return headers
            plain[name] = text
    except Exception:  # noqa: BLE001 - as in `find_header`
        return headers
    return plain


_CGI_NAMES: Final = ("CONTENT_TYPE", "CONTENT_LENGTH")  # the headers without a prefix, RFC 3875


def _first(value: object) -> str | bytes | None:
    # some servers keep a list of values under one name (AWS events, WSGI wrappers)
    if isinstance(value, (list, tuple)) and value:
        value = value[0]
    if isinstance(value, bytes):
        return _unfolded(value.decode("latin-1")).encode("latin-1")
    return _unfolded(value) if isinstance(value, str) else None


def _unfolded(value: str) -> str:
    # a proxy may join a header that came twice
    if "," not in value:
        return value
    parts = [part.strip() for part in value.split(",")]
    return parts[0] if parts.count(parts[0]) == len(parts) else value


def header_bytes(value: str | bytes) -> bytes | None:
    """Return the bytes of a header value as they were received, or None where they cannot be recovered."""
    if isinstance(value, bytes):
        return value
    try:
        # servers that decode header bytes as UTF-8 keep invalid ones as surrogate escapes
        return value.encode("utf-8", "surrogateescape")
    except (UnicodeEncodeError, AttributeError):
        return None


# The documented form, every digit as 0, with a fraction of any length that keeps the whole within 40 characters. No text
# of such a form begins with another one, so a signed message has one reading per endpoint.
_TIMESTAMP_FORMS: Final = frozenset(
    b"0000-00-00T00:00:00" + fraction + zone
    for fraction in (b"", *(b"." + b"0" * digits for digits in range(1, 15)))
    for zone in (b"Z", b"+00:00", b"-00:00")
)
_from_iso: Final = datetime.fromisoformat
_DIGITS_AS_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")
_TIMESTAMP_START: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")


def timestamp_text(value: bytes) -> str | None:
    """Return a `timestamp` header as text; None unless it has the documented form, ISO 8601 with a zone designator."""
    if value.translate(_DIGITS_AS_ZERO) not in _TIMESTAMP_FORMS:
        return None
    text = value.decode("ascii")
    try:
        _from_iso(text)
    except ValueError:
        return None
    return text


def is_ambiguous(url: str, longer: str) -> bool:
    """Return whether a message signed for one of two URLs could be read as one for the other, timestamp included."""
    return longer.startswith(url) and _TIMESTAMP_START.match(longer, len(url)) is not None


def raw_body(body: object) -> bytes:
    """Return the body as bytes; raise `ConfigurationError` for anything that has been decoded."""
    if isinstance(body, bytes):
        return body
    if isinstance(body, (bytearray, memoryview)):
        return bytes(body)
    raise ConfigurationError(
        f"body must be the raw bytes of the request, got {type(body).__name__}: "
        "a parsed or decoded body no longer has the bytes that were signed."
    )


def is_digest(signature: bytes) -> bool:
    """Return whether a signature header has the form of one: the Base64 text of 32 bytes."""
    try:
        return len(binascii.a2b_base64(signature, strict_mode=True)) == _DIGEST_SIZE
    except ValueError:
        return False

"""Sign and verify deliveries: pure functions over bytes, nothing but the standard library.

The signature is the Base64 text of HMAC-SHA256 over ``POST`` + registered URL + ``timestamp`` header + raw body, with
the Base64-decoded signing key. Nothing is normalised on the way: not the URL, not the timestamp, not the body.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from returnhelper.errors import ConfigurationError, VerificationFailed, VerificationFailureReason

if TYPE_CHECKING:
    from returnhelper.webhooks.diagnosis import Diagnosis

__all__ = ["Endpoint", "Headers", "Verified", "Verifier", "find_header", "sign"]

SIGNATURE_HEADER = "returnhelper-signature"
OLD_SIGNATURE_HEADER = "signature"  # the header table of the old documentation
TIMESTAMP_HEADER = "timestamp"
_BLOCK = 64  # bytes that SHA-256 hashes at a time

Headers: TypeAlias = (
    Mapping[str, str] | Mapping[bytes, bytes] | Collection[tuple[str, str]] | Collection[tuple[bytes, bytes]]
)
"""Any mapping (case does not matter) or a list of pairs, of text or of bytes. They are gone through more than once."""


class Endpoint:
    """Name one registered notification endpoint and the account's signing key.

    `url` is the text registered with Return Helper, to the letter: scheme, host case, port, path, query and a trailing
    slash all count. `signing_key` is the Base64 text shown in the portal under Settings. Raises `ConfigurationError`
    for a URL or key that cannot be right, without showing the key.
    """

    __slots__ = ("_inner", "_key", "_outer", "url")

    url: str

    def __init__(self, url: str, signing_key: str) -> None:
        if not isinstance(url, str) or not url:
            raise ConfigurationError(
                "Endpoint.url must be the registered URL as text, for example https://shop.example/hook."
            )
        self.url = url
        self._key = _decode_key(signing_key)
        try:
            prefix = b"POST" + url.encode()
        except UnicodeEncodeError:
            raise ConfigurationError("Endpoint.url holds characters that no URL can hold.") from None
        # HMAC by its definition (RFC 2104), both hashes begun once: copying them costs a third less than copying an
        # object of `hmac`, for every delivery
        block = self._key if len(self._key) <= _BLOCK else hashlib.sha256(self._key).digest()
        block = block.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + prefix)
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def __repr__(self) -> str:
        return f"Endpoint(url={self.url!r}, signing_key=<hidden>)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Endpoint):
            return NotImplemented
        return self.url == other.url and hmac.compare_digest(self._key, other._key)

    def __hash__(self) -> int:
        return hash(self.url)

    def __reduce__(self) -> tuple[type[Endpoint], tuple[str, str]]:
        return Endpoint, (self.url, binascii.b2a_base64(self._key, newline=False).decode())


class Verified(NamedTuple):
    """What a genuine delivery proved: which endpoint it was signed for, and its `timestamp` header as received."""

    endpoint: Endpoint
    timestamp: str


def sign(endpoint: Endpoint, timestamp: str | bytes, body: bytes) -> str:
    """Return the `returnhelper-signature` value for a delivery of `body` stamped `timestamp`."""
    stamp = _to_bytes(timestamp)
    if stamp is None:
        raise ConfigurationError(
            "timestamp must be text that can be sent as a header, for example 2030-05-06T07:08:09.12Z."
        )
    return _expected(endpoint, stamp, _raw(body)).decode("ascii")


class Verifier:
    """Verify deliveries against one or several endpoints (key rotation, sandbox beside production).

    Give one `Endpoint` for every pair of URL and key that may be in use; each is tried.
    """

    __slots__ = ("endpoints",)

    endpoints: tuple[Endpoint, ...]

    def __init__(self, *endpoints: Endpoint) -> None:
        if not endpoints:
            raise ConfigurationError("Verifier needs at least one Endpoint(url=…, signing_key=…).")
        for endpoint in endpoints:
            if not isinstance(endpoint, Endpoint):
                raise ConfigurationError(f"Verifier takes Endpoint objects, not {type(endpoint).__name__}.")
        self.endpoints = endpoints

    def __repr__(self) -> str:
        return f"Verifier({', '.join(map(repr, self.endpoints))})"

    def verify(self, headers: Headers, body: bytes, *, explain: bool = False) -> Verified:
        """Return what the signature proves, or raise `VerificationFailed`, whatever the headers hold.

        `body` is the raw request body. With `explain` the error carries a `diagnosis` of the likely cause; leave that
        off in production, it costs thousands of digests for every forged request.
        """
        raw = _raw(body)
        signature, timestamp = _signing_headers(headers)
        for endpoint in self.endpoints:
            if hmac.compare_digest(_expected(endpoint, timestamp, raw), signature):
                return Verified(endpoint, timestamp.decode("utf-8", "replace"))
        reason = (
            VerificationFailureReason.MISMATCH
            if _is_digest(signature)
            else VerificationFailureReason.BAD_ENCODING
        )
        diagnosis = str(self.diagnose(headers, raw)) if explain else None
        raise VerificationFailed(reason, diagnosis=diagnosis)

    def diagnose(
        self, headers: Headers, body: bytes, *, keys: Iterable[str] = (), urls: Iterable[str] = ()
    ) -> Diagnosis:
        """Name the likely cause of a mismatch; `keys` and `urls` are further candidates to try."""
        from returnhelper.webhooks.diagnosis import diagnose

        extra_keys, extra_urls = tuple(keys), tuple(urls)
        found = [
            diagnose(endpoint, headers, body, keys=extra_keys, urls=extra_urls) for endpoint in self.endpoints
        ]
        return next((diagnosis for diagnosis in found if diagnosis.proven), found[0])


def find_header(headers: Headers, name: str) -> str | bytes | None:
    """Return the first value of the header `name` (lower case), whatever shape the headers have; never raise."""
    try:
        if type(headers) is dict or isinstance(headers, Mapping):
            value = headers.get(name)  # type: ignore[call-overload,unused-ignore]
            if value is not None:
                return _first(value)
            pairs: Iterable[object] = headers.items()
        else:
            pairs = headers
        wanted = name.encode()
        for pair in pairs:
            key: object
            key, value = pair  # type: ignore[misc]
            if isinstance(key, str):
                if key.lower() == name:
                    return _first(value)
            elif isinstance(key, bytes) and key.lower() == wanted:
                return _first(value)
    except Exception:  # noqa: BLE001 - a peer or a framework may hand over anything; rule: nothing but VerificationFailed
        return None
    return None


def _first(value: object) -> str | bytes | None:
    # some servers keep a list of values under one name (for example AWS events, WSGI wrappers)
    if isinstance(value, (list, tuple)) and value:
        value = value[0]
    return value if isinstance(value, (str, bytes)) else None


def _signing_headers(headers: Headers) -> tuple[bytes, bytes]:
    if type(headers) is dict:  # what most servers hand over; the careful way below costs twice as much
        given, stamp = headers.get(SIGNATURE_HEADER), headers.get(TIMESTAMP_HEADER)
        if type(given) is str and type(stamp) is str and given.isascii() and stamp.isascii():
            return given.encode(), stamp.encode()
    return _searched_headers(headers)


def _searched_headers(headers: Headers) -> tuple[bytes, bytes]:
    signature = find_header(headers, SIGNATURE_HEADER)
    if signature is None:
        signature = find_header(headers, OLD_SIGNATURE_HEADER)
    timestamp = find_header(headers, TIMESTAMP_HEADER)
    if signature is None or timestamp is None:
        raise VerificationFailed(VerificationFailureReason.MISSING_HEADER)
    given, stamp = _to_bytes(signature), _to_bytes(timestamp)
    if given is None or stamp is None:
        raise VerificationFailed(VerificationFailureReason.BAD_ENCODING)
    return given, stamp


def _expected(endpoint: Endpoint, timestamp: bytes, body: bytes) -> bytes:
    inner = endpoint._inner.copy()
    inner.update(timestamp)
    inner.update(body)
    outer = endpoint._outer.copy()
    outer.update(inner.digest())
    return binascii.b2a_base64(outer.digest(), newline=False)


def _to_bytes(value: str | bytes) -> bytes | None:
    if isinstance(value, bytes):
        return value
    try:
        # servers that decode header bytes as UTF-8 keep broken ones as surrogate escapes
        return value.encode("utf-8", "surrogateescape")
    except (UnicodeEncodeError, AttributeError):
        return None


def _raw(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, (bytearray, memoryview)):
        return bytes(body)
    raise ConfigurationError(
        f"The body must be the raw bytes of the request, not {type(body).__name__}: "
        "a parsed or decoded body no longer has the bytes that were signed."
    )


def _is_digest(signature: bytes) -> bool:
    try:
        return len(binascii.a2b_base64(signature, strict_mode=True)) == hashlib.sha256().digest_size
    except ValueError:
        return False


def _decode_key(signing_key: object) -> bytes:
    if isinstance(signing_key, str):
        try:
            key = binascii.a2b_base64(signing_key.strip().encode("ascii"), strict_mode=True)
        except ValueError:
            key = b""
        if key:
            return key
    # `from None` and no value: the key must not show in a traceback
    raise ConfigurationError(
        "The signing key is not Base64 text. Copy it from the portal, Settings, Signing Key and API Token, as it is shown."
    ) from None

"""Sign and verify deliveries: pure functions over bytes that need only the standard library."""

from __future__ import annotations

from collections.abc import Iterable
from hmac import compare_digest
from itertools import permutations
from typing import TYPE_CHECKING, Final, NamedTuple

from returnhelper._arguments import checked, require_bool
from returnhelper._secrets import Unpicklable
from returnhelper.errors import (
    ConfigurationError,
    VerificationFailed,
    VerificationFailureReason,
    format_value,
)
from returnhelper.webhooks._signing import (
    OLD_SIGNATURE_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    Endpoint,
    Headers,
    find_header,
    header_bytes,
    header_items,
    is_ambiguous,
    is_digest,
    plain_headers,
    raw_body,
    read_signing_headers,
    timestamp_text,
)

if TYPE_CHECKING:
    from returnhelper.webhooks.diagnosis import Diagnosis

__all__ = [
    "OLD_SIGNATURE_HEADER",
    "SIGNATURE_HEADER",
    "TIMESTAMP_HEADER",
    "Endpoint",
    "Headers",
    "Verified",
    "Verifier",
    "find_header",
    "header_items",
    "plain_headers",
    "raw_body",
    "sign",
]


_BAD_TIMESTAMP: Final = (
    "the signature matches, but the timestamp header is not an ISO 8601 time with a zone designator (bad_timestamp): "
    "the delivery was split at another place to replay it, or the sender uses a new form; respond 401 and do not act on it"
)


class Verified(NamedTuple):
    """What a genuine delivery proved: the endpoint that it was signed for, and its `timestamp` header as received."""

    endpoint: Endpoint
    timestamp: str


@checked
def sign(endpoint: Endpoint, timestamp: str | bytes, body: bytes) -> str:
    """Return the `returnhelper-signature` value for a delivery of `body` stamped `timestamp`."""
    stamp = header_bytes(timestamp)
    if stamp is None:
        raise ConfigurationError(
            f"timestamp must be text that can be sent as a header, such as 2030-05-06T07:08:09.12Z; got {timestamp!r}."
        )
    return endpoint.signature(stamp, raw_body(body)).decode("ascii")


class Verifier(Unpicklable):
    """Verify deliveries against one or several endpoints (key rotation, sandbox beside production).

    Pass one `Endpoint` for every pair of URL and key that may be in use; each is tried.
    """

    __slots__ = ("endpoints",)

    endpoints: tuple[Endpoint, ...]

    def __init__(self, *endpoints: Endpoint) -> None:
        if not endpoints:
            raise ConfigurationError("Verifier needs at least one Endpoint(url=…, signing_key=…).")
        for endpoint in endpoints:
            if not isinstance(endpoint, Endpoint):
                raise ConfigurationError(
                    f"endpoints must be Endpoint objects, not {format_value(endpoint)}: Verifier(Endpoint(url=…, signing_key=…))."
                )
        _refuse_ambiguous(endpoints)
        self.endpoints = endpoints

    def __repr__(self) -> str:
        return f"Verifier({', '.join(map(repr, self.endpoints))})"

    def verify(self, headers: Headers, body: bytes, *, explain: bool = False) -> Verified:
        """Return what the signature proves, or raise `VerificationFailed`, whatever the headers contain.

        `body` is the raw request body. With `explain` the error carries a `diagnosis` of the likely cause; leave that
        off in production, where it costs thousands of digests for every forged request.
        """
        if explain is not False:
            require_bool("explain", explain)
        raw = body if type(body) is bytes else raw_body(body)
        signature, timestamp = read_signing_headers(headers)
        for endpoint in self.endpoints:
            if compare_digest(endpoint.signature(timestamp, raw), signature):
                text = timestamp_text(timestamp)
                if text is not None:
                    # what `Verified(endpoint, text)` does, without a call that adds 2 % to a small typed delivery
                    return tuple.__new__(Verified, (endpoint, text))
                raise VerificationFailed(VerificationFailureReason.BAD_TIMESTAMP, message=_BAD_TIMESTAMP)
        reason = (
            VerificationFailureReason.MISMATCH
            if is_digest(signature)
            else VerificationFailureReason.BAD_ENCODING
        )
        diagnosis = str(self.diagnose(headers, raw)) if explain else None
        raise VerificationFailed(reason, diagnosis=diagnosis)

    @checked
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


def _refuse_ambiguous(endpoints: tuple[Endpoint, ...]) -> None:
    for endpoint, other in permutations(endpoints, 2):
        if endpoint.signing_key == other.signing_key and is_ambiguous(endpoint.url, other.url):
            raise ConfigurationError(
                f"Endpoint {other.url!r} continues {endpoint.url!r} with a timestamp: a delivery to the one could be "
                "passed off as one to the other. Register another URL."
            )

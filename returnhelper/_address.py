"""The address of a file: with its signature it is as good as a password, so it is held by an object that hides it."""

from __future__ import annotations

import re
from typing import Final

from yarl import URL

from ._secrets import Redactor
from .errors import ConfigurationError

_UNUSABLE: Final = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")


class Address:
    """An http or https address; whether it can be used is only said by `check`."""

    __slots__ = ("_url",)

    def __init__(self, address: object, *, base: URL | None = None) -> None:
        self._url = _parse(address, base)

    def __repr__(self) -> str:
        return f"<address at {self.host}>"

    @property
    def usable(self) -> bool:
        """Whether a request can be sent there."""
        return self._url is not None

    @property
    def host(self) -> str | None:
        """The host, which may be shown."""
        return None if self._url is None else self._url.host

    @property
    def plain_http(self) -> bool:
        """Whether it is http without TLS."""
        return self._url is not None and self._url.scheme == "http"

    @property
    def url(self) -> URL:
        """The address itself; pass it on without binding it to a name."""
        assert self._url is not None
        return self._url

    def check(self, *, allow_http: bool) -> None:
        """Raise `ConfigurationError` unless a request may be sent there."""
        if not self.usable:
            raise ConfigurationError("the url of the file must be an http or https URL without a user")
        if self.plain_http and not allow_http:
            raise ConfigurationError(
                f"the url of the file, at {self.host}, is plain http; that needs an Environment with allow_http=True"
            )

    def redirect(self, location: str) -> Address:
        """Return where a `Location` header points to."""
        return Address(location, base=self._url)

    def redactor(self) -> Redactor:
        """Return what removes path and query from texts."""
        return Redactor(self.url.raw_path_qs, self.url.raw_query_string)


def _parse(address: object, base: URL | None) -> URL | None:
    if not isinstance(address, str) or _UNUSABLE.search(address):
        return None
    try:
        # What is printable goes out byte for byte: the query of a pre-signed address is covered by its signature.
        url = URL(address, encoded=address.isascii() and " " not in address)
        if base is not None and url.host is None:
            url = base.join(url)
        if url.scheme not in {"http", "https"} or not url.host or url.user is not None or url.port == 0:
            return None
        url.host.encode("idna")  # as the resolver will do: an empty or overlong label is refused there
    except ValueError:
        return None
    return url.with_fragment(None)

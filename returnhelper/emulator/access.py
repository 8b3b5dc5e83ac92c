"""Access: which requests are refused because another site's page may have made them.

Any page that a developer visits can send requests to a server on the same machine. ``Host`` shows a name that
somebody has pointed at this address (DNS rebinding), ``Sec-Fetch-Site`` and ``Origin`` show a request from another site.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from aiohttp import web

_HOST: Final = re.compile(r"(\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[^\s/@:\[\],]+))(:[0-9]*)?")


class Access:
    """Decide by the headers that browsers set; other programs send only ``Host``."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self._hosts = {"localhost", *(host.lower() for host in hosts)}

    def refusal(self, request: web.Request, *, embeddable: bool = False) -> str | None:
        """Return why a request is refused, or None. ``embeddable`` allows pages of the same site to show the response."""
        host = _hostname(request.headers.getall("Host", []))
        if not self._knows(host):
            return f"Host {host!r} is not served; if it is yours, add it to allowed_hosts (--allowed-host)."
        headers = request.headers
        origin = headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != headers["Host"]:
            return "Requests from pages of other origins are refused."
        site = headers.get("Sec-Fetch-Site", "none").lower()
        if site in {"same-origin", "none"} or (embeddable and site == "same-site"):
            return None
        opened = (headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest")) == ("navigate", "document")
        if opened and request.method == "GET":
            return None  # somebody followed a link; the page with the link cannot read the response
        return "Requests from pages of other sites are refused."

    def _knows(self, host: str) -> bool:
        if host in self._hosts or host.endswith(".localhost"):
            return True
        try:
            ip_address(host)
        except ValueError:
            return False
        return True  # an address, which DNS rebinding cannot use


def _hostname(hosts: list[str]) -> str:
    """Return the name or address in ``Host``, without its port; an empty text if there is not exactly one."""
    match = _HOST.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
    return "" if match is None else (match["v6"] or match["name"]).removesuffix(".")

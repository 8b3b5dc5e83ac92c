"""Hostile responses as data, and a server that sends them on real sockets."""

from __future__ import annotations

from tests.support.hostile import contents, framing
from tests.support.hostile.building import Outcome, Response
from tests.support.hostile.framing import cuts
from tests.support.hostile.server import Server, serving

__all__ = ["Outcome", "Response", "Server", "corpus", "cuts", "serving"]


def corpus() -> list[Response]:
    """Return every response but the cuts."""
    return [
        *contents.successes(),
        *contents.without_meta(),
        *contents.failures(),
        *contents.bodies(),
        *framing.statuses(),
        *framing.headers(),
        *framing.encodings(),
    ]

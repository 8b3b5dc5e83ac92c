"""What several tests share: a client, a scripted server on a real socket, and a shim."""

from __future__ import annotations

from collections.abc import AsyncIterator
from inspect import signature
from unittest.mock import Mock

import aioresponses.core
import pytest
from aiohttp import ClientResponse

from returnhelper import ReturnHelper
from tests.support.server import Script, client, serving


class _Response(ClientResponse):
    """aioresponses 0.7.9 does not know the argument that aiohttp 3.14 added."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **({"stream_writer": Mock(output_size=0)} | kwargs))  # type: ignore[arg-type]


if "stream_writer" in signature(ClientResponse.__init__).parameters:
    aioresponses.core.ClientResponse = _Response  # type: ignore[attr-defined]


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    """Serve a script on a real socket."""
    async with serving() as script:
        yield script


@pytest.fixture
async def rh(script: Script) -> AsyncIterator[ReturnHelper]:
    """A client of the script."""
    async with client(script.url) as rh:
        yield rh


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the siege all the time that it needs."""
    for item in items:
        if item.get_closest_marker("siege") is not None:
            item.add_marker(pytest.mark.timeout(0))

"""Service types."""

from __future__ import annotations

from typing import Any

import pytest

from returnhelper._wire import encode
from tests.support.server import recording


def envelope(**payload: Any) -> bytes:
    return encode({"correlationId": "c-1", "meta": {"status": 200, "errorCode": None}, **payload})


@pytest.mark.parametrize("name", ["availableReturnServiceTypeList", "data"])
async def test_return_services_are_found_wherever_they_lie(name: str) -> None:
    """The list has a name of its own, and may be wrapped in `data` as its siblings are."""
    async with recording() as (recorder, rh):
        recorder.response = envelope(**{name: [{"serviceTypeCode": "rm", "fromCountry": "gbr"}]})
        (service,) = await rh.service_types.list()
    assert (service.service_type_code, service.from_country) == ("rm", "gbr")

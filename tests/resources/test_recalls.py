"""Recalls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from returnhelper import RequestInvalid, ReturnHelper
from returnhelper._wire import encode
from tests.support.server import recording

RECALLS: list[Callable[[ReturnHelper, Any], Any]] = [
    lambda rh, ids: rh.recalls.create(ids),
    lambda rh, ids: rh.recalls.create_legacy(ids),
    lambda rh, ids: rh.recalls.cancel(return_inventory_id_list=ids),
]


@pytest.mark.filterwarnings("ignore:Recall/CreateRecall is deprecated")
@pytest.mark.parametrize("call", RECALLS)
@pytest.mark.parametrize("ids", [[], list(range(1, 102)), [0], [-1], ["5"], [True], None, 5, "5", {5}])
async def test_recalls_take_1_to_100_ids(call: Callable[[ReturnHelper, Any], Any], ids: Any) -> None:
    """An empty list, 101 ids and what is no id are refused."""
    async with recording() as (recorder, rh):
        with pytest.raises(RequestInvalid):
            await call(rh, ids)
    assert recorder.seen == []


def envelope(**payload: Any) -> bytes:
    return encode({"correlationId": "c-1", "meta": {"status": 200, "errorCode": None}, **payload})


async def test_lists_may_be_absent_or_null() -> None:
    """A successful response without its list, or with null for it, is an empty list."""
    async with recording() as (recorder, rh):
        payloads: list[dict[str, Any]] = [{}, {"recallList": None}, {"recallList": []}]
        for payload in payloads:
            recorder.response = envelope(**payload)
            assert list(await rh.recalls.cancel([1])) == []

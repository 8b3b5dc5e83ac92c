"""Recalls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from returnhelper import ConfigurationError, RequestInvalid, ReturnHelper
from returnhelper._wire import encode
from tests.support.server import only_sent, recording

RECALLS: list[Callable[[ReturnHelper, Any], Any]] = [
    lambda rh, ids: rh.recalls.create(ids),
    lambda rh, ids: rh.recalls.create_legacy(ids),
    lambda rh, ids: rh.recalls.cancel(return_inventory_id_list=ids),
]


async def test_an_id_may_be_named_twice() -> None:
    """Uniqueness is documented for value-added services and FBA tracking numbers only."""
    async with recording() as (recorder, rh):
        with only_sent():
            await rh.recalls.create([7, 7])
        with only_sent():
            await rh.recalls.cancel([7, 7])
        with only_sent():
            await rh.resends.list_shipping_fees([7, 7], to_country_code="usa", to_postal_code="0")
    assert len(recorder.seen) == 3


async def test_recalls_are_canceled_by_one_kind_of_id() -> None:
    """Both lists at once, or none, are refused."""
    async with recording() as (recorder, rh):
        with pytest.raises(ConfigurationError, match="recall_id_list or return_inventory_id_list"):
            await rh.recalls.cancel([1], return_inventory_id_list=[2])
        with pytest.raises(RequestInvalid, match="recallIdList: is required"):
            await rh.recalls.cancel()
    assert recorder.seen == []


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

"""Consolidated shipping."""

from __future__ import annotations

import json

import attrs
import pytest

from returnhelper import RequestOptions
from returnhelper.errors import RequestInvalid
from returnhelper.models.codes import ConsolidateShippingOrderStatus, Handling, ShippingMethod
from tests.support.coverage_fba import ORDER, SHIP_TO, SHORT_SHIP_TO
from tests.support.server import only_sent, recording

SENT = {
    "consolidateShippingOrderId": ORDER,
    "consolidateShippingOrderStatus": "CREATED",
    "shipTo": {"shipToCity": "X"},
}


def envelope(**payload: object) -> bytes:
    """Return a successful response."""
    return json.dumps({"correlationId": "c-1", "meta": {"status": 200}, **payload}).encode()


@pytest.mark.parametrize("nested", [True, False])
async def test_an_order_is_read_from_either_place(nested: bool) -> None:
    """The sample nests the order under data, the table shows it at the top: both are read."""
    async with recording() as (recorder, rh):
        recorder.response = envelope(data=SENT) if nested else envelope(**SENT)
        order = await rh.consolidations.create(
            2, shipping_method=ShippingMethod.SEA_FREIGHT, ship_to=SHORT_SHIP_TO
        )
    assert order.consolidate_shipping_order_id == ORDER
    assert order.consolidate_shipping_order_status == ConsolidateShippingOrderStatus.CREATED
    assert order.ship_to is not None
    assert order.ship_to.ship_to_city == "X"
    body = json.loads(recorder.seen[0].body)
    assert (body["shippingMethod"], body["shipTo"]["shipToType"]) == ("SEA_FREIGHT", "Business")
    assert "deliveryInstructions" not in body
    assert "shipToFax" not in body["shipTo"]


async def test_documented_limits() -> None:
    """Shipping method, country and custom fields are looked at before sending, and may be left to the server."""
    nowhere = attrs.evolve(SHIP_TO, ship_to_country="US")  # type: ignore[misc]
    fields = {str(n): "x" for n in range(25)}
    async with recording() as (recorder, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.consolidations.create(
                2, shipping_method="ROCKET", ship_to=nowhere, custom_field_map=fields
            )
        assert set(caught.value.fields) == {"shippingMethod", "shipTo.shipToCountry", "customFieldMap"}
        with pytest.raises(RequestInvalid, match="shippingMethod"):
            await rh.consolidations.update_shipping_method(ORDER, shipping_method="ROCKET")
        with pytest.raises(RequestInvalid, match="shipToCountry"):
            await rh.consolidations.update_ship_to(ORDER, ship_to=nowhere)
        assert recorder.seen == []
        unchecked = RequestOptions(check_limits=False)
        with only_sent():
            await rh.consolidations.update_shipping_method(ORDER, shipping_method="ROCKET", options=unchecked)
    assert json.loads(recorder.seen[0].body)["shippingMethod"] == "ROCKET"


async def test_500_inventories_at_once() -> None:
    """1 to 500 inventories may be added by one call; no limit is documented for taking them off."""
    async with recording() as (recorder, rh):
        for ids in ([], list(range(1, 502)), [0]):
            with pytest.raises(RequestInvalid, match="returnInventoryIdList"):
                await rh.consolidations.add_inventories(ORDER, return_inventory_id_list=ids)
        with pytest.raises(RequestInvalid, match="returnInventoryIdList"):
            await rh.consolidations.remove_inventories(ORDER, return_inventory_id_list=[])
        assert recorder.seen == []
        await rh.consolidations.add_inventories(ORDER, return_inventory_id_list=range(1, 501))
        await rh.consolidations.remove_inventories(ORDER, return_inventory_id_list=range(1, 1001))
    assert [len(json.loads(seen.body)["returnInventoryIdList"]) for seen in recorder.seen] == [500, 1000]


async def test_removed_inventories_are_on_hold() -> None:
    """What is taken off an order is on hold again."""
    async with recording() as (recorder, rh):
        row = {"returnInventoryId": 7, "handlingCode": "ohd", "handlingStatusCode": "pending"}
        recorder.response = envelope(data=[row])
        (removed,) = await rh.consolidations.remove_inventories(ORDER, return_inventory_id_list=[7])
    assert (removed.return_inventory_id, removed.handling_code) == (7, Handling.ON_HOLD)


async def test_a_repeat_brings_its_own_key() -> None:
    """Every write carries an idempotency key; a repeat may bring the one of before."""
    async with recording() as (recorder, rh):
        with only_sent():
            await rh.consolidations.confirm(ORDER)
        with only_sent():
            await rh.consolidations.cancel(ORDER, options=RequestOptions(idempotency_key="again"))
    keys = [seen.headers["x-returnhelper-idempotency-key"] for seen in recorder.seen]
    assert len(keys[0]) == 36
    assert keys[1] == "again"

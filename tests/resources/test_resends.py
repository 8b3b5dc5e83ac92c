"""Resends."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from returnhelper import RequestInvalid
from returnhelper._wire import encode
from tests.support.coverage_core import resend
from tests.support.server import recording


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("returnInventoryIdList", {"return_inventory_id_list": ()}),
        ("resendShipment.shipmentName", {"shipment_name": "x" * 256}),
        ("resendShipment.shipmentStreet1", {"shipment_street1": "x" * 256}),
        ("resendShipment.shipmentCity", {"shipment_city": "x" * 51}),
        ("resendShipment.shipmentPostalCode", {"shipment_postal_code": "x" * 51}),
        ("resendShipment.shipmentPhone", {"shipment_phone": ""}),
        ("resendShipment.shipmentCountryCode", {"shipment_country_code": "US"}),
        ("resendShipment.shipmentState", {"shipment_state": ""}),
        ("resendShipment.shipmentServiceType", {"shipment_service_type": ""}),
    ],
)
async def test_a_broken_resend_is_named_by_wire_path(path: str, change: dict[str, Any]) -> None:
    """Lengths and required texts of a resend are looked at before sending."""
    request: Any = resend()
    own = {name: change[name] for name in change if hasattr(request, name)}
    shipment = attrs.evolve(request.resend_shipment, **{n: v for n, v in change.items() if n not in own})
    async with recording() as (_, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.resends.create(attrs.evolve(request, resend_shipment=shipment, **own))
    assert list(caught.value.fields) == [path]


def envelope(**payload: Any) -> bytes:
    return encode({"correlationId": "c-1", "meta": {"status": 200, "errorCode": None}, **payload})


async def test_a_resend_is_cancelled_with_or_without_content() -> None:
    """Newer servers respond with the resend, older ones with the bare envelope."""
    async with recording() as (recorder, rh):
        recorder.response = envelope()
        assert (await rh.resends.cancel(7)).resend_id is None
        recorder.response = envelope(resendId=7, resendShipmentList=[{"resendShipmentId": 8, "error": ""}])
        cancelled = await rh.resends.cancel(7)
    assert (cancelled.resend_id, cancelled.resend_shipment_list[0].resend_shipment_id) == (7, 8)


async def test_a_list_of_ids_repeats_its_name_in_the_query() -> None:
    """ASP.NET binds repeated keys; the vendor does not say otherwise."""
    async with recording() as (recorder, rh):
        await rh.resends.list_shipping_fees([7, 8], to_country_code="usa", to_postal_code="08817")
    ids = [value for name, value in recorder.seen[0].query if name == "returnInventoryIdList"]
    assert ids == ["7", "8"]

"""Return shipments that exist, and quotes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from returnhelper import RequestInvalid
from returnhelper._wire import encode, structure
from returnhelper.models.shipments import Shipment
from tests.support.coverage_core import SINCE
from tests.support.server import recording


async def test_sizes_of_a_quote_are_positive() -> None:
    """A quote wants grams and centimetres above zero."""
    sizes: dict[str, Any] = {
        "weight": Decimal(0),
        "dimension1": Decimal(-1),
        "dimension2": 1.5,
        "dimension3": Decimal(1),
    }
    async with recording() as (_, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.shipments.list_shipping_fees(from_country_code="usa", from_postal_code="", **sizes)
    assert set(caught.value.fields) == {"fromPostalCode", "weight", "dimension1", "dimension2"}


def envelope(**payload: Any) -> bytes:
    return encode({"correlationId": "c-1", "meta": {"status": 200, "errorCode": None}, **payload})


FEE = {
    "serviceTypeCode": "ups_nj",
    "currencyCode": "usd",
    "fee": Decimal("7.10"),
    "postalCodePair": {"from": "0"},
}


@pytest.mark.parametrize(
    "payload",
    [
        {"data": {"shippingFeeDetailList": [FEE]}},
        {"shippingFeeDetailList": [FEE]},
        {"data": None, "shippingFeeDetailList": [FEE]},
        {"data": [FEE]},
    ],
)
async def test_fees_are_found_wherever_they_lie(payload: dict[str, Any]) -> None:
    """The sample nests the fees under `data`, the older table prints them at the top."""
    async with recording() as (recorder, rh):
        recorder.response = envelope(**payload)
        for fees in (
            await rh.resends.list_shipping_fees([1], to_country_code="usa", to_postal_code="0"),
            await rh.shipments.list_shipping_fees(
                from_country_code="usa",
                from_postal_code="0",
                weight=Decimal(1),
                dimension1=Decimal(1),
                dimension2=Decimal(1),
                dimension3=Decimal(1),
            ),
        ):
            assert [(fee.fee, fee.postal_code_pair.from_) for fee in fees] == [(Decimal("7.10"), "0")]


async def test_a_shipment_list_may_come_without_rows_or_total() -> None:
    """The newer sample shows a stray id where the rows should be; that is an empty page."""
    async with recording() as (recorder, rh):
        recorder.response = envelope(returnRequestId=9)
        until = SINCE + timedelta(days=1)
        assert [one async for one in rh.shipments.list(created_from=SINCE, created_to=until)] == []


@pytest.mark.parametrize("form", [6, "6"])
def test_unnamed_numbers_are_one_value_as_number_and_as_text(form: int | str) -> None:
    """Status 6 of an arrived shipment is printed both ways."""
    assert structure({"shipmentId": 1, "shipmentStatusCode": form}, Shipment).shipment_status_code == "6"

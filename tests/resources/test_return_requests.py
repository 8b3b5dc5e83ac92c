"""Return requests: reading them, and the deprecated way of creating them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import attrs
import pytest

from returnhelper import RequestInvalid
from returnhelper._wire import structure
from returnhelper.models.codes import LabelRequestStatus
from returnhelper.models.return_requests import EditReturnRequestRequest, ReturnRequest, ReturnRequestLineItem
from returnhelper.models.shipments import Shipment
from tests.support.coverage_core import return_request
from tests.support.server import Script, only_sent, recording


async def test_the_deprecated_request_has_one_item_and_dollars() -> None:
    """Exactly one line item, `usd` in lower case, grams and centimetres."""
    request: Any = return_request()
    broken = attrs.evolve(
        request,
        total_value_currency="USD",
        return_request_line_items=request.return_request_line_items * 2,
        shipment=attrs.evolve(request.shipment, dimension_uom="in", dimension2=Decimal(0)),
    )
    async with recording() as (_, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.return_requests.create(broken)
        with pytest.warns(DeprecationWarning, match=r"return_shipments\.create"), only_sent():
            await rh.return_requests.create(request)
    assert set(caught.value.fields) == {
        "totalValueCurrency",
        "returnRequestLineItems",
        "shipment.dimensionUom",
        "shipment.dimension2",
    }


def body_of(recorder: Script) -> Any:
    return json.loads(recorder.seen[-1].body, parse_float=Decimal)


async def test_an_edited_shipment_leaves_its_label_behind() -> None:
    """A shipment taken from a response can be sent back: what the edit has no member for stays here."""
    entity = structure(
        {
            "shipmentId": 1,
            "shipmentName": "Ann",
            "label": {"labelId": 2, "shipmentId": 1},
            "shipmentCostDetail": [],
        },
        Shipment,
    )
    async with recording() as (recorder, rh):
        with pytest.warns(DeprecationWarning, match="cancel"), only_sent():
            await rh.return_requests.edit(EditReturnRequestRequest(return_request_id=11, shipment=entity))
    assert body_of(recorder) == {"returnRequestId": 11, "shipment": {"shipmentId": 1, "shipmentName": "Ann"}}


def test_one_object_stands_for_a_list_of_one() -> None:
    """A table of the documents prints images and services of a line item as single objects."""
    line = structure(
        {
            "returnRequestLineItemId": 5,
            "returnRequestLineItemImages": {"filename": "a.jpg"},
            "returnRequestLineItemVasList": [{"returnRequestLineItemVasId": 6, "vasCode": "repack"}],
        },
        ReturnRequestLineItem,
    )
    assert [image.filename for image in line.return_request_line_item_images] == ["a.jpg"]
    assert line.return_request_line_item_vas_list[0].vas_code == "repack"


def test_a_whole_return_request() -> None:
    """Line items, shipments and their labels hang together, and lists that are null are empty."""
    request = structure(
        {
            "returnRequestId": 11,
            "returnStatusCode": 0,
            "returnRequestLineItems": [{"returnRequestLineItemId": 5, "value": Decimal("15.1500")}],
            "shipments": [
                {"shipmentId": 1, "label": {"labelId": 2, "shipmentId": 1, "labelRequestStatusCode": 3}}
            ],
            "unheardOf": True,
        },
        ReturnRequest,
    )
    assert request.return_status_code == "0"
    assert str(request.return_request_line_items[0].value) == "15.1500"
    assert request.return_request_line_items[0].return_request_line_item_images == ()
    label = request.shipments[0].label
    assert label is not None
    assert label.label_request_status_code == LabelRequestStatus.SUCCESS
    assert dict(request.extra) == {"unheardOf": True}

"""Ordering return shipments with their labels."""

from __future__ import annotations

from typing import Final

from returnhelper._request import Operation, RequestOptions
from returnhelper._validation import FieldErrors
from returnhelper.models.return_shipments import (
    CreatedReturnShipment,
    CreateReturnShipmentRequest,
    Parcel,
    ParcelItem,
    ReturnShipmentPayload,
    ShipFrom,
)
from returnhelper.resources._base import Resource

_CREATE: Final = Operation(
    "ReturnShipment/CreateReturnShipment",
    "POST",
    "/api/ReturnShipment/createReturnShipment",
    payload=("data",),
    writes=True,
)


class ReturnShipments(Resource):
    """One call makes the return request, its shipment and the order for the label."""

    async def create(
        self, request: CreateReturnShipmentRequest, *, options: RequestOptions | None = None
    ) -> CreatedReturnShipment:
        """Create a return shipment and queue its label.

        The answer is immediate, with ``label_request_status_code`` queued and the price; the label comes by the
        labelGenerated webhook, and without a registered endpoint it can never be fetched. On arrival follow
        markShipmentArrive and one newInventoryCreated per package. Nothing can be edited afterwards: cancel the
        label and create anew.

        Weights in grams, dimensions in centimetres, all above zero. ``total_value`` is the exact sum of the items'
        values, ``parcel.weight`` the sum of their weights. At most 24 custom fields. Seller references take 1 to 50
        visible characters. Several items are accepted on accounts configured for it only; else `ValidationFailed`.
        Carriers set limits of their own, which show as a failed label.

        Source: ReturnShipment/CreateReturnShipment
        """
        self._built(CreateReturnShipmentRequest, request=request)
        self._check(_problems(request), options)
        return await self._call(_CREATE, CreatedReturnShipment, body=request, options=options)


def _problems(request: CreateReturnShipmentRequest) -> FieldErrors:
    problems = FieldErrors()
    problems.text("serviceTypeCode", request.service_type_code)
    problems.text("orderTitle", request.order_title)
    problems.text("orderNumber", request.order_number)
    problems.text("totalValueCurrency", request.total_value_currency)
    problems.positive("totalValue", request.total_value)
    values = [item.value for item in request.shipment.parcel.items]
    problems.sum_of("totalValue", request.total_value, values, "parcel.items[].value")
    problems.seller_reference("sellerReferenceNumber", request.seller_reference_number)
    _check_shipment(problems, request.shipment)
    return problems


def _check_shipment(problems: FieldErrors, shipment: ReturnShipmentPayload) -> None:
    _check_ship_from(problems, shipment.ship_from)
    problems.identifier("shipment.shipToWarehouseId", shipment.ship_to_warehouse_id)
    problems.text("shipment.boxType", shipment.box_type)
    problems.seller_reference("shipment.sellerReferenceNumber", shipment.seller_reference_number)
    problems.custom_fields("shipment.customFieldMap", shipment.custom_field_map)
    _check_parcel(problems, shipment.parcel)


def _check_ship_from(problems: FieldErrors, sender: ShipFrom) -> None:
    problems.country("shipment.shipFrom.country", sender.country)
    problems.text("shipment.shipFrom.contactName", sender.contact_name)
    problems.text("shipment.shipFrom.street1", sender.street1)
    problems.text("shipment.shipFrom.state", sender.state)
    problems.text("shipment.shipFrom.city", sender.city)
    problems.text("shipment.shipFrom.postalCode", sender.postal_code)


def _check_parcel(problems: FieldErrors, parcel: Parcel) -> None:
    path = "shipment.parcel"
    for name in ("weight", "length", "width", "height"):
        problems.positive(f"{path}.{name}", getattr(parcel, name))
    problems.sum_of(f"{path}.weight", parcel.weight, [item.weight for item in parcel.items], "items[].weight")
    problems.one_of(f"{path}.weightUnit", parcel.weight_unit, "g")
    problems.one_of(f"{path}.dimensionUnit", parcel.dimension_unit, "cm")
    problems.length(f"{path}.items", parcel.items, 1)
    for index, item in enumerate(parcel.items):
        _check_item(problems, f"{path}.items[{index}]", item)


def _check_item(problems: FieldErrors, path: str, item: ParcelItem) -> None:
    problems.text(f"{path}.description", item.description)
    problems.positive(f"{path}.weight", item.weight)
    problems.positive(f"{path}.value", item.value)
    problems.one_of(f"{path}.weightUom", item.weight_uom, "g")
    problems.text(f"{path}.valueCurrencyCode", item.value_currency_code)
    problems.seller_reference(f"{path}.sellerReferenceNumber", item.seller_reference_number)
    problems.custom_fields(f"{path}.customFieldMap", item.custom_field_map)

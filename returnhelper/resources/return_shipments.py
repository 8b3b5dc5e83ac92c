"""Ordering return shipments with their labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, TypeAlias

from returnhelper._request import Operation, RequestOptions
from returnhelper._validation import BODY, Parameters, sum_problem
from returnhelper._wire.model import camel
from returnhelper.models.carriers import CARRIER_LIMITS
from returnhelper.models.codes import ReturnService, WeightUnit
from returnhelper.models.return_shipments import CreatedReturnShipment, CreateReturnShipmentRequest
from returnhelper.models.states import state_problem
from returnhelper.resources._base import Resource

_MAX_CUSTOM_FIELDS: Final = 24
_Problems: TypeAlias = Iterator[tuple[str, str]]


def _sums_fit(*, request: CreateReturnShipmentRequest, **_: object) -> _Problems:
    parcel = request.shipment.parcel
    value = sum_problem(request.total_value, [item.value for item in parcel.items], "parcel.items[].value")
    if value is not None:
        yield "totalValue", value
    unit = WeightUnit(parcel.weight_unit)
    if any(WeightUnit(item.weight_uom) != unit for item in parcel.items):
        return
    weight = sum_problem(parcel.weight, [item.weight for item in parcel.items], "items[].weight")
    if weight is not None:
        yield "shipment.parcel.weight", weight


def _custom_fields_fit(*, request: CreateReturnShipmentRequest, **_: object) -> _Problems:
    count = len(request.shipment.custom_field_map or ())
    for index, item in enumerate(request.shipment.parcel.items):
        count += len(item.custom_field_map or ())
        if item.custom_field_map and count > _MAX_CUSTOM_FIELDS:
            yield (
                f"shipment.parcel.items[{index}].customFieldMap",
                f"a return takes {_MAX_CUSTOM_FIELDS} entries in all, the shipment and its items to here have {count}",
            )


def _carrier_accepts(*, request: CreateReturnShipmentRequest, check_carrier_limits: bool) -> _Problems:
    if not check_carrier_limits:
        return
    shipment = request.shipment
    state = state_problem(shipment.ship_from.country, shipment.ship_from.state)
    if state is not None:
        yield "shipment.shipFrom.state", state
    limits = CARRIER_LIMITS.get(ReturnService(request.service_type_code))
    if limits is not None:
        for attribute, problem in limits.problems(shipment.ship_from, shipment.parcel):
            yield f"shipment.{'.'.join(map(camel, attribute.split('.')))}", problem


_CREATE: Final = Operation(
    "ReturnShipment/CreateReturnShipment",
    "POST",
    "/api/ReturnShipment/createReturnShipment",
    payload=("data",),
    params=Parameters(
        _sums_fit,
        _custom_fields_fit,
        _carrier_accepts,
        request=Annotated[CreateReturnShipmentRequest, BODY],
        check_carrier_limits=bool,
    ),
)


class ReturnShipments(Resource):
    """One call makes the return request, its shipment and the order for the label."""

    async def create(
        self,
        request: CreateReturnShipmentRequest,
        *,
        check_carrier_limits: bool = True,
        options: RequestOptions | None = None,
    ) -> CreatedReturnShipment:
        """Create a return shipment and queue its label.

        The result comes at once, with the price and ``label_request_status_code`` queued. The label follows by the
        labelGenerated webhook; without a registered endpoint it can never be fetched. On arrival follow
        markShipmentArrive and one newInventoryCreated per package. Nothing can be edited afterwards: cancel the
        label and create anew.

        Weights in grams, dimensions in centimetres, all above zero. ``total_value`` is the exact sum of the items'
        values, ``parcel.weight`` the sum of their weights. At most 24 custom fields for the shipment and its items
        together. Seller references take 1 to 50 visible characters. Only accounts that are configured for it may send
        several items; others get `ValidationFailed`. What breaks the limits of a carrier becomes a failed label, so the
        documented ones (`models.carriers`) and the state codes (`models.states`) are checked before sending;
        ``check_carrier_limits=False`` leaves these to the carrier.

        Source: ReturnShipment/CreateReturnShipment
        """
        return await self._one(
            _CREATE,
            CreatedReturnShipment,
            options,
            request=request,
            check_carrier_limits=check_carrier_limits,
        )

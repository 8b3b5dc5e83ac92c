"""Ordering return shipments with their labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from returnhelper._request import Operation, RequestOptions
from returnhelper._validation import BODY, Parameters, sum_problem
from returnhelper.models.return_shipments import CreatedReturnShipment, CreateReturnShipmentRequest
from returnhelper.resources._base import Resource


def _sums_fit(*, request: CreateReturnShipmentRequest) -> Iterable[tuple[str, str]]:
    parcel = request.shipment.parcel
    value = sum_problem(request.total_value, [item.value for item in parcel.items], "parcel.items[].value")
    if value is not None:
        yield "totalValue", value
    weight = sum_problem(parcel.weight, [item.weight for item in parcel.items], "items[].weight")
    if weight is not None:
        yield "shipment.parcel.weight", weight


_CREATE: Final = Operation(
    "ReturnShipment/CreateReturnShipment",
    "POST",
    "/api/ReturnShipment/createReturnShipment",
    payload=("data",),
    writes=True,
    params=Parameters(_sums_fit, request=Annotated[CreateReturnShipmentRequest, BODY]),
)


class ReturnShipments(Resource):
    """One call makes the return request, its shipment and the order for the label."""

    async def create(
        self, request: CreateReturnShipmentRequest, *, options: RequestOptions | None = None
    ) -> CreatedReturnShipment:
        """Create a return shipment and queue its label.

        The result comes at once, with the price and ``label_request_status_code`` queued. The label follows by the
        labelGenerated webhook; without a registered endpoint it can never be fetched. On arrival follow
        markShipmentArrive and one newInventoryCreated per package. Nothing can be edited afterwards: cancel the
        label and create anew.

        Weights in grams, dimensions in centimetres, all above zero. ``total_value`` is the exact sum of the items'
        values, ``parcel.weight`` the sum of their weights. At most 24 custom fields. Seller references take 1 to 50
        visible characters. Only accounts that are configured for it may send several items; others get
        `ValidationFailed`. Carriers have limits of their own; what breaks them becomes a failed label.

        Source: ReturnShipment/CreateReturnShipment
        """
        return await self._one(_CREATE, CreatedReturnShipment, options, request=request)

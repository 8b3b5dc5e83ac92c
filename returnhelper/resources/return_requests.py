"""Return requests: reading them, and the older way of creating them."""

from __future__ import annotations

from typing import Annotated, Final

from returnhelper._request import Operation, RequestOptions
from returnhelper._validation import BODY, EntityId, Parameters, Sent
from returnhelper._wire import unstructure
from returnhelper.models.return_requests import (
    CreatedReturnRequest,
    CreateReturnRequestRequest,
    EditReturnRequestRequest,
    ReturnRequest,
)
from returnhelper.resources._base import Resource
from returnhelper.types import JSONValue

# Members of a shipment that was read which the shipment of an edit does not have.
_NOT_EDITABLE: Final = frozenset({"label", "shipmentCostDetail", "labelRequestStatusCode"})


def _edit_to_wire(request: EditReturnRequestRequest) -> dict[str, JSONValue]:
    body = dict(unstructure(request))
    if request.shipment is not None:
        members = unstructure(request.shipment).items()
        body["shipment"] = {name: value for name, value in members if name not in _NOT_EDITABLE}
    return body


_CREATE: Final = Operation(
    "ReturnRequest/CreateReturnRequest",
    "POST",
    "/api/returnrequest/createReturnRequest",
    deprecated="return_shipments.create",
    params=Parameters(request=Annotated[CreateReturnRequestRequest, BODY]),
)
_EDIT: Final = Operation(
    "ReturnRequest/EditReturnRequest",
    "POST",
    "/api/returnrequest/editReturnRequest",
    deprecated="labels.cancel and return_shipments.create",
    params=Parameters(request=Annotated[EditReturnRequestRequest, Sent("", form=_edit_to_wire)]),
)
_GET: Final = Operation(
    "ReturnRequest/GetReturnRequest",
    "GET",
    "/api/returnrequest/getReturnRequest",
    params=Parameters(return_request_id=EntityId),
)
_UPDATE_REMARK: Final = Operation(
    "ReturnRequest/UpdateRemark",
    "POST",
    "/api/returnrequest/updateRemark",
    params=Parameters(return_request_id=EntityId, remarks=str | None),
)


class ReturnRequests(Resource):
    """The orders behind return shipments."""

    async def get(self, return_request_id: int, *, options: RequestOptions | None = None) -> ReturnRequest:
        """Fetch a return request with its line items, shipments and labels.

        Source: ReturnRequest/GetReturnRequest
        """
        return await self._one(_GET, ReturnRequest, options, return_request_id=return_request_id)

    async def update_remark(
        self, return_request_id: int, *, remarks: str | None, options: RequestOptions | None = None
    ) -> ReturnRequest:
        """Replace the remark of a return request and return the whole request; None sends no remark.

        Source: ReturnRequest/UpdateRemark
        """
        return await self._one(
            _UPDATE_REMARK, ReturnRequest, options, return_request_id=return_request_id, remarks=remarks
        )

    async def create(
        self, request: CreateReturnRequestRequest, *, options: RequestOptions | None = None
    ) -> CreatedReturnRequest:
        """Create a return request without a label (deprecated: use `return_shipments.create`).

        Exactly one line item; ``usd`` in lower case only; grams and centimetres, all above zero.

        Source: ReturnRequest/CreateReturnRequest
        """
        return await self._one(_CREATE, CreatedReturnRequest, options, request=request)

    async def edit(
        self, request: EditReturnRequestRequest, *, options: RequestOptions | None = None
    ) -> CreatedReturnRequest:
        """Change a return request that has no usable label (deprecated: cancel the label and create anew).

        Works while the shipment status is ``no-label`` or ``lb-failed``, and never for the result of
        `return_shipments.create`. Of a shipment that was read before, label and costs are left out. The server
        rejects numbers that it generates, such as ``shipment_number``, since 2025-03-01.

        Source: ReturnRequest/EditReturnRequest
        """
        return await self._one(_EDIT, CreatedReturnRequest, options, request=request)

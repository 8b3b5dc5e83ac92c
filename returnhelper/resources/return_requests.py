"""Return requests: reading them, and the older way of making them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import FieldErrors
from returnhelper._wire import unstructure
from returnhelper.models.return_requests import (
    CreatedReturnRequest,
    CreateReturnRequestLineItem,
    CreateReturnRequestRequest,
    CreateReturnRequestShipment,
    EditReturnRequestRequest,
    ReturnRequest,
)
from returnhelper.models.shipments import Shipment
from returnhelper.models.vas import CreateLineItemVas, ReturnRequestLineItemVas
from returnhelper.resources._base import Resource
from returnhelper.resources.vas import check_details
from returnhelper.types import JSONValue

_CREATE: Final = Operation(
    "ReturnRequest/CreateReturnRequest",
    "POST",
    "/api/returnrequest/createReturnRequest",
    writes=True,
    deprecated="return_shipments.create",
)
_EDIT: Final = Operation(
    "ReturnRequest/EditReturnRequest",
    "POST",
    "/api/returnrequest/editReturnRequest",
    writes=True,
    deprecated="labels.cancel and return_shipments.create",
)
_GET: Final = Operation("ReturnRequest/GetReturnRequest", "GET", "/api/returnrequest/getReturnRequest")
_UPDATE_REMARK: Final = Operation(
    "ReturnRequest/UpdateRemark", "POST", "/api/returnrequest/updateRemark", writes=True
)
_CREATE_VAS: Final = Operation(
    "ReturnRequest/CreateVas",
    "POST",
    "/api/returnrequest/createVas",
    payload=("createdLineItemVasList", "data"),
    writes=True,
    creates=True,
)

# Members of answers that the shipment of an edit does not have.
_NOT_EDITABLE = frozenset({"label", "shipmentCostDetail", "labelRequestStatusCode"})


class ReturnRequests(Resource):
    """The orders behind return shipments."""

    async def get(self, return_request_id: int, *, options: RequestOptions | None = None) -> ReturnRequest:
        """Read a return request with its line items, shipments and labels.

        Source: ReturnRequest/GetReturnRequest
        """
        problems = FieldErrors()
        problems.identifier("returnRequestId", return_request_id)
        self._check(problems, options)
        query = {"returnRequestId": return_request_id}
        return await self._call(_GET, ReturnRequest, query=query, options=options)

    async def update_remark(
        self, return_request_id: int, remarks: str | None, *, options: RequestOptions | None = None
    ) -> ReturnRequest:
        """Replace the remark of a return request and return the whole request; None sends no remark.

        Source: ReturnRequest/UpdateRemark
        """
        problems = FieldErrors()
        problems.identifier("returnRequestId", return_request_id)
        self._check(problems, options)
        body: dict[str, JSONValue] = {"returnRequestId": return_request_id}
        if remarks is not None:
            body["remarks"] = remarks
        return await self._call(_UPDATE_REMARK, ReturnRequest, body=body, options=options)

    async def create_vas(
        self, create_vas_payload_list: Sequence[CreateLineItemVas], *, options: RequestOptions | None = None
    ) -> ResultList[ReturnRequestLineItemVas]:
        """Request value-added services by line item (superseded by `vas.create_by_return_inventory_id`).

        The line items must be on hold (``ohd``). ``split-parcel`` needs ``meta_quantity`` 1 to 50 and may carry
        files, ``req-pic`` needs it above 0. Success means accepted: results come by vasUpdated, splits also by
        splitLineItem and newInventoryCreated.

        Source: ReturnRequest/CreateVas
        """
        self._built(CreateLineItemVas, create_vas_payload_list=create_vas_payload_list)
        problems = FieldErrors()
        problems.length("createVasPayloadList", create_vas_payload_list, 1)
        for index, payload in enumerate(create_vas_payload_list):
            path = f"createVasPayloadList[{index}]"
            problems.identifier(f"{path}.returnRequestLineItemId", payload.return_request_line_item_id)
            check_details(problems, path, payload.create_vas_detail_list, split_alone=False)
        self._check(problems, options)
        body = {"createVasPayloadList": create_vas_payload_list}
        return await self._items(_CREATE_VAS, ReturnRequestLineItemVas, body=body, options=options)

    async def create(
        self, request: CreateReturnRequestRequest, *, options: RequestOptions | None = None
    ) -> CreatedReturnRequest:
        """Create a return request without a label (deprecated: use `return_shipments.create`).

        Exactly one line item; ``usd`` in lower case only; grams and centimetres, all above zero.

        Source: ReturnRequest/CreateReturnRequest
        """
        self._built(CreateReturnRequestRequest, request=request)
        self._check(_create_problems(request), options)
        return await self._call(_CREATE, CreatedReturnRequest, body=request, options=options)

    async def edit(
        self, request: EditReturnRequestRequest, *, options: RequestOptions | None = None
    ) -> CreatedReturnRequest:
        """Change a return request that has no usable label (deprecated: cancel the label and create anew).

        Works while the shipment status is ``no-label`` or ``lb-failed``; never for `return_shipments.create`. Of a
        shipment that was read before, label and costs are left out; numbers that the system gives, such as
        ``shipment_number``, are rejected since 2025-03-01.

        Source: ReturnRequest/EditReturnRequest
        """
        self._built(EditReturnRequestRequest, request=request)
        self._check(_edit_problems(request), options)
        body = dict(unstructure(request))
        if request.shipment is not None:
            body["shipment"] = _editable(request.shipment)
        return await self._call(_EDIT, CreatedReturnRequest, body=body, options=options)


def _editable(shipment: Shipment) -> dict[str, JSONValue]:
    return {name: value for name, value in unstructure(shipment).items() if name not in _NOT_EDITABLE}


def _create_problems(request: CreateReturnRequestRequest) -> FieldErrors:
    problems = FieldErrors()
    problems.text("returnTitle", request.return_title)
    problems.positive("totalValue", request.total_value)
    problems.one_of("totalValueCurrency", request.total_value_currency, "usd")
    problems.one_of("returnRequestFrom", request.return_request_from, "return-helper")
    problems.length("returnRequestLineItems", request.return_request_line_items, 1, 1)
    problems.seller_reference("sellerReferenceNumber", request.seller_reference_number)
    _check_shipment(problems, request.shipment)
    for index, item in enumerate(request.return_request_line_items):
        _check_item(problems, f"returnRequestLineItems[{index}]", item)
    return problems


def _check_shipment(problems: FieldErrors, shipment: CreateReturnRequestShipment) -> None:
    problems.identifier("shipment.warehouseId", shipment.warehouse_id)
    problems.text("shipment.shipmentServiceType", shipment.shipment_service_type)
    problems.country("shipment.shipmentCountryCode", shipment.shipment_country_code)
    problems.text("shipment.shipmentName", shipment.shipment_name)
    problems.text("shipment.shipmentStreet1", shipment.shipment_street1)
    problems.text("shipment.boxType", shipment.box_type)
    for name in ("weight", "dimension1", "dimension2", "dimension3"):
        problems.positive(f"shipment.{name}", getattr(shipment, name))
    problems.one_of("shipment.weightUom", shipment.weight_uom, "g")
    problems.one_of("shipment.dimensionUom", shipment.dimension_uom, "cm")
    problems.seller_reference("shipment.sellerReferenceNumber", shipment.seller_reference_number)


def _check_item(problems: FieldErrors, path: str, item: CreateReturnRequestLineItem) -> None:
    problems.text(f"{path}.description", item.description)
    problems.number(f"{path}.weight", item.weight)
    problems.number(f"{path}.value", item.value)
    problems.one_of(f"{path}.weightUom", item.weight_uom, "g")
    problems.one_of(f"{path}.valueCurrencyCode", item.value_currency_code, "usd")
    problems.seller_reference(f"{path}.sellerReferenceNumber", item.seller_reference_number)


def _edit_problems(request: EditReturnRequestRequest) -> FieldErrors:
    problems = FieldErrors()
    problems.identifier("returnRequestId", request.return_request_id)
    problems.seller_reference("sellerReferenceNumber", request.seller_reference_number)
    if request.total_value is not None:
        problems.number("totalValue", request.total_value)
    for index, item in enumerate(request.return_request_line_items or ()):
        for name in ("weight", "value"):
            if getattr(item, name) is not None:
                problems.number(f"returnRequestLineItems[{index}].{name}", getattr(item, name))
    return problems

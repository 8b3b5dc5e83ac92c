"""Resends: shipping inventories to an address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from returnhelper._request import Operation, QueryValue, RequestOptions, ResultList
from returnhelper._validation import FieldErrors
from returnhelper.models.resends import CreateResendRequest, Resend
from returnhelper.models.shipments import ShippingFee
from returnhelper.resources._base import Resource

_LIST_SHIPPING_FEES: Final = Operation(
    "Resend/GetShippingFeeListByToShippingOption",
    "GET",
    "/api/Resend/getShippingFeeListByToShippingOption",
    payload=("data", "shippingFeeDetailList"),
)
_CREATE: Final = Operation("Resend/CreateResend", "POST", "/api/Resend/createResend", writes=True)
_GET: Final = Operation("Resend/GetResend", "GET", "/api/resend/getResend")
_CANCEL: Final = Operation("Resend/CancelResend", "POST", "/api/Resend/cancelResend", writes=True)


class Resends(Resource):
    """Orders to ship inventories on; updateResendStatus tells their progress."""

    async def list_shipping_fees(
        self,
        return_inventory_id_list: Sequence[int],
        *,
        to_country_code: str,
        to_postal_code: str,
        options: RequestOptions | None = None,
    ) -> ResultList[ShippingFee]:
        """Quote the resend services for inventories and a destination.

        ``chargeable_weight`` is in grams; ``postal_code_pair`` may hold zone prefixes rather than full codes.

        Source: Resend/GetShippingFeeListByToShippingOption
        """
        problems = FieldErrors()
        problems.identifiers("returnInventoryIdList", return_inventory_id_list)
        problems.country("toCountryCode", to_country_code)
        problems.text("toPostalCode", to_postal_code)
        self._check(problems, options)
        query: dict[str, QueryValue] = {
            "returnInventoryIdList": tuple(return_inventory_id_list),
            "toCountryCode": to_country_code,
            "toPostalCode": to_postal_code,
        }
        return await self._items(_LIST_SHIPPING_FEES, ShippingFee, query=query, options=options)

    async def create(self, request: CreateResendRequest, *, options: RequestOptions | None = None) -> Resend:
        """Ship inventories to an address; the answer names the new resend and, at times, its number and shipment.

        All inventories lie in one warehouse, are free to move to ``rsd`` (typically from ``ohd``), in stock, in no
        other workflow and without pending value-added services. The number per resend is limited by the server
        (a single digit, ask support). The service must be one of `service_types.available`. Each handling becomes
        ``rsd``; label, tracking number or failure come by updateResendStatus.

        Source: Resend/CreateResend
        """
        self._built(CreateResendRequest, request=request)
        self._check(_problems(request), options)
        return await self._call(_CREATE, Resend, body=request, options=options)

    async def get(self, resend_id: int, *, options: RequestOptions | None = None) -> Resend:
        """Read one resend, such as one that a webhook mentions and you have not stored.

        Source: Resend/GetResend
        """
        problems = FieldErrors()
        problems.identifier("resendId", resend_id)
        self._check(problems, options)
        return await self._call(_GET, Resend, query={"resendId": resend_id}, options=options)

    async def cancel(self, resend_id: int, *, options: RequestOptions | None = None) -> Resend:
        """Cancel a resend that has not left; after dispatch only support can help.

        The answer names the resend and its shipments; older servers answer without them.

        Source: Resend/CancelResend
        """
        problems = FieldErrors()
        problems.identifier("resendId", resend_id)
        self._check(problems, options)
        return await self._call(_CANCEL, Resend, body={"resendId": resend_id}, options=options)


def _problems(request: CreateResendRequest) -> FieldErrors:
    shipment = request.resend_shipment
    problems = FieldErrors()
    problems.identifiers("returnInventoryIdList", request.return_inventory_id_list)
    problems.text("resendShipment.shipmentServiceType", shipment.shipment_service_type)
    problems.country("resendShipment.shipmentCountryCode", shipment.shipment_country_code)
    problems.text("resendShipment.shipmentName", shipment.shipment_name, 255)
    problems.text("resendShipment.shipmentPhone", shipment.shipment_phone)
    problems.text("resendShipment.shipmentStreet1", shipment.shipment_street1, 255)
    problems.text("resendShipment.shipmentState", shipment.shipment_state)
    problems.text("resendShipment.shipmentCity", shipment.shipment_city, 50)
    problems.text("resendShipment.shipmentPostalCode", shipment.shipment_postal_code, 50)
    return problems

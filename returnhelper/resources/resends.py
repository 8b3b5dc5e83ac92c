"""Resends: shipping inventories to an address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import BODY, CountryCode, EntityId, EntityIds, Parameters, Text
from returnhelper.models.resends import CanceledResend, CreateResendRequest, Resend
from returnhelper.models.shipments import ShippingFee
from returnhelper.resources._base import Resource

_LIST_SHIPPING_FEES: Final = Operation(
    "Resend/GetShippingFeeListByToShippingOption",
    "GET",
    "/api/Resend/getShippingFeeListByToShippingOption",
    payload=("data", "shippingFeeDetailList"),
    params=Parameters(return_inventory_id_list=EntityIds, to_country_code=CountryCode, to_postal_code=Text),
)
_CREATE: Final = Operation(
    "Resend/CreateResend",
    "POST",
    "/api/Resend/createResend",
    params=Parameters(request=Annotated[CreateResendRequest, BODY]),
)
_GET: Final = Operation(
    "Resend/GetResend", "GET", "/api/resend/getResend", params=Parameters(resend_id=EntityId)
)
_CANCEL: Final = Operation(
    "Resend/CancelResend", "POST", "/api/Resend/cancelResend", params=Parameters(resend_id=EntityId)
)


class Resends(Resource):
    """Orders to ship inventories on; updateResendStatus reports their progress."""

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
        return await self._many(
            _LIST_SHIPPING_FEES,
            ShippingFee,
            options,
            return_inventory_id_list=return_inventory_id_list,
            to_country_code=to_country_code,
            to_postal_code=to_postal_code,
        )

    async def create(self, request: CreateResendRequest, *, options: RequestOptions | None = None) -> Resend:
        """Ship inventories to an address.

        The result holds the id of the new resend and, at times, its number and shipment. All inventories lie in one
        warehouse, are in stock, in no other workflow, without pending value-added services, and may move to ``rsd``
        (typically from ``ohd``). The server limits the number per resend (a single digit; ask support). The service
        must be one of `service_types.available`. Each handling becomes ``rsd``; updateResendStatus brings the label,
        the tracking number or the failure.

        Source: Resend/CreateResend
        """
        return await self._one(_CREATE, Resend, options, request=request)

    async def get(self, resend_id: int, *, options: RequestOptions | None = None) -> Resend:
        """Fetch one resend, such as one that a webhook mentions and you have not stored.

        Source: Resend/GetResend
        """
        return await self._one(_GET, Resend, options, resend_id=resend_id)

    async def cancel(self, resend_id: int, *, options: RequestOptions | None = None) -> CanceledResend:
        """Cancel a resend that has not left; after dispatch only support can help.

        The result holds the id and the shipments of the resend; older servers return neither.

        Source: Resend/CancelResend
        """
        return await self._one(_CANCEL, CanceledResend, options, resend_id=resend_id)

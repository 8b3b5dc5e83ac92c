"""Return shipments that exist, and what new ones would cost."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import (
    MAX_PAGE_SIZE,
    SPAN,
    Between,
    CountryCode,
    Parameters,
    PositiveDecimal,
    Text,
)
from returnhelper.models.shipments import Shipment, ShippingFee
from returnhelper.pagination import Pager
from returnhelper.resources._base import Resource

_LIST: Final = Operation("Shipment/List", "GET", "/api/Shipment/list", payload=("data",), params=SPAN)
_LIST_SHIPPING_FEES: Final = Operation(
    "Shipment/GetShippingFeeListByFromShippingOption",
    "GET",
    "/api/Shipment/getShippingFeeListByFromShippingOption",
    payload=("data", "shippingFeeDetailList"),
    params=Parameters(
        from_country_code=CountryCode,
        from_postal_code=Text,
        weight=PositiveDecimal,
        dimension1=PositiveDecimal,
        dimension2=PositiveDecimal,
        dimension3=PositiveDecimal,
        limit=Annotated[int, Between(0, 2**31 - 1)],
    ),
)


class Shipments(Resource):
    """Return shipments, for backfill and reconciliation: webhooks are the source of truth."""

    def list(
        self,
        *,
        created_from: datetime,
        created_to: datetime,
        page_size: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
        options: RequestOptions | None = None,
    ) -> Pager[Shipment]:
        """Iterate over the return shipments created in a time span of any length.

        Spans above 62 days, the narrower of two documented limits, are split into several; pages hold at most 50.
        Polling this in place of handling webhooks is unsupported.

        Source: Shipment/List
        """
        return self._list(
            _LIST,
            Shipment,
            key=lambda shipment: shipment.shipment_id,
            span=(created_from, created_to),
            page_size=page_size,
            cursor=cursor,
            options=options,
        )

    async def list_shipping_fees(
        self,
        *,
        from_country_code: str,
        from_postal_code: str,
        weight: Decimal,
        dimension1: Decimal,
        dimension2: Decimal,
        dimension3: Decimal,
        limit: int = 0,
        options: RequestOptions | None = None,
    ) -> ResultList[ShippingFee]:
        """Quote the return services for an origin and a parcel, cheapest first.

        ``weight`` in grams, dimensions in centimetres with the longest first, all above zero; ``limit=1`` returns the
        cheapest only, 0 all. A fee is for the warehouses in its ``warehouse_list``. `resends.list_shipping_fees`
        quotes resends.

        Source: Shipment/GetShippingFeeListByFromShippingOption
        """
        return await self._many(
            _LIST_SHIPPING_FEES,
            ShippingFee,
            options,
            from_country_code=from_country_code,
            from_postal_code=from_postal_code,
            weight=weight,
            dimension1=dimension1,
            dimension2=dimension2,
            dimension3=dimension3,
            limit=limit,
        )

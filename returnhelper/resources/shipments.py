"""Return shipments that exist, and what new ones would cost."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

from returnhelper._request import Operation, QueryValue, RequestOptions, ResultList
from returnhelper._validation import MAX_PAGE_SIZE, FieldErrors
from returnhelper.models.shipments import Shipment, ShippingFee
from returnhelper.pagination import Pager
from returnhelper.resources._base import Resource

_LIST: Final = Operation("Shipment/List", "GET", "/api/Shipment/list", payload=("data",))
_LIST_SHIPPING_FEES: Final = Operation(
    "Shipment/GetShippingFeeListByFromShippingOption",
    "GET",
    "/api/Shipment/getShippingFeeListByFromShippingOption",
    payload=("data", "shippingFeeDetailList"),
)


class Shipments(Resource):
    """Return shipments, for back-fill and reconciliation: webhooks are the source of truth."""

    def list(
        self,
        *,
        created_from: datetime,
        created_to: datetime,
        page_size: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
        options: RequestOptions | None = None,
    ) -> Pager[Shipment]:
        """Go through the return shipments created in a time span of any length.

        Spans above 62 days, the narrower of two documented limits, are asked for in pieces; pages hold at most 50.
        Polling this instead of handling webhooks is unsupported.

        Source: Shipment/List
        """
        return self._list(
            _LIST,
            Shipment,
            key=lambda item: item.shipment_id,
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

        ``weight`` in grams, dimensions in centimetres with the longest first, all above zero; ``limit=1`` gives the
        cheapest only, 0 all. A fee is for the warehouses in its ``warehouse_list``. Resends are quoted by
        `resends.list_shipping_fees`.

        Source: Shipment/GetShippingFeeListByFromShippingOption
        """
        sizes = {
            "weight": weight,
            "dimension1": dimension1,
            "dimension2": dimension2,
            "dimension3": dimension3,
        }
        problems = FieldErrors()
        problems.country("fromCountryCode", from_country_code)
        problems.text("fromPostalCode", from_postal_code)
        for name, size in sizes.items():
            problems.positive(name, size)
        problems.whole("limit", limit, 0)
        self._check(problems, options)
        query: dict[str, QueryValue] = {
            "fromCountryCode": from_country_code,
            "fromPostalCode": from_postal_code,
            **sizes,
            "limit": limit,
        }
        return await self._items(_LIST_SHIPPING_FEES, ShippingFee, query=query, options=options)

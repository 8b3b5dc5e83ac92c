"""Lookups: the codes of today with their names, the account, and the price of a return."""

from __future__ import annotations

from typing import Annotated, Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import BODY, Parameters
from returnhelper.models import lookups as m
from returnhelper.models.service_types import ServiceType
from returnhelper.resources._base import Resource


def _lookup(name: str, *payload: str) -> Operation:
    return Operation(name, "GET", f"/api/{name}", payload=payload, api="public")


_GET_API_INFO: Final = _lookup("account/getApiInfo")
_BOX_TYPES: Final = _lookup("boxtype/getAllBoxTypes", "boxTypes")
_COUNTRIES: Final = _lookup("country/getAllCountries", "countries")
_FROM_COUNTRIES: Final = _lookup("country/getAllFromCountries", "countries")
_CURRENCIES: Final = _lookup("currency/getAllCurrencies", "currencies")
_DIMENSION_UOMS: Final = _lookup("dimensionuom/getAllDimensionUoms", "dimensionUoms")
_HANDLINGS: Final = _lookup("handling/getAllHandlings", "handlings")
_HANDLING_FEE_TYPES: Final = _lookup("handlingfeetype/getAllHandlingFeeTypes", "handlingFeeTypes")
_HANDLING_STATUSES: Final = _lookup("handlingstatus/getAllHandlingStatus", "handlingStatusList")
_LABEL_STATUSES: Final = _lookup("labelstatus/getAllLabelStatus", "labelStatuses")
_MAR_TYPES: Final = _lookup("martype/getAllMarType", "marTypeList")
_REFUND_STATUSES: Final = _lookup("refundstatus/getAllRefundStatus", "refundStatuses")
_RESEND_STATUSES: Final = _lookup("resendstatus/getAllResendStatus", "resendStatusList")
_RETURN_REQUEST_SOURCE_TYPES: Final = _lookup(
    "returnrequestsourcetype/getAllReturnRequestSourceTypes", "returnRequestSourceTypes"
)
_RETURN_REQUEST_STATUSES: Final = _lookup(
    "returnrequeststatus/getAllReturnRequestStatus", "returnRequestStatuses"
)
_SERVICE_TYPES: Final = _lookup("servicetype/getAllServiceType", "serviceTypes")
_SHIPMENT_STATUSES: Final = _lookup("shipment/getAllShipmentStatus", "shipmentStatuses")
_SHIPMENT_COST_TYPES: Final = _lookup("shipment/getAllShipmentCostTypes", "shipmentCostTypes")
_TRANSACTION_TYPES: Final = _lookup("transactiontype/getAllTransactionType", "transactionTypes")
_UNKNOWN_SHIPMENT_STATUSES: Final = _lookup(
    "unknownshipmentstatus/getAllUnknownShipmentStatus", "unknownShipmentStatuses"
)
_VAS: Final = _lookup("vas/getAllVas", "vasList")
_VAS_STATUSES: Final = _lookup("vasStatus/getAllVasStatus", "vasStatusList")
_WEIGHT_UOMS: Final = _lookup("weightuom/getAllWeightUom", "weightUoms")
_CALCULATE: Final = Operation(
    "shipment/calculateBuyerShipmentCost",
    "POST",
    "/api/shipment/calculateBuyerShipmentCost",
    api="public",
    params=Parameters(shipment=Annotated[m.BuyerShipment, BODY]),
)


class Lookups(Resource):
    """Reference data of the Public API.

    The lists take no parameters and are not paged; they change slowly and may be cached (inferred).
    """

    async def get_api_info(self, *, options: RequestOptions | None = None) -> m.ApiInfo:
        """Describe the account that key and token belong to: a cheap check of credentials (inferred).

        Source: account/getApiInfo
        """
        return await self._one(_GET_API_INFO, m.ApiInfo, options)

    async def calculate_buyer_shipment_cost(
        self, shipment: m.BuyerShipment, *, options: RequestOptions | None = None
    ) -> m.BuyerShipmentCost:
        """Price a return shipment; nothing is stored (inferred).

        ``weight`` in grams, above zero. `shipments.list_shipping_fees` is the newer way to compare prices.

        Source: shipment/calculateBuyerShipmentCost
        """
        return await self._one(_CALCULATE, m.BuyerShipmentCost, options, shipment=shipment)

    async def list_box_types(self, *, options: RequestOptions | None = None) -> ResultList[m.BoxTypeEntry]:
        """List parcel box types; ``cus`` (custom) is always safe on a return shipment.

        Source: boxtype/getAllBoxTypes
        """
        return await self._many(_BOX_TYPES, m.BoxTypeEntry, options)

    async def list_countries(self, *, options: RequestOptions | None = None) -> ResultList[m.CountryEntry]:
        """List all known countries and regions, such as the destinations of resends.

        Source: country/getAllCountries
        """
        return await self._many(_COUNTRIES, m.CountryEntry, options)

    async def list_from_countries(
        self, *, options: RequestOptions | None = None
    ) -> ResultList[m.CountryEntry]:
        """List the countries that a return parcel may start from.

        Source: country/getAllFromCountries
        """
        return await self._many(_FROM_COUNTRIES, m.CountryEntry, options)

    async def list_currencies(self, *, options: RequestOptions | None = None) -> ResultList[m.CurrencyEntry]:
        """List currencies with exchange rates; compare the codes without regard to case.

        Source: currency/getAllCurrencies
        """
        return await self._many(_CURRENCIES, m.CurrencyEntry, options)

    async def list_dimension_uoms(
        self, *, options: RequestOptions | None = None
    ) -> ResultList[m.DimensionUomEntry]:
        """List units of length.

        Source: dimensionuom/getAllDimensionUoms
        """
        return await self._many(_DIMENSION_UOMS, m.DimensionUomEntry, options)

    async def list_weight_uoms(
        self, *, options: RequestOptions | None = None
    ) -> ResultList[m.WeightUomEntry]:
        """List units of weight.

        Source: weightuom/getAllWeightUom
        """
        return await self._many(_WEIGHT_UOMS, m.WeightUomEntry, options)

    async def list_handlings(self, *, options: RequestOptions | None = None) -> ResultList[m.HandlingEntry]:
        """List handling codes of return inventory; ``rsd`` and ``tbc`` cannot be set by a handling update.

        Source: handling/getAllHandlings
        """
        return await self._many(_HANDLINGS, m.HandlingEntry, options)

    async def list_handling_statuses(
        self, *, options: RequestOptions | None = None
    ) -> ResultList[m.HandlingStatusEntry]:
        """List handling statuses of return inventory.

        Source: handlingstatus/getAllHandlingStatus
        """
        return await self._many(_HANDLING_STATUSES, m.HandlingStatusEntry, options)

    async def list_handling_fee_types(
        self, *, options: RequestOptions | None = None
    ) -> ResultList[m.HandlingFeeTypeEntry]:
        """List kinds of handling fee.

        Source: handlingfeetype/getAllHandlingFeeTypes
        """
        return await self._many(_HANDLING_FEE_TYPES, m.HandlingFeeTypeEntry, options)

    async def list_label_statuses(
        self, *, options: RequestOptions | None = None
    ) -> ResultList[m.LabelStatusEntry]:
        """List label request statuses, ``label_request_status_code`` elsewhere (inferred).

        Source: labelstatus/getAllLabelStatus
        """
        return await self._many(_LABEL_STATUSES, m.LabelStatusEntry, options)

    async def list_mar_types(self, *, options: RequestOptions | None = None) -> ResultList[m.MarTypeEntry]:
        """List MAR types, a term that the documents do not explain.

        Source: martype/getAllMarType
        """
        return await self._many(_MAR_TYPES, m.MarTypeEntry, options)

    async def list_refund_statuses(
        self, *, options: RequestOptions | None = None
    ) -> ResultList[m.RefundStatusEntry]:
        """List refund statuses.

        Source: refundstatus/getAllRefundStatus
        """
        return await self._many(_REFUND_STATUSES, m.RefundStatusEntry, options)

    async def list_resend_statuses(
        self, *, options: RequestOptions | None = None
    ) -> ResultList[m.ResendStatusEntry]:
        """List resend statuses.

        Source: resendstatus/getAllResendStatus
        """
        return await self._many(_RESEND_STATUSES, m.ResendStatusEntry, options)

    async def list_return_request_source_types(
        self, *, options: RequestOptions | None = None
    ) -> ResultList[m.ReturnRequestSourceTypeEntry]:
        """List where a return request can come from.

        Source: returnrequestsourcetype/getAllReturnRequestSourceTypes
        """
        return await self._many(_RETURN_REQUEST_SOURCE_TYPES, m.ReturnRequestSourceTypeEntry, options)

    async def list_return_request_statuses(
        self, *, options: RequestOptions | None = None
    ) -> ResultList[m.ReturnRequestStatusEntry]:
        """List return request statuses, ``return_status_code`` elsewhere.

        Source: returnrequeststatus/getAllReturnRequestStatus
        """
        return await self._many(_RETURN_REQUEST_STATUSES, m.ReturnRequestStatusEntry, options)

    async def list_service_types(self, *, options: RequestOptions | None = None) -> ResultList[ServiceType]:
        """List carrier service types, of returns and resends alike; `service_types` filters for a call.

        Source: servicetype/getAllServiceType
        """
        return await self._many(_SERVICE_TYPES, ServiceType, options)

    async def list_shipment_statuses(
        self, *, options: RequestOptions | None = None
    ) -> ResultList[m.ShipmentStatusEntry]:
        """List return shipment statuses, and in which of them a shipment may be edited.

        Source: shipment/getAllShipmentStatus
        """
        return await self._many(_SHIPMENT_STATUSES, m.ShipmentStatusEntry, options)

    async def list_shipment_cost_types(
        self, *, options: RequestOptions | None = None
    ) -> ResultList[m.ShipmentCostTypeEntry]:
        """List kinds of shipment cost.

        Source: shipment/getAllShipmentCostTypes
        """
        return await self._many(_SHIPMENT_COST_TYPES, m.ShipmentCostTypeEntry, options)

    async def list_transaction_types(
        self, *, options: RequestOptions | None = None
    ) -> ResultList[m.TransactionTypeEntry]:
        """List account transaction types.

        Source: transactiontype/getAllTransactionType
        """
        return await self._many(_TRANSACTION_TYPES, m.TransactionTypeEntry, options)

    async def list_unknown_shipment_statuses(
        self, *, options: RequestOptions | None = None
    ) -> ResultList[m.UnknownShipmentStatusEntry]:
        """List statuses of parcels that nobody announced.

        Source: unknownshipmentstatus/getAllUnknownShipmentStatus
        """
        return await self._many(_UNKNOWN_SHIPMENT_STATUSES, m.UnknownShipmentStatusEntry, options)

    async def list_vas(self, *, options: RequestOptions | None = None) -> ResultList[m.VasEntry]:
        """List value-added services; only codes from here are accepted, and the documents spell one in two ways.

        Source: vas/getAllVas
        """
        return await self._many(_VAS, m.VasEntry, options)

    async def list_vas_statuses(
        self, *, options: RequestOptions | None = None
    ) -> ResultList[m.VasStatusEntry]:
        """List statuses of value-added services.

        Source: vasStatus/getAllVasStatus
        """
        return await self._many(_VAS_STATUSES, m.VasStatusEntry, options)

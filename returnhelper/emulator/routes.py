"""Routes: every operation as data, its method, path and handler; and what of its response is inferred."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import attrs

from returnhelper.emulator import (
    balances,
    consolidations,
    fba_instructions,
    fba_inventories,
    fba_shipments,
    files,
    labels,
    lookups,
    recalls,
    resends,
    return_inventories,
    return_requests,
    return_shipments,
    service_types,
    shipments,
    vas,
    warehouses,
)
from returnhelper.emulator.account import Account, ApiRequest, Payload

Handler: TypeAlias = Callable[[Account, ApiRequest], Payload]


@attrs.frozen
class Route:
    """An operation: `request` is its documented method and path, `also` another method that some page prints for it.

    `inferred` says what of a successful response the vendor does not document; empty if all is documented but values
    that are made up anyway, such as prices.
    """

    operation: str
    request: str
    handler: Handler
    inferred: str = ""
    also: str = ""

    @property
    def method(self) -> str:
        """The documented method."""
        return self.request.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path, with the API in front."""
        return self.request.partition(" ")[2]


def _list(operation: str) -> Handler:
    return lookups.LOOKUPS[operation].respond


_NO_CODES: Final = "the codes: none is published"
_NUMBERS: Final = "what the numbers mean"
_METHOD: Final = "which method it takes"
_STATE: Final = "the handling code afterwards"

_USER: Final = (
    Route("getApiBalance", "GET ApiBalance/GetApiBalance", balances.get),
    Route("getAllWarehouse", "GET warehouse/getAllWarehouse", warehouses.list_),
    Route("getWarehouseByFromCountry", "GET warehouse/getWarehouseByFromCountry", warehouses.list_by_from_country),
    Route("getWarehouse", "GET warehouse/getWarehouse", warehouses.get),
    Route("getShippingFeeListByFromShippingOption", "GET Shipment/getShippingFeeListByFromShippingOption", shipments.list_shipping_fees),
    Route("getAvailableShipmentServiceType", "GET Shipment/getAvailableShipmentServiceType", service_types.available),
    Route("getAllReturnServiceType", "GET ServiceType/getAllReturnServiceType", service_types.list_return_services),
    Route("getServiceTypeByFromToCountry", "GET servicetype/getServiceTypeByFromToCountry", service_types.list_by_countries),
    Route("getServiceTypeByFromCountryAndWarehouse", "GET servicetype/getServiceTypeByFromCountryAndWarehouse", service_types.list_by_warehouse),
    Route("listShipments", "GET Shipment/list", shipments.list_),
    Route("createLabel", "POST Label/CreateLabel", labels.create),
    Route("cancelLabel", "POST Label/CancelLabel", labels.cancel),
    Route("createReturnShipment", "POST ReturnShipment/createReturnShipment", return_shipments.create),
    Route("createReturnRequest", "POST returnrequest/createReturnRequest", return_requests.create),
    Route("editReturnRequest", "POST returnrequest/editReturnRequest", return_requests.edit),
    Route("getReturnRequest", "GET returnrequest/getReturnRequest", return_requests.get),
    Route("updateReturnRequestRemark", "POST returnrequest/updateRemark", return_requests.update_remark),
    Route("createVas", "POST returnrequest/createVas", vas.create_legacy),
    Route("listReturnInventories", "GET ReturnInventory/list", return_inventories.list_),
    Route("getReturnInventory", "GET ReturnInventory/GetReturnInventory", return_inventories.get),
    Route("getReturnInventoryByLineItemId", "GET returninventory/getReturnInventoryByLineItemId", return_inventories.get_by_line_item),
    Route("updateReturnInventoryHandling", "POST ReturnInventory/UpdateReturnInventoryHandling", return_inventories.update_handling),
    Route("assignReturnInventorySku", "POST returninventory/assignReturnInventorySku", return_inventories.assign_sku),
    Route("getShippingFeeListByToShippingOption", "GET Resend/getShippingFeeListByToShippingOption", resends.list_shipping_fees),
    Route("createResend", "POST Resend/createResend", resends.create),
    Route("getResend", "GET resend/getResend", resends.get),
    Route("createRecallByReturnInventoryId", "POST Recall/createRecallByReturnInventoryId", recalls.create),
    Route("createRecall", "POST Recall/createRecall", recalls.create_legacy),
    Route("createVasByReturnInventoryId", "POST Vas/CreateByReturnInventoryId", vas.create),
    Route("cancelReturnInventoryHandling", "POST ReturnInventory/CancelReturnInventoryHandling", return_inventories.cancel_handling, inferred=_STATE),
    Route("cancelResend", "POST Resend/cancelResend", resends.cancel, inferred=_STATE),
    Route("cancelRecall", "POST Recall/cancelRecall", recalls.cancel, inferred=_STATE),
    Route("cancelRecallByReturnInventoryId", "POST Recall/cancelRecallByReturnInventoryId", recalls.cancel_by_inventory, inferred=_STATE),
)  # fmt: skip

_FBA: Final = (
    Route("createFbaShipments", "POST FbaShipment/create", fba_shipments.create, inferred="the first status"),
    Route("getFbaShipment", "GET FbaShipment/get", fba_shipments.get, also="POST"),
    Route("listFbaShipments", "GET FbaShipment/list", fba_shipments.list_, inferred="the widest window"),
    Route("getFbaShipmentItemList", "GET FbaShipmentItem/getFbaShipmentItemList", fba_shipments.list_items),
    Route("assignFbaInventoryReferenceNumber", "GET FbaWarehouseInventory/assignReferenceNumber", fba_inventories.assign_reference, inferred=_METHOD, also="POST"),
    Route("updateFbaInventoryRemark", "GET FbaWarehouseInventory/updateRemark", fba_inventories.update_remark, inferred=_METHOD, also="POST"),
    Route("getFbaWarehouseInventoryList", "GET FbaWarehouseInventory/getFbaWarehouseInventoryList", fba_inventories.list_, inferred="one row for each warehouse"),
    Route("createFbaInstructions", "POST FbaInstruction/create", fba_instructions.create, inferred="when stock is claimed"),
    Route("listFbaInstructions", "GET FbaInstruction/list", fba_instructions.list_, inferred="the widest window"),
    Route("getFbaInstructionItemList", "GET FbaInstructionItem/getFbaInstructionItemList", fba_instructions.list_items),
    Route("getFbaInstructionDispose", "GET FbaInstructionDispose/get", fba_instructions.getter("DIS")),
    Route("getFbaInstructionOthers", "GET FbaInstructionOthers/get", fba_instructions.getter("OTH")),
    Route("getFbaInstructionRecall", "GET FbaInstructionRecall/get", fba_instructions.getter("RCL"), inferred="fbaInstructionRecallId"),
    Route("getFbaInstructionReplenish", "GET FbaInstructionReplenish/get", fba_instructions.getter("RPS"), inferred="replenishStatusCode"),
    Route("updateFbaInstructionReplenishShippingInfo", "POST FbaInstructionReplenish/updateShippingInfo", fba_instructions.update_shipping_info, inferred="replenishStatusCode"),
    Route("assignFbaInstructionReplenishNewFnsku", "POST FbaInstructionReplenish/assignNewFnsku", fba_instructions.assign_new_fnsku, inferred="that the operation exists: its page is not published"),
    Route("getFbaInstructionRestock", "GET FbaInstructionRestock/get", fba_instructions.getter("RSK"), inferred=_METHOD, also="POST"),
)  # fmt: skip

_CONSOLIDATIONS: Final = (
    Route("createConsolidateShippingOrder", "POST order/create", consolidations.create),
    Route("addInventoryToConsolidateShippingOrder", "POST inventory/add", consolidations.add_inventories, inferred="the handling code meanwhile"),
    Route("removeInventoryFromConsolidateShippingOrder", "POST inventory/remove", consolidations.remove_inventories),
    Route("updateConsolidateShippingOrderShippingMethod", "POST order/updateShippingMethod", consolidations.update_method),
    Route("updateConsolidateShippingOrderShipTo", "POST order/updateShipToInformation", consolidations.update_ship_to),
    Route("confirmConsolidateShippingOrder", "POST order/confirm", consolidations.confirm),
    Route("cancelConsolidateShippingOrder", "POST order/cancel", consolidations.cancel, inferred=_STATE),
)  # fmt: skip

_PUBLIC: Final = (
    Route("getApiInfo", "GET account/getApiInfo", lookups.get_api_info, inferred="apiTypeCode"),
    Route("getAllBoxTypes", "GET boxtype/getAllBoxTypes", _list("getAllBoxTypes")),
    Route("getAllCountries", "GET country/getAllCountries", _list("getAllCountries")),
    Route("getAllFromCountries", "GET country/getAllFromCountries", _list("getAllFromCountries")),
    Route("getAllCurrencies", "GET currency/getAllCurrencies", _list("getAllCurrencies")),
    Route("getAllDimensionUoms", "GET dimensionuom/getAllDimensionUoms", _list("getAllDimensionUoms")),
    Route("getAllHandlings", "GET handling/getAllHandlings", _list("getAllHandlings")),
    Route("getAllHandlingFeeTypes", "GET handlingfeetype/getAllHandlingFeeTypes", _list("getAllHandlingFeeTypes"), inferred=_NO_CODES),
    Route("getAllHandlingStatus", "GET handlingstatus/getAllHandlingStatus", _list("getAllHandlingStatus")),
    Route("getAllLabelStatus", "GET labelstatus/getAllLabelStatus", _list("getAllLabelStatus")),
    Route("getAllMarType", "GET martype/getAllMarType", _list("getAllMarType"), inferred=_NO_CODES),
    Route("getAllRefundStatus", "GET refundstatus/getAllRefundStatus", _list("getAllRefundStatus"), inferred=_NO_CODES),
    Route("getAllResendStatus", "GET resendstatus/getAllResendStatus", _list("getAllResendStatus")),
    Route("getAllReturnRequestSourceTypes", "GET returnrequestsourcetype/getAllReturnRequestSourceTypes", _list("getAllReturnRequestSourceTypes"), inferred=_NUMBERS),
    Route("getAllReturnRequestStatus", "GET returnrequeststatus/getAllReturnRequestStatus", _list("getAllReturnRequestStatus"), inferred=_NUMBERS),
    Route("getAllServiceType", "GET servicetype/getAllServiceType", _list("getAllServiceType")),
    Route("getAllShipmentStatus", "GET shipment/getAllShipmentStatus", _list("getAllShipmentStatus"), inferred=_NUMBERS),
    Route("getAllShipmentCostTypes", "GET shipment/getAllShipmentCostTypes", _list("getAllShipmentCostTypes"), inferred=_NO_CODES),
    Route("getAllTransactionType", "GET transactiontype/getAllTransactionType", _list("getAllTransactionType"), inferred=_NO_CODES),
    Route("getAllUnknownShipmentStatus", "GET unknownshipmentstatus/getAllUnknownShipmentStatus", _list("getAllUnknownShipmentStatus"), inferred=_NO_CODES),
    Route("getAllVas", "GET vas/getAllVas", _list("getAllVas")),
    Route("getAllVasStatus", "GET vasStatus/getAllVasStatus", _list("getAllVasStatus")),
    Route("getAllWeightUom", "GET weightuom/getAllWeightUom", _list("getAllWeightUom")),
    Route("calculateBuyerShipmentCost", "POST shipment/calculateBuyerShipmentCost", shipments.calculate_cost, inferred="the keys of costDetails"),
    Route("getPreSignedUploadUrl", "GET file/GetPreSignedUploadUrl", files.get_upload_url),
)  # fmt: skip


def _below(base: str, routes: tuple[Route, ...]) -> Iterator[Route]:
    for route in routes:
        yield attrs.evolve(route, request=f"{route.method} {base}{route.path}")


ROUTES: Final = (
    *_below("/user/api/", _USER),
    *_below("/user/api/Fba/", _FBA),
    *_below("/user/api/outbound/ConsolidateShipping/", _CONSOLIDATIONS),
    *_below("/public/api/", _PUBLIC),
)


def _requests() -> Iterator[tuple[tuple[str, str], tuple[Route, bool]]]:
    for route in ROUTES:
        yield (route.method, route.path.lower()), (route, bool(route.inferred))
        if route.also:
            yield (route.also, route.path.lower()), (route, True)


BY_REQUEST: Final = dict(_requests())
"""By method and path in lower case: the operation, and whether what it says to such a request is inferred."""

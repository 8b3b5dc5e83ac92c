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
    """An operation: `method` is the documented one, `also` another that some page prints for it.

    `inferred` says what of a successful response the vendor does not document; empty if all is documented but values
    that are made up anyway, such as prices.
    """

    operation: str
    method: str
    path: str
    handler: Handler
    also: str = ""
    inferred: str = ""


_NO_CODES: Final = "the codes: none is published"
_UNPUBLISHED: Final = "that the operation exists: the page is not published"
_STATE: Final = "the handling code afterwards"


def _lookup(operation: str, path: str, inferred: str = "") -> Route:
    return Route(
        operation, "GET", f"/public/api/{path}", lookups.LOOKUPS[operation].respond, inferred=inferred
    )


def _user() -> Iterator[Route]:
    """Yield the operations of the User API, in the order of the catalog."""
    for method, operation, path, handler in (
        ("GET", "getApiBalance", "ApiBalance/GetApiBalance", balances.get),
        ("GET", "getAllWarehouse", "warehouse/getAllWarehouse", warehouses.list_),
        ("GET", "getWarehouseByFromCountry", "warehouse/getWarehouseByFromCountry", warehouses.list_by_from_country),
        ("GET", "getWarehouse", "warehouse/getWarehouse", warehouses.get),
        ("GET", "getShippingFeeListByFromShippingOption", "Shipment/getShippingFeeListByFromShippingOption",
         shipments.list_shipping_fees),
        ("GET", "getAvailableShipmentServiceType", "Shipment/getAvailableShipmentServiceType", service_types.available),
        ("GET", "getAllReturnServiceType", "ServiceType/getAllReturnServiceType", service_types.list_return_services),
        ("GET", "getServiceTypeByFromToCountry", "servicetype/getServiceTypeByFromToCountry",
         service_types.list_by_countries),
        ("GET", "getServiceTypeByFromCountryAndWarehouse", "servicetype/getServiceTypeByFromCountryAndWarehouse",
         service_types.list_by_warehouse),
        ("GET", "listShipments", "Shipment/list", shipments.list_),
        ("POST", "createLabel", "Label/CreateLabel", labels.create),
        ("POST", "cancelLabel", "Label/CancelLabel", labels.cancel),
        ("POST", "createReturnShipment", "ReturnShipment/createReturnShipment", return_shipments.create),
        ("POST", "createReturnRequest", "returnrequest/createReturnRequest", return_requests.create),
        ("POST", "editReturnRequest", "returnrequest/editReturnRequest", return_requests.edit),
        ("GET", "getReturnRequest", "returnrequest/getReturnRequest", return_requests.get),
        ("POST", "updateReturnRequestRemark", "returnrequest/updateRemark", return_requests.update_remark),
        ("POST", "createVas", "returnrequest/createVas", vas.create_legacy),
        ("GET", "listReturnInventories", "ReturnInventory/list", return_inventories.list_),
        ("GET", "getReturnInventory", "ReturnInventory/GetReturnInventory", return_inventories.get),
        ("GET", "getReturnInventoryByLineItemId", "returninventory/getReturnInventoryByLineItemId",
         return_inventories.get_by_line_item),
        ("POST", "updateReturnInventoryHandling", "ReturnInventory/UpdateReturnInventoryHandling",
         return_inventories.update_handling),
        ("POST", "assignReturnInventorySku", "returninventory/assignReturnInventorySku", return_inventories.assign_sku),
        ("GET", "getShippingFeeListByToShippingOption", "Resend/getShippingFeeListByToShippingOption",
         resends.list_shipping_fees),
        ("POST", "createResend", "Resend/createResend", resends.create),
        ("GET", "getResend", "resend/getResend", resends.get),
        ("POST", "createRecallByReturnInventoryId", "Recall/createRecallByReturnInventoryId", recalls.create),
        ("POST", "createRecall", "Recall/createRecall", recalls.create_legacy),
        ("POST", "createVasByReturnInventoryId", "Vas/CreateByReturnInventoryId", vas.create),
    ):  # fmt: skip
        yield Route(operation, method, f"/user/api/{path}", handler)
    for operation, path, handler in (
        ("cancelReturnInventoryHandling", "ReturnInventory/CancelReturnInventoryHandling",
         return_inventories.cancel_handling),
        ("cancelResend", "Resend/cancelResend", resends.cancel),
        ("cancelRecall", "Recall/cancelRecall", recalls.cancel),
        ("cancelRecallByReturnInventoryId", "Recall/cancelRecallByReturnInventoryId", recalls.cancel_by_inventory),
    ):  # fmt: skip
        yield Route(operation, "POST", f"/user/api/{path}", handler, inferred=_STATE)


def _fba() -> Iterator[Route]:
    """Yield the operations on FBA shipments, stock and instructions."""
    for operation, method, path, handler, also, inferred in (
        ("createFbaShipments", "POST", "FbaShipment/create", fba_shipments.create, "", "the first status"),
        ("getFbaShipment", "GET", "FbaShipment/get", fba_shipments.get, "POST", ""),
        ("listFbaShipments", "GET", "FbaShipment/list", fba_shipments.list_, "", "the widest window"),
        ("getFbaShipmentItemList", "GET", "FbaShipmentItem/getFbaShipmentItemList", fba_shipments.list_items, "", ""),
        ("assignFbaInventoryReferenceNumber", "GET", "FbaWarehouseInventory/assignReferenceNumber",
         fba_inventories.assign_reference, "POST", "which method it takes"),
        ("updateFbaInventoryRemark", "GET", "FbaWarehouseInventory/updateRemark", fba_inventories.update_remark,
         "POST", "which method it takes"),
        ("getFbaWarehouseInventoryList", "GET", "FbaWarehouseInventory/getFbaWarehouseInventoryList",
         fba_inventories.list_, "", "one row for each warehouse"),
        ("createFbaInstructions", "POST", "FbaInstruction/create", fba_instructions.create, "",
         "when stock is claimed"),
        ("listFbaInstructions", "GET", "FbaInstruction/list", fba_instructions.list_, "", "the widest window"),
        ("getFbaInstructionItemList", "GET", "FbaInstructionItem/getFbaInstructionItemList",
         fba_instructions.list_items, "", ""),
        ("getFbaInstructionDispose", "GET", "FbaInstructionDispose/get", fba_instructions.getter("DIS"), "", ""),
        ("getFbaInstructionOthers", "GET", "FbaInstructionOthers/get", fba_instructions.getter("OTH"), "", ""),
        ("getFbaInstructionRecall", "GET", "FbaInstructionRecall/get", fba_instructions.getter("RCL"), "",
         "fbaInstructionRecallId"),
        ("getFbaInstructionReplenish", "GET", "FbaInstructionReplenish/get", fba_instructions.getter("RPS"), "",
         "replenishStatusCode"),
        ("updateFbaInstructionReplenishShippingInfo", "POST", "FbaInstructionReplenish/updateShippingInfo",
         fba_instructions.update_shipping_info, "", "replenishStatusCode"),
        ("assignFbaInstructionReplenishNewFnsku", "POST", "FbaInstructionReplenish/assignNewFnsku",
         fba_instructions.assign_new_fnsku, "", _UNPUBLISHED),
        ("getFbaInstructionRestock", "GET", "FbaInstructionRestock/get", fba_instructions.getter("RSK"), "POST",
         "which method it takes"),
    ):  # fmt: skip
        yield Route(operation, method, f"/user/api/Fba/{path}", handler, also, inferred)


def _consolidations() -> Iterator[Route]:
    """Yield the operations of consolidated shipping."""
    for operation, path, handler, inferred in (
        ("createConsolidateShippingOrder", "order/create", consolidations.create, ""),
        ("addInventoryToConsolidateShippingOrder", "inventory/add", consolidations.add_inventories,
         "the handling code meanwhile"),
        ("removeInventoryFromConsolidateShippingOrder", "inventory/remove", consolidations.remove_inventories, ""),
        ("updateConsolidateShippingOrderShippingMethod", "order/updateShippingMethod", consolidations.update_method, ""),
        ("updateConsolidateShippingOrderShipTo", "order/updateShipToInformation", consolidations.update_ship_to, ""),
        ("confirmConsolidateShippingOrder", "order/confirm", consolidations.confirm, ""),
        ("cancelConsolidateShippingOrder", "order/cancel", consolidations.cancel, _STATE),
    ):  # fmt: skip
        yield Route(
            operation, "POST", f"/user/api/outbound/ConsolidateShipping/{path}", handler, inferred=inferred
        )


def _public() -> Iterator[Route]:
    """Yield the operations of the Public API."""
    yield Route(
        "getApiInfo", "GET", "/public/api/account/getApiInfo", lookups.get_api_info, inferred="apiTypeCode"
    )
    for operation, path, inferred in (
        ("getAllBoxTypes", "boxtype", ""),
        ("getAllCountries", "country", ""),
        ("getAllFromCountries", "country", ""),
        ("getAllCurrencies", "currency", ""),
        ("getAllDimensionUoms", "dimensionuom", ""),
        ("getAllHandlings", "handling", ""),
        ("getAllHandlingFeeTypes", "handlingfeetype", _NO_CODES),
        ("getAllHandlingStatus", "handlingstatus", ""),
        ("getAllLabelStatus", "labelstatus", ""),
        ("getAllMarType", "martype", _NO_CODES),
        ("getAllRefundStatus", "refundstatus", _NO_CODES),
        ("getAllResendStatus", "resendstatus", ""),
        ("getAllReturnRequestSourceTypes", "returnrequestsourcetype", "what the numbers mean"),
        ("getAllReturnRequestStatus", "returnrequeststatus", "what the numbers mean"),
        ("getAllServiceType", "servicetype", ""),
        ("getAllShipmentStatus", "shipment", "what the numbers mean"),
        ("getAllShipmentCostTypes", "shipment", _NO_CODES),
        ("getAllTransactionType", "transactiontype", _NO_CODES),
        ("getAllUnknownShipmentStatus", "unknownshipmentstatus", _NO_CODES),
        ("getAllVas", "vas", ""),
        ("getAllVasStatus", "vasStatus", ""),
        ("getAllWeightUom", "weightuom", ""),
    ):
        yield _lookup(operation, f"{path}/{operation}", inferred)
    yield Route(
        "calculateBuyerShipmentCost",
        "POST",
        "/public/api/shipment/calculateBuyerShipmentCost",
        shipments.calculate_cost,
        inferred="the keys of costDetails",
    )
    yield Route(
        "getPreSignedUploadUrl", "GET", "/public/api/file/GetPreSignedUploadUrl", files.get_upload_url
    )


ROUTES: Final = (*_user(), *_fba(), *_consolidations(), *_public())


def _requests() -> Iterator[tuple[tuple[str, str], tuple[Route, bool]]]:
    for route in ROUTES:
        yield (route.method, route.path.lower()), (route, bool(route.inferred))
        if route.also:
            yield (route.also, route.path.lower()), (route, True)


BY_REQUEST: Final = dict(_requests())
"""By method and path in lower case: the operation, and whether what it says to such a request is inferred."""

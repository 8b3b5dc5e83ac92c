"""Each refusal of the catalogs' rules is provoked, and names the member that it is about."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal

import aiohttp
import attrs
import pytest

from returnhelper import ReturnHelper
from returnhelper._wire import encode
from returnhelper.emulator import Emulator
from tests.support.coverage_fba import SHIP_TO
from tests.support.emulator_rules import Api, mark
from tests.support.emulator_states import (
    BUYER,
    BY_ID,
    LISTS,
    METHOD,
    ORDER,
    PARCEL,
    REQUEST,
    ULID,
    UNKNOWN,
    WINDOW,
    Members,
    add_to_confirmed,
    add_too_many,
    at,
    busy,
    confirmed,
    consolidation,
    disposed,
    empty_order,
    fba,
    given,
    good,
    inventory_of_another_order,
    inventory_of_another_warehouse,
    label_of_a_return_shipment,
    late_label,
    legacy_vas,
    legacy_vas_off_hold,
    new,
    of,
    other_type,
    packed_inventory,
    packed_resend,
    recalled,
    relabel_started,
    relabel_unknown,
    request_of_a_return_shipment,
    request_with_label,
    resend,
    resend_from_two_warehouses,
    resend_of_unknown,
    resend_with_service,
    resend_with_service_of_another_warehouse,
    sent_order,
    sent_recall_id,
    sent_recall_inventory,
    services,
    shipping,
    started,
    started_replenishment,
    too_many_units,
    tracking_in_use,
    vas,
    vas_twice,
)
from tests.support.emulator_world import World

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@attrs.frozen
class Refusal:
    """A rule that a request breaks, and the member that the refusal names."""

    operation: str
    rule: str
    member: str
    build: Callable[[World], Awaitable[Members]]
    code: str = "VALIDATION_FAILED"


R = Refusal
ITEM = "shipment.parcel.items.0"
TABLE = (
    R("getWarehouse", "a non-numeric", "warehouseId", given(warehouseId="invalid")),
    R("getWarehouseByFromCountry", "countryCode is", "countryCode", given(countryCode="USA")),
    *(
        R("getShippingFeeListByFromShippingOption", "numeric inputs", name,
          given(**{"fromCountryCode": "usa", "fromPostalCode": "1", "weight": "5", name: "0"}))
        for name in ("weight", "dimension1", "dimension2", "dimension3")
    ),
    *(R(op, "createFrom and createTo", "createFrom", given(**WINDOW | {"createFrom": "1/1/26"})) for op in LISTS[:2]),
    *(R(op, "createFrom and createTo", "createTo", given(**WINDOW | {"createTo": None})) for op in LISTS[:2]),
    *(R(op, "[inferred] createFrom", "createFrom", given(**WINDOW | {"createFrom": None})) for op in LISTS[2:]),
    R("listShipments", "window capped", "createTo", given(**WINDOW | {"createTo": "2026-04-02"})),
    R("listShipments", "a wider window", "createTo", given(**WINDOW | {"createTo": "2026-04-02"})),
    R("listReturnInventories", "window at most 62", "createTo", given(**WINDOW | {"createTo": "2026-03-06"})),
    *(R(op, "[inferred] Over-wide", "createTo", given(**WINDOW | {"createTo": "2026-04-02"})) for op in LISTS[2:]),
    *(
        R(op, "pageSize 1", member, given(**WINDOW | {member: value}))
        for op in LISTS
        for member, value in (("pageSize", 0), ("pageSize", 51), ("offset", -1))
    ),
    R("createLabel", "shipment must belong", "shipmentId", label_of_a_return_shipment),
    R("createLabel", "shipment must belong", "shipmentId", given(shipmentId=1)),
    R("cancelLabel", "labels carry", "labelId", late_label),
    R("cancelLabel", "labelId comes from", "labelId", given(labelId=1)),
    R("createReturnShipment", "totalValue must", "totalValue", at(ORDER, "totalValue", Decimal("19.91"))),
    R("createReturnShipment", "totalValue must", "totalValue", at(ORDER, "totalValue", 0)),
    R("createReturnShipment", "parcel.weight", "shipment.parcel.weight", at(ORDER, "shipment.parcel.weight", 501)),
    R("createReturnShipment", "weights in g", "shipment.parcel.length", at(ORDER, "shipment.parcel.length", 0)),
    R("createReturnShipment", "weights in g", "shipment.parcel.weightUnit", at(ORDER, "shipment.parcel.weightUnit", "kg")),
    R("createReturnShipment", "weights in g", "shipment.parcel.dimensionUnit",
      at(ORDER, "shipment.parcel.dimensionUnit", "in")),
    R("createReturnShipment", "weights in g", "shipment.parcel.items[0].weightUom", at(ORDER, f"{ITEM}.weightUom", "oz")),
    R("createReturnShipment", "country codes", "shipment.shipFrom.country", at(ORDER, "shipment.shipFrom.country", "US")),
    R("createReturnShipment", "country codes", "serviceTypeCode", at(ORDER, "serviceTypeCode", "others")),
    R("createReturnShipment", "country codes", "serviceTypeCode", at(ORDER, "serviceTypeCode", "rm")),
    R("createReturnShipment", "country codes", "shipment.shipToWarehouseId", at(ORDER, "shipment.shipToWarehouseId", 99)),
    R("createReturnShipment", "customFieldMap", "shipment.customFieldMap",
      at(ORDER, "shipment.customFieldMap", {str(n): "x" for n in range(25)})),
    R("createReturnShipment", "customFieldMap", "shipment.customFieldMap", at(ORDER, "shipment.customFieldMap", {"a": 1})),
    *(
        R("createReturnShipment", "sellerReferenceNumber at", member, at(ORDER, path, text))
        for path, member in (
            ("sellerReferenceNumber", "sellerReferenceNumber"),
            ("shipment.sellerReferenceNumber", "shipment.sellerReferenceNumber"),
            (f"{ITEM}.sellerReferenceNumber", "shipment.parcel.items[0].sellerReferenceNumber"),
        )
        for text in ("x" * 51, "a b", "a\u200bb", "a\tb", "\ufeffa")
    ),
    R("createReturnShipment", "since 2025-03-01", "returnRequestNumber", at(ORDER, "returnRequestNumber", "R1")),
    R("createReturnShipment", "since 2025-03-01", "shipment.shipmentNumber", at(ORDER, "shipment.shipmentNumber", "S1")),
    R("createReturnShipment", "since 2025-03-01", "shipment.parcel.items[0].returnRequestLineItemNumber",
      at(ORDER, f"{ITEM}.returnRequestLineItemNumber", "RL1")),
    R("createReturnRequest", "exactly one", "returnRequestLineItems", at(REQUEST, "returnRequestLineItems", [])),
    R("createReturnRequest", "exactly one", "returnRequestLineItems", at(REQUEST, "returnRequestLineItems",
      json.loads(encode(REQUEST))["returnRequestLineItems"] * 2)),
    R("createReturnRequest", "totalValue above", "totalValue", at(REQUEST, "totalValue", 0)),
    R("createReturnRequest", "totalValue above", "totalValueCurrency", at(REQUEST, "totalValueCurrency", "USD")),
    R("createReturnRequest", "returnRequestFrom", "returnRequestFrom", at(REQUEST, "returnRequestFrom", "me")),
    R("createReturnRequest", "weightUom g", "shipment.weightUom", at(REQUEST, "shipment.weightUom", "kg")),
    R("createReturnRequest", "weightUom g", "shipment.dimensionUom", at(REQUEST, "shipment.dimensionUom", "in")),
    R("createReturnRequest", "weightUom g", "shipment.dimension2", at(REQUEST, "shipment.dimension2", 0)),
    R("createReturnRequest", "objectName-Number", "returnRequestNumber", at(REQUEST, "returnRequestNumber", "R1")),
    R("editReturnRequest", "only while", "returnRequestId", request_with_label),
    R("editReturnRequest", "return shipments made", "returnRequestId", request_of_a_return_shipment),
    R("createReturnShipment", "not editable", "returnRequestId", request_of_a_return_shipment),
    R("createVas", "line item must", "returnRequestLineItemId",
      legacy_vas_off_hold),
    *(
        R("createVas", "metaQuantity", "createVasPayloadList[0].createVasDetailList[0].metaQuantity",
          legacy_vas({"vasCode": code, "metaQuantity": quantity}))
        for code, quantity in (("split-parcel", None), ("split-parcel", 51), ("req-pic", 0))
    ),
    R("createVas", "vasFileList only", "createVasPayloadList[0].createVasDetailList[0].vasFileList",
      legacy_vas({"vasCode": "repack", "vasFileList": [{"filename": "a", "fileKey": "b"}]})),
    R("updateReturnInventoryHandling", "inventory must exist", "returnInventoryId",
      given(returnInventoryId=1, handlingCode="ohd")),
    *(
        R("updateReturnInventoryHandling", "handlingCode must", "handlingCode", of(good, handlingCode=code))
        for code in ("rsd", "tbc", "nonsense")
    ),
    *(R("getAllHandlings", "rsd and tbc", "handlingCode", of(good, handlingCode=code)) for code in ("rsd", "tbc")),
    R("getAllHandlings", "UpdateReturnInventoryHandling accepts", "handlingCode", of(good, handlingCode="x")),
    R("updateReturnInventoryHandling", "refused while a VAS", "returnInventoryId", of(busy, handlingCode="dsp")),
    R("updateReturnInventoryHandling", "refused while a VAS", "returnInventoryId", of(busy, handlingCode="ohd")),
    R("updateReturnInventoryHandling", "other transitions", "returnInventoryId", of(disposed, handlingCode="oth")),
    R("updateReturnInventoryHandling", "other transitions", "returnInventoryId", of(started, handlingCode="ohd")),
    R("updateReturnInventoryHandling", "empty id", "returnInventoryId", given(handlingCode="ohd")),
    R("cancelReturnInventoryHandling", "only while", "returnInventoryId", of(started)),
    R("cancelReturnInventoryHandling", "only while", "returnInventoryId", of(recalled)),
    R("createResend", "all inventories exist", "returnInventoryIdList", resend_of_unknown),
    R("createResend", "all inventories exist", "returnInventoryIdList", resend_from_two_warehouses),
    R("createResend", "each must be able", "returnInventoryIdList", resend(disposed)),
    R("createResend", "none may have", "returnInventoryIdList", resend(busy)),
    R("createResend", "each must be physically", "returnInventoryIdList", resend(recalled)),
    R("createResend", "list non-empty", "returnInventoryIdList", given(returnInventoryIdList=[])),
    R("createResend", "list non-empty", "returnInventoryIdList", given(returnInventoryIdList=list(range(1, 11)))),
    R("createResend", "service type must", "resendShipment.shipmentServiceType", resend_with_service),
    R("getAvailableShipmentServiceType", "resend (outbound)", "resendShipment.shipmentServiceType", resend_with_service),
    R("createResend", "service type must", "shipmentServiceType", resend_with_service_of_another_warehouse),
    R("createResend", "cancel only", "resendId", packed_resend),
    R("cancelResend", "works only while", "resendId", packed_resend),
    *(
        R(op, "1 to 100 ids", "returnInventoryIdList", given(returnInventoryIdList=ids))
        for op in ("createRecallByReturnInventoryId", "createRecall")
        for ids in ([], list(range(1, 102)))
    ),
    R("createRecallByReturnInventoryId", "inventories exist", "returnInventoryIdList", given(returnInventoryIdList=[1])),
    R("createRecallByReturnInventoryId", "validation failures name", "jobEntryList", given(returnInventoryIdList=[1])),
    R("createRecallByReturnInventoryId", "current status", "returnInventoryIdList", of(disposed, "returnInventoryIdList")),
    R("createRecallByReturnInventoryId", "none already", "returnInventoryIdList", of(recalled, "returnInventoryIdList")),
    R("createRecallByReturnInventoryId", "none with pending", "returnInventoryIdList", of(busy, "returnInventoryIdList")),
    R("createRecall", "preconditions", "returnInventoryIdList", of(recalled, "returnInventoryIdList")),
    R("cancelRecall", "only pending", "recallIdList", sent_recall_id),
    R("cancelRecallByReturnInventoryId", "only while", "returnInventoryIdList", sent_recall_inventory),
    R("cancelRecallByReturnInventoryId", "list size", "returnInventoryIdList",
      given(returnInventoryIdList=list(range(1, 102)))),
    R("createVasByReturnInventoryId", "createVasList non-empty", "createVasList", given(createVasList=[])),
    R("createVasByReturnInventoryId", "createVasList non-empty", "createVasList[1].returnInventoryId", vas_twice),
    R("createVasByReturnInventoryId", "each inventory exists", "returnInventoryId",
      given(**services(1, {"vasCode": "repack"}))),
    R("createVasByReturnInventoryId", "each inventory exists", "returnInventoryId", vas(new)),
    R("createVasByReturnInventoryId", "vasCode from", "createVasList[0].createVasDetailList[0].vasCode",
      vas(good, {"vasCode": "nonsense"})),
    R("getAllVas", "VAS creation", "createVasList[0].createVasDetailList[0].vasCode", vas(good, {"vasCode": "nonsense"})),
    *(
        R("createVasByReturnInventoryId", "split-parcel must be", "createVasList[0].createVasDetailList[0].vasCode",
          vas(good, {"vasCode": code, "metaQuantity": 2}, {"vasCode": "repack"}))
        for code in ("split-parcel", "SPLIT_PARCEL")
    ),
    R("createVasByReturnInventoryId", "vasFileList allowed", "createVasList[0].createVasDetailList[0].vasFileList",
      vas(good, {"vasCode": "repack", "vasFileList": [{"filename": "a", "fileKey": "b"}]})),
    R("getPreSignedUploadUrl", "Files are allowed", "createVasList[0].createVasDetailList[0].vasFileList",
      vas(good, {"vasCode": "repack", "vasFileList": [{"filename": "a", "fileKey": "b"}]})),
    *(
        R("createVasByReturnInventoryId", "metaQuantity", "createVasList[0].createVasDetailList[0].metaQuantity",
          vas(good, {"vasCode": code, "metaQuantity": quantity}))
        for code, quantity in (("split-parcel", 0), ("split-parcel", 51), ("req-pic", None))
    ),
    R("createVasByReturnInventoryId", "inventory stays", "returnInventoryId", of(busy, handlingCode="oth")),
    R("createVasByReturnInventoryId", "inventory stays", "returnInventoryIdList", resend(busy)),
    R("createVasByReturnInventoryId", "inventory stays", "returnInventoryIdList", of(busy, "returnInventoryIdList")),
    *(
        R("createFbaShipments", "trackingNumber: non-empty", "createFbaShipmentPayloadList[0].trackingNumber",
          given(**fba(trackingNumber=text)))
        for text in ("", "a\nb", "a b", "x" * 51)
    ),
    R("createFbaShipments", "trackingNumber unique", "trackingNumber", tracking_in_use, "TRACKING_ALREADY_EXIST"),
    R("createFbaShipments", "trackingNumber unique", "trackingNumber",
      given(createFbaShipmentPayloadList=[PARCEL, PARCEL]), "TRACKING_ALREADY_EXIST"),
    *(
        R("createFbaShipments", "removalOrderId:", "createFbaShipmentPayloadList[0].removalOrderId",
          given(**fba(removalOrderId=text)))
        for text in ("", "a\nb", "x" * 51)
    ),
    R("createFbaShipments", "Within a batch", "createFbaShipmentPayloadList[1].removalOrderId",
      given(createFbaShipmentPayloadList=[PARCEL, PARCEL | {"trackingNumber": "2", "warehouseId": 3}])),
    R("createFbaShipments", "warehouseId must", "createFbaShipmentPayloadList[0].warehouseId", given(**fba(warehouseId=99))),
    *(R(op, "The identifier", member, given(**{member: UNKNOWN})) for op, member in BY_ID.items()),
    *(R(op, "[inferred] Unknown", member, given(**{member: UNKNOWN})) for op, member in BY_ID.items()),
    *(
        R(op, "Stock line", "fnsku", given(warehouseId=2, fnsku="X9", referenceNumber="R", remark="R"))
        for op in ("assignFbaInventoryReferenceNumber", "updateFbaInventoryRemark")
    ),
    R("createFbaInstructions", "Every fnskuList", "fnskuList[1].warehouseId", given(fbaInstructionHandlingCode="DIS",
      fnskuList=[{"warehouseId": n, "fnsku": "X", "quantity": 1} for n in (2, 3)])),
    R("createFbaInstructions", "quantity must", "quantity", too_many_units),
    *(
        R(f"getFbaInstruction{name}", "Only valid", "fbaInstructionId", other_type(code))
        for name, code in (
            ("Dispose", "OTH"), ("Others", "DIS"), ("Recall", "DIS"), ("Replenish", "DIS"), ("Restock", "DIS"),
        )
    ),
    R("updateFbaInstructionReplenishShippingInfo", "Only while", "fbaInstructionId", started_replenishment),
    R("updateFbaInstructionReplenishShippingInfo", "provideLabel true", "fileKey", shipping(provideLabel=True, filename="a")),
    R("updateFbaInstructionReplenishShippingInfo", "provideLabel true", "filename", shipping(filename="a")),
    R("updateFbaInstructionReplenishShippingInfo", "newShipmentCountryCode", "newShipmentCountryCode",
      shipping(newShipmentCountryCode="USA")),
    R("assignFbaInstructionReplenishNewFnsku", "[inferred] Only", "fbaInstructionId", relabel_started),
    R("assignFbaInstructionReplenishNewFnsku", "Maps each", "oldFnsku", relabel_unknown),
    R("createConsolidateShippingOrder", "shippingMethod is", "shippingMethod", given(**consolidation(shippingMethod="ROCKET"))),
    R("createConsolidateShippingOrder", "outboundWarehouseId fixes", "outboundWarehouseId",
      given(**consolidation(outboundWarehouseId=99))),
    R("addInventoryToConsolidateShippingOrder", "At most 500", "returnInventoryIdList", add_too_many),
    R("addInventoryToConsolidateShippingOrder", "Each inventory", "returnInventoryIdList", inventory_of_another_warehouse),
    R("addInventoryToConsolidateShippingOrder", "[inferred] Order must", "consolidateShippingOrderId", add_to_confirmed),
    R("addInventoryToConsolidateShippingOrder", "[inferred] Order must", "returnInventoryIdList", inventory_of_another_order),
    R("removeInventoryFromConsolidateShippingOrder", "[inferred] Only", "consolidateShippingOrderId", packed_inventory),
    R("updateConsolidateShippingOrderShippingMethod", "Same four", "shippingMethod",
      given(consolidateShippingOrderId=ULID, shippingMethod="ROCKET")),
    R("updateConsolidateShippingOrderShippingMethod", "[inferred] Only", "consolidateShippingOrderId",
      confirmed(shippingMethod=METHOD)),
    R("updateConsolidateShippingOrderShipTo", "[inferred] Only", "consolidateShippingOrderId",
      confirmed(shipTo=json.loads(encode(SHIP_TO)))),
    R("updateConsolidateShippingOrderShipTo", "shipTo is", "shipTo.shipToCity",
      given(consolidateShippingOrderId=ULID, shipTo={"shipToCountry": "usa"})),
    R("confirmConsolidateShippingOrder", "[inferred] Needs", "consolidateShippingOrderId", empty_order),
    R("confirmConsolidateShippingOrder", "[inferred] Needs", "consolidateShippingOrderId", confirmed()),
    R("cancelConsolidateShippingOrder", "[inferred] Not", "consolidateShippingOrderId", sent_order),
    *(
        R("calculateBuyerShipmentCost", "warehouseId,", name, given(**BUYER | {name: None}))
        for name in ("warehouseId", "shipmentServiceType", "shipmentCountryCode", "weight")
    ),
)  # fmt: skip

# Where the call that is refused is another than the one that has the rule.
CALLED = {
    ("createReturnShipment", "not editable"): "editReturnRequest",
    ("getAllHandlings", "rsd and tbc"): "updateReturnInventoryHandling",
    ("getAllHandlings", "UpdateReturnInventoryHandling accepts"): "updateReturnInventoryHandling",
    ("getAvailableShipmentServiceType", "resend (outbound)"): "createResend",
    ("createResend", "cancel only"): "cancelResend",
    ("getAllVas", "VAS creation"): "createVasByReturnInventoryId",
    ("getPreSignedUploadUrl", "Files are allowed"): "createVasByReturnInventoryId",
}
STAYS = ("updateReturnInventoryHandling", "createResend", "createRecallByReturnInventoryId")

for _case in TABLE:
    mark("test_refusal", _case.operation, _case.rule)


def called(case: Refusal) -> str:
    """Return the operation to call."""
    if case.rule == "inventory stays":
        number = [other for other in TABLE if other.rule == case.rule].index(case)
        return STAYS[number]
    return CALLED.get((case.operation, case.rule), case.operation)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: f"{case.operation}: {case.rule}: {case.member}")
async def test_refusal(case: Refusal, emu: Emulator, rh: ReturnHelper) -> None:
    """A request that breaks a rule gets HTTP 200 with meta.status 400, the code, and a message under its member."""
    async with aiohttp.ClientSession() as http:
        members = await case.build(World(emu, rh))
        before = emu.account.balance
        body, headers = await Api(emu, http).call_with_headers(called(case), **members)
    meta = body["meta"]
    assert (meta["status"], meta["errorCode"]) == (400, case.code)
    assert case.member in meta["error"]
    assert set(body) == {"correlationId", "meta"}
    assert emu.account.balance == before
    inferred = case.rule in {"labels carry", "quantity must", "[inferred] Needs", "[inferred] Unknown"}
    assert not inferred or headers["x-emulated"] == "inferred"

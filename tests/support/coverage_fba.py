"""How to call every operation of FBA, consolidated shipping and the Public API: with everything, and with the least."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from returnhelper import ReturnHelper
from returnhelper.models.consolidations import ShipToAddress
from returnhelper.models.fba_instructions import CreateFbaInstructionSku, UpdateShippingInfo
from returnhelper.models.fba_shipments import CreateFbaShipment
from returnhelper.models.lookups import BuyerShipment

Invocation = Callable[[ReturnHelper], Awaitable[object] | AsyncIterable[object]]


class SampleCall(NamedTuple):
    """One operation, called in full and with the least."""

    complete: Invocation
    minimal: Invocation


SINCE = datetime(2024, 3, 1, tzinfo=UTC)
UNTIL = datetime(2024, 3, 31, tzinfo=UTC)
ID = UUID("0b9f5c1e-1111-4222-8333-000000000001")
ORDER = "01J5BQ9Y7B2Z3X4C5V6N7M8P9Q"

SHORT_SHIP_TO = ShipToAddress(
    ship_to_contact_name="Ann Lee",
    ship_to_company_name="Shoes Ltd",
    ship_to_phone="2015550123",
    ship_to_email="ann@example.com",
    ship_to_street1="1 Main St",
    ship_to_city="Edison",
    ship_to_state="NJ",
    ship_to_postal_code="08817",
    ship_to_country="usa",
)
SHIP_TO = ShipToAddress(
    ship_to_contact_name="Ann Lee",
    ship_to_company_name="Shoes Ltd",
    ship_to_phone="2015550123",
    ship_to_fax="2015550124",
    ship_to_email="ann@example.com",
    ship_to_street1="1 Main St",
    ship_to_street2="Apt 2",
    ship_to_street3="Rear",
    ship_to_city="Edison",
    ship_to_state="NJ",
    ship_to_postal_code="08817",
    ship_to_country="usa",
    ship_to_type="Business",
)
SHIPPING_INFO = UpdateShippingInfo(
    fba_instruction_id=ID,
    new_shipment_reference_id="R-1",
    new_shipment_fba_name="EWR4",
    new_shipment_street1="50 New Canton Way",
    new_shipment_street2="Dock 1",
    new_shipment_street3="Rear",
    new_shipment_city="Robbinsville",
    new_shipment_state="NJ",
    new_shipment_postal_code="08691",
    new_shipment_country_code="usa",
    provide_label=True,
    filename="label.pdf",
    file_key="rr/api/files/2024/10/x/label.pdf",
)
SHORT_SHIPPING_INFO = UpdateShippingInfo(
    fba_instruction_id=str(ID),
    new_shipment_reference_id="R-1",
    new_shipment_fba_name="EWR4",
    new_shipment_street1="50 New Canton Way",
    new_shipment_street2="Dock 1",
    new_shipment_city="Robbinsville",
    new_shipment_state="NJ",
    new_shipment_postal_code="08691",
)
SHORT_BUYER_SHIPMENT = BuyerShipment(
    warehouse_id=2, shipment_service_type="ups_nj", shipment_country_code="usa", weight=Decimal(500)
)
BUYER_SHIPMENT = BuyerShipment(
    warehouse_id=2,
    shipment_service_type="ups_nj",
    shipment_country_code="usa",
    weight=Decimal("500.5"),
    weight_uom="g",
    dimension1=Decimal("30.0"),
    dimension2=Decimal("20.1"),
    dimension3=Decimal("10.2"),
    dimension_uom="cm",
    box_type="cus",
    cost=Decimal("1.20"),
    cost_currency_code="usd",
    is_rr_label=True,
    reference_number="R-1",
    receive_date_str="2024-03-01",
    shipment_id=1,
    return_request_id=2,
    label_id=3,
    shipment_status_code="no-label",
    shipment_name="Ann Lee",
    shipment_phone="2015550123",
    shipment_fax="2015550124",
    shipment_email="ann@example.com",
    shipment_street1="1 Main St",
    shipment_street2="Apt 2",
    shipment_street3="Rear",
    shipment_state="NJ",
    shipment_city="Edison",
    shipment_postal_code="08817",
    create_on=SINCE,
    create_by="a",
    create_on_str="2024-03-01",
    modify_on=UNTIL,
    modify_by="b",
    modify_on_str="2024-03-31",
)


def _plain(call: Invocation) -> SampleCall:
    """Name the call of an operation that takes nothing."""
    return SampleCall(call, call)


_FBA = {
    "createFbaShipments": SampleCall(
        lambda rh: rh.fba_shipments.create(
            [CreateFbaShipment(removal_order_id="WS-1", tracking_number="1Z_9-A", warehouse_id=2)]
        ),
        lambda rh: rh.fba_shipments.create(
            [CreateFbaShipment(removal_order_id="WS-1", tracking_number="1Z_9-A", warehouse_id=2)]
        ),
    ),
    "getFbaShipment": SampleCall(
        lambda rh: rh.fba_shipments.get(ID), lambda rh: rh.fba_shipments.get(str(ID))
    ),
    "listFbaShipments": SampleCall(
        lambda rh: rh.fba_shipments.list(created_from=SINCE, created_to=UNTIL, page_size=20),
        lambda rh: rh.fba_shipments.list(created_from=SINCE, created_to=UNTIL),
    ),
    "getFbaShipmentItemList": SampleCall(
        lambda rh: rh.fba_shipments.list_items(ID), lambda rh: rh.fba_shipments.list_items(str(ID))
    ),
    "assignFbaInventoryReferenceNumber": _plain(
        lambda rh: rh.fba_inventories.assign_reference_number(2, fnsku="X001", reference_number="R-1")
    ),
    "updateFbaInventoryRemark": _plain(
        lambda rh: rh.fba_inventories.update_remark(2, fnsku="X001", remark="top shelf")
    ),
    "getFbaWarehouseInventoryList": _plain(lambda rh: rh.fba_inventories.list("X001")),
    "createFbaInstructions": _plain(
        lambda rh: rh.fba_instructions.create(
            "RCL", fnsku_list=[CreateFbaInstructionSku(warehouse_id=2, fnsku="X001", quantity=3)]
        )
    ),
    "listFbaInstructions": SampleCall(
        lambda rh: rh.fba_instructions.list(created_from=SINCE, created_to=UNTIL, page_size=20),
        lambda rh: rh.fba_instructions.list(created_from=SINCE, created_to=UNTIL),
    ),
    "getFbaInstructionItemList": _plain(lambda rh: rh.fba_instructions.list_items(ID)),
    "getFbaInstructionDispose": _plain(lambda rh: rh.fba_instructions.get_dispose(ID)),
    "getFbaInstructionOthers": _plain(lambda rh: rh.fba_instructions.get_others(ID)),
    "getFbaInstructionRecall": _plain(lambda rh: rh.fba_instructions.get_recall(ID)),
    "getFbaInstructionReplenish": _plain(lambda rh: rh.fba_instructions.get_replenish(ID)),
    "getFbaInstructionRestock": _plain(lambda rh: rh.fba_instructions.get_restock(ID)),
    "updateFbaInstructionReplenishShippingInfo": SampleCall(
        lambda rh: rh.fba_instructions.update_replenish_shipping_info(SHIPPING_INFO),
        lambda rh: rh.fba_instructions.update_replenish_shipping_info(SHORT_SHIPPING_INFO),
    ),
    "assignFbaInstructionReplenishNewFnsku": _plain(
        lambda rh: rh.fba_instructions.assign_replenish_new_fnsku(ID, new_fnsku={"X001": "X002"})
    ),
}

_CONSOLIDATIONS = {
    "createConsolidateShippingOrder": SampleCall(
        lambda rh: rh.consolidations.create(
            2,
            shipping_method="SEA_FREIGHT",
            ship_to=SHIP_TO,
            delivery_instructions="ring twice",
            custom_field_map={"order": "7"},
        ),
        lambda rh: rh.consolidations.create(2, shipping_method="SEA_FREIGHT", ship_to=SHORT_SHIP_TO),
    ),
    "addInventoryToConsolidateShippingOrder": _plain(
        lambda rh: rh.consolidations.add_inventories(ORDER, return_inventory_id_list=[1, 2])
    ),
    "removeInventoryFromConsolidateShippingOrder": _plain(
        lambda rh: rh.consolidations.remove_inventories(ORDER, return_inventory_id_list=[1])
    ),
    "updateConsolidateShippingOrderShippingMethod": _plain(
        lambda rh: rh.consolidations.update_shipping_method(ORDER, shipping_method="AIR_FREIGHT")
    ),
    "updateConsolidateShippingOrderShipTo": SampleCall(
        lambda rh: rh.consolidations.update_ship_to(ORDER, ship_to=SHIP_TO),
        lambda rh: rh.consolidations.update_ship_to(ORDER, ship_to=SHORT_SHIP_TO),
    ),
    "confirmConsolidateShippingOrder": _plain(lambda rh: rh.consolidations.confirm(ORDER)),
    "cancelConsolidateShippingOrder": _plain(lambda rh: rh.consolidations.cancel(ORDER)),
}

_PUBLIC = {
    "getPreSignedUploadUrl": _plain(
        lambda rh: rh.files.get_pre_signed_upload_url("how to.txt", mime_type="text/plain")
    ),
    "calculateBuyerShipmentCost": SampleCall(
        lambda rh: rh.lookups.calculate_buyer_shipment_cost(BUYER_SHIPMENT),
        lambda rh: rh.lookups.calculate_buyer_shipment_cost(SHORT_BUYER_SHIPMENT),
    ),
    "getApiInfo": _plain(lambda rh: rh.lookups.get_api_info()),
    "getAllBoxTypes": _plain(lambda rh: rh.lookups.list_box_types()),
    "getAllCountries": _plain(lambda rh: rh.lookups.list_countries()),
    "getAllFromCountries": _plain(lambda rh: rh.lookups.list_from_countries()),
    "getAllCurrencies": _plain(lambda rh: rh.lookups.list_currencies()),
    "getAllDimensionUoms": _plain(lambda rh: rh.lookups.list_dimension_uoms()),
    "getAllHandlings": _plain(lambda rh: rh.lookups.list_handlings()),
    "getAllHandlingFeeTypes": _plain(lambda rh: rh.lookups.list_handling_fee_types()),
    "getAllHandlingStatus": _plain(lambda rh: rh.lookups.list_handling_statuses()),
    "getAllLabelStatus": _plain(lambda rh: rh.lookups.list_label_statuses()),
    "getAllMarType": _plain(lambda rh: rh.lookups.list_mar_types()),
    "getAllRefundStatus": _plain(lambda rh: rh.lookups.list_refund_statuses()),
    "getAllResendStatus": _plain(lambda rh: rh.lookups.list_resend_statuses()),
    "getAllReturnRequestSourceTypes": _plain(lambda rh: rh.lookups.list_return_request_source_types()),
    "getAllReturnRequestStatus": _plain(lambda rh: rh.lookups.list_return_request_statuses()),
    "getAllServiceType": _plain(lambda rh: rh.lookups.list_service_types()),
    "getAllShipmentStatus": _plain(lambda rh: rh.lookups.list_shipment_statuses()),
    "getAllShipmentCostTypes": _plain(lambda rh: rh.lookups.list_shipment_cost_types()),
    "getAllTransactionType": _plain(lambda rh: rh.lookups.list_transaction_types()),
    "getAllUnknownShipmentStatus": _plain(lambda rh: rh.lookups.list_unknown_shipment_statuses()),
    "getAllVas": _plain(lambda rh: rh.lookups.list_vas()),
    "getAllVasStatus": _plain(lambda rh: rh.lookups.list_vas_statuses()),
    "getAllWeightUom": _plain(lambda rh: rh.lookups.list_weight_uoms()),
}

CALLS: dict[str, SampleCall] = _FBA | _CONSOLIDATIONS | _PUBLIC

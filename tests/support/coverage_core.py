"""How to call every operation of the core catalog: with everything it takes, and with as little as it needs."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal

from returnhelper import ReturnHelper
from returnhelper.models import return_requests as rr
from returnhelper.models import return_shipments as rs
from returnhelper.models.resends import CreateResendRequest, CreateResendShipment
from returnhelper.models.shipments import Shipment
from returnhelper.models.vas import CreateLineItemVas, CreateVas, CreateVasDetail, VasFile

SampleCall = Callable[[ReturnHelper], Awaitable[object] | AsyncIterable[object]]

SINCE = datetime(2024, 3, 1, tzinfo=UTC)
UNTIL = datetime(2024, 3, 31, tzinfo=UTC)

ADDRESS = {
    "shipment_country_code": "usa",
    "shipment_name": "Ann Lee",
    "shipment_phone": "2015550123",
    "shipment_fax": "2015550124",
    "shipment_email": "ann@example.com",
    "shipment_street1": "1 Main St",
    "shipment_street2": "Apt 2",
    "shipment_street3": "Rear",
    "shipment_state": "NJ",
    "shipment_city": "Edison",
    "shipment_postal_code": "08817",
}
_NEEDED = ("country_code", "name", "phone", "street1", "state", "city", "postal_code")
SHORT_ADDRESS = {f"shipment_{name}": ADDRESS[f"shipment_{name}"] for name in _NEEDED}


def return_shipment(*, complete: bool = True) -> rs.CreateReturnShipmentRequest:
    """Build an order of a return shipment that keeps every limit."""
    sender = {
        "phone": "2015550123",
        "email": "ann@example.com",
        "fax": "2015550124",
        "street2": "Apt 2",
        "street3": "Rear",
    }
    fields = {"seller_reference_number": "SKU-#1_(a)", "custom_field_map": {"order": "7"}}
    return rs.CreateReturnShipmentRequest(
        service_type_code="ups_nj" if complete else "ups",
        order_title="Shoes",
        order_number="O-1",
        total_value=Decimal("30.30"),
        total_value_currency="usd",
        shipment=rs.ReturnShipmentPayload(
            ship_from=rs.ShipFrom(
                country="usa",
                contact_name="Ann Lee",
                street1="1 Main St",
                state="tx",
                city="Austin",
                postal_code="73301",
                **(sender if complete else {}),
            ),
            ship_to_warehouse_id=2,
            parcel=rs.Parcel(
                weight=Decimal(700),
                length=Decimal("30.5"),
                width=Decimal(20),
                height=Decimal(10),
                items=tuple(
                    rs.ParcelItem(
                        description="Shoe",
                        weight=Decimal(350),
                        value=Decimal("15.15"),
                        value_currency_code="usd",
                        **(fields if complete else {}),
                    )
                    for _ in ("left", "right")
                ),
            ),
            **(fields if complete else {}),
        ),
        **({"seller_reference_number": "R-1", "remarks": "mind the step"} if complete else {}),
    )


def return_request(*, complete: bool = True) -> rr.CreateReturnRequestRequest:
    """Build a return request of the deprecated form."""
    reference = {"seller_reference_number": "R-1"} if complete else {}
    cost = {"cost": Decimal("9.90"), "cost_currency_code": "usd"} if complete else {}
    return rr.CreateReturnRequestRequest(
        return_title="Shoes",
        total_value=Decimal("15.15"),
        shipment=rr.CreateReturnRequestShipment(
            warehouse_id=2,
            shipment_service_type="ups_nj",
            weight=Decimal(350),
            dimension1=Decimal(30),
            dimension2=Decimal(20),
            dimension3=Decimal(10),
            **(ADDRESS if complete else SHORT_ADDRESS),
            **cost,
            **reference,
        ),
        return_request_line_items=(
            rr.CreateReturnRequestLineItem(
                description="Shoe", weight=Decimal(350), value=Decimal("15.15"), **reference
            ),
        ),
        **({"remarks": "none"} if complete else {}),
        **reference,
    )


def edited_request() -> rr.EditReturnRequestRequest:
    """Build a change of everything."""
    return rr.EditReturnRequestRequest(
        return_request_id=11,
        return_title="Boots",
        total_value=Decimal("20.00"),
        total_value_currency="usd",
        remarks="none",
        seller_reference_number="R-2",
        shipment=Shipment(
            **ADDRESS,
            shipment_id=1,
            api_id=2,
            return_request_id=3,
            label_id=4,
            api_transaction_id=5,
            warehouse_id=6,
            shipment_number="S240112-0000001",
            seller_reference_number="S-1",
            reference_number="O-1",
            shipment_status_code="no-label",
            shipment_service_type="ups_nj",
            cost_currency_code="usd",
            cost=Decimal("9.90"),
            charge_type_code="noCharge",
            chargeable_weight=Decimal(400),
            box_type="cus",
            weight=Decimal(350),
            weight_uom="g",
            dimension1=Decimal(30),
            dimension2=Decimal(20),
            dimension3=Decimal(10),
            dimension_uom="cm",
            is_rr_label=True,
            receive_date=SINCE,
            receive_date_str="2024-03-01",
            create_on=SINCE,
            create_by="1",
            create_on_str="2024-03-01",
            modify_on=SINCE,
            modify_by="1",
            modify_on_str="2024-03-01",
        ),
        return_request_line_items=(
            rr.EditReturnRequestLineItem(
                return_request_line_item_id=5,
                description="Boot",
                weight=Decimal(400),
                weight_uom="g",
                value_currency_code="usd",
                value=Decimal("20.00"),
            ),
        ),
    )


def resend(*, complete: bool = True) -> CreateResendRequest:
    """Build a resend of two inventories."""
    return CreateResendRequest(
        return_inventory_id_list=(19078, 19079) if complete else (19078,),
        resend_shipment=CreateResendShipment(
            shipment_service_type="usps", **(ADDRESS if complete else SHORT_ADDRESS)
        ),
        **({"description": "exchange", "remarks": "gift wrap"} if complete else {}),
    )


SPLIT = CreateVasDetail(
    vas_code="split-parcel",
    notes="two shoes",
    meta_quantity=2,
    vas_file_list=(VasFile(filename="how.txt", file_key="rr/api/files/2024/01/x/how.txt"),),
)
REPACK = CreateVasDetail(vas_code="repack")

SIZES = {name: Decimal("10.5") for name in ("weight", "dimension1", "dimension2", "dimension3")}

CALLS: dict[str, tuple[SampleCall, SampleCall]] = {
    "getApiBalance": (lambda rh: rh.balances.list(page_size=50), lambda rh: rh.balances.list()),
    "getAllWarehouse": (lambda rh: rh.warehouses.list(), lambda rh: rh.warehouses.list()),
    "getWarehouseByFromCountry": (
        lambda rh: rh.warehouses.list_by_from_country("usa"),
        lambda rh: rh.warehouses.list_by_from_country(country_code="usa"),
    ),
    "getWarehouse": (lambda rh: rh.warehouses.get(2), lambda rh: rh.warehouses.get(warehouse_id=2)),
    "getShippingFeeListByFromShippingOption": (
        lambda rh: rh.shipments.list_shipping_fees(
            from_country_code="usa", from_postal_code="08817", **SIZES, limit=1
        ),
        lambda rh: rh.shipments.list_shipping_fees(
            from_country_code="usa", from_postal_code="08817", **SIZES
        ),
    ),
    "getAvailableShipmentServiceType": (
        lambda rh: rh.service_types.available(2),
        lambda rh: rh.service_types.available(warehouse_id=2),
    ),
    "getAllReturnServiceType": (lambda rh: rh.service_types.list(), lambda rh: rh.service_types.list()),
    "getServiceTypeByFromToCountry": (
        lambda rh: rh.service_types.list_by_from_to_country("usa", to_country="hkg"),
        lambda rh: rh.service_types.list_by_from_to_country(from_country="usa", to_country="hkg"),
    ),
    "getServiceTypeByFromCountryAndWarehouse": (
        lambda rh: rh.service_types.list_by_from_country_and_warehouse("usa", warehouse_id=2),
        lambda rh: rh.service_types.list_by_from_country_and_warehouse(from_country="usa", warehouse_id=2),
    ),
    "listShipments": (
        lambda rh: rh.shipments.list(created_from=SINCE, created_to=UNTIL, page_size=10),
        lambda rh: rh.shipments.list(created_from=SINCE, created_to=UNTIL),
    ),
    "createLabel": (lambda rh: rh.labels.create(1), lambda rh: rh.labels.create(shipment_id=1)),
    "cancelLabel": (lambda rh: rh.labels.cancel(1), lambda rh: rh.labels.cancel(label_id=1)),
    "createReturnShipment": (
        lambda rh: rh.return_shipments.create(return_shipment()),
        lambda rh: rh.return_shipments.create(return_shipment(complete=False)),
    ),
    "createReturnRequest": (
        lambda rh: rh.return_requests.create(return_request()),
        lambda rh: rh.return_requests.create(return_request(complete=False)),
    ),
    "editReturnRequest": (
        lambda rh: rh.return_requests.edit(edited_request()),
        lambda rh: rh.return_requests.edit(rr.EditReturnRequestRequest(return_request_id=11)),
    ),
    "getReturnRequest": (
        lambda rh: rh.return_requests.get(11),
        lambda rh: rh.return_requests.get(return_request_id=11),
    ),
    "updateReturnRequestRemark": (
        lambda rh: rh.return_requests.update_remark(11, remarks="new"),
        lambda rh: rh.return_requests.update_remark(11, remarks=None),
    ),
    "createVas": (
        lambda rh: rh.vas.create_legacy(
            [CreateLineItemVas(return_request_line_item_id=5, create_vas_detail_list=(SPLIT,))]
        ),
        lambda rh: rh.vas.create_legacy(
            [CreateLineItemVas(return_request_line_item_id=5, create_vas_detail_list=(REPACK,))]
        ),
    ),
    "listReturnInventories": (
        lambda rh: rh.return_inventories.list(created_from=SINCE, created_to=UNTIL, page_size=10),
        lambda rh: rh.return_inventories.list(created_from=SINCE, created_to=UNTIL),
    ),
    "getReturnInventory": (
        lambda rh: rh.return_inventories.get(19078),
        lambda rh: rh.return_inventories.get(return_inventory_id=19078),
    ),
    "getReturnInventoryByLineItemId": (
        lambda rh: rh.return_inventories.get_by_line_item_id(5),
        lambda rh: rh.return_inventories.get_by_line_item_id(line_item_id=5),
    ),
    "updateReturnInventoryHandling": (
        lambda rh: rh.return_inventories.update_handling(19078, "ohd"),
        lambda rh: rh.return_inventories.update_handling(return_inventory_id=19078, handling_code="dsp"),
    ),
    "cancelReturnInventoryHandling": (
        lambda rh: rh.return_inventories.cancel_handling(19078),
        lambda rh: rh.return_inventories.cancel_handling(return_inventory_id=19078),
    ),
    "assignReturnInventorySku": (
        lambda rh: rh.return_inventories.assign_sku(19078, sku="SKU-1"),
        lambda rh: rh.return_inventories.assign_sku(19078, sku=None),
    ),
    "getShippingFeeListByToShippingOption": (
        lambda rh: rh.resends.list_shipping_fees(
            [19078, 19079], to_country_code="usa", to_postal_code="08817"
        ),
        lambda rh: rh.resends.list_shipping_fees([19078], to_country_code="usa", to_postal_code="08817"),
    ),
    "createResend": (
        lambda rh: rh.resends.create(resend()),
        lambda rh: rh.resends.create(resend(complete=False)),
    ),
    "getResend": (lambda rh: rh.resends.get(7), lambda rh: rh.resends.get(resend_id=7)),
    "cancelResend": (lambda rh: rh.resends.cancel(7), lambda rh: rh.resends.cancel(resend_id=7)),
    "createRecallByReturnInventoryId": (
        lambda rh: rh.recalls.create(range(1, 101)),
        lambda rh: rh.recalls.create([19078]),
    ),
    "createRecall": (
        lambda rh: rh.recalls.create_legacy([19078, 19079]),
        lambda rh: rh.recalls.create_legacy((19078,)),
    ),
    "cancelRecall": (lambda rh: rh.recalls.cancel([3, 4]), lambda rh: rh.recalls.cancel([3])),
    "cancelRecallByReturnInventoryId": (
        lambda rh: rh.recalls.cancel(return_inventory_id_list=[19078, 19079]),
        lambda rh: rh.recalls.cancel(return_inventory_id_list=[19078]),
    ),
    "createVasByReturnInventoryId": (
        lambda rh: rh.vas.create(
            [
                CreateVas(return_inventory_id=19078, create_vas_detail_list=(SPLIT,)),
                CreateVas(return_inventory_id=19079, create_vas_detail_list=(SPLIT,)),
            ]
        ),
        lambda rh: rh.vas.create([CreateVas(return_inventory_id=19078, create_vas_detail_list=(REPACK,))]),
    ),
}

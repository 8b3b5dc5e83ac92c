"""Shipments: list them, price them, and receive their parcels."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from returnhelper.emulator import events
from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.entities import Dimensions, Inventory, Label, Sender, Shipment
from returnhelper.emulator.forms import shipments as forms
from returnhelper.emulator.ledger import CURRENCY
from returnhelper.emulator.network import RETURN_SERVICES, WAREHOUSES
from returnhelper.emulator.return_shipments import add, identify
from returnhelper.emulator.warehouses import entity

_MAX_DAYS = 90


def list_(account: Account, request: ApiRequest) -> Payload:
    """GET Shipment/list."""
    return account.page(request.query, account.shipments, forms.row, max_days=_MAX_DAYS)


def list_shipping_fees(_: Account, request: ApiRequest) -> Payload:
    """GET Shipment/getShippingFeeListByFromShippingOption: return services only, cheapest first."""
    query = request.query
    country, postal_code = query.country("fromCountryCode"), query.text("fromPostalCode")
    weight = query.decimal("weight")
    for name in ("dimension1", "dimension2", "dimension3"):
        if name in query.value:  # a sample omits them
            query.decimal(name)
    limit = query.integer("limit", least=0) if "limit" in query.value else 0
    query.check()
    details = [
        service.quote(code, country, postal_code, weight) | {"warehouseList": [entity(service.warehouse)]}
        for code, service in sorted(RETURN_SERVICES.items(), key=lambda pair: pair[1].base)
        if country in service.countries
    ]
    return {"data": {"shippingFeeDetailList": details[: limit or None]}}


def calculate_cost(_: Account, request: ApiRequest) -> Payload:
    """POST shipment/calculateBuyerShipmentCost: a quote, nothing is stored."""
    body = request.body
    warehouse = body.integer("warehouseId")
    service = body.code("shipmentServiceType", RETURN_SERVICES)
    country, weight = body.country("shipmentCountryCode"), body.decimal("weight")
    body.reject("shipmentNumber")
    if warehouse and warehouse not in WAREHOUSES:
        body.add("warehouseId", f"The value '{warehouse}' is not valid.")
    body.check()
    rate = RETURN_SERVICES[service].price(weight)
    return {
        "serviceTypeCode": service,
        "fromCountry": country,
        "toCountry": WAREHOUSES[warehouse].country,
        "currencyCode": CURRENCY,
        "rate": rate,
        "costDetails": {"shipping": rate},
    }


def receive(account: Account, shipment: Shipment, inventories: Sequence[Inventory], *, legacy: bool) -> None:
    """Publish the arrival of a parcel: the arrival, then each inventory with its pictures."""
    events.shipment_arrived(account, shipment, inventories, legacy=legacy)
    announce(account, inventories)


def announce(account: Account, inventories: Sequence[Inventory]) -> None:
    """Publish new inventories, and the pictures that were taken of them."""
    for inventory in inventories:
        events.inventory_created(account, inventory)
        if inventory.images:
            events.images_changed(account, inventory)


def add_unknown(
    account: Account,
    tracking_number: str,
    warehouse_id: int,
    *,
    weight: Decimal,
    dimensions: Dimensions,
    value: Decimal,
) -> Shipment:
    """Make the request and the shipment of a parcel that came without; both have the same number."""
    identity = identify(account, "UN", "UN")
    now, number = identity["created"], identity["shipment_number"]
    label = Label(account.new_id("label"), Decimal(0), now, now, "success", tracking_number, "N/A")
    shipment = Shipment(
        **identity,
        title="Unannounced parcel",
        order_number=None,
        request_reference=number,
        reference=number,
        remarks="",
        service="unkwn",
        warehouse_id=warehouse_id,
        sender=Sender(
            country=WAREHOUSES[warehouse_id].country,
            name="Unknown Sender",
            street1="1 Nowhere Lane",
            state="NA",
            city="Sampletown",
            postal_code="00000",
        ),
        items=[],
        weight=weight,
        dimensions=dimensions,
        value=value,
        currency=CURRENCY,
        cost=Decimal(0),
        labels=[label],
        unknown=True,
        received=now,
    )
    account.labels[label.label_id] = shipment
    add(account, shipment)
    return shipment

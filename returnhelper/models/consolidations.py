"""Consolidated shipping: many return inventories leave a warehouse as one order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from returnhelper._validation import CountryCode, Text
from returnhelper._wire import Model, model
from returnhelper.models.codes import (
    ConsolidateShippingBoxStatus,
    ConsolidateShippingInventoryStatus,
    ConsolidateShippingOrderStatus,
    ConsolidateShippingShipmentStatus,
    Handling,
    HandlingStatus,
    ShippingMethod,
)
from returnhelper.types import Rma


@model
class _Destination(Model):
    """Where a consolidated order goes, as it is read."""

    ship_to_country: str | None = None
    ship_to_contact_name: str | None = None
    ship_to_phone: str | None = None
    ship_to_fax: str | None = None
    ship_to_email: str | None = None
    ship_to_company_name: str | None = None
    ship_to_street1: str | None = None
    ship_to_street2: str | None = None
    ship_to_street3: str | None = None
    ship_to_city: str | None = None
    ship_to_state: str | None = None
    ship_to_postal_code: str | None = None


@model
class ShipTo(_Destination):
    """Destination of a consolidated order, as it is read; `ShipToAddress` is what is sent."""

    ship_to_type: str | None = None


@model
class ShipToAddress(Model):
    """Where a consolidated order goes; the country is ISO 3166 alpha-3 in lower case.

    ``ship_to_type`` is free text in practice, ``Business`` is usual.
    """

    ship_to_contact_name: Text
    ship_to_company_name: Text
    ship_to_phone: Text
    ship_to_fax: str | None = None
    ship_to_email: Text
    ship_to_street1: Text
    ship_to_street2: str | None = None
    ship_to_street3: str | None = None
    ship_to_city: Text
    ship_to_state: Text
    ship_to_postal_code: Text
    ship_to_country: CountryCode
    ship_to_type: Text = "Business"


@model
class ConsolidateShippingInventory(Model):
    """A return inventory on a consolidated order; only events carry its ``rma``."""

    consolidate_shipping_inventory_id: str
    consolidate_shipping_order_id: str | None = None
    return_inventory_id: int | None = None
    rma: Rma | None = None
    consolidate_shipping_inventory_status: ConsolidateShippingInventoryStatus | None = None


@model
class RemovedConsolidateShippingInventory(Model):
    """A return inventory taken off an order again: handling ``ohd``, status ``pending``."""

    return_inventory_id: int
    handling_code: Handling | None = None
    handling_status_code: HandlingStatus | None = None


@model
class ConsolidateShippingBox(Model):
    """A box of a consolidated shipment and what is in it."""

    consolidate_shipping_shipment_box_id: str
    box_number: str | None = None
    consolidate_shipping_shipment_box_status: ConsolidateShippingBoxStatus | None = None
    consolidate_shipping_inventory_list: tuple[ConsolidateShippingInventory, ...] = ()


@model
class ConsolidateShippingShipment(Model):
    """A shipment of a consolidated order.

    ``awb``, ``service_provider`` and ``ship_date`` come when it is sent. The order members are filled where an event is
    about the shipment, and absent where the shipment stands inside its order.
    """

    consolidate_shipping_order_id: str | None = None
    consolidate_shipping_order_number: str | None = None
    consolidate_shipping_order_status: ConsolidateShippingOrderStatus | None = None
    consolidate_shipping_shipment_id: str
    consolidate_shipping_shipment_number: str | None = None
    consolidate_shipping_shipment_status: ConsolidateShippingShipmentStatus | None = None
    outbound_warehouse_id: int | None = None
    awb: str | None = None
    service_provider: str | None = None
    ship_date: datetime | None = None
    custom_field_map: Mapping[str, str | None] | None = None
    box_list: tuple[ConsolidateShippingBox, ...] = ()


@model
class ConsolidateShippingOrder(_Destination):
    """A consolidated outbound order.

    Its id is a 26-character ULID, its number looks like ``CNS240813-0000001``. Operations return the destination as
    ``ship_to``; the fee event has ``ship_to_...`` members of its own. Only events carry fee, currency and shipments.
    """

    api_id: int | None = None
    warehouse_api_id: int | None = None
    consolidate_shipping_order_id: str
    consolidate_shipping_order_number: str | None = None
    consolidate_shipping_order_status: ConsolidateShippingOrderStatus | None = None
    outbound_warehouse_id: int | None = None
    shipping_method: ShippingMethod | None = None
    shipping_fee: Decimal | None = None
    currency_code: str | None = None
    delivery_instructions: str | None = None
    ship_to: ShipTo | None = None
    custom_field_map: Mapping[str, str | None] | None = None
    create_on: datetime | None = None
    modify_on: datetime | None = None
    shipment_list: tuple[ConsolidateShippingShipment, ...] = ()

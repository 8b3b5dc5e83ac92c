"""Consolidated shipping: an order was priced, packed, sent, completed or cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from returnhelper._wire import model
from returnhelper.models.consolidations import ConsolidateShippingOrder, ConsolidateShippingShipment
from returnhelper.webhooks.events._base import Event, PayloadAdapter, pairs_to_custom_fields


@model
class ConsolidateShippingOrderShippingFeeUpdated(Event):
    """The fee of a consolidated order was set or changed: `order.shipping_fee` in `order.currency_code`.

    Follows `consolidations.create` and a quote by the warehouse; the order can be confirmed now. The currency is upper
    case here and lower case in the other events.

    Source: webhook consolidateShippingOrderShippingFeeUpdated
    """

    action: str = "consolidateShippingOrderShippingFeeUpdated"
    order: ConsolidateShippingOrder

    _adapters: ClassVar[Mapping[str, PayloadAdapter]] = {"order": pairs_to_custom_fields}


@model
class ConsolidateShippingOrderInventoryAllPacked(Event):
    """Every item of a confirmed order is in a box; see `order.shipment_list` and its `box_list`.

    Source: webhook consolidateShippingOrderInventoryAllPacked
    """

    action: str = "consolidateShippingOrderInventoryAllPacked"
    order: ConsolidateShippingOrder

    _adapters: ClassVar[Mapping[str, PayloadAdapter]] = {"order": pairs_to_custom_fields}


@model
class ConsolidateShippingShipmentSent(Event):
    """The warehouse handed a shipment of an order to the carrier: `shipment.awb`, `shipment.service_provider`.

    Source: webhook consolidateShippingShipmentSent
    """

    action: str = "consolidateShippingShipmentSent"
    shipment: ConsolidateShippingShipment

    _adapters: ClassVar[Mapping[str, PayloadAdapter]] = {"shipment": pairs_to_custom_fields}


@model
class ConsolidateShippingShipmentShipped(Event):
    """The warehouse entered or corrected the air waybill of a shipment, `shipment.awb`, despite its name.

    Source: webhook consolidateShippingShipmentShipped
    """

    action: str = "consolidateShippingShipmentShipped"
    shipment: ConsolidateShippingShipment

    _adapters: ClassVar[Mapping[str, PayloadAdapter]] = {"shipment": pairs_to_custom_fields}


@model
class ConsolidateShippingOrderCompleted(Event):
    """All shipments of an order are out, and the warehouse completed it.

    Source: webhook consolidateShippingOrderCompleted
    """

    action: str = "consolidateShippingOrderCompleted"
    order: ConsolidateShippingOrder

    _adapters: ClassVar[Mapping[str, PayloadAdapter]] = {"order": pairs_to_custom_fields}


@model
class ConsolidateShippingOrderCancelled(Event):
    """The warehouse cancelled an order; whether a cancellation by the seller sends it is not documented.

    `order.consolidate_shipping_order_status` is `CANCELED`, with one L.

    Source: webhook consolidateShippingOrderCancelled
    """

    action: str = "consolidateShippingOrderCancelled"
    order: ConsolidateShippingOrder

    _adapters: ClassVar[Mapping[str, PayloadAdapter]] = {"order": pairs_to_custom_fields}

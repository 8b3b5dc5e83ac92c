"""Consolidated shipping: gather return inventories in an order, confirm it, let the warehouse pack and ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import FieldErrors
from returnhelper._wire import Model, model
from returnhelper.models.codes import Country, ShippingMethod
from returnhelper.models.consolidations import (
    ConsolidateShippingInventory,
    ConsolidateShippingOrder,
    RemovedConsolidateShippingInventory,
)
from returnhelper.resources._base import Resource


def _operation(controller: str, action: str) -> Operation:
    # The documents print both ConsolidateShipping and consolidateShipping; the casing of each page is kept.
    noun, verb = action.split("/")
    return Operation(
        f"ConsolidateShipping/{noun.capitalize()}/{verb[0].upper()}{verb[1:]}",
        "POST",
        f"/api/outbound/{controller}/{action}",
        payload=("data",),
        writes=True,
    )


_CREATE: Final = _operation("ConsolidateShipping", "order/create")
_ADD: Final = _operation("consolidateShipping", "inventory/add")
_REMOVE: Final = _operation("consolidateShipping", "inventory/remove")
_UPDATE_SHIPPING_METHOD: Final = _operation("ConsolidateShipping", "order/updateShippingMethod")
_UPDATE_SHIP_TO: Final = _operation("ConsolidateShipping", "order/updateShipToInformation")
_CONFIRM: Final = _operation("consolidateShipping", "order/confirm")
_CANCEL: Final = _operation("consolidateShipping", "order/cancel")

_MAX_INVENTORIES = 500
_METHODS: Final = tuple(str(method) for method in ShippingMethod.known())


@model
class ShipToAddress(Model):
    """Where a consolidated order goes; the country is ISO 3166 alpha-3 in lower case.

    ``ship_to_type`` is free text in practice, ``Business`` is usual.
    """

    ship_to_contact_name: str
    ship_to_company_name: str
    ship_to_phone: str
    ship_to_fax: str | None = None
    ship_to_email: str
    ship_to_street1: str
    ship_to_street2: str | None = None
    ship_to_street3: str | None = None
    ship_to_city: str
    ship_to_state: str
    ship_to_postal_code: str
    ship_to_country: Country | str
    ship_to_type: str = "Business"


class Consolidations(Resource):
    """Consolidated orders. Ids are 26-character ULIDs; every change answers the whole order."""

    async def create(
        self,
        outbound_warehouse_id: int,
        *,
        shipping_method: ShippingMethod | str,
        ship_to: ShipToAddress,
        delivery_instructions: str | None = None,
        custom_field_map: Mapping[str, str] | None = None,
        options: RequestOptions | None = None,
    ) -> ConsolidateShippingOrder:
        """Open a consolidated order (``CREATED``); then add inventories of that warehouse and confirm it.

        ``custom_field_map`` comes back in the order's events; at most 24 entries, the limit of returns, which is not
        stated again for orders (inferred).

        Source: ConsolidateShipping/Order/Create
        """
        self._built(ShipToAddress, ship_to=ship_to)
        problems = FieldErrors()
        problems.one_of("shippingMethod", shipping_method, *_METHODS)
        problems.country("shipTo.shipToCountry", ship_to.ship_to_country)
        problems.custom_fields("customFieldMap", custom_field_map)
        self._check(problems, options)
        body: dict[str, object] = {
            "outboundWarehouseId": outbound_warehouse_id,
            "shippingMethod": shipping_method,
            "shipTo": ship_to,
        }
        if delivery_instructions is not None:
            body["deliveryInstructions"] = delivery_instructions
        if custom_field_map is not None:
            body["customFieldMap"] = custom_field_map
        return await self._call(_CREATE, ConsolidateShippingOrder, body=body, options=options)

    async def add_inventories(
        self,
        consolidate_shipping_order_id: str,
        *,
        return_inventory_id_list: Sequence[int],
        options: RequestOptions | None = None,
    ) -> ResultList[ConsolidateShippingInventory]:
        """Put 1 to 500 return inventories on an order; each must lie in its outbound warehouse.

        Answers the inventories of this call, each ``PENDING``. The order must still be ``CREATED``, and an inventory
        on another order is refused (inferred).

        Source: ConsolidateShipping/Inventory/Add
        """
        body = self._inventories(
            consolidate_shipping_order_id, return_inventory_id_list, _MAX_INVENTORIES, options
        )
        return await self._items(_ADD, ConsolidateShippingInventory, body=body, options=options)

    async def remove_inventories(
        self,
        consolidate_shipping_order_id: str,
        *,
        return_inventory_id_list: Sequence[int],
        options: RequestOptions | None = None,
    ) -> ResultList[RemovedConsolidateShippingInventory]:
        """Take return inventories off an order, back to handling ``ohd`` and status ``pending``.

        Answers the inventories of this call. Only before packing starts (inferred).

        Source: ConsolidateShipping/Inventory/Remove
        """
        body = self._inventories(consolidate_shipping_order_id, return_inventory_id_list, None, options)
        return await self._items(_REMOVE, RemovedConsolidateShippingInventory, body=body, options=options)

    async def update_shipping_method(
        self,
        consolidate_shipping_order_id: str,
        *,
        shipping_method: ShippingMethod | str,
        options: RequestOptions | None = None,
    ) -> ConsolidateShippingOrder:
        """Change how an order travels; before it is confirmed (inferred).

        Source: ConsolidateShipping/Order/UpdateShippingMethod
        """
        problems = FieldErrors()
        problems.one_of("shippingMethod", shipping_method, *_METHODS)
        self._check(problems, options)
        body = {
            "consolidateShippingOrderId": consolidate_shipping_order_id,
            "shippingMethod": shipping_method,
        }
        return await self._call(_UPDATE_SHIPPING_METHOD, ConsolidateShippingOrder, body=body, options=options)

    async def update_ship_to(
        self,
        consolidate_shipping_order_id: str,
        *,
        ship_to: ShipToAddress,
        options: RequestOptions | None = None,
    ) -> ConsolidateShippingOrder:
        """Replace the destination of an order, whole and not in parts; before it is confirmed (inferred).

        Source: ConsolidateShipping/Order/UpdateShipToInformation
        """
        self._built(ShipToAddress, ship_to=ship_to)
        problems = FieldErrors()
        problems.country("shipTo.shipToCountry", ship_to.ship_to_country)
        self._check(problems, options)
        body = {"consolidateShippingOrderId": consolidate_shipping_order_id, "shipTo": ship_to}
        return await self._call(_UPDATE_SHIP_TO, ConsolidateShippingOrder, body=body, options=options)

    async def confirm(
        self, consolidate_shipping_order_id: str, *, options: RequestOptions | None = None
    ) -> ConsolidateShippingOrder:
        """Hand an order over for quoting and packing (``CONFIRMED``).

        It needs an inventory and the status ``CREATED`` (inferred). Customer service then agrees the price outside
        the API. consolidateShippingOrderShippingFeeUpdated, consolidateShippingOrderInventoryAllPacked,
        consolidateShippingShipmentSent and consolidateShippingOrderCompleted follow in about this order;
        consolidateShippingShipmentShipped tells a changed air waybill, in spite of its name.

        Source: ConsolidateShipping/Order/Confirm
        """
        body = {"consolidateShippingOrderId": consolidate_shipping_order_id}
        return await self._call(_CONFIRM, ConsolidateShippingOrder, body=body, options=options)

    async def cancel(
        self, consolidate_shipping_order_id: str, *, options: RequestOptions | None = None
    ) -> ConsolidateShippingOrder:
        """Cancel an order (``CANCELED``), not once anything has shipped (inferred).

        Its inventories go back to ``ohd`` and ``pending`` (inferred). consolidateShippingOrderCancelled tells of a
        cancellation by the warehouse; whether it follows this call as well is not documented.

        Source: ConsolidateShipping/Order/Cancel
        """
        body = {"consolidateShippingOrderId": consolidate_shipping_order_id}
        return await self._call(_CANCEL, ConsolidateShippingOrder, body=body, options=options)

    def _inventories(
        self, order_id: str, ids: Sequence[int], most: int | None, options: RequestOptions | None
    ) -> dict[str, object]:
        problems = FieldErrors()
        problems.identifiers("returnInventoryIdList", ids, most)
        self._check(problems, options)
        return {"consolidateShippingOrderId": order_id, "returnInventoryIdList": list(ids)}

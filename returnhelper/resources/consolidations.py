"""Consolidated shipping: gather return inventories in an order, confirm it, let the warehouse pack and ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import (
    CustomFields,
    EntityId,
    EntityIds,
    Entries,
    OneOf,
    Parameters,
    Ulid,
    WarehouseId,
)
from returnhelper.models.codes import ShippingMethod
from returnhelper.models.consolidations import (
    ConsolidateShippingInventory,
    ConsolidateShippingOrder,
    RemovedConsolidateShippingInventory,
    ShipToAddress,
)
from returnhelper.resources._base import Resource

_Method = Annotated[ShippingMethod | str, OneOf(*map(str, ShippingMethod.known()))]


def _operation(controller: str, action: str, params: Parameters) -> Operation:
    # The documents print both ConsolidateShipping and consolidateShipping; the casing of each page is kept.
    noun, verb = action.split("/")
    return Operation(
        f"ConsolidateShipping/{noun.capitalize()}/{verb[0].upper()}{verb[1:]}",
        "POST",
        f"/api/outbound/{controller}/{action}",
        payload=("data",),
        params=params,
    )


_ORDER: Final = Parameters(consolidate_shipping_order_id=Ulid)

_CREATE: Final = _operation(
    "ConsolidateShipping",
    "order/create",
    Parameters(
        outbound_warehouse_id=WarehouseId,
        shipping_method=_Method,
        ship_to=ShipToAddress,
        delivery_instructions=str | None,
        custom_field_map=CustomFields | None,
    ),
)
_ADD: Final = _operation(
    "consolidateShipping",
    "inventory/add",
    Parameters(
        consolidate_shipping_order_id=Ulid,
        return_inventory_id_list=Annotated[Sequence[EntityId], Entries(1, 500)],
    ),
)
_REMOVE: Final = _operation(
    "consolidateShipping",
    "inventory/remove",
    Parameters(consolidate_shipping_order_id=Ulid, return_inventory_id_list=EntityIds),
)
_UPDATE_SHIPPING_METHOD: Final = _operation(
    "ConsolidateShipping",
    "order/updateShippingMethod",
    Parameters(consolidate_shipping_order_id=Ulid, shipping_method=_Method),
)
_UPDATE_SHIP_TO: Final = _operation(
    "ConsolidateShipping",
    "order/updateShipToInformation",
    Parameters(consolidate_shipping_order_id=Ulid, ship_to=ShipToAddress),
)
_CONFIRM: Final = _operation("consolidateShipping", "order/confirm", _ORDER)
_CANCEL: Final = _operation("consolidateShipping", "order/cancel", _ORDER)


class Consolidations(Resource):
    """Consolidated orders. Their ids are ULIDs of 26 characters; most changes return the whole order."""

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
        return await self._one(
            _CREATE,
            ConsolidateShippingOrder,
            options,
            outbound_warehouse_id=outbound_warehouse_id,
            shipping_method=shipping_method,
            ship_to=ship_to,
            delivery_instructions=delivery_instructions,
            custom_field_map=custom_field_map,
        )

    async def add_inventories(
        self,
        consolidate_shipping_order_id: str,
        *,
        return_inventory_id_list: Sequence[int],
        options: RequestOptions | None = None,
    ) -> ResultList[ConsolidateShippingInventory]:
        """Put 1 to 500 return inventories on an order; each must lie in its outbound warehouse.

        Returns the inventories of this call, each ``PENDING``. The order must still be ``CREATED``, and an inventory
        on another order is refused (inferred).

        Source: ConsolidateShipping/Inventory/Add
        """
        return await self._many(
            _ADD,
            ConsolidateShippingInventory,
            options,
            consolidate_shipping_order_id=consolidate_shipping_order_id,
            return_inventory_id_list=return_inventory_id_list,
        )

    async def remove_inventories(
        self,
        consolidate_shipping_order_id: str,
        *,
        return_inventory_id_list: Sequence[int],
        options: RequestOptions | None = None,
    ) -> ResultList[RemovedConsolidateShippingInventory]:
        """Take return inventories off an order, back to handling ``ohd`` and status ``pending``.

        Returns the inventories of this call. Only before packing starts (inferred).

        Source: ConsolidateShipping/Inventory/Remove
        """
        return await self._many(
            _REMOVE,
            RemovedConsolidateShippingInventory,
            options,
            consolidate_shipping_order_id=consolidate_shipping_order_id,
            return_inventory_id_list=return_inventory_id_list,
        )

    async def update_shipping_method(
        self,
        consolidate_shipping_order_id: str,
        *,
        shipping_method: ShippingMethod | str,
        options: RequestOptions | None = None,
    ) -> ConsolidateShippingOrder:
        """Change the shipping method of an order, before it is confirmed (inferred).

        Source: ConsolidateShipping/Order/UpdateShippingMethod
        """
        return await self._one(
            _UPDATE_SHIPPING_METHOD,
            ConsolidateShippingOrder,
            options,
            consolidate_shipping_order_id=consolidate_shipping_order_id,
            shipping_method=shipping_method,
        )

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
        return await self._one(
            _UPDATE_SHIP_TO,
            ConsolidateShippingOrder,
            options,
            consolidate_shipping_order_id=consolidate_shipping_order_id,
            ship_to=ship_to,
        )

    async def confirm(
        self, consolidate_shipping_order_id: str, *, options: RequestOptions | None = None
    ) -> ConsolidateShippingOrder:
        """Hand an order over for quoting and packing (``CONFIRMED``).

        It needs an inventory and the status ``CREATED`` (inferred). Customer service then agrees the price outside
        the API. consolidateShippingOrderShippingFeeUpdated, consolidateShippingOrderInventoryAllPacked,
        consolidateShippingShipmentSent and consolidateShippingOrderCompleted follow in about this order;
        consolidateShippingShipmentShipped reports a changed air waybill, in spite of its name.

        Source: ConsolidateShipping/Order/Confirm
        """
        return await self._one(
            _CONFIRM,
            ConsolidateShippingOrder,
            options,
            consolidate_shipping_order_id=consolidate_shipping_order_id,
        )

    async def cancel(
        self, consolidate_shipping_order_id: str, *, options: RequestOptions | None = None
    ) -> ConsolidateShippingOrder:
        """Cancel an order (``CANCELED``), not once anything has shipped (inferred).

        Its inventories go back to ``ohd`` and ``pending`` (inferred). consolidateShippingOrderCancelled reports a
        cancellation by the warehouse; whether it also follows this call is not documented.

        Source: ConsolidateShipping/Order/Cancel
        """
        return await self._one(
            _CANCEL,
            ConsolidateShippingOrder,
            options,
            consolidate_shipping_order_id=consolidate_shipping_order_id,
        )

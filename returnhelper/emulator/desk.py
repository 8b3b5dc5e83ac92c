"""Warehouse: what people at the warehouse do, and the events that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Final, TypeVar
from uuid import UUID

import attrs

from returnhelper._arguments import POSITIVE, Range, checked
from returnhelper.emulator import (
    buyer_returns,
    consolidations,
    events,
    fba_instructions,
    fba_shipments,
    labels,
    prices,
    recalls,
    resends,
    return_inventories,
    shipments,
    vas,
)
from returnhelper.emulator.account import Account
from returnhelper.emulator.entities import (
    ConsolidatedShipment,
    Consolidation,
    FbaInstruction,
    FbaShipment,
    Inventory,
    Recall,
    Resend,
    Shipment,
)
from returnhelper.emulator.network import WAREHOUSES
from returnhelper.emulator.packages import Package, items_for, measured_as_ordered
from returnhelper.errors import ConfigurationError, format_value

_NO_PACKAGES: Final = "packages must not be empty; a parcel has at least one."

K = TypeVar("K")
R = TypeVar("R")


class Warehouse:
    """The warehouse desk: every method changes the state at once and queues the events that follow.

    Unknown ids, and steps that the state does not allow, raise `ConfigurationError`.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    # Labels and arrivals

    @checked
    def fail_label(self, error: str = "no response from the carrier") -> None:
        """Make the next label fail."""
        self._account.label_failures.append(error)

    @checked
    def rerun_label(self, shipment_id: int) -> int:
        """Make a failed label again: another label of the same shipment, then labelGenerated; return its id."""
        shipment = self._shipment(shipment_id)
        _require(shipment.label_status == "failed", f"Shipment {shipment_id} has no failed label.")
        return labels.request(self._account, shipment).label_id

    @checked
    def open_buyer_return(self, order_number: str = "BUYER-1", *, error: str | None = None) -> int:
        """Let a buyer open a return in the branded portal: buyerReturnLabelGenerated; return the shipment's id.

        With `error` its label fails. Only accounts with that service have such a portal.
        """
        return buyer_returns.open_return(self._account, order_number, error).shipment_id

    @checked
    def arrive(
        self,
        shipment_id: int,
        packages: Annotated[int | Sequence[Package], POSITIVE] = 1,
        *,
        legacy: bool = False,
    ) -> list[int]:
        """Receive a parcel: markShipmentArrive, then newInventoryCreated and changeLineItemImage for each package.

        `legacy` sends the older form of markShipmentArrive, without a version. Returns the inventory ids.
        """
        account, shipment = self._account, self._shipment(shipment_id)
        _require(packages, _NO_PACKAGES)
        if shipment.received is not None:
            raise ConfigurationError(f"Shipment {shipment_id} has arrived already; create another one.")
        measured = measured_as_ordered(shipment, packages) if isinstance(packages, int) else packages
        shipment.received = shipment.modified = account.clock()
        inventories = self._shelve(shipment, measured)
        shipments.receive(account, shipment, inventories, legacy=legacy)
        return [inventory.inventory_id for inventory in inventories]

    @checked
    def arrive_unknown(
        self,
        tracking_number: str = "EMU-UNKNOWN",
        *,
        warehouse_id: int = 2,
        packages: Annotated[int | Sequence[Package], POSITIVE] = 1,
    ) -> list[int]:
        """Assign an unannounced parcel to the account: assignUnknown, then newInventoryCreated; return the inventory ids."""
        account = self._account
        _require(packages, _NO_PACKAGES)
        if warehouse_id not in WAREHOUSES:
            raise ConfigurationError(
                f"There is no warehouse {warehouse_id}; take one of {sorted(WAREHOUSES)}."
            )
        if isinstance(packages, int):
            packages = [Package(description="Unannounced item")] * packages
        shipment = shipments.add_unknown(
            account,
            tracking_number,
            warehouse_id,
            weight=sum((package.weight for package in packages), Decimal(0)),
            dimensions=packages[0].dimensions,
            value=sum((package.value for package in packages), Decimal(0)),
        )
        inventories = self._shelve(shipment, packages)
        events.unknown_assigned(account, shipment, inventories)
        shipments.announce(account, inventories)
        return [inventory.inventory_id for inventory in inventories]

    # Inventories

    @checked
    def add_images(self, inventory_id: int, images: Annotated[int, POSITIVE] = 1) -> None:
        """Take more pictures: changeLineItemImage with the full set."""
        inventory = self._inventory(inventory_id)
        return_inventories.add_images(inventory, images)
        events.images_changed(self._account, inventory)

    @checked
    def recalibrate(self, inventory_id: int, package: Package) -> None:
        """Measure an item again: completeRecalibrate."""
        inventory = self._inventory(inventory_id)
        inventory.weight, inventory.dimensions = package.weight, package.dimensions
        inventory.modified = self._account.clock()
        events.recalibrated(self._account, inventory)

    @checked
    def swap_rma(self, inventory_id: int) -> str:
        """Correct a wrong RMA: notifyUserRmaSwapped; return the new one. A handling may have locked the old one."""
        inventory = self._inventory(inventory_id)
        _require(not inventory.rma_locked, f"The RMA of inventory {inventory_id} is locked by its handling.")
        return_inventories.swap_rma(self._account, inventory)
        return inventory.rma

    @checked
    def set_meta(self, inventory_id: int, pairs: Mapping[str, str]) -> None:
        """Note data such as IMEI or EAN: updateReturnInventoryMeta."""
        inventory = self._inventory(inventory_id)
        _require(
            all(isinstance(text, str) for pair in pairs.items() for text in pair),
            f"pairs must be text with text, not {format_value(pairs)}",
        )
        inventory.meta.setdefault("whs", {}).update(pairs)
        inventory.modified = self._account.clock()
        events.meta_updated(self._account, inventory)

    @checked
    def set_remarks(self, inventory_id: int, remarks: str) -> None:
        """Change the warehouse's remark: warehouseUpdateWarehouseRemarks."""
        inventory = self._inventory(inventory_id)
        inventory.remarks, inventory.modified = remarks, self._account.clock()
        events.remarks_updated(self._account, inventory)

    @checked
    def start_handling(self, inventory_id: int) -> None:
        """Start the ordered handling; from here on it cannot be cancelled."""
        inventory = self._inventory(inventory_id)
        free = inventory.status == "pending" and inventory.handling != "tbc" and not inventory.workflow
        _require(free, f"Inventory {inventory_id} has no handling to start.")
        return_inventories.set_handling(self._account, inventory, inventory.handling, "inProgress")

    @checked
    def complete_handling(self, inventory_id: int) -> None:
        """Complete the ordered handling: completeInventoryHandling."""
        inventory = self._inventory(inventory_id)
        free = inventory.status != "completed" and inventory.handling != "tbc" and not inventory.workflow
        _require(free and not inventory.busy, f"Inventory {inventory_id} has no handling to complete.")
        return_inventories.complete(self._account, inventory)

    @checked
    def complete_vas(self, inventory_id: int, result: str = "done", *, failed: bool = False) -> list[int]:
        """Complete the pending services: vasUpdated; a split adds splitLineItem and its pieces, whose ids it returns."""
        inventory = self._inventory(inventory_id)
        _require(inventory.busy, f"Inventory {inventory_id} has no pending service.")
        return vas.complete(self._account, inventory, result, failed=failed)

    @checked
    def split(self, inventory_id: int, result: str = "split") -> list[int]:
        """Complete a pending split-parcel service; return the ids of the pieces."""
        orders = self._inventory(inventory_id).vas_orders
        _require(
            any(order.code == vas.SPLIT and order.status == "pending" for order in orders),
            f"Inventory {inventory_id} has no pending split.",
        )
        return self.complete_vas(inventory_id, result)

    # Resends and recalls

    @checked
    def begin_resend(self, resend_id: int) -> None:
        """Start to pack a resend, which cannot be cancelled any more: updateResendStatus, inProgress."""
        resends.begin(self._account, self._resend(resend_id))

    @checked
    def dispatch_resend(
        self, resend_id: int, tracking_number: str | None = None, *, legacy: bool = False
    ) -> None:
        """Hand a resend to the carrier: updateResendStatus, completed with a tracking number.

        `legacy` sends the older updateResendTrackingNumber instead, also when it fails; forceCancelResend if cancelled.
        """
        number = tracking_number or f"EMUOUT{resend_id:09}"
        resends.dispatch(self._account, self._resend(resend_id), number, legacy=legacy)

    @checked
    def fail_resend(
        self, resend_id: int, error: str = "the carrier issued no label", *, legacy: bool = False
    ) -> None:
        """Fail a resend: updateResendStatus, failed; its inventories are on hold again (inferred)."""
        resends.fail(self._account, self._resend(resend_id), error, legacy=legacy)

    @checked
    def cancel_resend(self, resend_id: int, *, legacy: bool = False) -> None:
        """Cancel a resend at the warehouse: updateResendStatus, canceled."""
        resends.force_cancel(self._account, self._resend(resend_id), legacy=legacy)

    @checked
    def dispatch_recall(self, recall_id: int, tracking_number: str | None = None) -> None:
        """Send a recall to Hong Kong: recallUpdateStatus, updateTrackingNumber, and recallShipmentDispatched."""
        recall = self._recall(recall_id, "in-progress")
        recalls.dispatch(self._account, recall, tracking_number or f"EMUHK{recall_id:09}")

    @checked
    def ready_recall(self, recall_id: int) -> None:
        """Receive a recall in Hong Kong: recallUpdateStatus, markReadyToPickUp, and recallDelivered."""
        recalls.ready(self._account, self._recall(recall_id, "in-progress", "in-transit"))

    @checked
    def pick_up_recall(self, recall_id: int, courier_tracking_number: str | None = None) -> None:
        """Hand a recall to the local courier: recallUpdateStatus, pickUpToCourierPickUp."""
        recall = self._recall(recall_id, "in-progress", "in-transit", "ready-to-pick-up")
        recalls.pick_up(self._account, recall, courier_tracking_number or f"EMUCOURIER{recall_id}")

    # FBA

    @checked
    def arrive_fba(self, fba_shipment_id: UUID) -> None:
        """Receive a removal parcel: markFbaShipmentArrived."""
        shipment = self._fba_shipment(fba_shipment_id)
        _require(shipment.status == "PENDING", f"FBA shipment {fba_shipment_id} is {shipment.status}.")
        fba_shipments.arrive(self._account, shipment)

    @checked
    def put_away_fba(self, fba_shipment_id: UUID, quantities: Mapping[str, int]) -> None:
        """Count a removal parcel into stock, units by FNSKU: fbaShipmentPutaway."""
        shipment = self._fba_shipment(fba_shipment_id)
        _require(shipment.status == "ARRIVED", f"FBA shipment {fba_shipment_id} has not arrived.")
        _require(
            quantities and all(type(quantity) is int and quantity > 0 for quantity in quantities.values()),
            f"quantities must have at least one FNSKU, each with a number above 0, not {format_value(quantities)}",
        )
        fba_shipments.put_away(self._account, shipment, quantities)

    @checked
    def start_fba_instruction(self, fba_instruction_id: UUID) -> None:
        """Start an instruction; from here on it cannot be changed."""
        instruction = self._fba_instruction(fba_instruction_id)
        _require(instruction.status == "pending", f"Instruction {fba_instruction_id} has started already.")
        fba_instructions.start(self._account, instruction)

    @checked
    def complete_fba_instruction(self, fba_instruction_id: UUID, remarks: str | None = None) -> None:
        """Finish an instruction: the event of its type; a restock makes a return inventory."""
        instruction = self._fba_instruction(fba_instruction_id)
        _require(instruction.status != "completed", f"Instruction {fba_instruction_id} is completed.")
        fba_instructions.complete(self._account, instruction, remarks)

    # Consolidated shipping

    @checked
    def quote_order(
        self, order_id: str, fee: Annotated[Decimal, Range(0, 10**9)] = prices.CONSOLIDATION
    ) -> None:
        """Set the fee of a consolidated order: consolidateShippingOrderShippingFeeUpdated."""
        order = self._order(order_id, "CREATED", "CONFIRMED", "READY_TO_SHIP")
        consolidations.quote(self._account, order, fee)

    @checked
    def pack_order(self, order_id: str, shipments: Annotated[int, POSITIVE] = 1) -> list[str]:
        """Pack a confirmed order: consolidateShippingOrderInventoryAllPacked; return the ids of its shipments."""
        order = self._order(order_id, "CONFIRMED")
        _require(
            shipments <= len(order.items),
            f"Order {order_id} has {len(order.items)} items: pack at most that many shipments.",
        )
        consolidations.pack(self._account, order, shipments)
        return [shipment.shipment_id for shipment in order.shipments]

    @checked
    def send_order(self, order_id: str, shipment_id: str, awb: str = "EMUAWB-1") -> None:
        """Hand a shipment of an order over: consolidateShippingShipmentSent."""
        order = self._order(order_id, "READY_TO_SHIP", "PARTIALLY_SHIPPED")
        shipment = _shipment_of(order, shipment_id)
        _require(shipment.status == "CREATED", f"Shipment {shipment_id} was sent already.")
        consolidations.send(self._account, order, shipment, awb)

    @checked
    def update_waybill(self, order_id: str, shipment_id: str, awb: str) -> None:
        """Enter or correct a waybill: consolidateShippingShipmentShipped, in spite of its name."""
        order = self._order(order_id, "READY_TO_SHIP", "PARTIALLY_SHIPPED", "SHIPPED")
        consolidations.update_waybill(self._account, order, _shipment_of(order, shipment_id), awb)

    @checked
    def complete_order(self, order_id: str) -> None:
        """Complete an order of which every shipment is out: consolidateShippingOrderCompleted."""
        order = self._order(order_id, "PARTIALLY_SHIPPED")
        waiting = [shipment.number for shipment in order.shipments if shipment.status != "SHIPPED"]
        _require(not waiting, f"Order {order_id} waits for {', '.join(waiting)}; send them first.")
        consolidations.complete(self._account, order)

    @checked
    def cancel_order(self, order_id: str) -> None:
        """Cancel an order at the warehouse: consolidateShippingOrderCancelled."""
        order = self._order(order_id, "CREATED", "CONFIRMED", "READY_TO_SHIP")
        consolidations.force_cancel(self._account, order)

    def _shelve(self, shipment: Shipment, packages: Sequence[Package]) -> list[Inventory]:
        account = self._account
        return [
            return_inventories.add(account, shipment, item, **attrs.asdict(package))
            for package, item in zip(packages, items_for(account, shipment, packages), strict=True)
        ]

    def _shipment(self, shipment_id: int) -> Shipment:
        return _find(self._account.shipments, shipment_id, "shipment")

    def _inventory(self, inventory_id: int) -> Inventory:
        return _find(self._account.inventories, inventory_id, "return inventory")

    def _resend(self, resend_id: int) -> Resend:
        resend = self._account.resends.get(resend_id)
        if resend is None or resend.status not in {resends.PENDING, resends.IN_PROGRESS}:
            raise ConfigurationError(f"There is no open resend {resend_id}.")
        return resend

    def _recall(self, recall_id: int, *statuses: str) -> Recall:
        recall = self._account.recalls.get(recall_id)
        if recall is None or recall.item_status not in statuses:
            raise ConfigurationError(f"There is no open recall {recall_id} for this step.")
        return recall

    def _fba_shipment(self, shipment_id: UUID) -> FbaShipment:
        return _find(self._account.fba_shipments, shipment_id, "FBA shipment")

    def _fba_instruction(self, instruction_id: UUID) -> FbaInstruction:
        return _find(self._account.fba_instructions, instruction_id, "FBA instruction")

    def _order(self, order_id: str, *statuses: str) -> Consolidation:
        order = _find(self._account.consolidations, order_id, "consolidated order")
        _require(order.status in statuses, f"Order {order_id} is {order.status}.")
        return order


def _find(table: Mapping[K, R], key: K, what: str) -> R:
    if key not in table:
        raise ConfigurationError(f"There is no {what} {key}.")
    return table[key]


def _shipment_of(order: Consolidation, shipment_id: str) -> ConsolidatedShipment:
    return _find({shipment.shipment_id: shipment for shipment in order.shipments}, shipment_id, "shipment")


def _require(fact: object, problem: str) -> None:
    if not fact:
        raise ConfigurationError(problem)

"""Warehouse: what people at the warehouse do, and the events that follow."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

import attrs

from returnhelper._arguments import POSITIVE, check_fields, checked
from returnhelper.emulator import (
    labels,
    recalls,
    resends,
    return_inventories,
    return_shipments,
    shipments,
    vas,
)
from returnhelper.emulator.account import Account, Inventory, Recall, Resend, Shipment, VasOrder
from returnhelper.emulator.warehouses import WAREHOUSES
from returnhelper.errors import ConfigurationError


@attrs.frozen(kw_only=True)
class Package:
    """A package as it is measured on arrival: grams and centimetres."""

    description: str = "Emulated item"
    weight: Decimal = Decimal("500.000")
    dimensions: tuple[Decimal, Decimal, Decimal] = (Decimal(30), Decimal(20), Decimal(10))
    value: Decimal = Decimal("10.00")
    images: int = 1

    def __attrs_post_init__(self) -> None:
        check_fields(self)


class Warehouse:
    """The warehouse desk: every method changes the state at once and queues the events that follow.

    Unknown ids, and steps that the state does not allow, raise `ConfigurationError`.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    @checked
    def arrive(
        self, shipment_id: int, packages: Annotated[int | Sequence[Package], POSITIVE] = 1
    ) -> list[int]:
        """Receive a parcel: markShipmentArrive, then a newInventoryCreated for each package; return the inventory ids."""
        account, shipment = self._account, self._shipment(shipment_id)
        if shipment.received is not None:
            raise ConfigurationError(f"Shipment {shipment_id} has arrived already; create another one.")
        if isinstance(packages, int):
            packages = _as_ordered(shipment, packages)
        shipment.received = account.clock()
        account.deliveries.publish(
            "markShipmentArrive", "rsl", {"shipment": shipments.arrived(shipment)}, version="202407"
        )
        return self._receive(shipment, packages)

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
        if warehouse_id not in WAREHOUSES:
            raise ConfigurationError(
                f"There is no warehouse {warehouse_id}; take one of {sorted(WAREHOUSES)}."
            )
        shipment = _unannounced(account, tracking_number, warehouse_id)
        account.shipments[shipment.shipment_id] = shipment
        if isinstance(packages, int):
            packages = [Package(description="Unannounced item")] * packages
        inventories = [self._shelve(shipment, package) for package in packages]
        account.deliveries.publish(
            "assignUnknown",
            "rsl",
            {
                "returnRequest": return_shipments.request_entity(shipment),
                "shipment": shipments.entity(shipment),
                "label": labels.entity(shipment),
                "returnInventoryList": [return_inventories.webhook_entity(i) for i in inventories],
                "returnRequestLineItemIncludeImageList": [
                    {
                        "imageUrlList": return_inventories.image_urls(account, i),
                        "returnRequestLineItem": return_inventories.line_item(i),
                    }
                    for i in inventories
                ],
            },
        )
        for inventory in inventories:
            return_inventories.publish_created(account, inventory)
        return [inventory.inventory_id for inventory in inventories]

    @checked
    def add_images(self, inventory_id: int, images: Annotated[int, POSITIVE] = 1) -> None:
        """Take more pictures: changeLineItemImage with the full set."""
        inventory = self._inventory(inventory_id)
        return_inventories.add_images(inventory, images)
        return_inventories.publish_images(self._account, inventory)

    @checked
    def start_handling(self, inventory_id: int) -> None:
        """Start the ordered handling; from here on it cannot be cancelled."""
        inventory = self._inventory(inventory_id)
        _require(
            inventory.status == "pending" and inventory.handling != "tbc",
            f"Inventory {inventory_id} has no handling to start.",
        )
        return_inventories.set_handling(self._account, inventory, inventory.handling, "inProgress")

    @checked
    def complete_handling(self, inventory_id: int) -> None:
        """Complete the ordered handling: completeInventoryHandling."""
        inventory = self._inventory(inventory_id)
        free = inventory.status != "completed" and inventory.handling != "tbc" and not inventory.order
        _require(free and not inventory.busy, f"Inventory {inventory_id} has no handling to complete.")
        return_inventories.set_handling(self._account, inventory, inventory.handling, "completed")
        return_inventories.publish_handling(self._account, inventory, "completeInventoryHandling")

    @checked
    def complete_vas(self, inventory_id: int, result: str = "done", *, failed: bool = False) -> list[int]:
        """Complete the pending services: vasUpdated; a split adds splitLineItem and its pieces, whose ids it returns."""
        inventory = self._inventory(inventory_id)
        pending = [service for service in inventory.vas_orders if service.status == "pending"]
        _require(bool(pending), f"Inventory {inventory_id} has no pending service.")
        pieces: list[int] = []
        for service in pending:
            service.status = "failed" if failed else "successful"
        vas.publish_result(self._account, inventory, pending, result)
        for service in pending:
            if service.code == vas.SPLIT and not failed:
                pieces += self._split(inventory, service.quantity or 1, service)
        return pieces

    @checked
    def split(self, inventory_id: int, result: str = "split") -> list[int]:
        """Complete a pending split-parcel service; return the ids of the pieces."""
        vas_orders = self._inventory(inventory_id).vas_orders
        _require(
            any(s.code == vas.SPLIT and s.status == "pending" for s in vas_orders),
            f"Inventory {inventory_id} has no pending split.",
        )
        return self.complete_vas(inventory_id, result)

    @checked
    def dispatch_resend(self, resend_id: int, tracking_number: str | None = None) -> None:
        """Hand a resend to the carrier: updateResendStatus, completed with a tracking number."""
        resend = self._resend(resend_id)
        resend.status, resend.tracking_number = 3, tracking_number or f"EMUOUT{resend_id:09}"
        self._move_resend(resend, "completed")

    @checked
    def begin_resend(self, resend_id: int) -> None:
        """Start to pack a resend, which cannot be cancelled any more: updateResendStatus, inProgress."""
        resend = self._resend(resend_id)
        resend.status = 2
        self._move_resend(resend, "inProgress")

    @checked
    def fail_resend(self, resend_id: int, error: str = "the carrier issued no label") -> None:
        """Fail a resend: updateResendStatus, failed; its inventories are on hold again (inferred)."""
        resend = self._resend(resend_id)
        resend.status, resend.error = 4, error
        for inventory in resend.inventories:
            inventory.order = None
            return_inventories.set_handling(self._account, inventory, "ohd")
        resends.publish(self._account, resend)

    @checked
    def dispatch_recall(self, recall_id: int, tracking_number: str | None = None) -> None:
        """Send a recall to Hong Kong: recallUpdateStatus, updateTrackingNumber."""
        recall = self._recall(recall_id)
        recall.status, recall.item_status = "in-progress", "in-transit"
        recall.tracking_number = tracking_number or f"EMUHK{recall_id:09}"
        return_inventories.set_handling(self._account, recall.inventory, "rtn", "inProgress")
        recalls.publish(self._account, recall, "updateTrackingNumber")

    @checked
    def ready_recall(self, recall_id: int) -> None:
        """Receive a recall in Hong Kong: recallUpdateStatus, markReadyToPickUp."""
        recall = self._recall(recall_id)
        recall.status, recall.item_status = "completed", "ready-to-pick-up"  # as the vendor's sample has it
        return_inventories.set_handling(self._account, recall.inventory, "rtn", "completed")
        recalls.publish(self._account, recall, "markReadyToPickUp")

    @checked
    def pick_up_recall(self, recall_id: int, courier_tracking_number: str | None = None) -> None:
        """Hand a recall to the local courier: recallUpdateStatus, pickUpToCourierPickUp."""
        recall = self._recall(recall_id)
        recall.item_status, recall.pick_up, recall.picked_up = (
            "picked-up",
            "courier-pick-up",
            self._account.clock(),
        )
        recall.courier_tracking_number = courier_tracking_number or f"EMUCOURIER{recall_id}"
        recalls.publish(self._account, recall, "pickUpToCourierPickUp")

    @checked
    def fail_label(self, error: str = "no response from the carrier") -> None:
        """Make the next label fail."""
        self._account.label_failures.append(error)

    def _receive(self, shipment: Shipment, packages: Sequence[Package]) -> list[int]:
        inventories = [self._shelve(shipment, package) for package in packages]
        for inventory in inventories:
            return_inventories.publish_created(self._account, inventory)
        return [inventory.inventory_id for inventory in inventories]

    def _shelve(self, shipment: Shipment, package: Package, rma: str | None = None) -> Inventory:
        return return_inventories.receive(self._account, shipment, rma=rma, **attrs.asdict(package))

    def _split(self, inventory: Inventory, pieces: int, service: VasOrder) -> list[int]:
        account = self._account
        inventory.split = True
        package = Package(
            description=inventory.description,
            weight=(inventory.weight / pieces).quantize(Decimal("0.001")),
            dimensions=inventory.dimensions,
            value=(inventory.value / pieces).quantize(Decimal("0.01")),
        )
        parts = []
        for piece in range(1, pieces + 1):
            rma = account.new_rma(inventory.shipment.warehouse_id, of=inventory.rma, piece=piece)
            parts.append(self._shelve(inventory.shipment, package, rma))
        vas.publish_split(account, inventory, service, parts)
        for part in parts:
            return_inventories.publish_created(account, part)
        return [part.inventory_id for part in parts]

    def _move_resend(self, resend: Resend, status: str) -> None:
        resend.modified = self._account.clock()
        for inventory in resend.inventories:
            return_inventories.set_handling(self._account, inventory, "rsd", status)
        resends.publish(self._account, resend)

    def _shipment(self, shipment_id: int) -> Shipment:
        _require(shipment_id in self._account.shipments, f"There is no shipment {shipment_id}.")
        return self._account.shipments[shipment_id]

    def _inventory(self, inventory_id: int) -> Inventory:
        _require(inventory_id in self._account.inventories, f"There is no return inventory {inventory_id}.")
        return self._account.inventories[inventory_id]

    def _resend(self, resend_id: int) -> Resend:
        resend = self._account.resends.get(resend_id)
        if resend is None or resend.status not in {0, 2}:
            raise ConfigurationError(f"There is no open resend {resend_id}.")
        return resend

    def _recall(self, recall_id: int) -> Recall:
        recall = self._account.recalls.get(recall_id)
        if recall is None or recall.status == "canceled":
            raise ConfigurationError(f"There is no open recall {recall_id}.")
        return recall


def _require(fact: object, problem: str) -> None:
    if not fact:
        raise ConfigurationError(problem)


def _as_ordered(shipment: Shipment, packages: int) -> list[Package]:
    items = shipment.items or [{}]
    return [
        Package(
            description=str(items[min(i, len(items) - 1)].get("description", "Emulated item")),
            weight=shipment.weight / packages
            if packages == 1
            else (shipment.weight / packages).quantize(Decimal("0.001")),
            dimensions=shipment.dimensions,
            value=shipment.value if packages == 1 else (shipment.value / packages).quantize(Decimal("0.01")),
        )
        for i in range(packages)
    ]


def _unannounced(account: Account, tracking_number: str, warehouse_id: int) -> Shipment:
    now = account.clock()
    request_number, shipment_number = account.new_number("RR"), account.new_number("S")
    package = Package()
    return Shipment(
        shipment_id=account.new_id("shipment"),
        shipment_number=shipment_number,
        return_request_id=account.new_id("request"),
        return_request_number=request_number,
        label_id=account.new_id("label"),
        title="Unannounced parcel",
        order_number="",
        request_reference=request_number,
        reference=shipment_number,
        remarks="",
        service="others",
        warehouse_id=warehouse_id,
        ship_from={
            "country": WAREHOUSES[warehouse_id].country,
            "contactName": "Unknown Sender",
            "street1": "1 Nowhere Lane",
            "state": "NA",
            "city": "Sampletown",
            "postalCode": "00000",
        },
        custom_fields={},
        items=[],
        weight=package.weight,
        dimensions=package.dimensions,
        value=package.value,
        currency="usd",
        cost=Decimal(0),
        created=now,
        unknown=True,
        label_status="success",
        tracking_number=tracking_number,
        received=now,
    )

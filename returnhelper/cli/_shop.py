"""Shop: the demo's own service, a router whose handlers remember what events bring."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from returnhelper.cli._screen import Screen
from returnhelper.webhooks import Router, events
from returnhelper.webhooks.router import CallNext


class ExpectationFailed(Exception):
    """What the demo waited for did not happen."""


class Shop:
    """What the shop knows, all of it from webhooks; ``timeout`` is how long it waits for a fact."""

    def __init__(self, screen: Screen) -> None:
        self.labels: dict[int, str] = {}
        self.arrived: set[int] = set()
        self.inventories: dict[int, str] = {}
        self.images: Counter[int] = Counter()
        self.facts: set[tuple[str, int]] = set()
        self.unknown: list[str] = []
        self.handled: Counter[str] = Counter()
        self.timeout = 8.0
        self._newest: dict[str, datetime] = {}
        self.router = _router(self, screen)
        self._changed = asyncio.Condition()

    async def count(self, event: events.Event, call_next: CallNext) -> None:
        """Run the handlers, count the event and wake `until`."""
        await call_next(event)
        async with self._changed:
            self.handled[event.dedup_key] += 1
            self._changed.notify_all()

    def overtaken(self, event: events.Event) -> str:
        """Return a remark if a younger event of the same object was handled before."""
        key, moment = event.ordering_key or event.dedup_key, event.event_time
        if moment is None:
            return ""
        if moment >= self._newest.setdefault(key, moment):
            self._newest[key] = moment
            return ""
        return ", overtaken"

    async def until(self, what: str, happened: Callable[[], bool]) -> None:
        """Wait for a fact that only a webhook can bring."""
        try:
            async with asyncio.timeout(self.timeout), self._changed:
                await self._changed.wait_for(happened)
        except TimeoutError:
            raise ExpectationFailed(f"{what} (waited {self.timeout:g} s)") from None


def _router(shop: Shop, screen: Screen) -> Router:
    router = Router()
    router.middleware(shop.count)
    _on_labels(router, shop, screen)
    _on_arrivals(router, shop, screen)
    _on_handlings(router, shop, screen)
    _on_orders(router, shop, screen)

    @router.on_unhandled
    async def unknown_event(event: events.Event) -> None:
        screen.row("event", event.action, "unknown to this release: acknowledged and stored")
        shop.unknown.append(event.action)

    return router


def _on_labels(router: Router, shop: Shop, screen: Screen) -> None:
    @router.on(events.LabelGenerated)
    async def deliver_label(event: events.LabelGenerated) -> None:
        label = event.label
        made = label.label_request_status_code == "success"
        detail = f"label ready, tracking {label.tracking_number}" if made else f"label failed: {label.error}"
        screen.row("event", event.action, f"shipment {label.shipment_id}: {detail}")
        shop.labels[label.shipment_id] = str(label.label_request_status_code)


def _on_arrivals(router: Router, shop: Shop, screen: Screen) -> None:
    @router.on(events.MarkShipmentArrive)
    async def arrived(event: events.MarkShipmentArrive) -> None:
        screen.row("event", event.action, f"shipment {event.shipment.shipment_id} is at the warehouse")
        shop.arrived.add(event.shipment.shipment_id)

    @router.on(events.NewInventoryCreated)
    async def shelve(event: events.NewInventoryCreated) -> None:
        item = event.return_inventory
        early = event.shipment is not None and event.shipment.shipment_id not in shop.arrived
        detail = f"inventory {item.return_inventory_id}, {item.rma}, {item.weight} {item.weight_uom}"
        screen.row("event", event.action, detail + (", early" if early else ""))
        shop.inventories[item.return_inventory_id] = str(item.rma)

    @router.on(events.AssignUnknown)
    async def unknown(event: events.AssignUnknown) -> None:
        shipment = event.shipment.shipment_id
        ids = [item.return_inventory_id for item in event.return_inventory_list]
        screen.row("event", event.action, f"shipment {shipment} is ours, inventories {ids}")
        shop.arrived.add(shipment)
        shop.facts.add(("unknown", shipment))

    @router.on(events.ChangeLineItemImage)
    async def pictures(event: events.ChangeLineItemImage) -> None:
        line = event.return_request_line_item.return_request_line_item_id
        screen.row("event", event.action, f"line {line} now has {len(event.image_url_list)} pictures")
        shop.images[line] = len(event.image_url_list)


def _on_handlings(router: Router, shop: Shop, screen: Screen) -> None:
    @router.on(events.CompleteInventoryHandling)
    async def completed(event: events.CompleteInventoryHandling) -> None:
        item = event.return_inventory
        screen.row(
            "event", event.action, f"inventory {item.return_inventory_id}: {item.handling_code} completed"
        )
        shop.facts.add(("completed", item.return_inventory_id))

    @router.on(events.CancelInventoryHandling)
    async def cancelled(event: events.CancelInventoryHandling) -> None:
        # The vendor documents no payload for it, so the class has no fields.
        item = event.payload.get("returnInventory")
        inventory = item.get("returnInventoryId") if isinstance(item, dict) else None
        screen.row("event", event.action, f"inventory {inventory}: handling cancelled")
        if isinstance(inventory, int):
            shop.facts.add(("cancelled", inventory))

    @router.on(events.VasUpdated)
    async def served(event: events.VasUpdated) -> None:
        for service in event.update_vas_list:
            vas = service.return_request_line_item_vas_id
            screen.row(
                "event", event.action, f"service {vas}: {service.vas_status_code}, {service.vas_result!r}"
            )
            shop.facts.add(("vas", vas))

    @router.on(events.SplitLineItem)
    async def split(event: events.SplitLineItem) -> None:
        pieces = event.split_line_item_and_return_inventory_list
        rmas = [piece.return_inventory.rma for piece in pieces if piece.return_inventory]
        screen.row(
            "event",
            event.action,
            f"line {event.return_request_line_item_id} became {', '.join(map(str, rmas))}",
        )
        shop.facts.add(("split", event.return_request_line_item_vas_id))


def _on_orders(router: Router, shop: Shop, screen: Screen) -> None:
    @router.on(events.UpdateResendStatus)
    async def resent(event: events.UpdateResendStatus) -> None:
        tracking = [s.tracking_number for s in event.resend_shipment_list if s.tracking_number]
        detail = f"resend {event.resend.resend_id}: {event.resend.resend_status_code}"
        screen.row(
            "event",
            event.action,
            detail + (f", tracking {tracking[0]}" if tracking else "") + shop.overtaken(event),
        )
        shop.facts.add((f"resend {event.resend.resend_status_code}", event.resend.resend_id))

    @router.on(events.RecallUpdateStatus)
    async def recalled(event: events.RecallUpdateStatus) -> None:
        update = event.recall_update_type_status
        state = [item.recall_inventory_status_code for item in event.recall.recall_inventory_list]
        screen.row(
            "event",
            event.action,
            f"recall {event.recall.recall_id}: {update}, {', '.join(map(str, state))}{shop.overtaken(event)}",
        )
        shop.facts.add((f"recall {state[0] if state else ''}", event.recall.recall_id))

    async def named(event: events.RecallShipmentDispatched | events.RecallDelivered) -> None:
        # The guide has these names for two steps, and prints no payload: the classes have no fields.
        recall = event.payload.get("recall")
        number = recall.get("recallId") if isinstance(recall, dict) else None
        screen.row("event", event.action, f"recall {number}")

    router.on(events.RecallShipmentDispatched)(named)
    router.on(events.RecallDelivered)(named)

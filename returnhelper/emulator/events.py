"""Events: what every event says. The newest form of each; older forms are at the end, for those who ask for them."""

from __future__ import annotations

from collections.abc import Sequence

from returnhelper._time import to_wire
from returnhelper.emulator.account import API_ID, Account, Payload
from returnhelper.emulator.entities import (
    ConsolidatedShipment,
    Consolidation,
    FbaInstruction,
    FbaShipment,
    Inventory,
    Label,
    Recall,
    Resend,
    Shipment,
    VasOrder,
)
from returnhelper.emulator.forms import (
    consolidations,
    fba_instructions,
    fba_shipments,
    recalls,
    resends,
    return_inventories,
    return_requests,
    shipments,
    vas,
)


def publish(account: Account, action: str, payload: Payload, *, inferred: bool = False) -> None:
    """Send an event in its usual envelope; `inferred` if no page prints its payload."""
    account.deliveries.publish(action, None, payload, inferred=inferred)


# Labels and arrivals.


def label_generated(account: Account, shipment: Shipment, label: Label) -> None:
    """Say that a label request ended."""
    publish(account, "labelGenerated", {"label": shipments.label_result(account, shipment, label)})


def shipment_arrived(
    account: Account, shipment: Shipment, inventories: Sequence[Inventory], *, legacy: bool
) -> None:
    """Say that a parcel of a known shipment arrived."""
    if legacy:
        _shipment_arrived_v1(account, shipment, inventories)
        return
    arrived = shipments.slim(shipment) | {"sellerReferenceNumber": shipment.reference}
    publish(account, "markShipmentArrive", {"shipment": arrived})


def unknown_assigned(account: Account, shipment: Shipment, inventories: Sequence[Inventory]) -> None:
    """Say that a parcel without a request was recognised as the account's."""
    publish(account, "assignUnknown", _arrival(account, shipment, inventories) | {
        "returnRequestLineItemIncludeImageList": [_images(account, i) for i in inventories],
    })  # fmt: skip


def inventory_created(account: Account, inventory: Inventory) -> None:
    """Say that a received item now exists as an inventory."""
    payload: Payload = {
        "returnInventory": return_inventories.created(account, inventory),
        "shipment": shipments.slim(inventory.shipment),
    }
    publish(account, "newInventoryCreated", payload)


def images_changed(account: Account, inventory: Inventory) -> None:
    """Say that the pictures of an item changed: the full current set."""
    publish(account, "changeLineItemImage", _images(account, inventory))


def _images(account: Account, inventory: Inventory) -> Payload:
    return {
        "imageUrlList": vas.image_urls(account, inventory),
        "returnRequestLineItem": return_requests.item_entity(inventory.shipment, inventory.item),
    }


def _arrival(account: Account, shipment: Shipment, inventories: Sequence[Inventory]) -> Payload:
    label = shipment.label
    return {
        "returnRequest": return_requests.entity(shipment),
        "shipment": shipments.entity(shipment),
        "label": shipments.label_entity(account, shipment, label) if label else None,
        "returnInventoryList": [return_inventories.entity(i) for i in inventories],
    }


# Inventories.


def handling_completed(account: Account, inventory: Inventory) -> None:
    """Say that the warehouse finished a handling."""
    publish(account, "completeInventoryHandling", {"returnInventory": return_inventories.entity(inventory)})


def handling_cancelled(account: Account, inventory: Inventory) -> None:
    """Say that a handling was cancelled."""
    payload: Payload = {"returnInventory": return_inventories.entity(inventory)}
    publish(account, "cancelInventoryHandling", payload, inferred=True)


def recalibrated(account: Account, inventory: Inventory) -> None:
    """Say that an item was measured again."""
    length, width, height = inventory.dimensions
    supplement: Payload = {
        "warehouseId": inventory.shipment.warehouse_id,
        "returnInventoryId": inventory.inventory_id,
        "returnRequestLineItemId": inventory.line_item_id,
        "rma": inventory.rma,
        "dimension1": length,
        "dimension2": width,
        "dimension3": height,
        "weight": inventory.weight,
        "recalibratedOn": to_wire(inventory.modified),
    }
    publish(account, "completeRecalibrate", {"recalibrateSupplement": supplement})


def rma_swapped(account: Account, inventory: Inventory, old_rma: str) -> None:
    """Say that an item got another RMA."""
    swap: Payload = {
        "userApiId": API_ID,
        "clientCode": f"RH{API_ID}",
        "returnInventoryId": inventory.inventory_id,
        "oldRma": old_rma,
        "newRma": inventory.rma,
    }
    publish(account, "notifyUserRmaSwapped", {"payload": swap})


def meta_updated(account: Account, inventory: Inventory) -> None:
    """Say that the free pairs of an item changed."""
    payload: Payload = {
        "returnInventory": return_inventories.entity(inventory),
        "returnInventoryMetaList": return_inventories.meta(inventory),
    }
    publish(account, "updateReturnInventoryMeta", payload)


def remarks_updated(account: Account, inventory: Inventory) -> None:
    """Say that the warehouse changed its remark."""
    payload: Payload = {
        "returnRequest": return_requests.coded(inventory.shipment),
        "shipment": shipments.coded(inventory.shipment),
        "returnInventory": return_inventories.coded(inventory),
    }
    publish(account, "warehouseUpdateWarehouseRemarks", payload)


def sku_updated(account: Account, inventory: Inventory) -> None:
    """Say that the seller set the SKU."""
    payload: Payload = {
        "returnRequest": return_requests.coded(inventory.shipment),
        "returnInventory": return_inventories.coded(inventory),
    }
    publish(account, "userUpdateReturnInventorySku", payload)


def vas_updated(account: Account, inventory: Inventory, orders: Sequence[VasOrder]) -> None:
    """Say that services of an item got a result."""
    results = [vas.result(account, inventory, order) for order in orders]
    publish(account, "vasUpdated", {"updateVasList": results})


def item_split(account: Account, inventory: Inventory, order: VasOrder, pieces: Sequence[Inventory]) -> None:
    """Say that a parcel was split."""
    shipment = inventory.shipment
    payload: Payload = {
        "returnRequestId": shipment.return_request_id,
        "returnRequestLineItemId": inventory.line_item_id,
        "returnRequestLineItemVasId": order.vas_id,
        "vasStatusCode": order.status.upper(),
        "splitLineItemAndReturnInventoryList": [
            {
                "returnRequestLineItem": return_requests.item_entity(shipment, piece.item),
                "returnInventory": return_inventories.entity(piece),
                "returnRequestLineItemSupplement": vas.supplement(account, piece),
            }
            for piece in pieces
        ],
    }
    publish(account, "splitLineItem", payload)


# Resends and recalls.


def resend_updated(account: Account, resend: Resend, *, legacy: bool = False) -> None:
    """Say that a resend moved on."""
    if legacy:
        _resend_updated_v1(account, resend)
        return
    payload: Payload = {
        "resend": resends.entity(resend),
        "resendShipmentList": [resends.shipment(resend)],
        "returnInventoryList": [return_inventories.entity(i) for i in resend.inventories],
    }
    publish(account, "updateResendStatus", payload)


def recall_updated(account: Account, recall: Recall, step: str) -> None:
    """Say that a recall moved on."""
    payload: Payload = {"recall": recalls.entity(recall), "recallUpdateTypeStatus": step}
    publish(account, "recallUpdateStatus", payload)


def recall_named(account: Account, recall: Recall, action: str) -> None:
    """Say that a recall moved on, under the name that the guide's recall page has for the step."""
    publish(account, action, {"recall": recalls.entity(recall)}, inferred=True)


# FBA: the events are named, and their payloads are printed nowhere.


def fba_shipment_arrived(account: Account, shipment: FbaShipment) -> None:
    """Say that a removal parcel arrived."""
    payload: Payload = {"fbaShipment": fba_shipments.response(shipment)}
    publish(account, "markFbaShipmentArrived", payload, inferred=True)


def fba_shipment_put_away(account: Account, shipment: FbaShipment) -> None:
    """Say that a removal parcel was counted into stock."""
    payload: Payload = {
        "fbaShipment": fba_shipments.response(shipment),
        "fbaShipmentItemList": [fba_shipments.item(item) for item in shipment.items],
    }
    publish(account, "fbaShipmentPutaway", payload, inferred=True)


def fba_instruction_completed(account: Account, action: str, instruction: FbaInstruction) -> None:
    """Say that an instruction ended."""
    payload: Payload = {"fbaInstruction": fba_instructions.response(instruction)}
    publish(account, action, payload, inferred=True)


# Consolidated shipping.


def order_priced(account: Account, order: Consolidation) -> None:
    """Say that the fee of a consolidated order was set."""
    publish(account, "consolidateShippingOrderShippingFeeUpdated", {"order": consolidations.priced(order)})


def order_packed(account: Account, order: Consolidation) -> None:
    """Say that every item of a consolidated order is in a box."""
    publish(
        account,
        "consolidateShippingOrderInventoryAllPacked",
        {"order": consolidations.with_shipments(order)},
    )


def order_sent(account: Account, order: Consolidation, shipment: ConsolidatedShipment) -> None:
    """Say that a consolidated shipment was handed over."""
    payload: Payload = {"shipment": consolidations.shipment(order, shipment)}
    publish(account, "consolidateShippingShipmentSent", payload)


def waybill_updated(account: Account, order: Consolidation, shipment: ConsolidatedShipment) -> None:
    """Say that the waybill of a consolidated shipment was entered or corrected."""
    payload: Payload = {"shipment": consolidations.shipment(order, shipment)}
    publish(account, "consolidateShippingShipmentShipped", payload)


def order_completed(account: Account, order: Consolidation) -> None:
    """Say that all shipments of a consolidated order are out."""
    publish(account, "consolidateShippingOrderCompleted", {"order": consolidations.with_shipments(order)})


def order_cancelled(account: Account, order: Consolidation) -> None:
    """Say that the warehouse cancelled a consolidated order."""
    publish(account, "consolidateShippingOrderCancelled", {"order": consolidations.cancelled(order)})


# Older forms.


def _shipment_arrived_v1(account: Account, shipment: Shipment, inventories: Sequence[Inventory]) -> None:
    """Say that a parcel arrived, in the form that was announced to end with 2024: no version, everything in one body."""
    payload = _arrival(account, shipment, inventories) | {
        "lineItems": [return_requests.item_entity(shipment, item) for item in shipment.items],
    }
    account.deliveries.publish("markShipmentArrive", "rsl", payload)


def _resend_updated_v1(account: Account, resend: Resend) -> None:
    """Say that a resend got its tracking number, failed or was cancelled, in the form that was announced to end with 2024."""
    action = "forceCancelResend" if resend.status == 1 else "updateResendTrackingNumber"
    payload: Payload = {
        "resend": resends.entity(resend),
        "trackingNumber": resend.tracking_number,
        "failureReason": resend.error or None,
    }
    publish(account, action, payload)

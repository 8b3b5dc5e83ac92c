"""What is known of each event class: its action, its module, and the category and version that the sender prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class EventType(NamedTuple):
    """One event class. `category` is empty where the sender prints the action itself."""

    action: str
    module: str
    category: str = ""
    version: str | None = None


# Class name -> facts. Importing a module compiles its classes, so each is imported when one of its events is first
# received or named.
EVENT_TYPES: Final[Mapping[str, EventType]] = {
    "LabelGenerated": EventType("labelGenerated", "labels"),
    "BuyerReturnLabelGenerated": EventType(
        "buyerReturnLabelGenerated", "labels", "buyerReturnRrLabel", "202408"
    ),
    "MarkShipmentArrive": EventType("markShipmentArrive", "shipments", "rsl", "202407"),
    "MarkShipmentArriveV1": EventType("markShipmentArrive", "shipments", "rsl"),
    "AssignUnknown": EventType("assignUnknown", "shipments", "rsl"),
    "NewInventoryCreated": EventType("newInventoryCreated", "return_inventories", version="202207"),
    "CompleteInventoryHandling": EventType("completeInventoryHandling", "return_inventories", "rinv"),
    "CancelInventoryHandling": EventType("cancelInventoryHandling", "return_inventories", "rinv"),
    "CompleteRecalibrate": EventType("completeRecalibrate", "return_inventories"),
    "NotifyUserRmaSwapped": EventType("notifyUserRmaSwapped", "return_inventories"),
    "UpdateReturnInventoryMeta": EventType("updateReturnInventoryMeta", "return_inventories"),
    "WarehouseUpdateWarehouseRemarks": EventType("warehouseUpdateWarehouseRemarks", "return_inventories"),
    "UserUpdateReturnInventorySku": EventType("userUpdateReturnInventorySku", "return_inventories"),
    "ChangeLineItemImage": EventType("changeLineItemImage", "return_requests", "rrli"),
    "VasUpdated": EventType("vasUpdated", "vas", "rrliv"),
    "SplitLineItem": EventType("splitLineItem", "vas", "lineItemVasReturnInventoryLineItem"),
    "UpdateResendStatus": EventType("updateResendStatus", "resends", "resend"),
    "UpdateResendTrackingNumber": EventType("updateResendTrackingNumber", "resends", "resend"),
    "ForceCancelResend": EventType("forceCancelResend", "resends", "resend"),
    "RecallUpdateStatus": EventType("recallUpdateStatus", "recalls", "recall"),
    "RecallShipmentDispatched": EventType("recallShipmentDispatched", "recalls"),
    "RecallDelivered": EventType("recallDelivered", "recalls"),
    "ConsolidateShippingOrderShippingFeeUpdated": EventType(
        "consolidateShippingOrderShippingFeeUpdated", "consolidations", version="202409"
    ),
    "ConsolidateShippingOrderInventoryAllPacked": EventType(
        "consolidateShippingOrderInventoryAllPacked", "consolidations", version="202410"
    ),
    "ConsolidateShippingShipmentSent": EventType(
        "consolidateShippingShipmentSent", "consolidations", version="202207"
    ),
    "ConsolidateShippingShipmentShipped": EventType(
        "consolidateShippingShipmentShipped", "consolidations", version="202408"
    ),
    "ConsolidateShippingOrderCompleted": EventType(
        "consolidateShippingOrderCompleted", "consolidations", version="202408"
    ),
    "ConsolidateShippingOrderCancelled": EventType(
        "consolidateShippingOrderCancelled", "consolidations", version="202410"
    ),
    "MarkFbaShipmentArrived": EventType("markFbaShipmentArrived", "fba_shipments"),
    "FbaShipmentPutaway": EventType("fbaShipmentPutaway", "fba_shipments"),
    "CompleteFbaInstructionDispose": EventType("completeFbaInstructionDispose", "fba_instructions"),
    "CompleteFbaInstructionOthers": EventType("completeFbaInstructionOthers", "fba_instructions"),
    "CompleteFbaInstructionRecall": EventType("completeFbaInstructionRecall", "fba_instructions"),
    "FbaInstructionReplenishComplete": EventType("fbaInstructionReplenishComplete", "fba_instructions"),
}

# Objects that occur in events only, for annotations: `events.CreatedInventory`. Class name -> module.
PAYLOADS: Final[Mapping[str, str]] = {
    "BuyerReturn": "labels",
    "BuyerReturnLineItem": "labels",
    "LineItemImages": "shipments",
    "CreatedInventory": "return_inventories",
    "Recalibration": "return_inventories",
    "RmaSwap": "return_inventories",
    "LineItemSupplement": "vas",
    "SplitPiece": "vas",
}

ARRIVAL: Final = (
    "markShipmentArrive"  # the one action of two classes, distinguished by the presence of a version
)
_CLASS_OF: Final = {
    facts.action: name for name, facts in EVENT_TYPES.items() if name != "MarkShipmentArriveV1"
}


def class_name(action: str, version: object = None) -> str | None:
    """Return the name of the class for an action, or None for an action without one."""
    if action == ARRIVAL and version in (None, ""):
        return "MarkShipmentArriveV1"
    return _CLASS_OF.get(action)


def usual_envelope(action: str) -> dict[str, str]:
    """Return the category of an action, and its version if it has one, as the sender prints them today."""
    name = _CLASS_OF.get(action)
    facts = EVENT_TYPES[name] if name else EventType(action, "")
    envelope = {"category": facts.category or action}
    return envelope if facts.version is None else {**envelope, "version": facts.version}

"""What is known of each event class: its names, its module, and the category and version that the sender prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple


class EventType(NamedTuple):
    """One event class. `category` is empty where the sender prints the action itself.

    `aliases` are the names that the vendor's guide has for the event. Which one a server will print is not known.
    """

    action: str
    module: str
    category: str = ""
    version: str | None = None
    aliases: tuple[str, ...] = ()


# Class name -> facts. Importing a module compiles its classes, so each is imported when one of its events is first
# received or named.
EVENT_TYPES: Final[Mapping[str, EventType]] = {
    "LabelGenerated": EventType("labelGenerated", "labels"),
    "BuyerReturnLabelGenerated": EventType(
        "buyerReturnLabelGenerated", "labels", "buyerReturnRrLabel", "202408"
    ),
    "MarkShipmentArrive": EventType(
        "markShipmentArrive", "shipments", "rsl", "202407", ("warehouseMarkShipmentArrivedV2",)
    ),
    "MarkShipmentArriveV1": EventType("markShipmentArrive", "shipments", "rsl", aliases=("MarkReceived",)),
    "AssignUnknown": EventType("assignUnknown", "shipments", "rsl"),
    "NewInventoryCreated": EventType(
        "newInventoryCreated", "return_inventories", version="202207", aliases=("inventoryCreated",)
    ),
    "CompleteInventoryHandling": EventType(
        "completeInventoryHandling", "return_inventories", "rinv", aliases=("inventory-handling-complete",)
    ),
    "CancelInventoryHandling": EventType("cancelInventoryHandling", "return_inventories", "rinv"),
    "CompleteRecalibrate": EventType("completeRecalibrate", "return_inventories"),
    "NotifyUserRmaSwapped": EventType("notifyUserRmaSwapped", "return_inventories"),
    "UpdateReturnInventoryMeta": EventType("updateReturnInventoryMeta", "return_inventories"),
    "WarehouseUpdateWarehouseRemarks": EventType("warehouseUpdateWarehouseRemarks", "return_inventories"),
    "UserUpdateReturnInventorySku": EventType("userUpdateReturnInventorySku", "return_inventories"),
    "ChangeLineItemImage": EventType("changeLineItemImage", "return_requests", "rrli"),
    "VasUpdated": EventType("vasUpdated", "vas", "rrliv", aliases=("UpdateVas",)),
    "SplitLineItem": EventType("splitLineItem", "vas", "lineItemVasReturnInventoryLineItem"),
    "UpdateResendStatus": EventType(
        "updateResendStatus", "resends", "resend", aliases=("ResendV2", "resend-status-update")
    ),
    "UpdateResendTrackingNumber": EventType(
        "updateResendTrackingNumber", "resends", "resend", aliases=("Resend",)
    ),
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
    "MarkFbaShipmentArrived": EventType(
        "markFbaShipmentArrived", "fba_shipments", aliases=("fbaShipmentArrived",)
    ),
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

_ARRIVAL: Final = (
    "markShipmentArrive"  # the one action of two classes, distinguished by the presence of a version
)
_ARRIVAL_V1: Final = "MarkShipmentArriveV1"
_BY_ACTION: Final = {facts.action: name for name, facts in EVENT_TYPES.items() if name != _ARRIVAL_V1}


def _other_names() -> Iterator[tuple[str, str]]:
    """Yield every name that is not an action, with its class: aliases, and all names with the other first letter."""
    for name, facts in EVENT_TYPES.items():
        own = () if name == _ARRIVAL_V1 else (facts.action,)
        for known in (*own, *facts.aliases):
            yield known[0].lower() + known[1:], name
            yield known[0].upper() + known[1:], name


_BY_OTHER_NAME: Final = {other: name for other, name in _other_names() if other not in _BY_ACTION}


def class_name(action: str, version: object = None) -> str | None:
    """Return the name of the class for an action, or None for an action without one."""
    name = _BY_ACTION.get(action)
    return _ARRIVAL_V1 if action == _ARRIVAL and version in (None, "") else name


def action_of(name: str) -> str | None:
    """Return the action of the class of this name, or None if it has none of its own."""
    facts = EVENT_TYPES.get(name)
    return None if facts is None else facts.action


def has_versions(action: str) -> bool:
    """Return whether the class of an action depends on the presence of a version."""
    return action == _ARRIVAL


def class_name_of_alias(action: str, version: object = None) -> str | None:
    """Return the name of the class that an alias means, or an action with the other first letter; else None."""
    name = _BY_OTHER_NAME.get(action)
    return _ARRIVAL_V1 if name and action[1:] == _ARRIVAL[1:] and version in (None, "") else name


def closest_name(action: str) -> tuple[str, str] | None:
    """Return the known name that an unknown action may be a misspelling of, and its class: other case, one or two edits."""
    candidates = {**_BY_ACTION, **_BY_OTHER_NAME}
    for known, name in candidates.items():
        if known.lower() == action.lower():
            return known, name
    for known, name in candidates.items():
        if (
            len(known) > _SHORT
            and abs(len(known) - len(action)) <= _EDITS
            and _edits(known, action) <= _EDITS
        ):
            return known, name
    return None


def nearest_action(action: str) -> str | None:
    """Return the action that an unknown one looks most like, if it looks like any."""
    from difflib import get_close_matches  # needed by tests only

    if closest := closest_name(action):
        return closest[0]
    nearest = get_close_matches(action, _BY_ACTION, 1)
    return nearest[0] if nearest else None


_EDITS: Final = 2
_SHORT: Final = 8  # among shorter names, two edits make one word of another


def _edits(one: str, other: str) -> int:
    """Return the Levenshtein distance, without regard to case."""
    one, other = one.lower(), other.lower()
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return row[-1]


def usual_envelope(action: str) -> dict[str, str]:
    """Return the category of an action, and its version if it has one, as the sender prints them today."""
    name = _BY_ACTION.get(action)
    facts = EVENT_TYPES[name] if name else EventType(action, "")
    envelope = {"category": facts.category or action}
    return envelope if facts.version is None else {**envelope, "version": facts.version}

"""What is known of each event class: its names, its module, and the category and version that the sender prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple


class EventType(NamedTuple):
    """One event class. `module` defines it, `category` is empty where the sender prints the action itself.

    `aliases` are the names that the vendor's guide has for the event. Which one a server will print is not known.
    """

    module: str
    category: str = ""
    version: str | None = None
    aliases: tuple[str, ...] = ()


# Class name -> facts. Importing a module compiles its classes, so each is imported when one of its events is first
# received or named.
EVENT_TYPES: Final[Mapping[str, EventType]] = {
    "LabelGenerated": EventType("labels"),
    "BuyerReturnLabelGenerated": EventType("labels", "buyerReturnRrLabel", "202408"),
    "MarkShipmentArrive": EventType("shipments", "rsl", "202407", ("warehouseMarkShipmentArrivedV2",)),
    "MarkShipmentArriveV1": EventType("shipments", "rsl", aliases=("MarkReceived",)),
    "AssignUnknown": EventType("shipments", "rsl"),
    "NewInventoryCreated": EventType("return_inventories", version="202207", aliases=("inventoryCreated",)),
    "CompleteInventoryHandling": EventType(
        "return_inventories", "rinv", aliases=("inventory-handling-complete",)
    ),
    "CancelInventoryHandling": EventType("return_inventories", "rinv"),
    "CompleteRecalibrate": EventType("return_inventories"),
    "NotifyUserRmaSwapped": EventType("return_inventories"),
    "UpdateReturnInventoryMeta": EventType("return_inventories"),
    "WarehouseUpdateWarehouseRemarks": EventType("return_inventories"),
    "UserUpdateReturnInventorySku": EventType("return_inventories"),
    "ChangeLineItemImage": EventType("return_requests", "rrli"),
    "VasUpdated": EventType("vas", "rrliv", aliases=("UpdateVas",)),
    "SplitLineItem": EventType("vas", "lineItemVasReturnInventoryLineItem"),
    "UpdateResendStatus": EventType("resends", "resend", aliases=("ResendV2", "resend-status-update")),
    "UpdateResendTrackingNumber": EventType("resends", "resend", aliases=("Resend",)),
    "ForceCancelResend": EventType("resends", "resend"),
    "RecallUpdateStatus": EventType("recalls", "recall"),
    "RecallShipmentDispatched": EventType("recalls"),
    "RecallDelivered": EventType("recalls"),
    "ConsolidateShippingOrderShippingFeeUpdated": EventType("consolidations", version="202409"),
    "ConsolidateShippingOrderInventoryAllPacked": EventType("consolidations", version="202410"),
    "ConsolidateShippingShipmentSent": EventType("consolidations", version="202207"),
    "ConsolidateShippingShipmentShipped": EventType("consolidations", version="202408"),
    "ConsolidateShippingOrderCompleted": EventType("consolidations", version="202408"),
    "ConsolidateShippingOrderCancelled": EventType("consolidations", version="202410"),
    "MarkFbaShipmentArrived": EventType("fba_shipments", aliases=("fbaShipmentArrived",)),
    "FbaShipmentPutaway": EventType("fba_shipments"),
    "CompleteFbaInstructionDispose": EventType("fba_instructions"),
    "CompleteFbaInstructionOthers": EventType("fba_instructions"),
    "CompleteFbaInstructionRecall": EventType("fba_instructions"),
    "FbaInstructionReplenishComplete": EventType("fba_instructions"),
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

# the one action of two classes, distinguished by the presence of a version
_ARRIVAL: Final = "markShipmentArrive"
_ARRIVAL_V1: Final = "MarkShipmentArriveV1"


def _action(class_name: str) -> str:
    """Return the action of an event class, which is named like it."""
    return _ARRIVAL if class_name == _ARRIVAL_V1 else class_name[0].lower() + class_name[1:]


_BY_ACTION: Final = {_action(name): name for name in EVENT_TYPES if name != _ARRIVAL_V1}


def _other_names() -> Iterator[tuple[str, str]]:
    """Yield every name that is not an action, with its class: aliases, and all names with the other first letter."""
    for name, facts in EVENT_TYPES.items():
        own = () if name == _ARRIVAL_V1 else (_action(name),)
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
    return _action(name) if name in EVENT_TYPES else None


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
    facts = EVENT_TYPES[name] if name else EventType("")
    envelope = {"category": facts.category or action}
    return envelope if facts.version is None else {**envelope, "version": facts.version}

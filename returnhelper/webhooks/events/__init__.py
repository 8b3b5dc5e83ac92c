"""One class per event: `from returnhelper.webhooks import events`, then `events.LabelGenerated`.

A class is named like its action, with a capital. Members of the payload are attributes in snake_case, beside `action`,
`category`, `version`, `event_time` and `notification_id`. An event without a class is an `UnknownEvent`, never an error.
Modules of events are imported when one of their classes is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from returnhelper._lazy import lazy_exports
from returnhelper.webhooks.events._base import Event, OpenEvent, UnknownEvent
from returnhelper.webhooks.events._catalog import (
    EVENT_TYPES,
    PAYLOADS,
    action_of,
    nearest_action,
    usual_envelope,
)
from returnhelper.webhooks.events._parse import build_event, event_class, parse_event

if TYPE_CHECKING:
    from returnhelper.webhooks.events.consolidations import (
        ConsolidateShippingOrderCancelled,
        ConsolidateShippingOrderCompleted,
        ConsolidateShippingOrderInventoryAllPacked,
        ConsolidateShippingOrderShippingFeeUpdated,
        ConsolidateShippingShipmentSent,
        ConsolidateShippingShipmentShipped,
    )
    from returnhelper.webhooks.events.fba_instructions import (
        CompleteFbaInstructionDispose,
        CompleteFbaInstructionOthers,
        CompleteFbaInstructionRecall,
        FbaInstructionReplenishComplete,
    )
    from returnhelper.webhooks.events.fba_shipments import FbaShipmentPutaway, MarkFbaShipmentArrived
    from returnhelper.webhooks.events.labels import (
        BuyerReturn,
        BuyerReturnLabelGenerated,
        BuyerReturnLineItem,
        LabelGenerated,
    )
    from returnhelper.webhooks.events.recalls import (
        RecallDelivered,
        RecallShipmentDispatched,
        RecallUpdateStatus,
    )
    from returnhelper.webhooks.events.resends import (
        ForceCancelResend,
        UpdateResendStatus,
        UpdateResendTrackingNumber,
    )
    from returnhelper.webhooks.events.return_inventories import (
        CancelInventoryHandling,
        CompleteInventoryHandling,
        CompleteRecalibrate,
        CreatedInventory,
        NewInventoryCreated,
        NotifyUserRmaSwapped,
        Recalibration,
        RmaSwap,
        UpdateReturnInventoryMeta,
        UserUpdateReturnInventorySku,
        WarehouseUpdateWarehouseRemarks,
    )
    from returnhelper.webhooks.events.return_requests import ChangeLineItemImage
    from returnhelper.webhooks.events.shipments import (
        AssignUnknown,
        LineItemImages,
        MarkShipmentArrive,
        MarkShipmentArriveV1,
    )
    from returnhelper.webhooks.events.vas import (
        LineItemSupplement,
        SplitLineItem,
        SplitPiece,
        VasUpdated,
    )

_EXPORTS: dict[str, list[str]] = {}
for _name, _module in {**{name: facts.module for name, facts in EVENT_TYPES.items()}, **PAYLOADS}.items():
    _EXPORTS.setdefault(f".{_module}", []).append(_name)

__all__ = [
    "AssignUnknown",
    "BuyerReturn",
    "BuyerReturnLabelGenerated",
    "BuyerReturnLineItem",
    "CancelInventoryHandling",
    "ChangeLineItemImage",
    "CompleteFbaInstructionDispose",
    "CompleteFbaInstructionOthers",
    "CompleteFbaInstructionRecall",
    "CompleteInventoryHandling",
    "CompleteRecalibrate",
    "ConsolidateShippingOrderCancelled",
    "ConsolidateShippingOrderCompleted",
    "ConsolidateShippingOrderInventoryAllPacked",
    "ConsolidateShippingOrderShippingFeeUpdated",
    "ConsolidateShippingShipmentSent",
    "ConsolidateShippingShipmentShipped",
    "CreatedInventory",
    "Event",
    "FbaInstructionReplenishComplete",
    "FbaShipmentPutaway",
    "ForceCancelResend",
    "LabelGenerated",
    "LineItemImages",
    "LineItemSupplement",
    "MarkFbaShipmentArrived",
    "MarkShipmentArrive",
    "MarkShipmentArriveV1",
    "NewInventoryCreated",
    "NotifyUserRmaSwapped",
    "OpenEvent",
    "Recalibration",
    "RecallDelivered",
    "RecallShipmentDispatched",
    "RecallUpdateStatus",
    "RmaSwap",
    "SplitLineItem",
    "SplitPiece",
    "UnknownEvent",
    "UpdateResendStatus",
    "UpdateResendTrackingNumber",
    "UpdateReturnInventoryMeta",
    "UserUpdateReturnInventorySku",
    "VasUpdated",
    "WarehouseUpdateWarehouseRemarks",
    "action_of",
    "build_event",
    "event_class",
    "nearest_action",
    "parse_event",
    "usual_envelope",
]

if not TYPE_CHECKING:  # type checkers would accept any name
    __getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)

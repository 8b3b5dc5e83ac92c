"""One class per event: `from returnhelper.webhooks import events`, then `events.LabelGenerated`.

A class has the name of its action with a capital. Members of the payload are attributes in snake_case, beside `action`,
`category`, `version`, `event_time` and `notification_id`. What no class fits is an `UnknownEvent`, never an error.
Families of events are imported when one of their classes is first touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from returnhelper.webhooks.events._base import (
    FAMILY_OF,
    Event,
    OpenEvent,
    UnknownEvent,
    build_event,
    event_class,
    load,
    parse_event,
)

if TYPE_CHECKING:
    from returnhelper.webhooks.events.consolidations import (
        ConsolidateShippingOrderCancelled,
        ConsolidateShippingOrderCompleted,
        ConsolidateShippingOrderInventoryAllPacked,
        ConsolidateShippingOrderShippingFeeUpdated,
        ConsolidateShippingShipmentSent,
        ConsolidateShippingShipmentShipped,
    )
    from returnhelper.webhooks.events.fba import (
        CompleteFbaInstructionDispose,
        CompleteFbaInstructionOthers,
        CompleteFbaInstructionRecall,
        FbaInstructionReplenishComplete,
        FbaShipmentPutaway,
        MarkFbaShipmentArrived,
    )
    from returnhelper.webhooks.events.inventories import (
        CancelInventoryHandling,
        ChangeLineItemImage,
        CompleteInventoryHandling,
        CompleteRecalibrate,
        NewInventoryCreated,
        NotifyUserRmaSwapped,
        UpdateReturnInventoryMeta,
        UserUpdateReturnInventorySku,
        WarehouseUpdateWarehouseRemarks,
    )
    from returnhelper.webhooks.events.labels import (
        BuyerReturnLabelGenerated,
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
    from returnhelper.webhooks.events.shipments import (
        AssignUnknown,
        MarkShipmentArrive,
        MarkShipmentArriveV1,
    )
    from returnhelper.webhooks.events.vas import (
        SplitLineItem,
        VasUpdated,
    )

__all__ = [
    "AssignUnknown",
    "BuyerReturnLabelGenerated",
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
    "Event",
    "FbaInstructionReplenishComplete",
    "FbaShipmentPutaway",
    "ForceCancelResend",
    "LabelGenerated",
    "MarkFbaShipmentArrived",
    "MarkShipmentArrive",
    "MarkShipmentArriveV1",
    "NewInventoryCreated",
    "NotifyUserRmaSwapped",
    "OpenEvent",
    "RecallDelivered",
    "RecallShipmentDispatched",
    "RecallUpdateStatus",
    "SplitLineItem",
    "UnknownEvent",
    "UpdateResendStatus",
    "UpdateResendTrackingNumber",
    "UpdateReturnInventoryMeta",
    "UserUpdateReturnInventorySku",
    "VasUpdated",
    "WarehouseUpdateWarehouseRemarks",
    "build_event",
    "event_class",
    "parse_event",
]


def __getattr__(name: str) -> type[Event]:
    if name in FAMILY_OF:
        found = globals()[name] = load(name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

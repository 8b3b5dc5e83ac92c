"""FBA instructions: named in the vendor's tables since 2023-09-27, never with a payload; see `payload`."""

from __future__ import annotations

from returnhelper._wire import model
from returnhelper.webhooks.events._base import OpenEvent


@model
class CompleteFbaInstructionDispose(OpenEvent):
    """An FBA dispose instruction finished.

    Source: webhook completeFbaInstructionDispose; no payload is documented
    """

    action: str = "completeFbaInstructionDispose"


@model
class CompleteFbaInstructionOthers(OpenEvent):
    """An FBA instruction of kind others finished.

    Source: webhook completeFbaInstructionOthers; no payload is documented
    """

    action: str = "completeFbaInstructionOthers"


@model
class CompleteFbaInstructionRecall(OpenEvent):
    """An FBA recall instruction finished.

    Source: webhook completeFbaInstructionRecall; no payload is documented
    """

    action: str = "completeFbaInstructionRecall"


@model
class FbaInstructionReplenishComplete(OpenEvent):
    """An FBA replenish instruction finished; no event for restock is named.

    Source: webhook fbaInstructionReplenishComplete; no payload is documented
    """

    action: str = "fbaInstructionReplenishComplete"

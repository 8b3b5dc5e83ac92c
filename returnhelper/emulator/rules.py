"""Rules: every refusal that depends on the state, as data. `reader` has those that a single member decides."""

from __future__ import annotations

from typing import Final, NamedTuple

from returnhelper.emulator.reader import SoftError


class Rule(NamedTuple):
    """A refusal: the member it names, its message, its code; `inferred` where the vendor documents none."""

    member: str
    message: str
    inferred: bool = False
    code: str = "VALIDATION_FAILED"


def refuse(rule: Rule, *about: object) -> SoftError:
    """Return the error that refuses a request; `about` fills the message."""
    return SoftError({rule.member: rule.message.format(*about)}, rule.code, inferred=rule.inferred)


# Things that do not exist, or belong to somebody else: the response does not tell which.
NO_WAREHOUSE: Final = Rule("warehouseId", "The value '{}' is not valid.")
NO_REQUEST: Final = Rule("returnRequestId", "Return request '{}' does not exist.")
NO_SHIPMENT: Final = Rule("shipmentId", "Shipment '{}' does not exist.")
NO_LABEL: Final = Rule("labelId", "Label '{}' does not exist.")
NO_INVENTORY: Final = Rule("returnInventoryId", "Return inventory '{}' does not exist.")
NO_LINE_ITEM: Final = Rule("lineItemId", "Line item '{}' does not exist.")
NO_VAS_LINE_ITEM: Final = Rule("returnRequestLineItemId", "Line item '{}' does not exist.")
NOT_ARRIVED: Final = Rule("lineItemId", "Line item '{}' has not arrived.", inferred=True)
NO_RESEND: Final = Rule("resendId", "Resend '{}' does not exist.")
NO_FBA_SHIPMENT: Final = Rule("fbaShipmentId", "FBA shipment '{}' does not exist.", inferred=True)
NO_STOCK: Final = Rule("fnsku", "There is no stock of '{}' in warehouse '{}'.", inferred=True)
NO_INSTRUCTION: Final = Rule("fbaInstructionId", "FBA instruction '{}' does not exist.", inferred=True)
NO_CONSOLIDATION: Final = Rule("consolidateShippingOrderId", "Order '{}' does not exist.", inferred=True)

# Return shipments and their labels.
NO_USABLE_LABEL: Final = Rule("returnRequestId", "Return request '{}' can no longer be edited.")
NEVER_EDITABLE: Final = Rule(
    "returnRequestId", "Return request '{}' was made with its label and cannot be edited."
)
LABEL_NOT_WANTED: Final = Rule("shipmentId", "Shipment '{}' was not made with createReturnRequest.")
LABEL_EXISTS: Final = Rule("shipmentId", "Shipment '{}' has a label already.", inferred=True)
LABEL_ENDED: Final = Rule("labelId", "Label '{}' is {} and cannot be cancelled.", inferred=True)
LABEL_USED: Final = Rule("labelId", "The parcel of label '{}' has arrived.", inferred=True)
LABEL_CUT_OFF: Final = Rule("labelId", "Label '{}' could be cancelled until {}.", inferred=True)

# Inventories: why one may not take part in a workflow. A message without a member is put under that of the call.
VAS_PENDING: Final = Rule("returnInventoryId", "A VAS of return inventory '{}' is pending.")
WAS_SPLIT: Final = Rule("returnInventoryId", "Return inventory '{}' was split.", inferred=True)
IN_WORKFLOW: Final = Rule("returnInventoryId", "Return inventory '{}' is part of {}.")
HANDLING_STARTED: Final = Rule(
    "returnInventoryId", "The handling of return inventory '{}' is {}.", inferred=True
)
NOT_CANCELLABLE: Final = Rule(
    "returnInventoryId", "The handling of return inventory '{}' cannot be cancelled."
)
NOT_ON_HOLD: Final = Rule("returnInventoryId", "Return inventory '{}' is not on hold.")
ITEM_NOT_ON_HOLD: Final = Rule("returnRequestLineItemId", "Line item '{}' is not on hold.")
SEVERAL_WAREHOUSES: Final = Rule(
    "returnInventoryIdList", "All return inventories must be in the same warehouse."
)
WRONG_RESEND_SERVICE: Final = Rule("shipmentServiceType", "'{}' is no resend service of warehouse '{}'.")
RESEND_STARTED: Final = Rule("resendId", "Resend '{}' cannot be cancelled any more.")
RECALL_STARTED: Final = Rule("recallIdList", "Recall '{}' is not pending.")
NO_OPEN_RECALL: Final = Rule(
    "returnInventoryIdList", "Return inventory '{}' has no recall that can be cancelled."
)

# FBA.
TRACKING_IN_USE: Final = Rule(
    "trackingNumber", "Tracking number '{}' is in use.", code="TRACKING_ALREADY_EXIST"
)
STOCK_TOO_SMALL: Final = Rule("quantity", "Only {} of '{}' are available in warehouse '{}'.", inferred=True)
OTHER_INSTRUCTION: Final = Rule("fbaInstructionId", "FBA instruction '{}' is of another type.", inferred=True)
INSTRUCTION_STARTED: Final = Rule("fbaInstructionId", "FBA instruction '{}' is not pending.")
NOT_IN_INSTRUCTION: Final = Rule("oldFnsku", "FBA instruction '{}' has no '{}'.", inferred=True)

# Consolidated shipping.
ORDER_CLOSED: Final = Rule("consolidateShippingOrderId", "Order '{}' is {}.", inferred=True)
ORDER_EMPTY: Final = Rule("consolidateShippingOrderId", "Order '{}' has no inventory.", inferred=True)
NOT_ON_ORDER: Final = Rule(
    "returnInventoryIdList", "Return inventory '{}' is not on the order.", inferred=True
)
OTHER_WAREHOUSE: Final = Rule("returnInventoryIdList", "Return inventory '{}' is not in warehouse '{}'.")

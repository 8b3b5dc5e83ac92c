"""FBA instructions, as they print; each type has members of its own."""

from __future__ import annotations

from typing import Final

from returnhelper._time import to_wire
from returnhelper.emulator.account import API_ID, WAREHOUSE_API_ID, Payload
from returnhelper.emulator.entities import FbaClaim, FbaInstruction
from returnhelper.emulator.forms.fba_shipments import optional_time

TYPES: Final = {"DIS": "Dispose", "OTH": "Others", "RCL": "Recall", "RPS": "Replenish", "RSK": "Restock"}
"""The part of the member names that stands for the type, by code; for RLB no source has any."""

_SHIPPING: Final = (
    "provideLabel", "newShipmentFbaName", "newShipmentStreet1", "newShipmentStreet2", "newShipmentStreet3",
    "newShipmentState", "newShipmentCity", "newShipmentPostalCode", "newShipmentCountryCode", "newShipmentReferenceId",
    "filename",
)  # fmt: skip


def response(instruction: FbaInstruction) -> Payload:
    """Return the form of the response to its creation."""
    return {
        "fbaInstructionId": str(instruction.instruction_id),
        "apiId": API_ID,
        "fbaInstructionNumber": instruction.number,
        "fbaInstructionHandlingCode": instruction.handling,
        "handlingStatusCode": instruction.status,
        "quantity": instruction.quantity,
        "warehouseId": instruction.warehouse_id,
        "warehouseApiId": WAREHOUSE_API_ID,
    }


def row(instruction: FbaInstruction) -> Payload:
    """Return the row of FbaInstruction/list."""
    members = response(instruction)
    del members["apiId"], members["warehouseApiId"]
    return members | {"cancelRemarks": None, "createOn": to_wire(instruction.created)}


def item(instruction: FbaInstruction, claim: FbaClaim) -> Payload:
    """Return a line of the plain list."""
    return {
        "fbaInstructionItemId": str(claim.claim_id),
        "fbaInstructionId": str(instruction.instruction_id),
        "fbaShipmentItemId": str(claim.item.item_id),
        "instructionItemQuantity": claim.quantity,
    }


def _detailed_item(instruction: FbaInstruction, claim: FbaClaim) -> Payload:
    shipment = claim.item.shipment
    return {
        **item(instruction, claim),
        "apiId": API_ID,
        "fnsku": claim.item.fnsku,
        "trackingNumber": shipment.tracking_number,
        "rma": shipment.received_number,
        "arrivalOn": optional_time(shipment.arrived),
    }


def relabelled_item(instruction: FbaInstruction, claim: FbaClaim) -> Payload:
    """Return a line that gets another FNSKU."""
    members = _detailed_item(instruction, claim)
    del members["arrivalOn"]
    return members | {"newFnsku": claim.new_fnsku}


def typed(instruction: FbaInstruction) -> Payload:
    """Return the form of the response that has the members of its type."""
    name = TYPES[instruction.handling]
    items = [_detailed_item(instruction, claim) for claim in instruction.claims]
    detail = str(instruction.detail_id)
    members = {
        **response(instruction),
        "createOn": to_wire(instruction.created),
        "modifyOn": optional_time(instruction.modified),
        "cancelRemarks": None,
        f"fbaInstruction{name}Id": detail,
        f"fbaInstruction{name}ItemList": items,
    }
    if name == "Others":
        members["warehouseRemarks"] = instruction.remarks
    elif name == "Recall":
        # The recall table prints the id under the name of the others; its own name is inferred.
        members |= {"fbaInstructionOthersId": detail, "recallTrackingNumber": instruction.tracking_number}
    elif name == "Restock":
        members["returnInventoryId"] = instruction.inventory_id
    elif name == "Replenish":
        for entry, claim in zip(items, instruction.claims, strict=True):
            entry["newFnsku"] = claim.new_fnsku
        members |= _replenish(instruction)
    return members


def _replenish(instruction: FbaInstruction) -> Payload:
    shipping, key = instruction.shipping, instruction.shipping.get("fileKey")
    shipped = instruction.shipped is not None
    return {
        **{name: shipping.get(name) for name in _SHIPPING},
        "replenishStatusCode": instruction.replenish_status,
        "shipmentNumber": instruction.shipment_number,
        "newShipmentWeight": 1000 * instruction.quantity if shipped else None,
        "newShipmentWeightUom": "g" if shipped else None,
        "newShipmentDimension1": 40 if shipped else None,
        "newShipmentDimension2": 30 if shipped else None,
        "newShipmentDimension3": 20 if shipped else None,
        "newShipmentDimensionUom": "cm" if shipped else None,
        "newShipmentDate": optional_time(instruction.shipped),
        "fileExt": str(key).rpartition(".")[2] if key else None,
        "s3OriginalFileKey": key,
        "isLabelDeleted": False if key else None,
    }


def shipping_info(instruction: FbaInstruction) -> Payload:
    """Return the form of the response to a change of the shipping data."""
    return {
        **{name: instruction.shipping.get(name) for name in (*_SHIPPING, "fileKey")},
        "fbaInstructionReplenishId": str(instruction.detail_id),
        "fbaInstructionId": str(instruction.instruction_id),
        "handlingStatusCode": instruction.status,
        "replenishStatusCode": instruction.replenish_status,
    }

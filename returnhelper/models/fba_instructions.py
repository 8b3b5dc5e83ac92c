"""FBA instructions: orders for the warehouse about FBA stock."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from returnhelper._validation import Between, CountryCode, FbaId, Text, WarehouseId
from returnhelper._wire import Model, model, wire
from returnhelper.models.codes import (
    DimensionUnit,
    FbaInstructionHandling,
    FbaInstructionHandlingStatus,
    WeightUnit,
)


@model
class FbaInstructionItem(Model):
    """A line of an instruction: a number of units out of one shipment.

    The plain list of lines carries ids and quantity only; the lines inside a typed instruction carry the rest, and
    ``new_fnsku`` belongs to replenish instructions.
    """

    fba_instruction_item_id: UUID
    api_id: int | None = None
    fba_instruction_id: UUID | None = None
    fba_shipment_item_id: UUID | None = None
    instruction_item_quantity: int | None = None
    fnsku: str | None = None
    new_fnsku: str | None = None
    tracking_number: str | None = None
    rma: str | None = None
    arrival_on: datetime | None = None


@model
class FbaInstruction(Model):
    """An instruction as ``create`` and ``list`` return it, and the common part of every typed one.

    ``create`` fills the account ids, ``list`` the creation time and ``cancel_remarks``.
    """

    fba_instruction_id: UUID
    api_id: int | None = None
    fba_instruction_number: str | None = None
    fba_instruction_handling_code: FbaInstructionHandling | None = None
    handling_status_code: FbaInstructionHandlingStatus | None = None
    quantity: int | None = None
    warehouse_id: int | None = None
    warehouse_api_id: int | None = None
    cancel_remarks: str | None = None
    create_on: datetime | None = None
    modify_on: datetime | None = None


@model
class FbaInstructionDispose(FbaInstruction):
    """An instruction to dispose of stock."""

    fba_instruction_dispose_id: UUID | None = None
    fba_instruction_dispose_item_list: tuple[FbaInstructionItem, ...] = ()


@model
class FbaInstructionOthers(FbaInstruction):
    """A free-form instruction."""

    fba_instruction_others_id: UUID | None = None
    warehouse_remarks: str | None = None
    fba_instruction_others_item_list: tuple[FbaInstructionItem, ...] = ()


@model
class FbaInstructionRecall(FbaInstruction):
    """An instruction to send stock back to its owner."""

    # The old table repeats the identifier of the "others" page here; the siblings predict ...RecallId.
    fba_instruction_recall_id: UUID | None = wire(
        "fbaInstructionRecallId", "fbaInstructionOthersId", default=None
    )
    recall_tracking_number: str | None = None
    fba_instruction_recall_item_list: tuple[FbaInstructionItem, ...] = ()


@model
class FbaInstructionRestock(FbaInstruction):
    """An instruction to turn FBA stock into a return inventory, ``return_inventory_id`` once that exists."""

    fba_instruction_restock_id: UUID | None = None
    return_inventory_id: int | None = None
    fba_instruction_restock_item_list: tuple[FbaInstructionItem, ...] = ()


@model
class FbaInstructionReplenish(FbaInstruction):
    """An instruction to send stock to Amazon again, with the outbound parcel.

    An update of the shipping data fills the ids, the two status codes, the ``new_shipment_...`` members
    and ``file_key``; reading it fills ``s3_original_file_key`` for the label file. No source lists the values of
    ``replenish_status_code``.
    """

    fba_instruction_replenish_id: UUID | None = None
    replenish_status_code: str | None = None
    shipment_number: str | None = None
    provide_label: bool | None = None
    new_shipment_reference_id: str | None = None
    new_shipment_fba_name: str | None = None
    new_shipment_street1: str | None = None
    new_shipment_street2: str | None = None
    new_shipment_street3: str | None = None
    new_shipment_state: str | None = None
    new_shipment_city: str | None = None
    new_shipment_postal_code: str | None = None
    new_shipment_country_code: str | None = None
    new_shipment_weight: Decimal | None = None
    new_shipment_weight_uom: WeightUnit | None = None
    new_shipment_dimension1: Decimal | None = None
    new_shipment_dimension2: Decimal | None = None
    new_shipment_dimension3: Decimal | None = None
    new_shipment_dimension_uom: DimensionUnit | None = None
    new_shipment_date: datetime | None = None
    filename: str | None = None
    file_ext: str | None = None
    file_key: str | None = None
    s3_original_file_key: str | None = None
    is_label_deleted: bool | None = None
    fba_instruction_replenish_item_list: tuple[FbaInstructionItem, ...] = ()


@model
class CreateFbaInstructionSku(Model):
    """The stock line that an instruction is about, and how many units of it."""

    warehouse_id: WarehouseId
    fnsku: Text
    quantity: Annotated[int, Between(1)]


@model
class UpdateShippingInfo(Model):
    """Destination, reference and label of a replenish instruction.

    ``provide_label=True`` goes with the ``filename`` and ``file_key`` that `files.upload` returned; otherwise leave
    both out. The country is ISO 3166 alpha-3 in lower case.
    """

    fba_instruction_id: FbaId
    new_shipment_reference_id: Text
    new_shipment_fba_name: Text
    new_shipment_street1: Text
    new_shipment_street2: str
    new_shipment_street3: str | None = None
    new_shipment_city: Text
    new_shipment_state: Text
    new_shipment_postal_code: Text
    new_shipment_country_code: CountryCode | None = None
    provide_label: bool | None = None
    filename: str | None = None
    file_key: str | None = None

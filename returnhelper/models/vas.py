"""Value-added services: work on an inventory on hold, and its results."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from returnhelper._validation import EntityId, Entries, Text, not_blank
from returnhelper._wire import Model, model
from returnhelper.models._base import Audited
from returnhelper.models.codes import DimensionUnit, VasCode, VasStatus, WeightUnit
from returnhelper.types import JSONObject


@model
class ReturnRequestLineItemVas(Audited):
    """One value-added service on a line item; measurements and pictures come with the ``vasUpdated`` webhook."""

    return_request_line_item_vas_id: int
    return_request_line_item_id: int | None = None
    vas_code: VasCode | None = None
    meta_quantity: int | None = None
    vas_result: str | None = None
    notes: str | None = None
    is_finished: bool | None = None
    vas_status_code: VasStatus | None = None
    weight: Decimal | None = None
    weight_uom: WeightUnit | None = None
    dimension1: Decimal | None = None
    dimension2: Decimal | None = None
    dimension3: Decimal | None = None
    dimension_uom: DimensionUnit | None = None
    image_url_list: tuple[str, ...] = ()


@model
class VasFile(Model):
    """An instruction file: both members come from ``files.get_pre_signed_upload_url``."""

    filename: Text
    file_key: Text


@model
class CreateVasDetail(Model):
    """One service to perform.

    ``meta_quantity`` is required for ``split-parcel`` (1 to 50 pieces) and ``req-pic`` (above 0).
    ``vas_file_list`` is accepted with ``split-parcel`` only.
    """

    vas_code: Annotated[VasCode | str, not_blank]
    notes: str | None = None
    meta_quantity: int | None = None
    vas_file_list: tuple[VasFile, ...] | None = None


@model
class CreateVas(Model):
    """The services to perform on one inventory."""

    return_inventory_id: EntityId
    create_vas_detail_list: Annotated[tuple[CreateVasDetail, ...], Entries(1)]


@model
class CreateLineItemVas(Model):
    """The services to perform on one line item."""

    return_request_line_item_id: EntityId
    create_vas_detail_list: Annotated[tuple[CreateVasDetail, ...], Entries(1)]


@model
class CreatedVas(Model):
    """Acceptance of the services for one line item; the members of the details are not documented."""

    return_request_line_item_id: int
    create_vas_detail_list: tuple[JSONObject, ...] = ()

"""Labels of return shipments."""

from __future__ import annotations

from typing import Final

from returnhelper._request import Acknowledgement, Operation, RequestOptions
from returnhelper._validation import EntityId, Parameters
from returnhelper.models.labels import Label
from returnhelper.resources._base import Resource

_CREATE: Final = Operation(
    "Label/CreateLabel",
    "POST",
    "/api/Label/CreateLabel",
    deprecated="return_shipments.create",
    params=Parameters(shipment_id=EntityId),
)
_CANCEL: Final = Operation(
    "Label/CancelLabel", "POST", "/api/Label/CancelLabel", params=Parameters(label_id=EntityId)
)


class Labels(Resource):
    """Labels are made asynchronously; only the labelGenerated webhook brings their files."""

    async def create(self, shipment_id: int, *, options: RequestOptions | None = None) -> Label:
        """Queue a label for a shipment of `return_requests.create` (deprecated: use `return_shipments.create`).

        Success means queued, not made: the labelGenerated webhook carries the outcome. Match it by ``shipment_id``,
        since a label that is made again gets a new ``label_id``.

        Source: Label/CreateLabel
        """
        return await self._one(_CREATE, Label, options, shipment_id=shipment_id)

    async def cancel(self, label_id: int, *, options: RequestOptions | None = None) -> Acknowledgement:
        """Cancel a label, which is the way to undo a return shipment.

        ``label_id`` comes from `return_shipments.create` or the labelGenerated webhook. After the label's
        ``cancel_cutoff_time`` the server refuses (inferred). No webhook of it is documented.

        Source: Label/CancelLabel
        """
        return await self._one(_CANCEL, Acknowledgement, options, label_id=label_id)

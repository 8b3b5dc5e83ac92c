"""Steps that take both the client and the webhook receiver."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from returnhelper._arguments import require
from returnhelper._time import to_seconds
from returnhelper.errors import EventNotReceived
from returnhelper.webhooks.events import LabelGenerated

if TYPE_CHECKING:
    from returnhelper.client import ReturnHelper
    from returnhelper.models.return_shipments import CreatedReturnShipment, CreateReturnShipmentRequest
    from returnhelper.webhooks.receiver import Receiver

__all__ = ["create_and_wait"]


async def create_and_wait(
    rh: ReturnHelper,
    receiver: Receiver,
    request: CreateReturnShipmentRequest,
    *,
    timeout: float | timedelta = 120.0,  # noqa: ASYNC109 - as everywhere in this package
) -> LabelGenerated:
    """Create a return shipment and return its `LabelGenerated` event, whichever machine received it.

    A label that could not be generated is returned too: check `event.failed`. Durations are seconds or timedeltas.
    Raises what the call raises, and `EventNotReceived` after `timeout`; the shipment exists in that case, and
    `.shipment_id` of the error is its id. Source: ReturnShipment/createReturnShipment
    """
    require("rh", rh, valid=hasattr(rh, "return_shipments"), what="a ReturnHelper")
    require("receiver", receiver, valid=hasattr(receiver, "expect"), what="a Receiver")
    timeout = to_seconds("timeout", timeout)
    created: CreatedReturnShipment | None = None

    def is_of_created(event: LabelGenerated) -> bool:
        if created is None or created.shipment_id is None or event.label is None:
            return False
        return event.label.shipment_id == created.shipment_id

    async with receiver.expect(LabelGenerated, when=is_of_created, timeout=timeout) as expected:
        created = await rh.return_shipments.create(request)
        try:
            return await expected
        except EventNotReceived as error:
            error.shipment_id = created.shipment_id
            raise

"""FBA removal shipments: named in the vendor's tables since 2023-09-27, never with a payload; see `payload`."""

from __future__ import annotations

from returnhelper._wire import model
from returnhelper.webhooks.events._base import OpenEvent


@model
class MarkFbaShipmentArrived(OpenEvent):
    """An FBA removal parcel reached the warehouse. Follows `fba_shipments.create`, then the warehouse scan.

    Source: webhook markFbaShipmentArrived; no payload is documented
    """

    action: str = "markFbaShipmentArrived"


@model
class FbaShipmentPutaway(OpenEvent):
    """An FBA parcel was counted into stock by FNSKU and quantity, when the warehouse put it away.

    Source: webhook fbaShipmentPutaway; no payload is documented
    """

    action: str = "fbaShipmentPutaway"

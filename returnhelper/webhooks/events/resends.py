"""Resends: the status of an order, in its present form and in two older ones."""

from __future__ import annotations

from returnhelper._wire import model
from returnhelper.models.resends import Resend, ResendShipment
from returnhelper.models.return_inventories import ReturnInventory
from returnhelper.webhooks.events._base import Event


@model
class UpdateResendStatus(Event):
    """A resend order changed status, got its tracking number, failed or was cancelled by the warehouse.

    Follows `resends.create`. See `resend.resend_status_code`; a completed order has a `tracking_number`, a failed one an
    `error`, both in `resend_shipment_list`.

    Source: webhook updateResendStatus
    """

    action: str = "updateResendStatus"
    resend: Resend
    resend_shipment_list: tuple[ResendShipment, ...] = ()
    return_inventory_list: tuple[ReturnInventory, ...] = ()


@model
class UpdateResendTrackingNumber(Event):
    """A resend order got its `tracking_number` or a `failure_reason`: the older notice, announced to end with 2024.

    Source: webhook updateResendTrackingNumber (deprecated; see UpdateResendStatus)
    """

    action: str = "updateResendTrackingNumber"
    resend: Resend
    tracking_number: str | None = None
    failure_reason: str | None = None


@model
class ForceCancelResend(Event):
    """The warehouse cancelled a resend order, for `failure_reason`: an older notice, withdrawn on 2024-05-07.

    Source: webhook forceCancelResend (withdrawn; see UpdateResendStatus)
    """

    action: str = "forceCancelResend"
    resend: Resend
    tracking_number: str | None = None
    failure_reason: str | None = None

"""Members that many entities share: the audit trail and the flat sender or receiver address."""

from __future__ import annotations

from datetime import datetime

from returnhelper._wire import Model, model


@model
class Audited(Model):
    """Who made and changed an entity, and when.

    The ``…_str`` twins are the vendor's text forms (a blank between date and time, no offset) and stay text.
    """

    create_on: datetime | None = None
    create_by: str | None = None
    create_on_str: str | None = None
    modify_on: datetime | None = None
    modify_by: str | None = None
    modify_on_str: str | None = None


@model
class ShipmentAddress(Audited):
    """The address of a parcel's far end: the sender of a return, the receiver of a resend."""

    shipment_country_code: str | None = None
    shipment_name: str | None = None
    shipment_phone: str | None = None
    shipment_fax: str | None = None
    shipment_email: str | None = None
    shipment_street1: str | None = None
    shipment_street2: str | None = None
    shipment_street3: str | None = None
    shipment_state: str | None = None
    shipment_city: str | None = None
    shipment_postal_code: str | None = None

"""Service types: carriers and lanes, for returns and for resends."""

from __future__ import annotations

from returnhelper._wire import Model, model


@model
class ServiceType(Model):
    """A service type; only ``service_types.list`` fills the lane."""

    service_type_code: str
    service_type: str | None = None
    from_country: str | None = None
    to_country: str | None = None


@model
class CountryCodePair(Model):
    """A lane of a resend service. The older table has ``toPostalCode`` where samples print ``toCountryCode``."""

    warehouse_id: int | None = None
    description: str | None = None
    from_country_code: str | None = None
    to_country_code: str | None = None
    to_postal_code: str | None = None


@model
class ShipmentServiceType(Model):
    """A resend service and the lanes it serves."""

    service_type_code: str
    service_type: str | None = None
    country_code_pair_list: tuple[CountryCodePair, ...] = ()

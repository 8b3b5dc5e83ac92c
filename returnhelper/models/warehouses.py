"""Warehouses: where returns arrive."""

from __future__ import annotations

from returnhelper._wire import Model, model
from returnhelper.models.codes import AddressType


@model
class Warehouse(Model):
    """A warehouse and its address."""

    warehouse_id: int
    country_code: str | None = None
    contact_name: str | None = None
    company_name: str | None = None
    phone: str | None = None
    email: str | None = None
    fax: str | None = None
    street1: str | None = None
    street2: str | None = None
    street3: str | None = None
    state: str | None = None
    city: str | None = None
    postal_code: str | None = None
    address_type: AddressType | None = None
    description: str | None = None

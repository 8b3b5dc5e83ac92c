"""Lookups and the price of a return."""

from __future__ import annotations

import json
from decimal import Decimal

import attrs
import pytest

from returnhelper import Environment, ReturnHelper
from returnhelper.errors import ConfigurationError, RequestInvalid
from returnhelper.models import codes
from tests.support.coverage_fba import SHORT_BUYER_SHIPMENT
from tests.support.server import recording


def envelope(**payload: object) -> bytes:
    """Return a successful response."""
    return json.dumps({"correlationId": "c-1", "meta": {"status": 200}, **payload}).encode()


async def test_the_misspelt_email_is_read() -> None:
    """primayEmail is how the wire spells it; a corrected wire is read as well."""
    async with recording() as (recorder, rh):
        for name in ("primayEmail", "primaryEmail"):
            recorder.response = envelope(apiName="Shop", **{name: "ann@example.com"})
            info = await rh.lookups.get_api_info()
            assert (info.api_name, info.primary_email, info.extra) == ("Shop", "ann@example.com", {})


async def test_country_names_in_either_case() -> None:
    """One table prints CountryName."""
    async with recording() as (recorder, rh):
        rows = [{"countryCode": "usa", "CountryName": "USA"}, {"countryCode": "abw", "countryName": "Aruba"}]
        recorder.response = envelope(countries=rows)
        usa, aruba = await rh.lookups.list_countries()
    assert (usa.country_name, usa.country_code) == ("USA", codes.Country.UNITED_STATES)
    assert (aruba.country_code, aruba.country_code.is_known) == ("abw", False)


async def test_rates_are_exact() -> None:
    """Exchange rates keep every digit."""
    async with recording() as (recorder, rh):
        recorder.response = b'{"meta":{"status":200},"currencies":[{"currencyCode":"usd","exchangeRate":7.80000000000000001}]}'
        (usd,) = await rh.lookups.list_currencies()
    assert usd.exchange_rate == Decimal("7.80000000000000001")


async def test_codes_keep_the_servers_spelling() -> None:
    """A code that the server lists in an older spelling can be compared, and is sent as the server spells it."""
    async with recording() as (recorder, rh):
        recorder.response = envelope(handlings=[{"handlingCode": "dis", "handlingDescription": "dispose"}])
        (dispose,) = await rh.lookups.list_handlings()
    assert dispose.handling_code == codes.Handling.DISPOSE
    assert dispose.handling_code is not None
    assert dispose.handling_code.wire == "dis"


async def test_an_empty_list_is_a_list() -> None:
    """A null list, or none, is empty."""
    async with recording() as (recorder, rh):
        for payload in ({}, {"vasList": None}, {"vasList": []}):
            recorder.response = envelope(**payload)
            found = await rh.lookups.list_vas()
            assert (list(found), found.correlation_id) == ([], "c-1")


async def test_a_price_needs_its_basics() -> None:
    """Service, origin and weight are looked at before sending."""
    wrong = attrs.evolve(  # type: ignore[misc]
        SHORT_BUYER_SHIPMENT, shipment_service_type="", shipment_country_code="US", weight=Decimal(0)
    )
    async with recording() as (recorder, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.lookups.calculate_buyer_shipment_cost(wrong)
        assert set(caught.value.fields) == {"shipmentServiceType", "shipmentCountryCode", "weight"}
        assert recorder.seen == []
        recorder.response = b'{"meta":{"status":200},"rate":12.30,"costDetails":{"fuel":0.10,"base":12.20}}'
        cost = await rh.lookups.calculate_buyer_shipment_cost(SHORT_BUYER_SHIPMENT)
    assert (cost.rate, str(cost.rate)) == (Decimal("12.3"), "12.30")
    assert cost.cost_details == {"fuel": Decimal("0.1"), "base": Decimal("12.2")}
    assert b'"shipmentNumber"' not in recorder.seen[0].body


async def test_china_has_no_public_api() -> None:
    """Where no base of the Public API is documented, a lookup says so and sends nothing."""
    async with ReturnHelper("key", "token", environment=Environment.PRODUCTION_CHINA) as rh:
        with pytest.raises(ConfigurationError, match="public_url"):
            await rh.lookups.list_vas()

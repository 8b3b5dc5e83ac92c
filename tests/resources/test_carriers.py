"""Limits of carriers and state codes: found before sending, and left to the carrier when asked to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from returnhelper import RequestInvalid, RequestOptions
from returnhelper.models.carriers import CARRIER_LIMITS
from returnhelper.models.codes import ReturnService
from returnhelper.models.states import STATES, state_problem
from tests.support.coverage_core import return_shipment
from tests.support.server import only_sent, recording

evolve: Any = attrs.evolve

# A sender whom every carrier of the country accepts.
SENDERS: dict[str, dict[str, str]] = {
    "gbr": {"phone": "07700900123", "street2": "Flat 2", "state": "NA", "postal_code": "SW1A 1AA"},
    "deu": {"phone": "03012345678", "street2": "12", "state": "BE", "postal_code": "10115"},
    "esp": {"phone": "612345678", "state": "M", "postal_code": "28001"},
    "fra": {"phone": "0612345678", "state": "NA", "postal_code": "75001"},
    "usa": {"phone": "2015550123", "state": "NJ", "postal_code": "08817"},
    "aus": {"phone": "0412345678", "state": "NSW", "postal_code": "2000"},
    "sgp": {"phone": "61234567", "street1": "1 Main St", "state": "NA", "postal_code": "018956"},
    "can": {"phone": "4165550123", "state": "ON", "postal_code": "M5V 2T6"},
    "hkg": {"phone": "21234567", "state": "NA", "postal_code": "0"},
    "ita": {"phone": "3123456789", "state": "NA", "postal_code": "00118"},
}
COUNTRIES = {
    ReturnService.ROYAL_MAIL: "gbr",
    ReturnService.ROYAL_MAIL_BIR: "gbr",
    ReturnService.ROYAL_MAIL_POSTMEN_BIR: "gbr",
    ReturnService.DPD_UK: "gbr",
    ReturnService.DPD_UK_BIR: "gbr",
    ReturnService.DHL_GERMANY: "deu",
    ReturnService.CORREOS: "esp",
    ReturnService.COLISSIMO: "fra",
    ReturnService.SENDLE_AU: "aus",
    ReturnService.AUSTRALIA_POST: "aus",
    ReturnService.QXPRESS: "sgp",
    ReturnService.JNT_EXPRESS: "sgp",
    ReturnService.CANADA_POST: "can",
    ReturnService.SF_EXPRESS: "hkg",
    ReturnService.FREU_COLISSIMO: "ita",
    ReturnService.FREU_DHL: "deu",
}


def order(service: str, sizes: tuple[int, int, int] = (30, 20, 10), **sender: object) -> Any:
    """Order a label of a service for a sender that it accepts, but for some members."""
    request: Any = return_shipment(complete=False)
    country = sender.get("country") or COUNTRIES.get(ReturnService(service), "usa")
    accepted = {
        "city": "Sampletown",
        "email": "ann@example.com",
        "street1": "1 Main St",
        "contact_name": "Ann Lee",
    }
    members = {"country": country, **accepted, **SENDERS.get(str(country), {}), **sender}
    length, width, height = map(Decimal, sizes)
    shipment = request.shipment
    return evolve(
        request,
        service_type_code=service,
        shipment=evolve(
            shipment,
            ship_from=evolve(shipment.ship_from, **members),
            parcel=evolve(shipment.parcel, length=length, width=width, height=height),
        ),
    )


async def broken(request: Any, **options: Any) -> dict[str, str]:
    """Return the fields that are refused, without the path to the shipment; nothing is sent then."""
    async with recording() as (recorder, rh):
        try:
            with only_sent():
                await rh.return_shipments.create(request, **options)
        except RequestInvalid as error:
            assert recorder.seen == []
            return {name.removeprefix("shipment."): text for name, text in error.fields.items()}
        assert len(recorder.seen) == 1
    return {}


@pytest.mark.parametrize("service", CARRIER_LIMITS)
async def test_a_good_sender_is_accepted(service: ReturnService) -> None:
    """Each service accepts the sample sender of its country."""
    assert await broken(order(service)) == {}


@pytest.mark.parametrize("service", CARRIER_LIMITS)
async def test_every_text_has_its_limits(service: ReturnService) -> None:
    """Of each service, every required text is missed and every longest length is kept, for each member of the sender."""
    for name, limit in CARRIER_LIMITS[service].texts.items():
        path = "shipFrom." + {"contact_name": "contactName", "postal_code": "postalCode"}.get(name, name)
        if limit.required:
            assert path in await broken(order(service, **{name: ""}))
        if limit.most is not None and limit.pattern is None:
            found = await broken(order(service, **{name: "x" * (limit.most + 1)}))
            assert path in found


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("rm", {"country": "deu", "state": "BE", "postal_code": "SW1A 1AA"}, "shipFrom.country"),
    ("rm", {"postal_code": "SW1A1AA"}, "shipFrom.postalCode"),
    ("rm", {"postal_code": "sw1a 1aa"}, "shipFrom.postalCode"),
    ("rm", {"phone": "1234"}, "shipFrom.phone"),
    ("rm", {"city": " London"}, "shipFrom.city"),
    ("RETURN_POSTMEN_RM_BIR", {"street1": "x" * 40, "street2": "x" * 21}, "shipFrom.street1"),
    (
        "RETURN_POSTMEN_RM_BIR",
        {"street1": "x" * 40, "street2": "x" * 20, "street3": "x" * 16},
        "shipFrom.street1",
    ),
    ("pdpd", {"phone": "123456789"}, "shipFrom.phone"),
    ("pdpd", {"street1": "x" * 30, "street2": "x" * 30, "street3": "x" * 11}, "shipFrom.street1"),
    ("pdpd", {"sizes": (101, 1, 1)}, "parcel.length"),
    ("pdpd", {"sizes": (90, 41, 40)}, "parcel.length"),
    ("sdhl", {"street2": "123456"}, "shipFrom.street2"),
    ("sdhl", {"postal_code": "1011"}, "shipFrom.postalCode"),
    ("ucepaq", {"phone": "912345678"}, "shipFrom.phone"),
    ("ucss", {"contact_name": "Łukasz"}, "shipFrom.contactName"),
    ("ups_nj", {"phone": None}, "shipFrom.phone"),
    ("ups_nj", {"phone": "555-0123-45"}, "shipFrom.phone"),
    ("ups_wa", {"street1": "x" * 31}, "shipFrom.street1"),
    ("ups_wa", {"sizes": (271, 1, 1)}, "parcel.length"),
    ("ups_wa", {"sizes": (1, 73, 270)}, "parcel.height"),
    ("usps", {"email": None}, "shipFrom.email"),
    ("usps", {"email": "Ann@example.com"}, "shipFrom.email"),
    ("usps", {"postal_code": "08817-1234"}, "shipFrom.postalCode"),
    ("usps", {"postal_code": "08817\n"}, "shipFrom.postalCode"),
    ("RETURN_USPS_BROKER_NJ", {"city": "x" * 21}, "shipFrom.city"),
    ("fedex_ground", {"street1": "x" * 30, "street2": "x" * 29, "street3": "x"}, "shipFrom.street1"),
    ("fedex_ground", {"email": "no address"}, "shipFrom.email"),
    ("fedex_ground", {"sizes": (275, 1, 1)}, "parcel.length"),
    ("sendle_au_domestic", {"sizes": (100, 100, 11)}, "parcel.length"),
    ("easyparcel_qxpress", {"street1": "11 Main St."}, "shipFrom.street1"),
    ("ubi_ca", {"sizes": (201, 1, 1)}, "parcel.length"),
    ("ubi_au", {"sizes": (1, 106, 1)}, "parcel.width"),
    ("ubi_au", {"sizes": (100, 51, 50)}, "parcel.length"),
    ("sf_hk", {"street1": "x" * 30, "street2": "x" * 10}, "shipFrom.street1"),
    ("sf_hk", {"phone": "41234567"}, "shipFrom.phone"),
    ("RETURN_DHL_PARCEL_GROUND_NJ", {"postal_code": "0881"}, "shipFrom.postalCode"),
    (
        "RETURN_PATRICE_EUR",
        {"country": "swe", "state": "NA", "postal_code": "11120", "phone": "1"},
        "shipFrom.country",
    ),
    ("endicia", {"sizes": (100, 50, 38)}, "parcel.length"),
    ("endicia_parcel_select", {"sizes": (110, 60, 51)}, "parcel.length"),
    ("RETURN_PATRICE_DHL_EUR", {"street1": "x" * 70, "street2": "x" * 20}, "shipFrom.street1"),
]


@pytest.mark.parametrize(("service", "changes", "path"), BROKEN)
async def test_what_a_carrier_refuses_is_not_sent(service: str, changes: dict[str, Any], path: str) -> None:
    """A broken limit of a carrier is named by its wire path; two switches leave it to the carrier."""
    request = order(service, **changes)
    assert list(await broken(request)) == [path]
    assert await broken(request, check_carrier_limits=False) == {}
    assert await broken(request, options=RequestOptions(check_limits=False)) == {}


@pytest.mark.parametrize(
    ("service", "changes"),
    [
        ("pdpd", {"street1": "x" * 70, "street2": None}),
        ("pdpd", {"sizes": (100, 40, 35)}),
        ("ups_nj", {"phone": "+1 201 5550123"}),
        ("ups_nj", {"sizes": (270, 40, 32)}),
        ("fedex_ground", {"street1": "x" * 30, "street2": "x" * 30}),
        ("sendle_au_domestic", {"sizes": (100, 100, 10), "state": "WA"}),
        ("ubi_au", {"sizes": (100, 50, 50)}),
        ("sf_hk", {"street1": "x" * 40}),
        ("RETURN_PATRICE_DHL_EUR", {"country": "swe", "state": "na", "postal_code": "11120"}),
        ("ups", {"phone": None, "email": None, "postal_code": "?"}),
        ("of-tomorrow", {"phone": None, "sizes": (999, 999, 999)}),
        ("USPS", {}),
    ],
)
async def test_the_limits_themselves_are_accepted(service: str, changes: dict[str, Any]) -> None:
    """What just keeps a limit, and a service without documented limits, is sent."""
    assert await broken(order(service, **changes)) == {}


async def test_inches_are_not_compared_with_centimetres() -> None:
    """Sizes in another unit are left to the carrier."""
    request = order("pdpd", (101, 1, 1))
    parcel = evolve(request.shipment.parcel, dimension_unit="in")
    assert await broken(evolve(request, shipment=evolve(request.shipment, parcel=parcel))) == {}


@pytest.mark.parametrize(
    ("country", "count"), [("aus", 8), ("can", 10), ("deu", 16), ("esp", 50), ("usa", 62)]
)
async def test_state_codes(country: str, count: int) -> None:
    """Each code of a listed country is accepted in either case; a name or a foreign code is not."""
    codes = STATES[country]
    assert len(codes) == count
    assert [
        code for code in codes if state_problem(country, code) or state_problem(country, code.lower())
    ] == []
    wrong = [name for name in ("Somewhere", "XX", "", *codes.values()) if name not in codes]
    assert [name for name in wrong if state_problem(country, name) is None] == []
    found = await broken(order("ups", country=country, state="XX", postal_code="1"))
    assert found == {
        "shipFrom.state": f"must be a state code of {country} such as {next(iter(codes))!r}, not 'XX'"
    }


@pytest.mark.parametrize("country", ["gbr", "fra", "hkg", "mex"])
async def test_countries_without_a_list_take_na(country: str) -> None:
    """`NA` stands for the state of every other country; for Spain it is Navarre."""
    assert state_problem(country, "na") is None
    found = await broken(order("ups", country=country, state="London", postal_code="1"))
    assert found == {"shipFrom.state": f"must be 'NA' for {country}, which has no list of states"}
    assert STATES["esp"]["NA"] == "Navarre"

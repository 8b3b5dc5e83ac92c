"""Network: the warehouses, the carrier services of each, and what they cost; places and prices are made up."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import attrs

from returnhelper.emulator.ledger import CURRENCY
from returnhelper.models.carriers import CARRIER_LIMITS
from returnhelper.models.codes import Country

_CENT: Final = Decimal("0.001")


@attrs.frozen
class WarehouseAddress:
    """Where a warehouse is."""

    country: str
    company: str
    city: str
    state: str


WAREHOUSES: Final = {
    2: WarehouseAddress("usa", "Emulated Warehouse East", "Sampletown", "NJ"),
    3: WarehouseAddress("gbr", "Emulated Warehouse Britain", "Exampleham", "NA"),
    4: WarehouseAddress("usa", "Emulated Warehouse West", "Sampleton", "WA"),
    5: WarehouseAddress("deu", "Emulated Warehouse Germany", "Musterstadt", "HE"),
    6: WarehouseAddress("aus", "Emulated Warehouse Australia", "Exampleville", "NSW"),
    7: WarehouseAddress("can", "Emulated Warehouse Canada", "Samplemont", "ON"),
    8: WarehouseAddress("sgp", "Emulated Warehouse Singapore", "Sample City", "NA"),
    20: WarehouseAddress("twn", "Emulated Warehouse Taiwan", "Sample City", "NA"),
    1: WarehouseAddress("hkg", "Emulated Warehouse Hong Kong", "Sample Harbour", "NA"),
}


@attrs.frozen
class Service:
    """A carrier service of one warehouse; the countries are those at its other end. Prices are made up.

    A quote is `base` plus `per_gram`, and an order costs what the quote says.
    """

    name: str
    countries: frozenset[str]
    warehouse: int
    base: Decimal
    per_gram: Decimal = Decimal("0.0021")

    def price(self, weight: Decimal) -> Decimal:
        """Return the price of a parcel of so many grams, in US dollars."""
        return (self.base + weight * self.per_gram).quantize(_CENT)

    def quote(self, code: str, country: str, postal_code: str, weight: Decimal) -> dict[str, object]:
        """Return an entry of a fee list."""
        return {
            "serviceTypeCode": code,
            "serviceTypeName": self.name,
            "countryCode": country,
            "postalCodePair": {"from": postal_code, "to": postal_code},
            "currencyCode": CURRENCY,
            "fee": self.price(weight),
        }


# The warehouse that a service delivers to, and its base price. Codes are the vendor's, lanes and prices are not.
_LANES: Final = {
    "usps": (2, "4.90"), "RETURN_USPS_BROKER_NJ": (2, "4.95"), "RETURN_USPS_NJ": (2, "7.20"), "ups_nj": (2, "8.10"),
    "fedex_ground": (2, "8.40"), "RETURN_ENDICIA_USPS_GROUND_ADVANTAGE_NJ": (2, "5.10"),
    "RETURN_DHL_PARCEL_GROUND_NJ": (2, "6.30"), "ups_wa": (4, "8.15"), "endicia": (4, "7.25"),
    "endicia_parcel_select": (4, "5.20"), "RETURN_ENDICIA_USPS_GROUND_ADVANTAGE_WA": (4, "5.15"),
    "RETURN_DHL_PARCEL_GROUND_WA": (4, "6.35"), "rm": (3, "4.40"), "RETURN_RM_BIR": (3, "4.45"),
    "RETURN_POSTMEN_RM_BIR": (3, "4.50"), "pdpd": (3, "6.60"), "RETURN_GBR_DPD_BIR": (3, "6.65"), "sdhl": (5, "5.90"),
    "ucepaq": (5, "9.10"), "ucss": (5, "8.80"), "RETURN_PATRICE_EUR": (5, "9.40"), "RETURN_PATRICE_DHL_EUR": (5, "9.60"),
    "sendle_au_domestic": (6, "6.90"), "ubi_au": (6, "7.40"), "ubi_ca": (7, "8.20"), "easyparcel_qxpress": (8, "3.80"),
    "easyparcel_jnt_express": (8, "3.90"), "sf_hk": (1, "3.10"),
}  # fmt: skip

RETURN_SERVICES: Final = {
    str(code): Service(limits.carrier, limits.countries, _LANES[code][0], Decimal(_LANES[code][1]))
    for code, limits in CARRIER_LIMITS.items()
} | {  # in samples only, without limits
    code: Service(name, frozenset({"usa"}), 2, Decimal("8.90"))
    for code, name in (("ups", "UPS"), ("fedex", "FedEx"))
}

_EVERYWHERE: Final = frozenset({*map(str, Country), "twn"})
_RESEND_PER_GRAM: Final = Decimal("0.0040")
RESEND_SERVICES: Final = {
    "usps": ("USPS", (2, 4), "5.45"),
    "ups": ("UPS", (2, 4), "7.45"),
    "SHIPMENT_USPS_PM_NJ": ("USPS PM-NJ", (2,), "8.20"),
    "SHIPMENT_USPS_GA_SIG_NJ": ("USPS Ground Advantage with signature, NJ", (2,), "8.70"),
    "others": ("Others", tuple(WAREHOUSES), "12.00"),
}
"""The services of resends: name, warehouses, base price."""

COUNTRIES: Final = tuple(sorted(_EVERYWHERE))
FROM_COUNTRIES: Final = tuple(sorted(set().union(*(s.countries for s in RETURN_SERVICES.values()))))


def resend_service(code: str, warehouse_id: int) -> Service | None:
    """Return a resend service of a warehouse, or None."""
    name, warehouses, base = RESEND_SERVICES.get(code, ("", (), "0"))
    if warehouse_id not in warehouses:
        return None
    return Service(name, _EVERYWHERE, warehouse_id, Decimal(base), _RESEND_PER_GRAM)

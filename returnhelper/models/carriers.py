"""What the carriers accept: the limits of each return service. What breaks them becomes a failed label.

From the vendor's older page; for Royal Mail from the newer one. The page's "length" of a state is taken as the longest
length (inferred), and Colissimo's names may contain spaces (inferred). `return_shipments.create` checks the limits of its
service; no limits are documented for a service without an entry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from returnhelper.models._carriers import CarrierLimits, TextLimit
from returnhelper.models.codes import ReturnService

__all__ = ["CARRIER_LIMITS", "CarrierLimits", "TextLimit"]


def _need(most: int | None = None, pattern: str | None = None, *, least: int = 0) -> TextLimit:
    return TextLimit(most, required=True, least=least, pattern=_compiled(pattern))


def _may(most: int | None = None, pattern: str | None = None, *, least: int = 0) -> TextLimit:
    return TextLimit(most, least=least, pattern=_compiled(pattern))


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    return None if pattern is None else re.compile(pattern, re.ASCII)


def _limits(
    carrier: str,
    countries: str,
    *,
    streets: tuple[tuple[int, int], ...] = (),
    streets_if: str = "street1",
    longest: int | None = None,
    girth: int | None = None,
    volume: int | None = None,
    **texts: TextLimit,
) -> CarrierLimits:
    return CarrierLimits(
        carrier=carrier,
        countries=frozenset(countries.split()),
        texts=MappingProxyType(texts),
        streets=streets,
        streets_if=streets_if,
        longest=longest,
        girth=girth,
        volume=volume,
    )


# Patterns as documented, with \Z in place of $, which in Python also matches before a line break at the end.
_US_ZIP: Final = r"^\d{5}\Z"
_EMAIL: Final = r"^([a-zA-Z0-9_\-\.\+]+)@((\[[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.)|(([a-zA-Z0-9\-]+\.)+))([a-zA-Z]{2,4}|[0-9]{1,3})(\]?)\Z"
_USPS_EMAIL: Final = (
    r"^(?=.{1,64}@.{4,64}\Z)(?=.{6,100}\Z)[a-z0-9]+([-._][a-z0-9]+)*@([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,20}\Z"
)
_UK_POSTCODE: Final = r"^[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\Z"
_ENGLISH_AND_FRENCH: Final = r"^[0-9A-Za-zÀÂÆÇÈÉÊËÎÏÔŒÙÛÜŸàâæçèéêëîïôœùûüÿ ]+\Z"

_ROYAL_MAIL = _limits(
    "Royal Mail",
    "gbr",
    contact_name=_need(50),
    phone=_may(30, least=5),
    fax=_may(50),
    email=_may(255),
    street1=_need(40),
    street2=_may(40),
    street3=_may(50),
    state=_may(50),
    city=_need(30, r"^\S(.*\S)?\Z"),
    postal_code=_need(None, _UK_POSTCODE),
)
_ROYAL_MAIL_POSTMEN = _limits(
    "Royal Mail",
    "gbr",
    contact_name=_need(35),
    street1=_need(60),
    city=_need(35),
    state=_may(35),
    streets=((2, 60), (3, 75)),
)
_DPD = _limits(
    "DPD",
    "gbr",
    contact_name=_need(35),
    phone=_need(30, r"^[\+]?[0-9]{10,30}\Z"),
    fax=_may(50),
    email=_may(255),
    street1=_need(70),
    street2=_may(69),
    street3=_may(68),
    state=_may(30),
    city=_need(30),
    postal_code=_need(8),
    streets=((3, 70),),
    longest=100,
    girth=250,
)
_DHL = _limits(
    "DHL",
    "deu",
    contact_name=_need(35),
    phone=_may(None, r"^[\+]?[0-9]{1,34}\Z"),
    fax=_may(50),
    email=_may(255),
    street1=_need(35),
    street2=_need(5),
    street3=_may(68),
    state=_may(50),
    city=_need(35),
    postal_code=_need(None, r"^\d{5}"),
)
_CORREOS = _limits(
    "Correos",
    "esp",
    contact_name=_need(50),
    phone=_need(None, r"^[6][1-9]\d{7}\Z"),
    fax=_may(50),
    email=_may(255),
    street1=_need(35),
    street2=_may(35),
    street3=_may(35),
    state=_may(50),
    city=_may(50),
    postal_code=_need(None, _US_ZIP),
)
_COLISSIMO = _limits(
    "Colissimo",
    "fra",
    contact_name=_need(20, _ENGLISH_AND_FRENCH),
    phone=_need(15),
    fax=_may(50),
    email=_may(80),
    street1=_need(22),
    street2=_may(22),
    street3=_may(22),
    state=_may(50),
    city=_need(35),
    postal_code=_need(5),
)
_UPS = _limits(
    "UPS Ground",
    "usa",
    contact_name=_need(30),
    phone=_need(None, r"^[\+]?[0-9\s]{10,14}\Z"),
    fax=_may(50),
    email=_may(255),
    street1=_need(30),
    street2=_may(30),
    street3=_may(30),
    state=_need(2),
    city=_need(30),
    postal_code=_need(None, _US_ZIP),
    streets=((3, 90),),
    longest=270,
    girth=415,
)
_USPS = _limits(
    "USPS",
    "usa",
    contact_name=_need(32),
    phone=_may(50),
    fax=_may(50),
    email=_need(None, _USPS_EMAIL),
    street1=_need(32),
    street2=_may(32),
    street3=_may(255),
    state=_need(2),
    city=_need(20),
    postal_code=_need(None, _US_ZIP),
)
_FEDEX_GROUND = _limits(
    "FedEx Ground",
    "usa",
    contact_name=_need(30),
    phone=_need(None, r"^[\+]?[0-9\s]{10,16}\Z"),
    fax=_may(16),
    email=_may(None, _EMAIL),
    street1=_need(30),
    street2=_may(30),
    street3=_may(29),
    state=_may(2),
    city=_need(30),
    postal_code=_need(None, _US_ZIP),
    streets=((3, 59),),
    streets_if="street3",
    longest=274,
    girth=419,
)
_SENDLE = _limits(
    "Sendle",
    "aus",
    contact_name=_need(40),
    phone=_may(14),
    fax=_may(50),
    email=_may(255),
    street1=_need(45),
    street2=_may(45),
    street3=_may(50),
    state=_need(3),
    city=_need(30),
    postal_code=_need(5, r"^\d{4,5}\Z"),
    volume=100_000,
)
_EASYPARCEL = _limits(
    "Qxpress, J&T",
    "sgp",
    contact_name=_need(35),
    phone=_need(16, r"^(\+?65\s?)?[6|8|9]\d{7}\Z"),
    fax=_may(50),
    email=_may(255),
    street1=_need(10),
    state=_may(50),
    city=_may(50),
    postal_code=_need(10),
)
_CANADA_POST = _limits(
    "Canada Post",
    "can",
    contact_name=_need(50),
    phone=_need(20),
    fax=_may(50),
    email=_need(50),
    street1=_need(45),
    street2=_may(41),
    street3=_may(80),
    state=_need(80),
    city=_need(50),
    postal_code=_need(16),
    longest=200,
)
_AUSTRALIA_POST = _limits(
    "Australia Post",
    "aus",
    contact_name=_need(35),
    phone=_need(20),
    fax=_may(50),
    email=_may(50),
    street1=_need(40),
    street2=_may(60),
    street3=_may(80),
    state=_need(80),
    city=_need(80),
    postal_code=_need(16),
    longest=105,
    volume=250_000,
)
_SF_EXPRESS = _limits(
    "SF Express",
    "hkg",
    contact_name=_may(30),
    phone=_need(20, r"^(\+?852)?[235689]{1}[0-9]{7}\Z"),
    fax=_may(50),
    email=_may(200),
    street1=_need(40),
    street2=_may(39),
    state=_may(50),
    city=_may(50),
    postal_code=_may(25),
    streets=((2, 39),),
    streets_if="street2",
    longest=1700,
)
_DHL_PARCEL_GROUND = _limits(
    "DHL Parcel Ground",
    "usa",
    contact_name=_need(50),
    phone=_may(26),
    fax=_may(50),
    email=_may(50),
    street1=_need(50),
    street2=_may(50),
    street3=_may(50),
    state=_need(2),
    city=_need(40),
    postal_code=_need(None, r"^\d{5}(-\d{4})?\Z"),
)
_FREU_COLISSIMO = _limits(
    "FREU-Colissimo",
    "deu bel nld lux ita esp irl aut prt est ltu pol cze svk svn hun grc fin hrv rou",
    contact_name=_need(35),
    phone=_need(20),
    fax=_may(50),
    email=_may(80),
    street1=_need(35),
    street2=_may(35),
    street3=_may(35),
    state=_may(50),
    city=_need(30),
    postal_code=_need(10),
)
_USPS_PRIORITY_MAIL = _limits(
    "USPS Priority Mail",
    "usa",
    contact_name=_need(100),
    phone=_need(30),
    fax=_may(50),
    email=_may(50, _EMAIL),
    street1=_need(50),
    street2=_may(50),
    street3=_may(100),
    state=_need(50),
    city=_need(50),
    postal_code=_need(14),
    girth=274,
)
_USPS_PARCEL_SELECT = attrs.evolve(
    _USPS_PRIORITY_MAIL, carrier="USPS Parcel Select, Ground Advantage", girth=330
)
_FREU_DHL = _limits(
    "FREU-DHL",
    "deu bel nld lux ita esp irl aut prt est ltu pol cze svk svn hun grc fin hrv rou dnk bgr lva swe",
    contact_name=_need(50),
    phone=_may(20),
    fax=_may(50),
    email=_may(70, _EMAIL),
    street1=_need(70),
    street2=_may(70),
    street3=_may(70),
    state=_may(50),
    city=_need(40),
    postal_code=_need(10),
    streets=((3, 89),),
)

CARRIER_LIMITS: Final[Mapping[str, CarrierLimits]] = MappingProxyType(
    {
        ReturnService.ROYAL_MAIL: _ROYAL_MAIL,
        ReturnService.ROYAL_MAIL_BIR: _ROYAL_MAIL,
        ReturnService.ROYAL_MAIL_POSTMEN_BIR: _ROYAL_MAIL_POSTMEN,
        ReturnService.DPD_UK: _DPD,
        ReturnService.DPD_UK_BIR: _DPD,
        ReturnService.DHL_GERMANY: _DHL,
        ReturnService.CORREOS: _CORREOS,
        ReturnService.COLISSIMO: _COLISSIMO,
        ReturnService.UPS_GROUND_NJ: _UPS,
        ReturnService.UPS_GROUND_WA: _UPS,
        ReturnService.USPS: _USPS,
        ReturnService.USPS_BROKER_NJ: _USPS,
        ReturnService.FEDEX_GROUND: _FEDEX_GROUND,
        ReturnService.SENDLE_AU: _SENDLE,
        ReturnService.QXPRESS: _EASYPARCEL,
        ReturnService.JNT_EXPRESS: _EASYPARCEL,
        ReturnService.CANADA_POST: _CANADA_POST,
        ReturnService.AUSTRALIA_POST: _AUSTRALIA_POST,
        ReturnService.SF_EXPRESS: _SF_EXPRESS,
        ReturnService.DHL_PARCEL_GROUND_NJ: _DHL_PARCEL_GROUND,
        ReturnService.DHL_PARCEL_GROUND_WA: _DHL_PARCEL_GROUND,
        ReturnService.FREU_COLISSIMO: _FREU_COLISSIMO,
        ReturnService.USPS_PRIORITY_MAIL: _USPS_PRIORITY_MAIL,
        ReturnService.USPS_PRIORITY_MAIL_NJ: _USPS_PRIORITY_MAIL,
        ReturnService.USPS_PARCEL_SELECT: _USPS_PARCEL_SELECT,
        ReturnService.USPS_GROUND_ADVANTAGE_NJ: _USPS_PARCEL_SELECT,
        ReturnService.USPS_GROUND_ADVANTAGE_WA: _USPS_PARCEL_SELECT,
        ReturnService.FREU_DHL: _FREU_DHL,
    }
)
"""The limits of each return service, by its code as `ReturnService` spells it."""

"""State codes that the vendor accepts in addresses; countries without a list take `NA`.

As printed by the vendor: Germany has `NP` for Rheinland-Pfalz, Canada no territories, Spain the codes of car plates.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final


def _states(text: str) -> Mapping[str, str]:
    entries = (entry.split(maxsplit=1) for entry in " ".join(text.split()).split(","))
    return MappingProxyType(dict(entries))


STATES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "aus": _states("""
            QLD Queensland, NSW New South Wales, VIC Victoria, WA Western Australia, TAS Tasmania, NT
            Northern Territory, ACT Australian Capital Territory, SA Southern Australia
        """),
        "can": _states("""
            ON Ontario, QC Quebec, NS Nova Scotia, NB New Brunswick, MB Manitoba, BC British Columbia,
            PE Prince Edward Island, SK Saskatchewan, AB Alberta, NL Newfoundland and Labrador
        """),
        "deu": _states("""
            BE Berlin, BY Bayern, NI Niedersachsen, BW Baden-Württemberg, NP Rheinland-Pfalz, SN
            Sachsen, TH Thüringen, HE Hessen, NW Nordrhein-Westfalen, ST Sachsen-Anhalt, BB Brandenburg,
            MV Mecklenburg-Vorpommern, HH Hamburg, SH Schleswig-Holstein, SL Saarland, HB Bremen
        """),
        "esp": _states("""
            C La Coruña, VI Álava, AB Albacete, A Alicante, AL Almería, O Asturias, AV Ávila, BA
            Badajoz, PM Islas Baleares, B Barcelona, BI Vizcaya, BU Burgos, CC Cáceres, CA Cádiz, S
            Cantabria, CS Castellón, CR Ciudad Real, CO Córdoba, CU Cuenca, SS Guipúzcoa, GI Gerona, GR
            Granada, GU Guadalajara, H Huelva, HU Huesca, J Jaén, LO La Rioja, GC Las Palmas, LE León, L
            Lérida, LU Lugo, M Madrid, MA Málaga, MU Murcia, NA Navarre, OR Orense, P Palencia, PO
            Pontevedra, SA Salamanca, TF Santa Cruz de Tenerife, SG Segovia, SE Sevilla, SO Soria, T
            Tarragona, TE Teruel, TO Toledo, V València, VA Valladolid, ZA Zamora, Z Zaragoza
        """),
        "usa": _states("""
            AA Armed Forces Americas, AE Armed Forces Europe, AL Alabama, AK Alaska, AP Armed Forces
            Pacific, AS American Samoa, AZ Arizona, AR Arkansas, CA California, CO Colorado, CT
            Connecticut, DE Delaware, DC District of Columbia, FM Federated States of Micronesia, FL
            Florida, GA Georgia, GU Guam, HI Hawaii, ID Idaho, IL Illinois, IN Indiana, IA Iowa, KS
            Kansas, KY Kentucky, LA Louisiana, ME Maine, MH Marshall Islands, MD Maryland, MA
            Massachusetts, MI Michigan, MN Minnesota, MS Mississippi, MO Missouri, MT Montana, NE
            Nebraska, NV Nevada, NH New Hampshire, NJ New Jersey, NM New Mexico, NY New York, NC North
            Carolina, ND North Dakota, MP Northern Mariana Islands, OH Ohio, OK Oklahoma, OR Oregon, PW
            Palau, PA Pennsylvania, PR Puerto Rico, RI Rhode Island, SC South Carolina, SD South Dakota,
            TN Tennessee, TX Texas, UT Utah, VT Vermont, VI Virgin Islands, VA Virginia, WA Washington,
            WV West Virginia, WI Wisconsin, WY Wyoming
        """),
    }
)
"""Country (ISO 3166 alpha-3, lower case) -> code -> name of the state."""


def state_problem(country: str, state: str) -> str | None:
    """Return what is wrong with a state, or None. Lower case is accepted as well (inferred)."""
    known = STATES.get(country.lower())
    if known is None:
        return None if state.upper() == "NA" else f"must be 'NA' for {country}, which has no list of states"
    if state.upper() in known:
        return None
    return f"must be a state code of {country} such as {next(iter(known))!r}, not {state!r}"

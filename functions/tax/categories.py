"""The words that tax is spoken of with: categories of goods, places, days, who collects. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol

STANDARD, REDUCED, EXEMPT, DIGITAL = "standard", "reduced", "exempt", "digital"
CATEGORIES = (STANDARD, REDUCED, EXEMPT, DIGITAL)
"""Tax categories of goods. Digital ones are taxed where the customer is, at the standard rate unless another is set."""

PLATFORM, VENDOR = "platform", "vendor"
"""Who collects a tax, and owes it to the tax office."""

WHOLE = 100_000
"""100 % in thousandths of a percent, the unit of rates: 19 % is 19000, 6.875 % is 6875."""

_PART_OF = {
    "EL": ("GR", ""), "UK": ("GB", ""), "IC": ("ES", "CN"), "EA": ("ES", "CE"), "AX": ("FI", "01"), "MC": ("FR", "MC"),
    "GP": ("FR", "GP"), "MQ": ("FR", "MQ"), "GF": ("FR", "GF"), "RE": ("FR", "RE"), "YT": ("FR", "YT"),
    "BL": ("FR", "BL"), "MF": ("FR", "MF"), "PM": ("FR", "PM"), "PF": ("FR", "PF"), "NC": ("FR", "NC"),
    "WF": ("FR", "WF"), "TF": ("FR", "TF"), "CP": ("FR", "CP"), "IM": ("GB", "IM"), "PR": ("US", "PR"),
}  # fmt: skip
"""Codes of their own for what is, for tax, a region of another country; and the European Commission's EL and UK."""

# Hours that a country's capital is ahead of UTC in winter. Those with summer time in the European way follow it.
_HOURS = {
    "-8": "PN", "-6": "BZ CR GT HN MX NI SV", "-5": "BS CO EC JM KY PA PE TC US CA",
    "-4": "AG AI AW BB BM BO CW DM DO GD GY KN LC MS PY SX TT VC VE VG BQ", "-3": "AR BR CL FK SR UY", "-2": "GS",
    "1": "AO CD CM DZ GA MA NG TN NE TD", "2": "BI BW EG IL LB LY MW MZ NA RW SZ ZA ZM ZW",
    "3": "BH BY DJ ER ET IQ JO KE KW MG QA RU SA SY TR TZ UG YE", "4": "AE AM AZ GE MU OM SC",
    "5": "KZ MV PK TJ TM UZ", "6": "BD BT IO KG", "7": "ID KH LA TH VN", "8": "BN CN HK MN MO MY PH SG TW",
    "9": "JP KR", "10": "AU PG", "11": "SB", "12": "FJ NZ",
}  # fmt: skip
_HALVES = {"LK": 330, "IN": 330, "NP": 345, "MM": 390, "AF": 270, "IR": 210}
_EUROPE = {
    0: "GB IE PT GG JE FO",
    60: "AD AL AT BA BE CH CZ DE DK ES FR GI HR HU IT LI LU ME MK MT NL NO PL RS SE SI SK SM XK",
    120: "BG CY EE FI GR LT LV MD RO UA",
}
_OFFSETS = _HALVES | {country: 60 * int(hours) for hours, named in _HOURS.items() for country in named.split()}
_SUMMER = {country: minutes for minutes, named in _EUROPE.items() for country in named.split()}


class Place(Protocol):
    """Where goods go, or where a digital good's buyer is: anything with these three texts."""

    @property
    def country(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def postal_code(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Destination:
    """A place. country: ISO 3166-1 alpha-2; region: `CA` or `US-CA`; postal_code: as people write it."""

    country: str
    region: str = ""
    postal_code: str = ""


def normalised(place: Place) -> Destination:
    """The place in one spelling: the country whose law counts, its region and postal code without blanks and dashes."""
    code = place.country.strip().upper()
    region = place.region.strip().upper().removeprefix(f"{code}-")
    country, part = _PART_OF.get(code, (code, ""))
    postal_code = "".join(sign for sign in place.postal_code.upper() if sign.isalnum())
    return Destination(country, part or region.removeprefix(f"{country}-"), postal_code)


@lru_cache(maxsize=1024)
def civil_day(at: str, country: str) -> str:
    """The day, such as `2026-01-31`, that it is in the country's capital at a moment given as ISO 8601 (UTC).

    The law of a day counts from that place's midnight on. Of summer times only the European one is known; elsewhere
    the winter's clock counts all year, so an hour of doubt remains at midnight. A mere day is taken as it is.
    """
    if len(at) == len("2026-01-31"):
        return at
    moment = datetime.fromisoformat(at).astimezone(UTC)
    winter = _SUMMER.get(country)
    minutes = _OFFSETS.get(country, 0) if winter is None else winter + 60 * _is_european_summer(moment)
    return (moment + timedelta(minutes=minutes)).date().isoformat()


def _is_european_summer(moment: datetime) -> bool:
    """Directive 2000/84/EC: from the last Sunday of March to the last of October, at 1:00 UTC."""
    begins, ends = (_last_sunday(moment.year, month) for month in (3, 10))
    return begins <= moment < ends


@lru_cache(maxsize=64)
def _last_sunday(year: int, month: int) -> datetime:
    last = date(year, month, 31)
    sunday = last - timedelta(days=(last.weekday() + 1) % 7)
    return datetime(sunday.year, sunday.month, sunday.day, 1, tzinfo=UTC)

"""What the law says: the tax at a place on a day, out of the tables of rates. Pure; who is registered does not matter.

law = law_at(Destination("PT", postal_code="9500-321"))      # the Azores
law.rate("standard", "2026-01-01")                           # 16000: thousandths of a percent
"""

from dataclasses import dataclass
from functools import cache, lru_cache

from tax.categories import EXEMPT, REDUCED, Destination, Place, normalised

History = tuple[tuple[str, tuple[int, ...]], ...]
"""(first day, rates from then on), the youngest first."""


@dataclass(frozen=True, slots=True)
class Law:
    """What counts at a place.

    jurisdiction: ISO 3166-2 code of the smallest place with a law of its own, such as `DE`, `US-CA`, `ES-CN`, or its
    country's where it has no code. inclusive: whether prices contain the tax; where not, it comes on top. own: whether
    its rates are its own, which a change of its country's does not touch.
    """

    jurisdiction: str
    name: str
    place: str = ""
    inclusive: bool = True
    standard: str = ""
    reduced: str = ""
    country_reduced: str = ""
    added: str = ""
    own: bool = False

    @property
    def country(self) -> str:
        return self.jurisdiction[:2]

    @property
    def region(self) -> str:
        """The jurisdiction without its country; empty where it is the country."""
        return self.jurisdiction[3:]

    def rate(self, category: str, day: str) -> int:
        """Thousandths of a percent; digital goods: the standard rate. 0 where there is no such tax on the day."""
        if category == EXEMPT:
            return 0
        standard = _first(self.standard, day) + _first(self.added, day)
        if category != REDUCED:
            return standard
        own, general = self.reduced_rates(day), _in_force(self.country_reduced, day)
        return own[0] if own else min(standard, *general[:1], standard)

    def reduced_rates(self, day: str) -> tuple[int, ...]:
        """Every reduced rate of the day, the one of the category `reduced` first."""
        return _in_force(self.reduced, day)

    def days(self) -> list[str]:
        """The days on which a rate changed, oldest first."""
        return sorted({since for text in (self.standard, self.reduced, self.added) for since, _ in _history(text)})


def law_at(place: Place) -> Law:
    """The law of a place; of an unknown one a law without rates."""
    return _law_at(place.country, place.region, place.postal_code)


@lru_cache(maxsize=4096)
def _law_at(country: str, region: str, postal_code: str) -> Law:
    place = normalised(Destination(country, region, postal_code))
    return _zone(place) or _law_of(place.country, place.region)


@cache
def european_union() -> frozenset[str]:
    from tax.rates_eu import EU

    return EU


@cache
def countries() -> tuple[str, ...]:
    """Every country that we know a tax of, by code."""
    from tax import rates_eu, rates_world

    return tuple(sorted({*rates_eu.STANDARD, *rates_world.STANDARD, "CA", "US"}))


def zones_of(country: str) -> tuple[tuple[str, str], ...]:
    """(jurisdiction, name) of a country's places with another law, states and provinces among them."""
    from tax import rates_us, rates_world

    if country == "US":
        return tuple((f"US-{state}", state) for state in rates_us.STATES)
    if country == "CA":
        return tuple((f"CA-{province}", province) for province in rates_world.PROVINCES)
    return tuple((jurisdiction, name) for jurisdiction, name, *_ in _zones().get(country, ()))


def _law_of(country: str, region: str) -> Law:
    from tax import rates_eu, rates_us, rates_world

    if country == "US":
        known = region in rates_us.STATES
        code = f"US-{region}" if region else "US"
        return Law(code, "Sales tax", inclusive=False, standard=rates_us.STATES[region] if known else "", own=known)
    if country == "CA":
        name, added = rates_world.PROVINCES.get(region, ("GST", "0"))
        code = f"CA-{region}" if region in rates_world.PROVINCES else "CA"
        return Law(code, name, inclusive=False, standard=rates_world.FEDERAL, added=added, own=len(code) > 2)
    if country in rates_eu.STANDARD:
        return Law(country, "VAT", standard=rates_eu.STANDARD[country], reduced=rates_eu.REDUCED.get(country, ""))
    name = "GST" if country in rates_world.GST else "VAT"
    return Law(
        country, name, standard=rates_world.STANDARD.get(country, ""), reduced=rates_world.REDUCED.get(country, "")
    )


def _zone(place: Destination) -> Law | None:
    """The zone with the longest beginning of the postal code; a named region counts before any code."""
    best, found = 0, None
    for jurisdiction, name, regions, beginnings, history in _zones().get(place.country, ()):
        fits = max((len(start) for start in beginnings if place.postal_code.startswith(start)), default=0)
        fits = 99 if place.region in regions else fits
        if fits > best:
            best, found = fits, _zone_law(jurisdiction, name, history)
    return found


@cache
def _zone_law(jurisdiction: str, name: str, history: str) -> Law:
    from tax.rates_eu import ZONES_REDUCED

    whole = _law_of(jurisdiction[:2], "")
    if not history:
        return Law(jurisdiction, whole.name, place=name, standard=whole.standard, reduced=whole.reduced)
    reduced = ZONES_REDUCED.get(jurisdiction, "")
    return Law(
        jurisdiction, whole.name, place=name, standard=history, reduced=reduced, country_reduced=whole.reduced, own=True
    )


@cache
def _zones() -> dict[str, list[tuple[str, str, frozenset[str], tuple[str, ...], str]]]:
    from tax.rates_eu import ZONES

    found: dict[str, list[tuple[str, str, frozenset[str], tuple[str, ...], str]]] = {}
    for country, jurisdiction, name, regions, beginnings, history in ZONES:
        entry = jurisdiction, name, frozenset(regions.split()), tuple(beginnings.split()), history
        found.setdefault(country, []).append(entry)
    return found


def _first(history: str, day: str) -> int:
    rates = _in_force(history, day)
    return rates[0] if rates else 0


@cache
def _history(text: str) -> History:
    entries = [entry.partition("@") for entry in text.split()]
    return tuple((since, tuple(map(thousandths, rates.split("/")))) for rates, _, since in reversed(entries))


@lru_cache(maxsize=4096)
def _in_force(text: str, day: str) -> tuple[int, ...]:
    return next((rates for since, rates in _history(text) if since <= day), ())


def thousandths(percent: str) -> int:
    """`6.875` is 6875."""
    whole, _, part = percent.partition(".")
    return int(whole) * 1000 + int(part.ljust(3, "0")[:3])

"""Whether a table makes sense as a whole: what a form cannot tell field by field. Pure.

Bands say only how far they reach and begin where the one before ended, so they can have no gaps and no overlaps; what
can be wrong is their order, a price that falls where more is sent, and an end that nothing reaches.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from market.errors import Unprocessable
from shipping.countries import COUNTRIES
from shipping.estimate import zone_named
from shipping.model import EVERYWHERE, Area, Band, Method, Rate, RateTable
from shipping.stored import written
from shipping.zones import Postal, postal

MAX_BYTES = 100_000
"""Of a stored table: each order that has to do with it reads all of it."""

MAX_AREAS = 2_000
_TEXTS = {
    "duplicate": "There is another one of this name.",
    "country_unknown": "Send a code of ISO 3166-1.",
    "postal_invalid": "Send a prefix, or two of the same length, the lower first: 10 or 10-14.",
    "rest_has_parts": "The rest of the world has neither regions nor postcodes.",
    "areas_overlap": "Another zone, or this one, claims the same places.",
    "too_many_areas": "There are too many areas in all.",
    "nothing_ships": "Send to one zone at least.",
    "zone_unknown": "There is no such zone.",
    "zone_excluded": "Nothing is sent to this zone.",
    "method_unknown": "There is no such method.",
    "reserved": "This name means something else.",
    "rates_missing": "Say what it costs in one zone at least.",
    "pickup_has_rates": "What is picked up costs nothing.",
    "bands_order": "Each band must reach further than the one before, and only the last has no end.",
    "bands_falling": "A band must not begin cheaper than the one before ends.",
    "bands_flat": "A flat price has one band, without end and steps.",
    "steps_incomplete": "`each` and `step` belong together, and are not for prices.",
    "end_unreached": "A parcel may be heavier than the last band; let it reach further, or parcels weigh less.",
    "limits_crossed": "The lower limit is above the upper one.",
    "time_zone_unknown": "Send an IANA time zone, such as Europe/Berlin.",
    "calendar_unknown": "There is no such calendar.",
    "live_without_origin": "Carriers need the country and the postcode of the origin.",
    "live_without_reach": "Offer a method, or ask carriers.",
    "vendors_only": "Only vendors' own tables can have it.",
    "table_too_large": "The table is too large; say less.",
}
Fault = tuple[str, str]
"""Path of a field in the body, and a code."""


def require_sound(table: RateTable, *, platform: bool, calendar: Callable[[str], object]) -> None:
    """Raises Unprocessable with an error for each fault, at most fifty. `calendar` raises ValueError for an unknown."""
    faults = [*_zones(table), *_methods(table), *_free(table), *_origin(table, calendar), *_live(table, platform)]
    if not faults and len(written(table).encode()) > MAX_BYTES:
        faults.append(("", "table_too_large"))
    if faults:
        errors = [
            {"field": f"body.{where}".rstrip("."), "code": code, "message": _TEXTS[code]} for where, code in faults[:50]
        ]
        raise Unprocessable("The table cannot be like this.", errors=errors)


def _zones(table: RateTable) -> Iterator[Fault]:
    yield from _twice("zones", [zone.id for zone in table.zones])
    if not any(zone.ships for zone in table.zones):
        yield "zones", "nothing_ships"
    placed = [(f"zones.{n}.areas", area) for n, zone in enumerate(table.zones) for area in zone.areas]
    if len(placed) > MAX_AREAS:
        yield "zones", "too_many_areas"
        return
    faults = [(where, fault) for where, area in placed for fault in _area(area)]
    yield from faults or _overlaps(placed)


def _area(area: Area) -> Iterator[str]:
    if area.country == EVERYWHERE:
        if area.region or area.postal:
            yield "rest_has_parts"
    elif area.country not in COUNTRIES:
        yield "country_unknown"
    if area.postal:
        try:
            postal(area.postal)
        except ValueError:
            yield "postal_invalid"


def _overlaps(placed: Sequence[tuple[str, Area]]) -> Iterator[Fault]:
    """Areas that are as specific as each other and have a place in common: nobody could say which one wins."""
    seen: set[tuple[str, str]] = set()
    ranges: dict[tuple[str, int, bool], list[tuple[Postal, str]]] = {}
    for where, area in placed:
        if area.postal:
            part = postal(area.postal)
            kind = area.country, len(part.first), part.first == part.last
            ranges.setdefault(kind, []).append((part, where))
        elif (area.country, area.region) in seen:
            yield where, "areas_overlap"
        else:
            seen.add((area.country, area.region))
    for alike in ranges.values():
        alike.sort(key=lambda entry: entry[0].first)
        for (before, _), (after, where) in pairwise(alike):
            if after.first <= before.last:
                yield where, "areas_overlap"


def _methods(table: RateTable) -> Iterator[Fault]:
    yield from _twice("methods", [method.id for method in table.methods])
    if not table.methods and table.live is None:
        yield "methods", "live_without_reach"
    ships = {zone.id: zone.ships for zone in table.zones}
    for number, method in enumerate(table.methods):
        for where, code in _method(method, ships):
            yield f"methods.{number}.{where}", code


def _method(method: Method, ships: dict[str, bool]) -> Iterator[Fault]:
    if method.id == "none":
        yield "id", "reserved"
    if method.pickup and (method.rates or method.surcharges):
        yield "rates", "pickup_has_rates"
    if not method.pickup and not method.rates:
        yield "rates", "rates_missing"
    yield from _twice("rates", [rate.zone for rate in method.rates], "zone")
    for number, rate in enumerate(method.rates):
        if not ships.get(rate.zone, False):
            yield f"rates.{number}.zone", "zone_excluded" if rate.zone in ships else "zone_unknown"
        yield from ((f"rates.{number}.{where}", code) for where, code in _rate(rate, method.max_grams))
    for number, one in enumerate(method.surcharges):
        yield from ((f"surcharges.{number}.areas", code) for area in one.areas for code in _area(area))


def _rate(rate: Rate, max_grams: int) -> Iterator[Fault]:
    if rate.maximum is not None and rate.minimum > rate.maximum:
        yield "minimum", "limits_crossed"
    if rate.transit[0] > rate.transit[1]:
        yield "minDays", "limits_crossed"
    bands, last = rate.bands, rate.bands[-1]
    if rate.basis == "flat" and (len(bands) > 1 or last.up_to is not None or last.each or last.step):
        yield "bands", "bands_flat"
    if any(bool(band.each) != bool(band.step) or (band.step and rate.basis == "price") for band in bands):
        yield "bands", "steps_incomplete"
    ends = [band.up_to for band in bands]
    if None in ends[:-1] or any(a >= b for a, b in pairwise(ends) if a is not None and b is not None):
        yield "bands", "bands_order"
    elif rate.basis in ("weight", "volume", "units") and any(_falling(bands)):
        yield "bands", "bands_falling"
    if rate.basis == "weight" and last.up_to is not None and max_grams > last.up_to:
        yield "bands", "end_unreached"


def _falling(bands: Sequence[Band]) -> Iterator[bool]:
    begins = 0
    for band, following in pairwise(bands):
        assert band.up_to is not None, "their order was looked at"
        steps = -(-(band.up_to - begins) // band.step) if band.step else 0
        begins = band.up_to
        yield following.price + following.each < band.price + band.each * steps


def _free(table: RateTable) -> Iterator[Fault]:
    methods, zones = {method.id for method in table.methods}, {zone.id for zone in table.zones}
    for number, rule in enumerate(table.free):
        if not set(rule.methods) <= methods:
            yield f"free.{number}.methods", "method_unknown"
        if not set(rule.zones) <= zones:
            yield f"free.{number}.zones", "zone_unknown"


def _origin(table: RateTable, calendar: Callable[[str], object]) -> Iterator[Fault]:
    origin = table.origin
    if origin.country and origin.country not in COUNTRIES:
        yield "origin.country", "country_unknown"
    if origin.handling[0] > origin.handling[1]:
        yield "origin.minHandlingDays", "limits_crossed"
    try:
        zone_named(origin.time_zone)
    except ValueError:
        yield "origin.timeZone", "time_zone_unknown"
    named = {"origin": origin.calendar} | {f"zones.{n}": zone.calendar for n, zone in enumerate(table.zones)}
    for where, name in named.items():
        try:
            if name:
                calendar(name)
        except ValueError:
            yield f"{where}.calendar", "calendar_unknown"


def _live(table: RateTable, platform: bool) -> Iterator[Fault]:
    if platform and table.live is not None:
        yield "live", "vendors_only"
    for number, method in enumerate(table.methods):
        if platform and method.pickup:
            yield f"methods.{number}.pickup", "vendors_only"
    if table.live is not None and not (table.origin.country and table.origin.postal_code):
        yield "live", "live_without_origin"


def _twice(where: str, names: Iterable[str], field: str = "id") -> Iterator[Fault]:
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen:
            yield f"{where}.{number}.{field}", "duplicate"
        seen.add(name)

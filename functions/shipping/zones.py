"""Which zone of a table a place is in: the most specific area wins. Pure.

A postcode beats a region, a region its country, a country the rest of the world; of postcodes the longer prefix, and a
prefix before a range of the same length. Two zones cannot claim the same area (`shipping.checking` sees to it).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shipping.model import EVERYWHERE, Area, Destination, Zone

_SEPARATORS = str.maketrans("", "", " -.")


@dataclass(frozen=True, slots=True)
class Postal:
    """What an area says of postcodes: those whose first letters are between `first` and `last`, of the same length."""

    first: str
    last: str

    def covers(self, code: str) -> bool:
        """Of a `plain` code that is as long; a shorter one is not known to be in there."""
        return len(code) >= len(self.first) and self.first <= code[: len(self.first)] <= self.last


def plain(code: str) -> str:
    """A postcode without what people part it by, in capitals: `10 115` and `10-115` are `10115`."""
    return code.upper().translate(_SEPARATORS)


def postal(text: str) -> Postal:
    """`10` or `10-14`. Raises ValueError unless both ends are as long as each other and in order."""
    first, _, last = text.partition("-")
    first, last = plain(first), plain(last or first)
    if not first or not (first + last).isalnum() or not first.isascii() or not last.isascii():
        raise ValueError("letters and digits only")
    if len(first) != len(last) or first > last or len(first) > _LONGEST:
        raise ValueError("both ends must be as long as each other, and in order")
    return Postal(first, last)


_LONGEST = 12


def rank(area: Area, destination: Destination) -> int:
    """How specific the area is for the place, 0 if it is not in there."""
    if area.country == EVERYWHERE:
        return 1
    if area.country != destination.country:
        return 0
    if area.postal:
        part = postal(area.postal)
        code = plain(destination.postal_code)
        return 4 + 2 * len(part.first) + (part.first == part.last) if part.covers(code) else 0
    if area.region:
        return 3 if area.region == region_of(destination) else 0
    return 2


def region_of(destination: Destination) -> str:
    """The region's own letters: `CA` of `US-CA`."""
    return destination.region.upper().removeprefix(f"{destination.country}-")


def zone_of(zones: Iterable[Zone], destination: Destination) -> Zone | None:
    """The zone, or None where no area is for the place."""
    best, found = 0, None
    for zone in zones:
        for area in zone.areas:
            specific = rank(area, destination)
            if specific > best:
                best, found = specific, zone
    return found


def within(areas: Iterable[Area], destination: Destination) -> bool:
    """Whether the place is in one of them."""
    return any(rank(area, destination) for area in areas)

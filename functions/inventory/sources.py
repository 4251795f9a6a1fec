"""Where the units of an order come from: which warehouses, what lies in none, and what is still to come."""

from collections.abc import Sequence

from inventory.offers import Offer, out_of_stock
from inventory.warehouses import Warehouse

Source = tuple[str, int]
"""A place and how many units from there: the id of a warehouse, LOOSE or LATER_SOURCE."""
LOOSE = ""
"""The place of units that are in no warehouse."""
LATER_SOURCE = "later"
"""The place of units that are still to come."""


def choose_sources(
    offer: Offer, quantity: int, country: str, warehouses: Sequence[Warehouse], pickup: str = ""
) -> tuple[Source, ...]:
    """Where the units of an order line come from; () where the offer is plain and has so many.

    warehouses: the vendor's. One place that has all of them is best, one in the `country` first, then by priority; else
    several, and last what is still to come. pickup: the only warehouse that will do. Raises OutOfStock. Not
    for an offer on shards.
    """
    if not offer.sourced and quantity <= offer.available:
        return ()
    shelves = _reachable(offer, country, warehouses, pickup)
    whole = next((place for place, units in shelves if units >= quantity), None)
    if whole is not None:
        return ((whole, quantity),)
    sources, missing = list[Source](), quantity
    for place, units in shelves:
        taken = min(units, missing)
        sources += [(place, taken)] if taken else []
        missing -= taken
    later = 0 if pickup or offer.later is None else offer.later.sells
    if missing > later:
        raise out_of_stock(offer.sku, quantity - missing + later, quantity)
    return (*sources, (LATER_SOURCE, missing)) if missing else tuple(sources)


def _reachable(offer: Offer, country: str, warehouses: Sequence[Warehouse], pickup: str) -> list[Source]:
    """Places with units that may be sold, the best first: in the country, then by priority, then by id.

    What lies in no place, or in one that is closed, comes last: it is sold, but nobody knows better than to ask for it.
    """
    if offer.later is not None and offer.later.withholds:
        return []
    known = {warehouse.id: warehouse for warehouse in warehouses}
    if pickup:
        place, shelf = known.get(pickup), offer.places.get(pickup)
        is_open = place is not None and place.is_active and place.pickup
        return [(pickup, shelf.available)] if is_open and shelf else []

    def rank(place: str) -> tuple[bool, bool, int, str]:
        at = known.get(place)
        return (at is None or not at.is_active, at is None or at.country != country, at.priority if at else 0, place)

    shelves = [(place, offer.places[place].available) for place in sorted(offer.places, key=rank)]
    return [*shelves, (LOOSE, offer.loose)]


def there(sources: Sequence[Source]) -> int:
    """How many of the units are on hand."""
    return sum(units for place, units in sources if place != LATER_SOURCE)


def in_places(sources: Sequence[Source]) -> list[Source]:
    return [(place, units) for place, units in sources if place not in (LOOSE, LATER_SOURCE)]


def units_of(sources: Sequence[Source], wanted: str) -> int:
    return sum(units for place, units in sources if place == wanted)

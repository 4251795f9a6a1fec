"""What vendors do to their stock, as pure rules: how an offer looks afterwards, and what the journal says of it.

Arriving units serve those first who bought what was not there yet, then the safety stock, and only then are on sale. A
count is different: it says what is on sale, when everything that is owed, held or kept has been put aside.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from inventory import journal
from inventory.offers import CLOSED, MAX_STOCK, Later, Offer, Shelf, StockElsewhere
from inventory.purchases import PurchaseLimit
from inventory.sources import LOOSE
from market import clock
from market.errors import Conflict
from market.table import Write


class StockChanged(Conflict):
    """What is available is not what the caller saw; `available` is the present count."""

    code, title = "stock_changed", "The stock has changed"


class NotSoMany(Conflict):
    """More were to be taken out than are available, or more put in than a shelf holds; `available` says how many."""

    code, title = "not_so_many", "Not so many"


@dataclass(frozen=True, slots=True)
class Who:
    """Who changes the stock, why, and what they call it: for the journal."""

    by: str = ""
    why: str = ""
    reference: str = ""

    @property
    def told(self) -> dict[str, Any]:
        return {"by": self.by, "why": self.why, "reference": self.reference}


@dataclass(frozen=True, slots=True)
class Move:
    """An offer as it is to be, the entries of the journal, and whether `available` must still be what was seen."""

    after: Offer
    entries: tuple[Write, ...] = ()
    exact: bool = False


def counted(offer: Offer, to: int, place: str, expected: int | None, who: Who) -> Move:
    """Make it exactly so many on sale in the place, if so many are `expected` there.

    Units that are owed are no longer, unless nothing is left on sale: whoever counts has put them aside. Raises
    StockChanged or StockElsewhere.
    """
    _not_on_shards(offer)
    seen = _there(offer, place)
    if expected not in (None, seen):
        raise StockChanged("The stock has changed since you saw it.", sku=offer.sku, available=seen)
    after = _put(offer, place, to - seen)
    entries = [journal.counted(offer.sku, to, [(place, to - seen)], **who.told)]
    if to and offer.later is not None and offer.later.owed:
        served = offer.later.owed
        after = _closed_if_done(replace(after, later=replace(offer.later, owed=0)))
        entries = [journal.counted(offer.sku, to, [(place, to - seen + served)], **who.told)]
        entries += journal.moved(offer.sku, journal.SERVED, [(place, -served)], **who.told)
    return Move(after, tuple(entries), exact=True)


def adjusted(offer: Offer, by: int, place: str, who: Who) -> Move:
    """Put units in, or with a negative `by` take them out. Raises NotSoMany."""
    if by < 0:
        return taken(offer, -by, place, journal.ADJUSTED, who)
    return arrived(offer, by, place, journal.ADJUSTED, who)


def arrived(offer: Offer, units: int, place: str, kind: str, who: Who) -> Move:
    """Units that came: to those they are owed, to the safety stock, and on sale. Raises NotSoMany."""
    if offer.on_hand + units > MAX_STOCK:
        raise _not_so_many(offer, offer.available)
    served = min(units, offer.later.owed) if offer.later else 0
    kept = min(units - served, max(0, offer.safety - offer.kept))
    after = _keep(_put(offer, place, units - served - kept), place, kept)
    entries = journal.moved(offer.sku, kind, [(place, units)], **who.told)
    if offer.later and served:
        after = _closed_if_done(replace(after, later=replace(offer.later, owed=offer.later.owed - served)))
        entries += journal.moved(offer.sku, journal.SERVED, [(place, -served)], **who.told)
    return Move(after, entries)


def taken(offer: Offer, units: int, place: str, kind: str, who: Who) -> Move:
    """Units that left the place, of those on sale. Raises NotSoMany."""
    if units > _there(offer, place):
        raise _not_so_many(offer, _there(offer, place))
    return Move(_put(offer, place, -units), journal.moved(offer.sku, kind, [(place, -units)], **who.told))


def keeping(offer: Offer, target: int, who: Who) -> Move:
    """Keep so many from sale, as far as there are: from no place first, then from where the most are, and back alike.

    Raises StockElsewhere.
    """
    _not_on_shards(offer)
    after, missing = replace(offer, safety=target), target - offer.kept
    loose_kept = offer.kept - sum(shelf.kept for shelf in offer.places.values())
    shelves = sorted(offer.places.items(), key=lambda shelf: (-shelf[1].available, shelf[0]))
    rooms = [(LOOSE, offer.loose, loose_kept), *((place, shelf.available, shelf.kept) for place, shelf in shelves)]
    for place, free, kept in rooms:
        step = min(missing, free) if missing > 0 else max(missing, -kept)
        after, missing = _keep(_put(after, place, -step), place, step), missing - step
    return Move(after, (journal.noted(offer.sku, journal.KEPT, target, **who.told),))


def watching(offer: Offer, reorder_point: int | None) -> Move:
    """Tell the vendor when so many or fewer are left; None for never."""
    return Move(replace(offer, reorder_point=reorder_point))


def selling_later(offer: Offer, later: Later | None) -> Move:
    """Sell so many before they are there (`later.left`), or no more of them with None; what is owed stays owed."""
    if later is not None:
        if offer.later is not None:
            later = replace(later, held=offer.later.held, owed=offer.later.owed)
        return Move(replace(offer, later=later))
    if offer.later is None:
        return Move(offer)
    return Move(_closed_if_done(replace(offer, later=replace(offer.later, kind=CLOSED, left=0))))


def limited(offer: Offer, limit: PurchaseLimit | None) -> Move:
    """Let a customer buy only so many, or with None as many as there are."""
    return Move(replace(offer, limit=limit))


def expecting(offer: Offer, peak: int) -> Move:
    """Be ready to sell so many a second; 0 for what is usual."""
    return Move(replace(offer, peak=peak))


def marked(offer: Offer) -> Offer:
    """With the mark that it is low set or taken away, as its reorder point says."""
    if is_low(offer) == bool(offer.low):
        return offer
    return replace(offer, low=clock.timestamp() if is_low(offer) else "")


def is_low(offer: Offer) -> bool:
    return offer.reorder_point is not None and offer.available + offer.elsewhere <= offer.reorder_point


def joined(moves: Iterable[Move], offer: Offer) -> Move:
    """The last state of several moves, each made from the one before, with the entries of all."""
    found, exact, entries = offer, False, list[Write]()
    for move in moves:
        found, exact = move.after, exact or move.exact
        entries += move.entries
    return Move(found, tuple(entries), exact)


def _there(offer: Offer, place: str) -> int:
    return offer.places.get(place, Shelf()).available if place else offer.loose


def _put(offer: Offer, place: str, units: int) -> Offer:
    """With so many more on sale in the place."""
    after = replace(offer, available=offer.available + units)
    if not place:
        return after
    shelf = offer.places.get(place, Shelf())
    places = dict(offer.places) | {place: replace(shelf, available=shelf.available + units)}
    return replace(after, placed=offer.placed + units, places=places)


def _keep(offer: Offer, place: str, units: int) -> Offer:
    """With so many more kept in the place."""
    after = replace(offer, kept=offer.kept + units)
    if not place or not units:
        return after
    shelf = offer.places[place]
    return replace(after, places=dict(offer.places) | {place: replace(shelf, kept=shelf.kept + units)})


def _closed_if_done(offer: Offer) -> Offer:
    later = offer.later
    done = later is not None and later.kind == CLOSED and later.held == 0 == later.owed
    return replace(offer, later=None) if done else offer


def _not_on_shards(offer: Offer) -> None:
    if offer.shards:
        raise StockElsewhere(f"{offer.sku} lies on shards for now: adjust it.", sku=offer.sku, placed=offer.placed)


def _not_so_many(offer: Offer, available: int) -> NotSoMany:
    said = "There are not so many to take out, or no room for so many."
    return NotSoMany(said, sku=offer.sku, available=available)

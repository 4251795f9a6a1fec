"""The one write that makes an offer what a vendor's change makes of it, if it still is what that was decided by.

Counters move by so many, so that buyers may go on buying meanwhile; whatever the decision hung on must be as it was.
"""

from inventory.moves import Move
from inventory.offers import Later, Offer, Shelf, stock_key
from inventory.shifts import Shift
from market.errors import Conflict
from market.table import EXISTS, Item, Write, check, update


class Raced(Conflict):
    """Somebody else changed what the change was decided by: read the offer again, and decide anew."""


def written(before: Offer, move: Move) -> Write:
    """From `before` to the state after the move. Raises Raced."""
    after, shift = move.after, Shift()
    shift.require(EXISTS)
    watched = after.reorder_point is not None and _level(before) != _level(after)
    _totals(shift, before, after, exact=move.exact or watched)
    _places(shift, before, after, exact=move.exact)
    _later(shift, before, after)
    _settings(shift, before, after)
    raced = Raced("Please try again.")
    if not shift.expression:
        return check(stock_key(before.sku), when=shift.when, values=shift.values, otherwise=raced)
    return update(stock_key(before.sku), shift.expression, shift.values, when=shift.when, otherwise=raced)


def _level(offer: Offer) -> tuple[int, int | None, str]:
    """What decides on the mark that an offer is low, and the mark."""
    return offer.available, offer.reorder_point, offer.low


def _totals(shift: Shift, before: Offer, after: Offer, *, exact: bool) -> None:
    by = after.available - before.available
    if exact:
        shift.same("available", before.available)
        shift.same("elsewhere", before.elsewhere)
    elif by < 0:
        shift.require(f"available >= {shift.value(-by)}")
    if after.loose < before.loose:
        # What lies in no place is available - placed, which a condition cannot compute.
        shift.same("placed", before.placed)
        if before.places and not exact:
            shift.same("available", before.available)
    if by > 0:
        shift.same("later.owed" if before.later else "later", before.later and before.later.owed)
    if before.kept != after.kept or before.safety != after.safety or (after.safety and by > 0):
        shift.same("kept", before.kept)
    shift.add("available", by)
    shift.remember("placed", after.placed - before.placed)
    shift.remember("kept", after.kept - before.kept)


def _places(shift: Shift, before: Offer, after: Offer, *, exact: bool) -> None:
    if not before.places and after.places:
        shift.require("attribute_not_exists(places)")
        shift.put("places", {place: _stored(shelf) for place, shelf in after.places.items()})
        return
    for place, shelf in after.places.items():
        seen = before.places.get(place)
        if seen is None:
            shift.require(f"attribute_not_exists(places.{place})")
            shift.put(f"places.{place}", _stored(shelf))
            continue
        if exact and shelf != seen:
            shift.same(f"places.{place}.a", seen.available)
        elif shelf.available < seen.available:
            shift.require(f"places.{place}.a >= {shift.value(seen.available - shelf.available)}")
        shift.add(f"places.{place}.a", shelf.available - seen.available)
        shift.add(f"places.{place}.k", shelf.kept - seen.kept)


def _stored(shelf: Shelf) -> Item:
    return {"a": shelf.available, "h": shelf.held, "k": shelf.kept}


def _later(shift: Shift, before: Offer, after: Offer) -> None:
    """As a whole, and only if it is as it was: what is held and owed decides on it."""
    if before.later == after.later:
        return
    shift.same("later", _row(before.later))
    shift.put("later", _row(after.later))


def _row(later: Later | None) -> Item | None:
    return {name: getattr(later, name) for name in Later.__slots__} if later else None


def _settings(shift: Shift, before: Offer, after: Offer) -> None:
    if before.sourced != after.sourced:
        shift.same("shards", before.shards)
    if before.reorder_point is not None or after.reorder_point is not None:
        shift.same("reorder_point", before.reorder_point)
    for name, was, now in (
        ("safety", before.safety or None, after.safety or None),
        ("reorder_point", before.reorder_point, after.reorder_point),
        ("low", before.low or None, after.low or None),
        ("peak", before.peak or None, after.peak or None),
        ("sourced", before.sourced or None, after.sourced or None),
        ("max_per_customer", before.limit and before.limit.units, after.limit and after.limit.units),
        ("limit_days", before.limit and before.limit.days, after.limit and after.limit.days),
    ):
        if was != now:
            shift.same(name, was)
            shift.put(name, now)

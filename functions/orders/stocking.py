"""Where the units of an order come from, chosen before it is placed; and placing it, anew where others were quicker.

Most orders have plain lines only: for them there is nothing to choose. Units on shards are held here already, by
tickets that the order's transaction keeps; whatever keeps it from being placed, they are given back.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from cart.contract import Cart, Line, Placed
from inventory.contract import (
    LATER_SOURCE,
    PLACES,
    LimitChanged,
    NotOnSale,
    Offer,
    OutOfStock,
    PriceChanged,
    Source,
    UnitsMoved,
    Warehouse,
    choose_sources,
    let_go,
    limit_changed,
    on_shards,
    out_of_stock,
    seize,
)
from market.errors import Conflict, Problem
from orders import store
from orders.contract import OrderSnapshot, Part
from orders.pricing import Answer
from orders.reading import Facts
from orders.shelves import is_on_shards, units_of
from orders.table import TABLE
from shipping.contract import Option

_TRIES = 5
_REFUSED = (OutOfStock, PriceChanged, LimitChanged, NotOnSale)


class PickupNotOffered(Conflict):
    """The vendor has no such place to fetch things from, or the shipping method is another one."""

    code, title = "pickup_not_offered", "Pickup is not offered there"


def place(
    order: OrderSnapshot,
    cart: Cart,
    placed: Placed,
    facts: Facts,
    pickups: Mapping[str, str],
    *,
    hold_for: timedelta,
) -> OrderSnapshot:
    """Choose the sources and place the order; answers it with them.

    Where units were moved or taken meanwhile, it looks again: OutOfStock means that there are too few. Raises what
    `store.place` raises, PickupNotOffered, and UnitsMoved or Busy if others keep being quicker.
    """
    order = replace(order, parts=tuple(_fetched(part, facts, pickups) for part in order.parts))
    for _ in range(_TRIES - 1):
        try:
            return _attempt(order, cart, placed, facts, pickups, hold_for)
        except UnitsMoved as moved:
            facts.read_stock({str(one.extra["sku"]) for one in (moved, *moved.also) if "sku" in one.extra})
    return _attempt(order, cart, placed, facts, pickups, hold_for)


def _attempt(
    order: OrderSnapshot, cart: Cart, placed: Placed, facts: Facts, pickups: Mapping[str, str], hold_for: timedelta
) -> OrderSnapshot:
    sourced = _sourced(order, cart, facts, pickups)
    try:
        store.place(sourced, cart, placed, facts.offers, hold_for=hold_for)
    except Problem as refused:
        _let_go(sourced)
        raise _first(refused) from None
    return sourced


def _first(refused: Problem) -> Problem:
    """The refusal to tell: what another look at the stock may make good only if there is nothing else."""
    found = [one for one in (refused, *refused.also) if not isinstance(one, UnitsMoved)] or [refused, *refused.also]
    found[0].also = found[1:]
    return found[0]


def pickup_problems(facts: Facts, pickups: Mapping[str, str], answer: Answer) -> list[Problem]:
    """Places among those wished for where nobody can fetch anything, or whose parcels are priced as sent."""
    return [
        _not_offered(vendor_id, place_id)
        for vendor_id, place_id in pickups.items()
        if _pickup(facts, vendor_id, place_id) is None or not _is_fetched(answer.chosen.get(vendor_id))
    ]


def _not_offered(vendor_id: str, place_id: str) -> PickupNotOffered:
    return PickupNotOffered("This cannot be picked up there.", vendorId=vendor_id, pickup=place_id)


def _is_fetched(option: Option | None) -> bool:
    return option is not None and option.free_because == "pickup"


def _pickup(facts: Facts, vendor_id: str, place_id: str) -> Warehouse | None:
    open_places = (one for one in facts.warehouses(vendor_id) if one.pickup and one.is_active)
    return next((one for one in open_places if one.id == place_id), None)


def _fetched(part: Part, facts: Facts, pickups: Mapping[str, str]) -> Part:
    """The part with the place where the customer fetches it, if so. Raises PickupNotOffered."""
    if part.vendor_id not in pickups:
        return part
    found = _pickup(facts, part.vendor_id, pickups[part.vendor_id])
    if found is None:
        raise _not_offered(part.vendor_id, pickups[part.vendor_id])
    told = {
        "id": found.id,
        "name": found.name,
        "line": found.line,
        "postalCode": found.postal_code,
        "city": found.city,
        "country": found.country,
        "opening": found.opening,
    }
    return replace(part, pickup={name: text for name, text in told.items() if text})


def _sourced(order: OrderSnapshot, cart: Cart, facts: Facts, pickups: Mapping[str, str]) -> OrderSnapshot:
    """The order with where its units come from. Raises the refusals of all its SKUs as one, or UnitsMoved."""
    seen, offers = {line.sku: line for line in cart.lines}, facts.offers
    sources: dict[str, tuple[Source, ...]] = {}
    refusals: list[Problem] = []
    try:
        for sku, quantity in units_of(order.lines).items():
            try:
                chosen = _chosen(order, seen[sku], offers.get(sku), quantity, facts, pickups)
            except _REFUSED as refused:
                refusals.append(refused)
                continue
            sources |= {sku: chosen} if chosen else {}
        if refusals:
            refusals[0].also = refusals[1:]
            raise refusals[0]
    except Problem:
        _let_go(replace(order, sources=sources))
        raise
    handled = [sku for sku, line in seen.items() if line.handling or (sku in offers and offers[sku].handling)]
    begins = {sku: _begins(sources.get(sku, ()), offer) for sku, offer in offers.items()}
    lines = tuple(replace(line, available_from=begins.get(line.sku, "")) for line in order.lines)
    return replace(order, lines=lines, sources=sources, handled=tuple(handled))


def _chosen(
    order: OrderSnapshot, line: Line, offer: Offer | None, quantity: int, facts: Facts, pickups: Mapping[str, str]
) -> tuple[Source, ...]:
    if offer is None:
        return ()
    pickup = pickups.get(line.vendor_id, "")
    if pickup and PLACES not in offer.handling:
        raise out_of_stock(line.sku, 0, quantity)
    if not is_on_shards(offer):
        return choose_sources(offer, quantity, order.country, facts.warehouses(line.vendor_id), pickup)
    _require_as_seen(line, offer)
    return seize(TABLE, offer, quantity, order_id=order.id)


def _require_as_seen(line: Line, offer: Offer) -> None:
    """What a hold in the offer's own item is conditional on: there it is too hot to ask at the same moment."""
    if not offer.active:
        raise NotOnSale(f"{line.sku} is not on sale.", sku=line.sku)
    if offer.price != line.unit_price:
        raise PriceChanged(f"{line.sku} now costs {offer.price}.", sku=line.sku, price=offer.price.plain())
    if offer.limit != line.limit:
        raise limit_changed(line.sku, offer.limit)


def _begins(sources: tuple[Source, ...], offer: Offer) -> str:
    """The day from which what comes later can be sent; empty if all of it is there."""
    waits = any(place == LATER_SOURCE for place, _ in sources)
    return offer.later.begins if waits and offer.later else ""


def _let_go(order: OrderSnapshot) -> None:
    for sku, sources in order.sources.items():
        let_go(TABLE, sku, order.id, on_shards(sources).items())

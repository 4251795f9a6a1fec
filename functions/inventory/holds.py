"""A unit's way out: held, then sold or given back. Fragments for the transactions of those who sell.

A hold names the *sources* of its units where the offer is not plain (`choose_sources`); the order keeps them, and
whatever ends the hold names them again. The caller's fence makes sure that it ends, and only once.
"""

from collections.abc import Iterable, Sequence
from typing import overload

from inventory import journal
from inventory.offers import SHARDS, out_of_stock, read_offer, stock_key
from inventory.purchases import PurchaseLimit, limit_changed
from inventory.shifts import Shift
from inventory.sources import LATER_SOURCE, LOOSE, Source, in_places, there, units_of
from market.errors import Conflict, NotFound
from market.money import Money
from market.table import EXISTS, Item, Write, update


class PriceChanged(Conflict):
    """The price is not the one that the customer saw; `price` is the present one."""

    code, title = "price_changed", "The price has changed"


class NotOnSale(Conflict):
    """The SKU is not, or no longer, on sale."""

    code, title = "not_on_sale", "Not on sale"


class UnitsMoved(Conflict):
    """There are enough units, but not where the caller saw them: read the offer again and choose the sources anew."""

    code, title = "units_moved", "The stock is being moved"


def hold(
    sku: str,
    quantity: int,
    price: Money,
    limit: PurchaseLimit | None = None,
    sources: Sequence[Source] = (),
    *,
    placed: int = 0,
) -> Write:
    """Set units aside at the price and under the purchase limit that the cart says.

    sources: where they come from, for an offer that is not plain; they add up to the quantity. placed: the offer's, as
    read when the sources were chosen. Raises OutOfStock, PriceChanged, LimitChanged, NotOnSale or UnitsMoved.
    """

    def refusal(found: Item | None) -> Conflict:
        return _not_held(sku, quantity, price, limit, found)

    values = {":wanted": quantity, ":price": price.amount, ":currency": price.currency, ":yes": True}
    same_limit = "attribute_not_exists(max_per_customer)"
    if limit:
        same_limit = "max_per_customer = :limit AND limit_days = :days"
        values |= {":limit": limit.units, ":days": limit.days}
    asked = f"price = :price AND currency = :currency AND active = :yes AND {same_limit}"
    if not sources:
        return update(
            stock_key(sku),
            "SET available = available - :wanted, held = held + :wanted",
            values,
            when=f"available >= :wanted AND {asked} AND attribute_not_exists(sourced)",
            otherwise=refusal,
        )
    del values[":wanted"]
    moved = _set_aside(sources, placed)
    return update(
        stock_key(sku), moved.expression, values | moved.values, when=f"{moved.when} AND {asked}", otherwise=refusal
    )


def _not_held(sku: str, quantity: int, price: Money, limit: PurchaseLimit | None, found: Item | None) -> Conflict:
    """The first thing that is wrong with a hold, by the item as it was found."""
    if found is None or not found["active"]:
        return NotOnSale(f"{sku} is not on sale.", sku=sku)
    offer = read_offer(found)
    if offer.price != price:
        return PriceChanged(f"{sku} now costs {offer.price}.", sku=sku, price=offer.price.plain())
    if offer.limit != limit:
        return limit_changed(sku, offer.limit)
    if offer.sellable >= quantity or SHARDS in offer.handling:
        return UnitsMoved(f"The stock of {sku} is being moved. Please try again.", sku=sku)
    return out_of_stock(sku, offer.sellable, quantity)


def _set_aside(sources: Sequence[Source], placed: int) -> Shift:
    moved = Shift()
    moved.take("available", "held", there(sources))
    for place, units in in_places(sources):
        moved.take(f"places.{place}.a", f"places.{place}.h", units)
    moved.add("placed", -sum(units for _, units in in_places(sources)))
    if loose := units_of(sources, LOOSE):
        # What lies in no place is available - placed, which a condition cannot compute: so much of both is enough.
        moved.require("available >= :free AND (attribute_not_exists(placed) OR placed <= :placed)")
        moved.values |= {":free": placed + loose, ":placed": placed}
    moved.take("later.left", "later.held", units_of(sources, LATER_SOURCE))
    return moved


@overload
def commit(sku: str, quantity: int) -> Write: ...
@overload
def commit(sku: str, quantity: int, *, order: str, sources: Sequence[Source] = ()) -> tuple[Write, ...]: ...
def commit(sku: str, quantity: int, *, order: str = "", sources: Sequence[Source] = ()) -> Write | tuple[Write, ...]:
    """The held units are sold. The caller's own fence makes sure that this happens once.

    Two writes with the id of the order, or one where nothing of it was there yet. Without it, for a plain offer in an
    order of too many lines, one that leaves no entry in the journal: the item itself remembers what it lost.
    """
    sources = sources or ((LOOSE, quantity),)
    moved = Shift()
    moved.drop("held", there(sources))
    for place, units in in_places(sources):
        moved.drop(f"places.{place}.h", units)
    moved.take("later.held", "later.owed", units_of(sources, LATER_SOURCE))
    if not order:
        moved.remember("unlisted_out", quantity)
    few = Conflict(f"{sku} holds fewer than {quantity}.")
    sold = update(stock_key(sku), moved.expression, moved.values, when=moved.when, otherwise=few)
    if not order:
        return sold
    gone = [(place, -units) for place, units in sources if place != LATER_SOURCE]
    return (sold, *journal.moved(sku, journal.SOLD, gone, reference=order))


def release(sku: str, quantity: int, sources: Sequence[Source] = ()) -> Write:
    """The held units are on sale again, where they came from. The caller's own fence makes sure of once."""
    moved = Shift()
    moved.take("held", "available", there(sources or ((LOOSE, quantity),)))
    for place, units in in_places(sources):
        moved.take(f"places.{place}.h", f"places.{place}.a", units)
    moved.add("placed", sum(units for _, units in in_places(sources)))
    moved.take("later.held", "later.left", units_of(sources, LATER_SOURCE))
    few = Conflict(f"{sku} holds fewer than {quantity}.")
    return update(stock_key(sku), moved.expression, moved.values, when=moved.when, otherwise=few)


@overload
def restock(sku: str, quantity: int) -> Write: ...
@overload
def restock(
    sku: str, quantity: int, *, order: str, sources: Sequence[Source] = (), owed: int = 0
) -> tuple[Write, ...]: ...
def restock(
    sku: str, quantity: int, *, order: str = "", sources: Sequence[Source] = (), owed: int = 0
) -> Write | tuple[Write, ...]:
    """Sold units that never left are back on sale, where they came from: writes as of `commit`.

    The caller's own fence makes sure that this happens once. owed: where `later` is among the sources, how many the
    offer owes as just read: what it owes may be sold later again, the others have arrived meanwhile and are there.
    Raises NotFound, or UnitsMoved if it does not owe that any more.
    """
    sources = sources or ((LOOSE, quantity),)
    later = units_of(sources, LATER_SOURCE)
    waiting = min(later, owed)
    moved = Shift()
    moved.require(EXISTS)
    moved.add("available", there(sources) + later - waiting)
    for place, units in in_places(sources):
        moved.add(f"places.{place}.a", units)
    moved.add("placed", sum(units for _, units in in_places(sources)))
    moved.take("later.owed", "later.left", waiting)
    if waiting < later:
        moved.require("later.owed = :owed" if owed else "(attribute_not_exists(later) OR later.owed = :owed)")
        moved.values[":owed"] = owed
    if not order:
        moved.remember("unlisted_in", quantity)
    back = update(
        stock_key(sku), moved.expression, moved.values, when=moved.when, otherwise=lambda found: _not_back(sku, found)
    )
    if not order:
        return back
    came = [*(source for source in sources if source[0] != LATER_SOURCE), (LOOSE, later - waiting)]
    return (back, *journal.moved(sku, journal.RETURNED, came, reference=order))


def _not_back(sku: str, found: Item | None) -> Conflict | NotFound:
    if found is None:
        return NotFound(f"There is no SKU {sku}.")
    return UnitsMoved(f"The stock of {sku} is being moved. Please try again.", sku=sku)


def by_sku(quantities: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Total quantity per SKU: a transaction may touch an item only once."""
    totals: dict[str, int] = {}
    for sku, quantity in quantities:
        totals[sku] = totals.get(sku, 0) + quantity
    return totals

"""What an order writes to stock: held when it is placed, sold or given back when it ends. Fragments, no I/O.

Nearly all units come from one plain item. An order keeps the *sources* of the others, and ends each hold where it is:
in the offer's item, with its warehouses and what is still to come, or on a shard, by the order's ticket there.
"""

from collections.abc import Iterable, Mapping

from cart.contract import Cart
from inventory.contract import (
    LATER_SOURCE,
    LOOSE,
    SHARDS,
    Offer,
    Source,
    by_sku,
    commit,
    count_purchase,
    end_ticket,
    hold,
    keep_ticket,
    not_on_shards,
    on_shards,
    release,
    restock,
    uncount_purchase,
)
from market.table import MAX_ACTIONS, Write
from orders.sold import LineSnapshot, OrderSnapshot


def units_of(lines: Iterable[LineSnapshot]) -> dict[str, int]:
    return by_sku((line.sku, line.quantity) for line in lines)


def shards_of(order: OrderSnapshot) -> list[str]:
    """Where units of it lie on shards, such as `LAMP#3`."""
    return [f"{sku}#{number}" for sku, sources in order.sources.items() for number in on_shards(sources)]


def held(order: OrderSnapshot, cart: Cart, offers: Mapping[str, Offer]) -> list[Write]:
    """Hold all units, under what the customer saw. offers: as read when the sources were chosen.

    Raises what `hold` raises, and TicketGone.
    """
    seen = {line.sku: line for line in cart.lines}
    writes: list[Write] = []
    for sku, quantity in units_of(order.lines).items():
        line, sources = seen[sku], order.sources.get(sku, ())
        own = not_on_shards(sources)
        if not sources:
            writes.append(hold(sku, quantity, line.unit_price, line.limit))
        elif own:
            units = sum(some for _, some in own)
            writes.append(hold(sku, units, line.unit_price, line.limit, own, placed=offers[sku].placed))
        writes += [keep_ticket(sku, number, order.id, units) for number, units in on_shards(sources).items()]
    return writes


def counted(order: OrderSnapshot, cart: Cart) -> list[Write]:
    """Count limited units as the customer's."""
    return [
        count_purchase(line.sku, order.customer_id, line.quantity, line.limit, order.counted[line.sku])
        for line in cart.lines
        if line.limit
    ]


def uncounted(order: OrderSnapshot, units: Mapping[str, int]) -> list[Write]:
    """The customer may buy again what the order had counted against a purchase limit."""
    return [
        write
        for sku, quantity in units.items()
        if sku in order.counted
        for write in uncount_purchase(sku, order.customer_id, quantity, order.counted[sku])
    ]


def sold(order: OrderSnapshot, others: int) -> list[Write]:
    """The held units are sold; with an entry in the journal each, as far as a transaction with `others` has room.

    Plain SKUs of an order with very many lines go without: their items remember what they lost.
    """
    units = units_of(order.lines)
    writes = _tickets(order, is_sold=True)
    room = MAX_ACTIONS - others - len(writes) - len(units)
    for sku, quantity in sorted(units.items(), key=lambda one: one[0] not in order.sources):
        sources = order.sources.get(sku, ())
        own = not_on_shards(sources)
        if sources and own:
            writes += commit(sku, sum(some for _, some in own), order=order.id, sources=own)
        elif not sources:
            writes += commit(sku, quantity, order=order.id) if room > 0 else [commit(sku, quantity)]
        room -= 1
    return writes


def released(order: OrderSnapshot) -> list[Write]:
    """The held units are back where they came from."""
    writes = _tickets(order, is_sold=False)
    for sku, quantity in units_of(order.lines).items():
        sources = order.sources.get(sku, ())
        if not sources:
            writes.append(release(sku, quantity))
        elif own := not_on_shards(sources):
            writes.append(release(sku, sum(some for _, some in own), own))
    return writes


def restocked(order: OrderSnapshot, units: Mapping[str, int], owed: Mapping[str, int], others: int) -> list[Write]:
    """Sold units are back, where they came from; those of shards in the offer's own item.

    owed: by SKU, where some were still to come. Journal as in `sold`. Raises UnitsMoved if `owed` is not so any more.
    """
    writes: list[Write] = []
    room = MAX_ACTIONS - others - len(units)
    for sku, quantity in sorted(units.items(), key=lambda one: one[0] not in order.sources):
        if sources := off_shards(order.sources.get(sku, ())):
            writes += restock(sku, quantity, order=order.id, sources=sources, owed=owed.get(sku, 0))
        else:
            writes += restock(sku, quantity, order=order.id) if room > 0 else [restock(sku, quantity)]
        room -= 1
    return writes


def to_come(order: OrderSnapshot, skus: Iterable[str]) -> list[str]:
    """Those of the SKUs of which the order was sold units that were not there yet."""
    return [sku for sku in skus if any(place == LATER_SOURCE for place, _ in order.sources.get(sku, ()))]


def off_shards(sources: Iterable[Source]) -> tuple[Source, ...]:
    """The sources as if what lies on shards lay in the offer's own item, in no place."""
    loose = sum(on_shards(sources).values())
    own = not_on_shards(sources)
    return tuple(by_sku((*own, (LOOSE, loose))).items()) if loose else own


def _tickets(order: OrderSnapshot, *, is_sold: bool) -> list[Write]:
    return [
        end_ticket(sku, number, order.id, sold=is_sold)
        for sku, sources in order.sources.items()
        for number in on_shards(sources)
    ]


def is_on_shards(offer: Offer | None) -> bool:
    return offer is not None and SHARDS in offer.handling

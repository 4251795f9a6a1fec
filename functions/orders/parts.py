"""Vendors' parts of paid orders in the table: `VOR#<vendor>`/`<order id>`, what the vendor sees of its part."""

import orjson

from inventory.contract import UnitsMoved, read_offer, stock_key
from market.errors import Conflict, NotFound
from market.events import announce
from market.table import NEW, Item, Key, Page, Write, put, update
from orders import notes, shelves
from orders.contract import CANCELLED, PAID, OrderSnapshot, Part, compact_lines, compact_parts, order_key
from orders.events import OrderPartCancelled
from orders.manifest import MANIFEST
from orders.model import Entry
from orders.rows import compact_sources
from orders.table import TABLE

_TRIES = 5


class PartMoved(Conflict):
    """The part is no longer unfulfilled, or the order not paid."""

    code, title = "part_moved", "The part has moved on"


def give(order: OrderSnapshot, part: Part) -> None:
    """Write the vendor's own view of its part, once; a repetition changes nothing."""
    item = _item(order, part, order.fulfilment_of(part.vendor_id))
    try:
        TABLE.write(put(part_key(part.vendor_id, order.id), item, when=NEW, otherwise=Conflict()))
    except Conflict:
        return


def cancel(order: OrderSnapshot, part: Part, entry: Entry) -> None:
    """The part will not be sent: its units are back on sale and it is announced, once. Raises PartMoved.

    The vendor's view is written whole: it may not be there yet, and what would write it then finds it there.
    """
    vendor_id = part.vendor_id
    cancelled = OrderPartCancelled(
        order_id=order.id,
        order_no=order.number,
        customer_id=order.customer_id,
        vendor_id=vendor_id,
        reason=f"cancelled_by_{entry.by}",
        by=entry.by,
    )
    writes = (
        update(
            order_key(order.customer_id, order.id),
            f"SET fulfilment.{vendor_id} = :cancelled",
            {":cancelled": CANCELLED, ":paid": PAID},
            when=f"status = :paid AND attribute_not_exists(fulfilment.{vendor_id})",
            otherwise=PartMoved("The part has moved on."),
        ),
        put(part_key(vendor_id, order.id), _item(order, part, CANCELLED)),
        notes.entry(order.id, entry),
        announce(cancelled, by=MANIFEST),
    )
    for _ in range(_TRIES - 1):
        try:
            TABLE.transact(*writes, *_restocked(order, vendor_id, len(writes)))
            return
        except UnitsMoved:  # what is owed to others has changed since it was read
            continue
    TABLE.transact(*writes, *_restocked(order, vendor_id, len(writes)))


def _restocked(order: OrderSnapshot, vendor_id: str, others: int) -> list[Write]:
    """The part's units back on sale, as their offers stand."""
    units = shelves.units_of(order.lines_of(vendor_id))
    waiting = shelves.to_come(order, units)
    found = TABLE.batch_get(map(stock_key, waiting), consistent=True) if waiting else {}
    offers = map(read_offer, found.values())
    owed = {offer.sku: offer.later.owed for offer in offers if offer.later}
    back = shelves.uncounted(order, units)
    return [*shelves.restocked(order, units, owed, others + len(back)), *back]


def of_vendor(vendor_id: str, *, limit: int, cursor: str | None) -> Page:
    """A vendor's orders as stored, the newest first."""
    return TABLE.query(f"VOR#{vendor_id}", newest_first=True, limit=limit, cursor=cursor)


def get(vendor_id: str, order_id: str) -> Item:
    """Raises NotFound, for another vendor's part too."""
    item = TABLE.get(part_key(vendor_id, order_id))
    if item is None:
        raise NotFound("There is no such order.")
    return item


def part_key(vendor_id: str, order_id: str) -> Key:
    return Key(f"VOR#{vendor_id}", order_id)


def _item(order: OrderSnapshot, part: Part, status: str) -> Item:
    sources = {
        line.sku: order.sources[line.sku] for line in order.lines_of(part.vendor_id) if line.sku in order.sources
    }
    return {
        "number": order.number,
        "currency": order.currency,
        "status": status,
        "lines": compact_lines(order.lines_of(part.vendor_id)),
        "parts": compact_parts((part,)),
        "address": orjson.dumps(order.address).decode(),
        "shipping_method": order.shipping_method,
        "created_at": order.created_at,
        "paid_at": order.paid_at,
        **({"sources": compact_sources(sources)} if sources else {}),
    }

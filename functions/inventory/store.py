"""Reads and writes of stock by those who own it; buyers' holds are fragments of `contract`."""

from collections.abc import Sequence
from dataclasses import dataclass

from inventory.contract import MAX_STOCK, Offer, read_offer, stock_key
from inventory.manifest import MANIFEST
from market.errors import Conflict, NotFound, Problem
from market.table import Item, Table, update

_table = Table(MANIFEST)


class StockChanged(Conflict):
    """What is available is not what the caller saw; `available` is the present count."""

    code, title = "stock_changed", "The stock has changed"


class NotSoMany(Conflict):
    """More were to be taken out than are available, or more put in than a shelf holds; `available` says how many."""

    code, title = "not_so_many", "Not so many"


@dataclass(frozen=True, slots=True)
class OfferPage:
    offers: Sequence[Offer]
    next: str | None


def find(sku: str) -> Offer | None:
    item = _table.get(stock_key(sku))
    return read_offer(item) if item else None


def get(sku: str, *, vendor_id: str) -> Offer:
    """The vendor's stock as last written. Raises NotFound, also for another vendor's."""
    item = _table.get(stock_key(sku), consistent=True)
    if item is None or item["vendor_id"] != vendor_id:
        raise _no_such(sku)
    return read_offer(item)


def of_vendor(vendor_id: str, *, limit: int, cursor: str | None) -> OfferPage:
    """In the order of SKUs. The index tells which; the counts come from the items themselves, so that they are true."""
    page = _table.query(f"STV#{vendor_id}", index="by1", limit=limit, cursor=cursor)
    keys = [stock_key(entry["by1sk"]) for entry in page.items]
    found = _table.batch_get(keys)
    return OfferPage([read_offer(found[key]) for key in keys if key in found], page.next)


def count(sku: str, *, vendor_id: str, available: int, expected: int | None) -> Offer:
    """Make it exactly `available`, if it still is `expected`. Held units stay held. Raises NotFound or StockChanged."""
    still = "" if expected is None else " AND available = :expected"
    return _write(
        sku,
        vendor_id,
        "SET available = :available",
        {":available": available} | ({} if expected is None else {":expected": expected}),
        f"vendor_id = :vendor{still}",
        StockChanged("The stock has changed since you saw it."),
    )


def adjust(sku: str, *, vendor_id: str, by: int) -> Offer:
    """Put units in, or with a negative `by` take them out. Raises NotFound or NotSoMany."""
    bound, limit = ("available >= :limit", -by) if by < 0 else ("available <= :limit", MAX_STOCK - by)
    return _write(
        sku,
        vendor_id,
        "SET available = available + :by",
        {":by": by, ":limit": limit},
        f"vendor_id = :vendor AND {bound}",
        NotSoMany("There are not so many to take out, or no room for so many."),
    )


def _write(sku: str, vendor_id: str, expression: str, values: Item, when: str, otherwise: Problem) -> Offer:
    def refusal(found: Item | None) -> Problem:
        if found is None or found["vendor_id"] != vendor_id:
            return _no_such(sku)
        return type(otherwise)(otherwise.detail, sku=sku, available=found["available"])

    values = values | {":vendor": vendor_id}
    # A transaction, since a lost answer must not let an adjustment be made twice.
    _table.transact(update(stock_key(sku), expression, values, when=when, otherwise=refusal))
    return get(sku, vendor_id=vendor_id)


def _no_such(sku: str) -> NotFound:
    return NotFound(f"There is no SKU {sku[:64]}.")

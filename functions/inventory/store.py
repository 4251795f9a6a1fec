"""Reads and writes of stock by those who own it; buyers' holds are fragments of `contract`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from inventory.contract import MAX_STOCK, Offer, PurchaseLimit, read_offer, stock_key
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that a vendor changes of an offer: an update expression of one word, with its condition."""

    expression: str
    values: Item = field(default_factory=dict)
    when: str = ""
    refused: Conflict | None = None
    """Raised if the condition does not hold."""


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


def counted(available: int, expected: int | None) -> Change:
    """Make it exactly `available`, if it still is `expected`; held units stay held. Refused by StockChanged."""
    change = Change(
        expression="SET available = :available",
        values={":available": available},
        refused=StockChanged("The stock has changed since you saw it."),
    )
    if expected is None:
        return change
    return replace(change, when="available = :expected", values=change.values | {":expected": expected})


def adjusted(by: int) -> Change:
    """Put units in, or with a negative `by` take them out. Refused by NotSoMany."""
    bound, limit = ("available >= :limit", -by) if by < 0 else ("available <= :limit", MAX_STOCK - by)
    return Change(
        expression="SET available = available + :by",
        values={":by": by, ":limit": limit},
        when=bound,
        refused=NotSoMany("There are not so many to take out, or no room for so many."),
    )


def limited(limit: PurchaseLimit | None) -> Change:
    """Let a customer buy only so many, or with None as many as there are."""
    if limit is None:
        return Change(expression="REMOVE max_per_customer, limit_days")
    return Change(
        expression="SET max_per_customer = :most, limit_days = :days",
        values={":most": limit.units, ":days": limit.days},
    )


def change(sku: str, vendor_id: str, *changes: Change) -> Offer:
    """Carry out all changes or none. Raises NotFound, or the refusal of the first change."""

    def refusal(found: Item | None) -> Problem:
        if found is None or found["vendor_id"] != vendor_id:
            return _no_such(sku)
        refused = next(change.refused for change in changes if change.refused)
        return type(refused)(refused.detail, sku=sku, available=found["available"])

    expression = _joined(change.expression for change in changes)
    values = {name: value for change in changes for name, value in change.values.items()} | {":vendor": vendor_id}
    when = " AND ".join(["vendor_id = :vendor", *(change.when for change in changes if change.when)])
    # A transaction, since a lost answer must not let an adjustment be made twice.
    _table.transact(update(stock_key(sku), expression, values, when=when, otherwise=refusal))
    return get(sku, vendor_id=vendor_id)


def _joined(expressions: Iterable[str]) -> str:
    """One update expression of several, in which each word stands once: `SET a, b REMOVE c`."""
    parts: dict[str, list[str]] = {}
    for expression in expressions:
        word, _, assignments = expression.partition(" ")
        parts.setdefault(word, []).append(assignments)
    return " ".join(f"{word} {', '.join(assignments)}" for word, assignments in parts.items())


def _no_such(sku: str) -> NotFound:
    return NotFound(f"There is no SKU {sku[:64]}.")

"""Books of list prices, histories and groups.

A *book* is the item `PRL#<sku>`: all entries of a SKU, plans included, with a version. It stands in two indexes: by its
vendor, and, while a plan waits for something, by the moment when that is due.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from identity.contract import MANIFEST as IDENTITY
from identity.contract import user_key
from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import Offer, read_offer, stock_key
from market import clock
from market.errors import Conflict, NotFound, PreconditionFailed
from market.events import Event, announce
from market.guard.callers import Caller
from market.table import NEW, Item, Key, Page, Table, Write, delete, put
from orders.contract import MANIFEST as ORDERS
from orders.contract import OrderSnapshot, order_key, read_order
from prices import history as past
from prices import lists
from prices.contract import entries_key, groups_key, rates_key, read_entries, read_groups, read_rates
from prices.history import History
from prices.lists import Entry
from prices.manifest import MANIFEST
from prices.rates import Rates
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import require_known

SHARDS = 4
"""Of the list of books that are due, so that a vendor's thousand sales from midnight on are not one partition."""

_table = Table(MANIFEST, IDENTITY, INVENTORY, ORDERS, VENDORS)


class BookChanged(Conflict):
    """Somebody else wrote the SKU's prices at the same moment."""

    code, title = "prices_changed", "Prices were changed meanwhile"


@dataclass(frozen=True, slots=True)
class Book:
    """All entries of a SKU. version: 0 before the first."""

    sku: str
    vendor_id: str
    entries: tuple[Entry, ...] = ()
    due: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Past:
    """The history of a SKU as it is stored. version: 0 before the first change."""

    history: History
    version: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is known of a SKU: its offer, its book, its past."""

    offer: Offer
    book: Book
    past: Past


def require_vendor(vendor_id: str, caller: Caller) -> None:
    """Raises NotFound."""
    require_known(vendor_id, caller, _table.get)


def history_key(sku: str) -> Key:
    return Key(f"PRH#{sku}")


def sheets(skus: Iterable[str], *, consistent: bool = True) -> dict[str, Sheet]:
    """Of those SKUs that are on offer, in one batch."""
    wanted = tuple(dict.fromkeys(skus))
    keys = [key for sku in wanted for key in (stock_key(sku), entries_key(sku), history_key(sku))]
    found = _table.batch_get(keys, consistent=consistent)
    return {sku: _sheet(sku, found) for sku in wanted if stock_key(sku) in found}


def shown(sku: str) -> tuple[Sheet, Rates] | None:
    """All that a page of public prices needs, in one batch; None without an offer."""
    keys = (stock_key(sku), entries_key(sku), history_key(sku), rates_key())
    found = _table.batch_get(keys)
    return (_sheet(sku, found), read_rates(found.get(rates_key()))) if stock_key(sku) in found else None


def _sheet(sku: str, found: Mapping[Key, Item]) -> Sheet:
    offer, book, kept = read_offer(found[stock_key(sku)]), found.get(entries_key(sku)), found.get(history_key(sku))
    return Sheet(
        offer,
        _book(book) if book else Book(sku, offer.vendor_id),
        Past(past.unpacked(kept["doc"]), kept["version"]) if kept else Past(History()),
    )


def _book(item: Item) -> Book:
    return Book(
        item["pk"].removeprefix("PRL#"), item["vendor_id"], read_entries(item), item.get("by1sk", ""), item["version"]
    )


def books_of(vendor_id: str, *, limit: int, cursor: str | None) -> Page:
    """Cards of the vendor's books in the order of SKUs."""
    return _table.query(f"PRL#of#{vendor_id}", index="by2", limit=limit, cursor=cursor, only="card")


def due(shard: int, *, limit: int) -> list[tuple[str, str]]:
    """The books of a shard that are due first: SKU and moment."""
    page = _table.query(f"PRL#due#{shard}", index="by1", limit=limit)
    return [(item["pk"].removeprefix("PRL#"), item["by1sk"]) for item in page.items]


def save(book: Book, *writes: Write) -> None:
    """Keep a book that was read at its version, with whatever belongs to the change. Raises BookChanged."""
    card = {"sku": book.sku, "entries": len(book.entries), "changed_at": clock.timestamp()}
    item: dict[str, Any] = {
        "vendor_id": book.vendor_id,
        "entries": lists.packed(book.entries),
        "version": book.version + 1,
        "card": card,
        "by2pk": f"PRL#of#{book.vendor_id}",
        "by2sk": book.sku,
    }
    if book.due:
        item |= {"by1pk": f"PRL#due#{crc32(book.sku.encode()) % SHARDS}", "by1sk": book.due}
    changed = BookChanged("The prices were changed meanwhile.", sku=book.sku)
    _table.transact(_fenced(entries_key(book.sku), item, book.version, changed), *writes)


def remembered(sku: str, known: Past, history: History) -> Write:
    """Keep the history of a SKU, read at its version. Raises BookChanged."""
    item = {"doc": past.packed(history), "version": known.version + 1}
    changed = BookChanged("The history was changed meanwhile.", sku=sku)
    return _fenced(history_key(sku), item, known.version, changed)


def write(*writes: Write) -> None:
    _table.transact(*writes)


def told(event: Event) -> Write:
    return announce(event, by=MANIFEST)


def _fenced(key: Key, item: Mapping[str, Any], version: int, otherwise: Conflict | PreconditionFailed) -> Write:
    when, values = ("version = :seen", {":seen": version}) if version else (NEW, None)
    return put(key, item, when=when, values=values, otherwise=otherwise)


def groups_of(customer_id: str) -> frozenset[str]:
    return read_groups(_table.get(groups_key(customer_id), consistent=True))


def require_customer(customer_id: str) -> None:
    """Raises NotFound for somebody without an account: nobody would ever be asked for their groups."""
    if _table.get(user_key(customer_id)) is None:
        raise NotFound("There is no such customer.")


def change_groups(customer_id: str, groups: frozenset[str], *, scope: str) -> frozenset[str]:
    """Replace the customer's groups of one scope: a vendor's id, or empty for the platform's. Others stay.

    Raises PreconditionFailed where they were changed at the same moment.
    """
    item = _table.get(groups_key(customer_id), consistent=True)
    present, version = read_groups(item), item["version"] if item else 0
    after = frozenset(name for name in present if scope_of(name) != scope) | groups
    if after != present:
        stale = PreconditionFailed("The groups were changed meanwhile.")
        fields: dict[str, Any] = {"version": version + 1} | ({"groups": after} if after else {})
        _table.write(_fenced(groups_key(customer_id), fields, version, stale))
    return after


def forget_groups(customer_id: str) -> None:
    """Take a customer out of all groups. Repeated, it changes nothing."""
    _table.write(delete(groups_key(customer_id)))


def scope_of(group: str) -> str:
    """The vendor whose group it is; empty for the platform's."""
    return group.partition(":")[0] if ":" in group else ""


def order_of(customer_id: str, order_id: str) -> OrderSnapshot:
    """Raises NotFound."""
    item = _table.get(order_key(customer_id, order_id), consistent=True)
    if item is None:
        raise NotFound("There is no such order.")
    return read_order(item)

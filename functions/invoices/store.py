"""Documents in the table. `INV#<order id>` holds an order's documents, `INV#<vendor id>` a vendor's two registers."""

from dataclasses import asdict, replace
from typing import Any

import orjson

from invoices.manifest import MANIFEST
from invoices.model import INVOICE, Document, NoSuchInvoice, Row, number_of
from market import clock
from market.errors import Conflict, NotFound
from market.money import Money
from market.table import NEW, Busy, Item, Key, Page, Table, Write, put, update
from orders.contract import MANIFEST as ORDERS
from orders.contract import OrderSnapshot, order_key, read_order
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import vendor_key

_table = Table(MANIFEST, ORDERS, VENDORS)
_ATTEMPTS = 10


class _Raced(Conflict):
    """Another document of the vendor took the number."""


class _Numbered(Conflict):
    """The document has its number already."""


def order_of(customer_id: str, order_id: str) -> OrderSnapshot:
    """Raises NotFound."""
    item = _table.get(order_key(customer_id, order_id), consistent=True)
    if item is None:
        raise NotFound("There is no such order.")
    return read_order(item)


def belongs_to(customer_id: str, order_id: str) -> bool:
    """Whether the customer has this order, as the one who placed it or claimed it later."""
    return _table.get(order_key(customer_id, order_id), consistent=True) is not None


def seller(vendor_id: str) -> dict[str, str]:
    """Who issues the vendor's documents: name, legal name, tax id, country, e-mail and slug, as they are today."""
    item = _table.get(vendor_key(vendor_id), consistent=True) or {}
    names = ("name", "legal_name", "tax_id", "country", "support_email", "slug")
    return {name: item.get(name, "") for name in names} | ({} if item else {"name": vendor_id, "slug": vendor_id})


def find(order_id: str, vendor_id: str, refund_id: str = "") -> Document | None:
    item = _table.get(_key(order_id, vendor_id, refund_id), consistent=True)
    return _read(item) if item else None


def number(document: Document) -> Document:
    """Store the document under the next number of its series, once; again gives the one stored first. Raises Busy."""
    for _ in range(_ATTEMPTS):
        counter = _table.get(_counter(document), consistent=True)
        count = counter["last"] + 1 if counter else 1
        numbered = replace(
            document, number=number_of(document.kind, document.seller, count), issued_at=clock.timestamp()
        )
        try:
            _table.transact(_store(numbered), _count(numbered, count), _register(numbered, count))
            return numbered
        except _Numbered:
            known = find(document.order_id, document.vendor_id, document.refund_id)
            assert known is not None, "documents are never deleted"
            return known
        except _Raced:
            continue
    raise Busy("Too many documents of this vendor at once.")


def mark_drawn(document: Document) -> None:
    """Its PDF is stored."""
    _table.write(update(_document_key(document), "SET drawn = :yes", {":yes": True}))


def of_order(order_id: str) -> list[tuple[Document, bool]]:
    """The order's documents, each with whether its PDF is stored, by vendor."""
    page = _table.query(f"INV#{order_id}", limit=100)
    return [(_read(item), item.get("drawn", False)) for item in page.items]


def is_drawn(document: Document) -> bool:
    item = _table.get(_document_key(document), consistent=True)
    return bool(item and item.get("drawn"))


def of_vendor(vendor_id: str, *, limit: int, cursor: str | None) -> Page:
    """Register entries of the vendor's invoices and credit notes, the newest first of each series."""
    return _table.query(f"INV#{vendor_id}", begins="no#", newest_first=True, limit=limit, cursor=cursor)


def by_count(vendor_id: str, kind: str, count: int) -> Document:
    """Raises NoSuchInvoice."""
    entry = _table.get(_register_key(vendor_id, kind, count), consistent=True)
    document = find(entry["order_id"], vendor_id, entry["refund_id"]) if entry else None
    if document is None:
        raise NoSuchInvoice("There is no such invoice.")
    return document


def _store(document: Document) -> Write:
    item = {"content": orjson.dumps(asdict(document)).decode(), "customer_id": document.customer_id}
    return put(_document_key(document), item, when=NEW, otherwise=_Numbered("The document is numbered."))


def _count(document: Document, count: int) -> Write:
    when, values = "attribute_not_exists(last)", {":count": count}
    if count > 1:
        when, values = "last = :before", values | {":before": count - 1}
    return update(_counter(document), "SET last = :count", values, when=when, otherwise=_Raced("The number is taken."))


def _register(document: Document, count: int) -> Write:
    entry = {
        "number": document.number,
        "kind": document.kind,
        "order_id": document.order_id,
        "order_no": document.order_no,
        "refund_id": document.refund_id,
        "total": document.total.amount,
        "currency": document.currency,
        "issued_at": document.issued_at,
    }
    return put(_register_key(document.vendor_id, document.kind, count), entry, when=NEW, otherwise=_Raced("Taken."))


def _document_key(document: Document) -> Key:
    return _key(document.order_id, document.vendor_id, document.refund_id)


def _key(order_id: str, vendor_id: str, refund_id: str) -> Key:
    return Key(f"INV#{order_id}", f"{vendor_id}#{refund_id}" if refund_id else vendor_id)


def _counter(document: Document) -> Key:
    return Key(f"INV#{document.vendor_id}", f"last#{document.kind}")


def _register_key(vendor_id: str, kind: str, count: int) -> Key:
    return Key(f"INV#{vendor_id}", f"no#{'1' if kind == INVOICE else '2'}#{count:09d}")


def _read(item: Item) -> Document:
    content = orjson.loads(item["content"])
    return Document(**content | {"rows": tuple(_row(row) for row in content["rows"])})


def _row(stored: dict[str, Any]) -> Row:
    money = ("charge", "tax", "unit_price", "discount")
    return Row(**stored | {name: Money(**stored[name]) for name in money if stored[name]})

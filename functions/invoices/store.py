"""Documents in the table: `INV#<order id>` holds an order's documents; index `by1` lists them by vendor and number."""

from dataclasses import replace
from typing import Any

import orjson

from invoices.manifest import MANIFEST
from invoices.model import INVOICE, Document, NoSuchInvoice, Row, number_of
from market import clock
from market.errors import Conflict, NotFound
from market.money import Money
from market.table import NEW, Busy, Item, Key, Page, Table, Write, put, update
from orders.contract import MANIFEST as ORDERS
from orders.contract import OrderSnapshot, order_key, read_order, still_owned
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import vendor_key

_table = Table(MANIFEST, ORDERS, VENDORS)
query = _table.query
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
    """Whether the order is the caller's, as the one who claimed it, or placed it and did not give it away."""
    item = _table.get(order_key(customer_id, order_id), consistent=True)
    return item is not None and still_owned(item)


def seller(vendor_id: str) -> dict[str, str]:
    """Who issues the vendor's documents: name, legal name, tax id, country, e-mail and slug, as they are today."""
    item = _table.get(vendor_key(vendor_id)) or {}
    names = ("name", "legal_name", "tax_id", "country", "support_email", "slug")
    return {name: item.get(name, "") for name in names} | (
        {} if item else {"name": vendor_id, "slug": vendor_id.replace("_", "-")}
    )


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
            _table.transact(_store(numbered, count), _count(numbered, count))
            return numbered
        except _Numbered:
            known = find(document.order_id, document.vendor_id, document.refund_id)
            assert known is not None, "documents are never deleted"
            return known
        except _Raced:
            continue
    raise Busy("Too many documents of this vendor at once.")


def of_order(order_id: str) -> list[Document]:
    """The order's documents, by vendor."""
    return [_read(item) for item in _table.query(f"INV#{order_id}", limit=100).items]


def of_vendor(vendor_id: str, *, limit: int, cursor: str | None) -> Page:
    """What the vendor's register says: credit notes, then invoices, the newest first of each."""
    return _table.query(f"INV#{vendor_id}", index="by1", newest_first=True, limit=limit, cursor=cursor)


def by_count(vendor_id: str, kind: str, count: int) -> Document:
    """Raises NoSuchInvoice."""
    page = _table.query(f"INV#{vendor_id}", index="by1", begins=_place(kind, count), limit=1)
    card = page.items[0]["card"] if page.items else {}
    document = find(card["order_id"], vendor_id, card["refund_id"]) if card else None
    if document is None:
        raise NoSuchInvoice("There is no such invoice.")
    return document


def _store(document: Document, count: int) -> Write:
    """Rows are arrays, a third of an object's size: a document of a few rows costs one write unit's worth."""
    item = {
        "order_no": document.order_no,
        "customer_id": document.customer_id,
        "ordered_at": document.ordered_at,
        "seller": dict(document.seller),
        "buyer": dict(document.buyer),
        "rows": orjson.dumps([_row(row) for row in document.rows]).decode(),
        "by1pk": f"INV#{document.vendor_id}",
        "by1sk": _place(document.kind, count),
        "card": {
            "number": document.number,
            "kind": document.kind,
            "order_id": document.order_id,
            "order_no": document.order_no,
            "refund_id": document.refund_id,
            "refers_to": document.refers_to,
            "total": document.total.amount,
            "currency": document.currency,
            "issued_at": document.issued_at,
        },
    }
    return put(_document_key(document), item, when=NEW, otherwise=_Numbered("The document is numbered."))


def _count(document: Document, count: int) -> Write:
    when, values = "attribute_not_exists(last)", {":count": count}
    if count > 1:
        when, values = "last = :before", values | {":before": count - 1}
    return update(_counter(document), "SET last = :count", values, when=when, otherwise=_Raced("The number is taken."))


def _document_key(document: Document) -> Key:
    return _key(document.order_id, document.vendor_id, document.refund_id)


def _key(order_id: str, vendor_id: str, refund_id: str) -> Key:
    return Key(f"INV#{order_id}", f"{vendor_id}#{refund_id}" if refund_id else vendor_id)


def _counter(document: Document) -> Key:
    return Key(f"INV#{document.vendor_id}", f"last#{document.kind}")


def _place(kind: str, count: int) -> str:
    return f"{'1' if kind == INVOICE else '2'}#{count:09d}"


def _read(item: Item) -> Document:
    card = {name: value for name, value in item["card"].items() if name != "total"}
    return Document(
        **card,
        vendor_id=item["sk"].partition("#")[0],
        customer_id=item["customer_id"],
        ordered_at=item["ordered_at"],
        seller=item["seller"],
        buyer=item["buyer"],
        rows=tuple(_read_row(row, card["currency"]) for row in orjson.loads(item["rows"])),
    )


def _row(row: Row) -> list[Any]:
    amounts = (row.charge, row.tax, row.unit_price, row.discount)
    unusual = [int(row.tax_added), row.note] if row.tax_added or row.note else []
    return [row.text, row.sku, row.quantity, row.tax_rate, *(money and money.amount for money in amounts), *unusual]


def _read_row(stored: list[Any], currency: str) -> Row:
    text, sku, quantity, rate, charge, tax, unit_price, discount, *unusual = stored
    added, note = unusual or (0, "")
    return Row(
        text=text,
        sku=sku,
        quantity=quantity,
        tax_rate=rate,
        tax_added=bool(added),
        note=note,
        charge=Money(charge, currency),
        tax=Money(tax, currency),
        unit_price=None if unit_price is None else Money(unit_price, currency),
        discount=None if discount is None else Money(discount, currency),
    )

"""All products of a vendor as rows of an import: bringing them in again changes nothing.

A product that was made by hand is known by its own id. `stock` is what was stated last, not what is left now: so what
was sold since is not put back by importing an export. Media of the library are not told of: a row that says nothing of
them leaves them as they are.
"""

from typing import Any

import orjson

from catalog import sheets, store
from catalog.changes import Stored
from catalog.forms import ImportRow
from catalog.model import Product

LARGEST = 4 * 1024 * 1024
"""Bytes of a page: a function's answer has at most 6 MB, and is not cut inside a product."""
_FIELDS = set(ImportRow.model_fields) & set(Product.model_fields) - {"external_id", "media", "variants"}


def page(vendor_id: str, kind: str, *, limit: int, cursor: str | None) -> tuple[str, str | None]:
    """The next products as `csv` (with a header on the first page) or `jsonl`, and a cursor unless that is the end.

    There may be fewer than `limit`. In the order of the vendor's list; a product whose status changes between two pages
    may be missing, or there twice. Raises BadCursor.
    """
    found = store.of_vendor(vendor_id, status=None, limit=limit, cursor=cursor)
    ids = [orjson.loads(item["card"])["id"] for item in found.items]
    products = store.get_many(ids)
    rows = [row(products[id_]) for id_ in ids if id_ in products]
    text = _table(rows, header=not cursor) if kind == "csv" else _lines(rows)
    if limit > 1 and len(text.encode()) > LARGEST:
        return page(vendor_id, kind, limit=max(1, limit // 4), cursor=cursor)
    return text, found.next


def row(stored: Stored) -> dict[str, Any]:
    """The product as a row; what it does not have is left out."""
    product = stored.product
    told = product.model_dump(mode="json", by_alias=True, exclude_none=True, include=_FIELDS)
    told = {name: value for name, value in told.items() if value}
    if product.in_review:
        told["status"] = "active"
    variants = [
        variant.model_dump(mode="json", by_alias=True, exclude_none=True)
        | ({"stock": stored.stated[variant.sku]} if variant.sku in stored.stated else {})
        for variant in product.variants
    ]
    return {"externalId": product.external_id or product.id} | told | {"variants": variants}


def _table(rows: list[dict[str, Any]], *, header: bool) -> str:
    head = [list(sheets.COLUMNS)] if header else []
    return sheets.written([*head, *(line for one in rows for line in sheets.lines_of(one))])


def _lines(rows: list[dict[str, Any]]) -> str:
    return "".join(orjson.dumps(one).decode() + "\n" for one in rows)

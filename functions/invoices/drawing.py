"""A document as a PDF, set by Typst from `invoice.typ`.

Typst was chosen because it is maintained, sets a page from a readable template, writes PDF/A for archives and tags for
screen readers, and takes the texts as data: what a vendor or customer typed is never markup. The same document gives
the same bytes.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import orjson

from invoices.model import CREDIT_NOTE, Document, Row
from market import log
from market.money import Money

_TEMPLATE = Path(__file__).with_name("invoice.typ")


def pdf(document: Document) -> bytes:
    """The document on A4 pages: PDF/A-2b, or plain PDF where a text has letters that no shipped font has.

    Latin, Greek, Cyrillic and Hebrew are there. The archive standard forbids the boxes that stand for others.
    """
    import typst

    try:
        return _set(document, "pdf", "a-2b")
    except typst.TypstError:
        log.warning("document is not PDF/A", number=document.number)
        return _set(document, "pdf")


def picture(document: Document) -> bytes:
    """The first page as a PNG, to look at."""
    return _set(document, "png")


def _set(document: Document, form: Literal["pdf", "png"], standard: Literal["a-2b"] | None = None) -> bytes:
    import typst  # 80 MB of compiler and fonts: only where a page is set

    return typst.compile(
        str(_TEMPLATE),
        format=form,
        root=str(_TEMPLATE.parent),
        ignore_system_fonts=True,
        sys_inputs={"document": orjson.dumps(_texts(document)).decode()},
        pdf_standards=standard,
        ppi=100.0,
    )


def _texts(document: Document) -> dict[str, Any]:
    """Everything that the page shows, as texts."""
    issued = datetime.fromisoformat(document.issued_at)
    return {
        "credit": document.kind == CREDIT_NOTE,
        "number": document.number,
        "refersTo": document.refers_to,
        "orderNo": document.order_no,
        "issued": [issued.year, issued.month, issued.day],
        "ordered": document.ordered_at[:10],
        "currency": document.currency,
        "seller": dict(document.seller),
        "buyer": [line for line in _address(document.buyer) if line],
        "rows": [_row(row) for row in document.rows],
        "discounted": any(row.discount and row.discount.amount for row in document.rows),
        "taxes": [
            {"rate": percent(line.rate), "net": line.net.decimal(), "tax": line.tax.decimal()}
            for line in document.tax_lines
        ],
        "total": document.total.decimal(),
        "taxAdded": document.tax_added,
        "notes": document.notes,
    }


def _row(row: Row) -> dict[str, str]:
    return {
        "text": row.text,
        "sku": row.sku,
        "quantity": str(row.quantity) if row.sku and row.quantity else "",
        "unit": row.unit_price.decimal() if row.unit_price else "",
        "discount": _minus(row.discount),
        "rate": percent(row.tax_rate) if row.tax_rate else "",
        "charge": row.shown.decimal(),
    }


def _minus(discount: Money | None) -> str:
    return f"-{discount.decimal()}" if discount and discount.amount else ""


def percent(rate: int) -> str:
    """A rate in thousandths of a percent as people write it: `19 %`, `6.875 %`."""
    whole, part = divmod(rate, 1_000)
    return f"{whole}.{part:03d}".rstrip("0").rstrip(".") + " %"


def _address(address: Any) -> list[str]:
    city = " ".join(filter(None, (address.get("postalCode", ""), address.get("city", ""))))
    region = ", ".join(filter(None, (address.get("state", ""), address.get("country", ""))))
    return [address.get("name", ""), address.get("line1", ""), address.get("line2", ""), city, region]

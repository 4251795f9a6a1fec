"""Documents are issued when money has moved: numbered first, drawn second. Repeating either changes nothing."""

from collections.abc import Mapping
from typing import Any

from invoices import drawing, gateway, model, store
from invoices.model import Document, GivenBack
from market import log
from market.money import Money


def bill(customer_id: str, order_id: str) -> list[Document]:
    """Issue the invoice of every vendor's part of a paid order."""
    order = store.order_of(customer_id, order_id)
    return [_issue(model.invoice_of(order, part, store.seller(part.vendor_id))) for part in order.parts]


def credit(customer_id: str, order_id: str, refund_id: str, pieces: Mapping[str, list[GivenBack]]) -> list[Document]:
    """Issue a credit note for each vendor whose part is given back, whole or in pieces; `pieces` are by vendor."""
    if any(store.find(order_id, vendor_id) is None for vendor_id in pieces):
        bill(customer_id, order_id)  # the refund was heard of before the payment
    issued = []
    for vendor_id, given_back in pieces.items():
        invoice = store.find(order_id, vendor_id)
        assert invoice is not None, "billed above"
        issued.append(_issue(model.credit_note_of(invoice, refund_id, given_back)))
    return issued


def pieces_of(refund: Mapping[str, Any]) -> dict[str, list[GivenBack]]:
    """What a `refund.succeeded` gives back, by vendor."""
    pieces: dict[str, list[GivenBack]] = {}
    for line in (*refund["lines"], *refund["shipping"]):
        piece = GivenBack(
            amount=Money(**line["amount"]),
            tax=Money(**line["tax"]),
            sku=line.get("sku", ""),
            quantity=line.get("quantity", 0),
        )
        if piece.amount.amount:
            pieces.setdefault(line["vendor_id"], []).append(piece)
    return pieces


def pdf_of(document: Document) -> bytes:
    """Raises NotDrawnYet."""
    if not store.is_drawn(document):
        raise model.NotDrawnYet("The document will be ready in a moment.")
    return gateway.fetch(document)


def _issue(draft: Document) -> Document:
    document = store.find(draft.order_id, draft.vendor_id, draft.refund_id) or store.number(draft)
    if not store.is_drawn(document):
        gateway.keep(document, drawing.pdf(document))
        store.mark_drawn(document)
        log.info("document issued", kind=document.kind, order_id=document.order_id, vendor_id=document.vendor_id)
    return document

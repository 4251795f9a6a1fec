"""Documents are issued when money has moved, and drawn when somebody wants to see them. Repeating changes nothing."""

from collections.abc import Mapping
from typing import Any

from invoices import drawing, gateway, model, store
from invoices.model import Document, GivenBack
from market.money import Money


def bill(customer_id: str, order_id: str) -> list[Document]:
    """Issue the invoice of every vendor's part of a paid order."""
    order = store.order_of(customer_id, order_id)
    return [store.number(model.invoice_of(order, part, store.seller(part.vendor_id))) for part in order.parts]


def credit(customer_id: str, order_id: str, refund_id: str, pieces: Mapping[str, list[GivenBack]]) -> list[Document]:
    """Issue a credit note for each vendor whose part is given back, whole or in pieces; `pieces` are by vendor."""
    if any(store.find(order_id, vendor_id) is None for vendor_id in pieces):
        bill(customer_id, order_id)  # the refund was heard of before the payment
    issued = []
    for vendor_id, given_back in pieces.items():
        invoice = store.find(order_id, vendor_id)
        assert invoice is not None, "billed above"
        issued.append(store.number(model.credit_note_of(invoice, refund_id, given_back)))
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
    """The document's PDF: drawn and stored when it is first asked for, since most never are."""
    stored = gateway.fetch(document)
    if stored is None:
        stored = drawing.pdf(document)
        gateway.keep(document, stored)
    return stored

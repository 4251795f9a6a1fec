"""Routes of invoices: customers read those of their orders, vendors the ones that they issued."""

import base64
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from invoices import model, service, store
from invoices.manifest import MANIFEST
from invoices.model import Document, NoSuchInvoice
from market.errors import NotFound
from market.http import CUSTOMER, GUEST, KEY, STAFF, VENDOR, Cursor, Limit, ServiceApi, View, reply
from market.money import Money
from orders.contract import id_of

api = ServiceApi(MANIFEST)
handler = api.handler


class InvoiceView(View):
    """An invoice or a credit note; its PDF is at its number."""

    number: str
    kind: str
    order_no: str
    total: Money
    issued_at: str

    @classmethod
    def of_card(cls, card: Mapping[str, Any]) -> "InvoiceView":
        return cls(
            number=card["number"],
            kind=card["kind"],
            order_no=card["order_no"],
            total=Money(card["total"], card["currency"]),
            issued_at=card["issued_at"],
        )


class OrderInvoiceView(InvoiceView):
    vendor_id: str
    refers_to: str | None = None

    @classmethod
    def of(cls, document: Document) -> "OrderInvoiceView":
        return cls(
            number=document.number,
            kind=document.kind,
            order_no=document.order_no,
            total=document.total,
            issued_at=document.issued_at,
            vendor_id=document.vendor_id,
            refers_to=document.refers_to or None,
        )


class OrderInvoices(View):
    items: list[OrderInvoiceView]


class InvoicePage(View):
    items: list[InvoiceView]
    next_cursor: str | None = None


@api.get("/v1/orders/<order_no>/invoices", callers=[CUSTOMER, GUEST])
def of_order(order_no: str) -> Response[OrderInvoices]:
    """Invoices and credit notes of one of the caller's orders: one invoice per vendor, soon after the payment."""
    return reply(OrderInvoices(items=[OrderInvoiceView.of(document) for document in _own(order_no)]))


@api.get("/v1/orders/<order_no>/invoices/<number>", callers=[CUSTOMER, GUEST], problems=[NoSuchInvoice])
def show(order_no: str, number: str) -> Response[Any]:
    """The document as a PDF."""
    for document in _own(order_no):
        if document.number == number:
            return _pdf(document)
    raise NoSuchInvoice("There is no such invoice.")


@api.get("/v1/vendors/<vendor_id>/invoices", callers=[VENDOR, STAFF, KEY], needs="invoices.read")
def of_vendor(vendor_id: str, limit: Limit = 20, cursor: Cursor = None) -> Response[InvoicePage]:
    """What the vendor has issued: credit notes first, then invoices, the newest of each first."""
    page = store.of_vendor(vendor_id, limit=limit, cursor=cursor)
    return reply(InvoicePage(items=[InvoiceView.of_card(entry["card"]) for entry in page.items], next_cursor=page.next))


@api.get(
    "/v1/vendors/<vendor_id>/invoices/<number>",
    callers=[VENDOR, STAFF, KEY],
    needs="invoices.read",
    problems=[NoSuchInvoice],
)
def show_issued(vendor_id: str, number: str) -> Response[Any]:
    """The document as a PDF."""
    document = store.by_count(vendor_id, *model.place_of(number))
    if document.number != number:
        raise NoSuchInvoice("There is no such invoice.")
    return _pdf(document)


def _own(order_no: str) -> list[Document]:
    order_id = id_of(order_no)
    if not store.belongs_to(api.caller.id, order_id):
        raise NotFound("There is no such order.")
    return store.of_order(order_id)


def _pdf(document: Document) -> Response[Any]:
    headers: dict[str, str | list[str]] = {
        "content-disposition": f'inline; filename="{document.number}.pdf"',
        "cache-control": "private, max-age=300",
    }
    body = base64.b64encode(service.pdf_of(document)).decode()
    answer: Response[Any] = Response(status_code=200, content_type="application/pdf", body=body, headers=headers)
    answer.base64_encoded = True  # Powertools' validation would read bytes as UTF-8
    return answer

"""Invoices and credit notes: what they say, who may read them, and that no number is ever missing or given twice."""

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
import pytest
from pypdf import PdfReader

from invoices import consumer, drawing, gateway, service, store
from invoices.api import handler
from invoices.model import Document
from market.errors import NotFound
from market.table import Busy
from tests.http import call
from tests.services.invoices.conftest import euros, paid

pytestmark = pytest.mark.contract("11.5")
ORDER = "ord_0r3k7q8h2mx4tq9z"
NUMBER = "MK-0R3K7Q8H-2MX4TQ9Z"


def hear(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    envelope = {
        "eventId": "evt_1", "type": kind, "version": 1, "occurredAt": "2026-11-21T10:00:00Z", "aggregateId": ORDER,
        "actor": {"type": "system", "id": "system"}, "trace": {}, "data": data,
    }  # fmt: skip
    record = {
        "messageId": "m1", "eventSourceARN": "arn:aws:sqs:us-east-1:1:q",
        "body": orjson.dumps({"detail": envelope}).decode(),
    }  # fmt: skip
    return consumer.handler({"Records": [record]})


def told_of_payment() -> None:
    assert hear("order.paid", {"customer_id": "usr_ada", "order_id": ORDER}) == {"batchItemFailures": []}


def told_of_refund(refund_id: str = "rfd_1") -> None:
    lamp = {"sku": "LAMP", "vendor_id": "ven_lights", "title": "Lamp", "quantity": 1, "discount": euros(50).plain()}
    data = {
        "customer_id": "usr_ada",
        "order_id": ORDER,
        "refund_id": refund_id,
        "lines": [lamp | {"amount": euros(1_949).plain(), "tax": euros(311).plain()}],
        "shipping": [{"vendor_id": "ven_lights", "amount": euros(490).plain(), "tax": euros(78).plain()}],
    }
    assert hear("refund.succeeded", data) == {"batchItemFailures": []}


def text_of(document: Document) -> str:
    pages = PdfReader(io.BytesIO(service.pdf_of(document))).pages
    return "\n".join(page.extract_text() for page in pages)


def test_a_paid_order_is_billed_by_each_of_its_vendors() -> None:
    paid()
    told_of_payment()
    lights, wood = store.of_order(ORDER)
    assert (lights.number, wood.number) == ("LUMEN-LIGHTS-000001", "WOOD-000001")
    assert (lights.total, wood.total) == (euros(4_388), euros(8_000))
    page = text_of(lights)
    for said in ("Lumen & Söhne", "Lumen GmbH", "DE123456789", "Ada Łukasiewicz", NUMBER, "43.88 EUR", "19 %", "7.00"):
        assert said in page, page
    assert "Chair" not in page, "another vendor's goods"


def test_the_tax_of_an_invoice_is_the_tax_of_the_sale() -> None:
    order = paid()
    for part, document in zip(order.parts, service.bill("usr_ada", ORDER), strict=True):
        assert sum(line.tax.amount for line in document.tax_lines) == part.tax.amount
        assert sum(line.net.amount + line.tax.amount for line in document.tax_lines) == document.total.amount
        assert document.total == part.charge


def test_the_same_news_twice_bills_once() -> None:
    paid()
    told_of_payment()
    first = store.of_order(ORDER)
    told_of_payment()
    assert store.of_order(ORDER) == first


def test_a_refund_is_credited_by_the_vendor_concerned_with_its_own_series() -> None:
    paid()
    told_of_payment()
    told_of_refund()
    told_of_refund()
    told_of_refund("rfd_2")
    notes = [document for document in store.of_order(ORDER) if document.kind == "credit_note"]
    assert sorted(note.number for note in notes) == ["LUMEN-LIGHTS-C000001", "LUMEN-LIGHTS-C000002"]
    assert all(note.total == euros(2_439) and note.refers_to == "LUMEN-LIGHTS-000001" for note in notes)
    page = text_of(notes[0])
    for said in ("Credit note", "LUMEN-LIGHTS-000001", "24.39 EUR"):
        assert said in page


def test_a_refund_that_is_heard_of_before_the_payment_bills_first() -> None:
    paid()
    told_of_refund()
    told_of_payment()
    numbers = sorted(document.number for document in store.of_order(ORDER))
    assert numbers == ["LUMEN-LIGHTS-000001", "LUMEN-LIGHTS-C000001", "WOOD-000001"]


def test_numbers_have_no_gap_and_no_twin_however_many_are_billed_at_once() -> None:
    orders = [f"ord_{number:016d}" for number in range(24)]
    for order_id in orders:
        paid(order_id)

    def bill(order_id: str) -> list[Document]:
        for _ in range(20):
            try:
                return service.bill("usr_ada", order_id)
            except Busy:  # the queue would bring it again
                continue
        raise AssertionError("never billed")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(bill, [*orders, *orders]))
    given = sorted(entry["card"]["number"] for entry in store.of_vendor("ven_lights", limit=100, cursor=None).items)
    assert given == [f"LUMEN-LIGHTS-{count:06d}" for count in range(1, 25)]


def test_a_crash_between_two_vendors_is_made_good_by_the_next_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    paid()
    number = store.number

    def die_at_the_second(document: Document) -> Document:
        if document.vendor_id == "ven_wood":
            raise RuntimeError("killed")
        return number(document)

    with monkeypatch.context() as crash:
        crash.setattr(store, "number", die_at_the_second)
        with pytest.raises(RuntimeError):
            service.bill("usr_ada", ORDER)
    told_of_payment()
    assert [document.number for document in store.of_order(ORDER)] == ["LUMEN-LIGHTS-000001", "WOOD-000001"]


def test_a_pdf_is_drawn_once_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    paid()
    told_of_payment()
    document = store.of_order(ORDER)[0]
    assert gateway.fetch(document) is None
    first = service.pdf_of(document)
    monkeypatch.setattr(drawing, "pdf", lambda _: pytest.fail("drawn again"))
    assert service.pdf_of(document) == gateway.fetch(document) == first


def test_customers_read_the_invoices_of_their_own_orders_and_of_no_others() -> None:
    paid()
    told_of_payment()
    items = call(handler, "GET", f"/v1/orders/{NUMBER}/invoices", caller="usr_ada").json["items"]
    assert [item["number"] for item in items] == ["LUMEN-LIGHTS-000001", "WOOD-000001"]
    path = f"/v1/orders/{NUMBER}/invoices/WOOD-000001"
    answer = call(handler, "GET", path, caller="usr_ada")
    assert answer.headers["content-type"] == "application/pdf"
    assert base64.b64decode(answer.body).startswith(b"%PDF-")
    for other in (path, f"/v1/orders/{NUMBER}/invoices"):
        assert call(handler, "GET", other, caller="usr_eve").status == 404


def test_vendors_read_what_they_issued_and_nothing_of_others() -> None:
    paid()
    told_of_payment()
    ask = partial(call, handler, "GET", caller="usr_lu", roles="vendor", vendor_id="ven_lights")
    listed = ask("/v1/vendors/ven_lights/invoices").json["items"]
    assert [(item["number"], item["total"]) for item in listed] == [("LUMEN-LIGHTS-000001", euros(4_388).plain())]
    own = "/v1/vendors/ven_lights/invoices/LUMEN-LIGHTS-000001"
    assert ask(own).status == 200
    for wrong in ("WOOD-000001", "LUMEN-LIGHTS-000002", "LUMEN-LIGHTS-C000001", "x", "000001", "%2e%2e-000001"):
        assert ask(f"/v1/vendors/ven_lights/invoices/{wrong}").status == 404
    assert ask("/v1/vendors/ven_wood/invoices").status == 404


def test_what_people_typed_is_never_markup_and_the_same_document_is_the_same_file() -> None:
    title = '#panic("x") $x$ *b* _i_ @cite <label> #read("/etc/passwd") \\ `raw`'
    paid(title=title)
    told_of_payment()
    document = store.of_order(ORDER)[0]
    page = "".join(text_of(document).split())
    assert "".join(title.split()) in page
    assert drawing.pdf(document) == drawing.pdf(document)


@pytest.mark.parametrize("title", ["漢字の灯り", "বাতি", "🏮", "\u202egnirts", "a" * 120])
def test_letters_that_no_font_has_still_make_an_invoice(title: str) -> None:
    paid(title=title)
    told_of_payment()
    assert all(service.pdf_of(document).startswith(b"%PDF-") for document in store.of_order(ORDER))


def test_an_order_that_is_not_there_yet_is_tried_again() -> None:
    with pytest.raises(NotFound):
        service.bill("usr_ada", ORDER)
    assert hear("order.paid", {"customer_id": "usr_ada", "order_id": ORDER})["batchItemFailures"]


def test_forty_lines_make_several_pages() -> None:
    paid()
    (document, _) = service.bill("usr_ada", ORDER)
    long = replace(document, rows=document.rows * 40)
    assert len(PdfReader(io.BytesIO(drawing.pdf(long))).pages) > 1

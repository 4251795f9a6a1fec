"""Notes and the history of an order: everybody sees what is meant for them."""

from typing import Any

import pytest

from market import clock, ids
from market.manifest import Manifest
from market.table import Table, put
from orders.staff_api import handler
from refunds.contract import account_key
from tests import shop
from tests.http import Response, call
from tests.services.orders import floor

REFUNDS = Manifest(service="tests", prefixes=("RFD#",), functions=())
pytestmark = [pytest.mark.usefixtures("database", "machine"), pytest.mark.contract("11.3", "11.4")]


def staff_note(number: str, text: str, **note: Any) -> Response:
    return call(handler, "POST", f"/v1/admin/orders/{number}/notes", {"text": text} | note, **floor.STAFF)


def vendor_note(number: str, vendor: str, text: str, **note: Any) -> Response:
    path = f"/v1/vendors/{vendor}/orders/{number}/notes"
    return call(handler, "POST", path, {"text": text} | note, **floor.seller(vendor))


def refund_event(order: dict[str, Any], amount: int) -> dict[str, Any]:
    data = {
        "order_id": order["id"],
        "order_no": order["orderNo"],
        "customer_id": "ada",
        "refund_id": "rfd_1",
        "amount": {"amount": amount, "currency": "EUR"},
    }
    return {
        "eventId": ids.ulid(),
        "type": "refund.succeeded",
        "version": 1,
        "occurredAt": clock.timestamp(),
        "actor": {"type": "system", "id": "refunds"},
        "data": data,
        "trace": {},
    }


def texts(timeline: list[dict[str, Any]]) -> set[str]:
    return {entry["text"] for entry in timeline if "text" in entry}


def test_a_note_is_read_by_those_it_is_for() -> None:
    floor.two_vendors()
    number = floor.paid()["orderNo"]
    assert staff_note(number, "for us").status == 201
    staff_note(number, "for the customer", visible="customer")
    staff_note(number, "for vendors", visible="vendor")
    staff_note(number, "for wood", visible="vendor", vendorId="ven_wood")
    assert vendor_note(number, "ven_lights", "of lights").status == 201
    vendor_note(number, "ven_lights", "lights to customer", visible="customer")
    assert texts(floor.show(number).json["timeline"]) == {"for the customer", "lights to customer"}
    lights, wood = (floor.vendor_order(number, vendor).json["timeline"] for vendor in ("ven_lights", "ven_wood"))
    assert texts(lights) == {"for vendors", "of lights", "lights to customer"}
    assert texts(wood) == {"for vendors", "for wood"}
    history = [entry["happening"] for entry in floor.show_staff(number)["history"]]
    assert len(texts(history)) == 6


def test_who_wrote_a_note_is_told_to_staff_only() -> None:
    floor.two_vendors()
    number = floor.paid()["orderNo"]
    staff_note(number, "hello", visible="customer")
    (told,) = [entry for entry in floor.show(number).json["timeline"] if entry["event"] == "note"]
    assert told == {"event": "note", "at": told["at"], "by": "staff", "text": "hello"}
    (known,) = [entry for entry in floor.show_staff(number)["history"] if entry["happening"]["event"] == "note"]
    assert (known["author"], known["visible"]) == ("sam", "customer")


def test_the_timeline_tells_everything_in_order() -> None:
    floor.two_vendors()
    order = floor.paid()
    number = order["orderNo"]
    staff_note(number, "called the vendor", visible="customer")
    floor.cancel(number, "ven_wood")
    refund = refund_event(order, 8490)
    floor.hear([refund, refund])
    timeline = floor.show(number).json["timeline"]
    assert [entry["event"] for entry in timeline] == ["placed", "paid", "note", "part_cancelled", "refunded"]
    assert timeline == sorted(timeline, key=lambda entry: str(entry["at"]))
    assert timeline[-1]["amount"] == {"amount": 8490, "currency": "EUR"}


@pytest.mark.parametrize(
    "note",
    [
        {"text": ""},
        {"text": "   "},
        {"text": "x" * 1_001},
        {"text": "a\x00b"},
        {"text": 7},
        {"text": "x", "visible": "everybody"},
        {"text": "x", "author": "eve"},
    ],
)
def test_a_note_that_makes_no_sense_is_refused(note: dict[str, Any]) -> None:
    floor.two_vendors()
    number = floor.paid()["orderNo"]
    assert call(handler, "POST", f"/v1/admin/orders/{number}/notes", note, **floor.STAFF).status == 422


def test_a_note_may_have_paragraphs_and_a_thousand_signs() -> None:
    floor.two_vendors()
    number = floor.paid()["orderNo"]
    assert staff_note(number, "first\n\nsecond ☃" + "x" * 980).status == 201


def test_others_write_and_read_no_notes() -> None:
    floor.two_vendors()
    number = floor.paid("ada", ("LAMP", 1))["orderNo"]
    assert vendor_note(number, "ven_wood", "not mine").status == 404
    path = f"/v1/vendors/ven_lights/orders/{number}/notes"
    assert call(handler, "POST", path, {"text": "x"}, **floor.seller("ven_wood")).status == 404
    assert call(handler, "POST", f"/v1/admin/orders/{number}/notes", {"text": "x"}, caller="ada").status == 403
    assert staff_note(number, "x", visible="vendor", vendorId="ven_wood").status == 404
    assert staff_note("MK-00000000-00000000", "x").status == 404
    assert texts(floor.show(number).json["timeline"]) == set()


def test_a_vendor_sees_its_own_part_of_the_history_only() -> None:
    floor.two_vendors()
    number = floor.paid()["orderNo"]
    floor.cancel_by_vendor(number, "ven_wood")
    seen = [floor.vendor_order(number, vendor).json["timeline"] for vendor in ("ven_lights", "ven_wood")]
    assert [[entry["event"] for entry in timeline] for timeline in seen] == [[], ["part_cancelled"]]


def test_staff_see_what_becomes_of_the_money() -> None:
    floor.two_vendors()
    order = floor.paid("ada", ("LAMP", 2), shippingAddress=floor.GERMAN)
    shown = floor.show_staff(order["orderNo"])
    (share,) = shown["shares"]
    tax = shown["order"]["tax"]["amount"]
    assert (share["commission"]["amount"], share["earnings"]["amount"]) == (400, 4490 - tax - 400)
    assert "commission" not in floor.show(order["orderNo"]).body
    assert shop.shelf("LAMP") == (8, 0)


@pytest.mark.contract("11.3", "12.3")
def test_a_paid_order_says_what_refunds_have_made_of_its_payment() -> None:
    floor.two_vendors()
    number = floor.placed()["orderNo"]
    assert "paymentStatus" not in floor.show(number).json
    order = floor.paid("bob")
    seen = [floor.show(order["orderNo"], caller="bob").json["paymentStatus"]]
    for back in (0, 490, 10_980):
        account = {"captured": 10_980, "succeeded": back}
        Table(REFUNDS).write(put(account_key(order["id"]), account))
        seen.append(floor.show(order["orderNo"], caller="bob").json["paymentStatus"])
    assert seen == ["paid", "paid", "partially_refunded", "refunded"]
    assert floor.show_staff(order["orderNo"])["order"]["paymentStatus"] == "refunded"

"""Cancelling before shipping: by customer, vendor or staff, whole orders and parts, once."""

from functools import partial

import pytest

from market.table import Table, update
from orders import parts, store
from orders.contract import OrderSnapshot, Part, order_key
from orders.model import CancelledByCustomer, Entry
from orders.staff_api import handler as staff_api
from orders.table import TABLE
from tests import shop
from tests.http import call
from tests.services.orders import floor

pytestmark = [pytest.mark.usefixtures("database", "machine"), pytest.mark.contract("11.3", "7.3")]


def ship(order_id: str, vendor: str, customer: str = "ada") -> None:
    """What a shipping service does to a part."""
    TABLE.transact(
        update(
            order_key(customer, order_id),
            f"SET fulfilment.{vendor} = :shipped",
            {":shipped": "shipped"},
            when=f"attribute_not_exists(fulfilment.{vendor})",
            otherwise=parts.PartMoved(""),
        )
    )


def statuses(number: str) -> dict[str, str]:
    return {part["vendorId"]: part["status"] for part in floor.show(number).json["parts"]}


def test_a_paid_order_is_cancelled_part_by_part_and_its_stock_is_back() -> None:
    floor.two_vendors()
    order = floor.paid()
    assert (shop.shelf("LAMP"), shop.shelf("CHAIR")) == ((9, 0), (9, 0))
    answer = floor.cancel(order["orderNo"])
    assert (answer.status, answer.json["status"], answer.json["fulfilment"]) == (202, "paid", "cancelled")
    assert (shop.shelf("LAMP"), shop.shelf("CHAIR")) == ((10, 0), (10, 0))
    told = [envelope["data"] for envelope in floor.news("order.part_cancelled")]
    assert {(event["vendor_id"], event["by"], event["reason"]) for event in told} == {
        ("ven_lights", "customer", "cancelled_by_customer"),
        ("ven_wood", "customer", "cancelled_by_customer"),
    }
    assert {(event["order_id"], event["order_no"], event["customer_id"]) for event in told} == {
        (order["id"], order["orderNo"], "ada")
    }
    for vendor in ("ven_lights", "ven_wood"):
        assert floor.vendor_order(order["orderNo"], vendor).json["status"] == "cancelled"


def test_one_part_is_cancelled_and_the_other_stays() -> None:
    floor.two_vendors()
    order = floor.paid("ada", ("LAMP", 3), ("CHAIR", 1))
    answer = floor.cancel(order["orderNo"], "ven_lights")
    assert (answer.status, answer.json["fulfilment"]) == (202, "partial")
    assert statuses(order["orderNo"]) == {"ven_lights": "cancelled", "ven_wood": "unfulfilled"}
    assert (shop.shelf("LAMP"), shop.shelf("CHAIR")) == ((10, 0), (9, 0))
    assert floor.vendor_order(order["orderNo"], "ven_wood").json["status"] == "unfulfilled"


@pytest.mark.parametrize("by", ["customer", "vendor", "staff"])
def test_cancelling_twice_changes_nothing(by: str) -> None:
    floor.two_vendors()
    number = floor.paid()["orderNo"]
    doing = {
        "customer": partial(floor.cancel, number, "ven_lights"),
        "vendor": partial(floor.cancel_by_vendor, number, "ven_lights"),
        "staff": partial(floor.cancel_by_staff, number, vendorId="ven_lights"),
    }[by]
    assert [doing().status for _ in range(3)] == [202, 202, 202]
    assert shop.shelf("LAMP") == (10, 0)
    assert len(floor.news("order.part_cancelled")) == 1


def test_a_vendor_cancels_its_own_part_and_says_why() -> None:
    floor.two_vendors()
    number = floor.paid()["orderNo"]
    answer = floor.cancel_by_vendor(number, "ven_wood")
    assert (answer.status, answer.json["status"]) == (202, "cancelled")
    assert statuses(number) == {"ven_lights": "unfulfilled", "ven_wood": "cancelled"}
    (told,) = [entry for entry in floor.show(number).json["timeline"] if entry["event"] == "part_cancelled"]
    assert (told["by"], told["vendorId"], told["text"]) == ("vendor", "ven_wood", "broken in the store")
    (event,) = floor.news("order.part_cancelled")
    assert "broken" not in str(event)


@pytest.mark.contract("11.2")
def test_staff_cancel_any_order_paid_or_not() -> None:
    floor.two_vendors()
    waiting, paid = floor.placed("bob"), floor.paid("ada")
    floor.hear_all()
    assert floor.cancel_by_staff(paid["orderNo"]).json["order"]["fulfilment"] == "cancelled"
    assert floor.cancel_by_staff(waiting["orderNo"]).status == 202
    assert [event["data"]["order_id"] for event in floor.news("order.cancellation_requested")] == [waiting["id"]]
    assert floor.give_up("bob", waiting, "CancelledByCustomer") == "cancelled"
    shown = floor.show(waiting["orderNo"], caller="bob").json
    assert (shown["status"], shown["cancelReason"]) == ("cancelled", "cancelled_by_staff")
    assert "asked for by phone" not in str(shown)
    history = [
        (entry["happening"]["event"], entry.get("author")) for entry in floor.show_staff(waiting["orderNo"])["history"]
    ]
    assert history == [("placed", None), ("cancellation_requested", "sam"), ("cancelled", None)]


def test_what_is_shipped_cannot_be_cancelled() -> None:
    floor.two_vendors()
    order = floor.paid()
    ship(order["id"], "ven_lights")
    for refused in (
        floor.cancel(order["orderNo"]),
        floor.cancel(order["orderNo"], "ven_lights"),
        floor.cancel_by_vendor(order["orderNo"], "ven_lights"),
        floor.cancel_by_staff(order["orderNo"]),
    ):
        assert (refused.status, refused.json["code"], refused.json["orderStatus"]) == (
            409,
            "not_cancellable",
            "shipped",
        )
    assert shop.shelf("CHAIR") == (9, 0)
    assert floor.cancel(order["orderNo"], "ven_wood").status == 202
    assert statuses(order["orderNo"]) == {"ven_lights": "shipped", "ven_wood": "cancelled"}


def test_what_came_to_nothing_cannot_be_cancelled_again() -> None:
    floor.two_vendors()
    order = floor.placed()
    floor.give_up("ada", order)
    refused = floor.cancel(order["orderNo"])
    assert (refused.status, refused.json["code"], refused.json["orderStatus"]) == (409, "not_cancellable", "cancelled")
    assert shop.shelf("LAMP") == (10, 0)


def test_a_part_of_an_order_that_is_not_paid_cannot_be_cancelled() -> None:
    floor.two_vendors()
    refused = floor.cancel(floor.placed()["orderNo"], "ven_lights")
    assert (refused.status, refused.json["orderStatus"]) == (409, "pending_payment")


def test_others_cancel_nothing() -> None:
    floor.two_vendors()
    number = floor.paid()["orderNo"]
    assert floor.cancel(number, caller="bob").status == 404
    assert floor.cancel(number, "ven_lights", caller="bob").status == 404
    assert floor.cancel(number, "ven_other").status == 404
    path = f"/v1/vendors/ven_lights/orders/{number}/cancellation"
    assert call(staff_api, "POST", path, {"reason": "x"}, **floor.seller("ven_wood")).status == 404
    assert floor.cancel_by_vendor(number, "ven_other").status == 404
    admin = f"/v1/admin/orders/{number}/cancellation"
    assert call(staff_api, "POST", admin, {"reason": "x"}, **floor.seller("ven_lights")).status == 403
    assert call(staff_api, "POST", admin, {"reason": "x"}, caller="ada").status == 403
    assert shop.shelf("LAMP") == (9, 0)


def test_a_part_cancelled_before_the_vendor_got_it_comes_as_cancelled() -> None:
    floor.two_vendors()
    order = floor.placed()
    floor.confirm("ada", order)
    assert floor.cancel(order["orderNo"], "ven_lights").status == 202
    floor.hear_all()
    assert floor.vendor_order(order["orderNo"], "ven_lights").json["status"] == "cancelled"
    assert floor.vendor_order(order["orderNo"], "ven_wood").json["status"] == "unfulfilled"


def test_a_vendors_part_that_is_given_late_does_not_bring_a_cancelled_one_back() -> None:
    floor.two_vendors()
    order = floor.placed()
    floor.confirm("ada", order)
    before = store.get("ada", order["id"], consistent=True)
    floor.cancel(order["orderNo"], "ven_lights")
    for part in before.parts:
        parts.give(before, part)
    assert floor.vendor_order(order["orderNo"], "ven_lights").json["status"] == "cancelled"


def test_three_people_who_cancel_the_same_part_at_once_put_it_back_once() -> None:
    floor.two_vendors()
    for _ in range(3):
        number = floor.paid("ada", ("LAMP", 2), ("CHAIR", 1))["orderNo"]
        shelf = shop.shelf("LAMP")
        answers = floor.at_once(
            partial(floor.cancel, number, "ven_lights"),
            partial(floor.cancel_by_vendor, number, "ven_lights"),
            partial(floor.cancel_by_staff, number, vendorId="ven_lights"),
        )
        assert {answer.status for answer in answers} == {202}
        assert shop.shelf("LAMP") == (shelf[0] + 2, 0)
    assert len(floor.news("order.part_cancelled")) == 3


def test_shipping_and_cancelling_at_once_one_of_them_wins() -> None:
    floor.two_vendors()
    for _ in range(4):
        order = floor.paid("ada", ("LAMP", 1))
        shelf = shop.shelf("LAMP")

        def send(order_id: str = order["id"]) -> shop.Response:
            try:
                ship(order_id, "ven_lights")
            except parts.PartMoved:
                return shop.Response(409, {}, "")
            return shop.Response(200, {}, "")

        sent, cancelled = floor.at_once(send, partial(floor.cancel, order["orderNo"]))
        status = statuses(order["orderNo"])["ven_lights"]
        assert (sent.status, cancelled.status, status) in ((200, 409, "shipped"), (409, 202, "cancelled"))
        assert shop.shelf("LAMP") == (shelf[0] + (status == "cancelled"), 0)


@pytest.mark.contract("11.2")
def test_confirming_and_cancelling_at_once_ends_one_way_or_the_other() -> None:
    floor.two_vendors()
    for _ in range(4):
        order = floor.placed("ada", ("LAMP", 1))

        def confirm(order: dict[str, object] = order) -> shop.Response:
            try:
                floor.confirm("ada", order)
            except CancelledByCustomer:
                return shop.Response(409, {}, "")
            return shop.Response(200, {}, "")

        confirmed, cancelled = floor.at_once(confirm, partial(floor.cancel, order["orderNo"]))
        assert cancelled.status == 202
        if confirmed.status == 409:
            assert floor.give_up("ada", order, "CancelledByCustomer") == "cancelled"
        shown = floor.show(order["orderNo"]).json
        assert (shown["status"], shown.get("fulfilment")) in (
            ("cancelled", None),
            ("paid", "cancelled"),
            ("paid", "unfulfilled"),
        )
        assert shop.shelf("LAMP")[1] == 0


def test_a_purchase_limit_counts_no_more_what_was_cancelled() -> None:
    floor.two_vendors()
    table = Table(shop.INVENTORY, shop.VENDORS)
    table.write(update(shop.stock_key("LAMP"), "SET max_per_customer = :n, limit_days = :d", {":n": 2, ":d": 0}))
    number = floor.paid("ada", ("LAMP", 2), ("CHAIR", 1))["orderNo"]
    shop.fill("ada", ("LAMP", 1))
    body = shop.order_body(shop.summary("ada"))
    assert shop.place("ada", body).json["code"] == "purchase_limit"
    floor.cancel(number, "ven_lights")
    assert shop.place("ada", body).status == 201


def test_a_crash_between_two_parts_is_mended_by_asking_again(environment: pytest.MonkeyPatch) -> None:
    floor.two_vendors()
    number = floor.paid()["orderNo"]
    with environment.context() as crashing:
        whole, done = parts.cancel, list[Part]()

        def dies_after_one(order: OrderSnapshot, part: Part, entry: Entry) -> None:
            if done:
                raise ConnectionError("killed")
            whole(order, part, entry)
            done.append(part)

        crashing.setattr(parts, "cancel", dies_after_one)
        assert floor.cancel(number).status == 500
    assert sorted(statuses(number).values()) == ["cancelled", "unfulfilled"]
    assert floor.cancel(number).json["fulfilment"] == "cancelled"
    assert (shop.shelf("LAMP"), shop.shelf("CHAIR")) == ((10, 0), (10, 0))
    assert len(floor.news("order.part_cancelled")) == 2

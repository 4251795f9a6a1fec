"""Buying without an account, and taking the order along into one."""

from functools import partial
from typing import Any

import pytest

from market.http import new_guest
from orders.api import handler
from orders.contract import id_of
from orders.tasks import handler as tasks
from tests import shop
from tests.http import Response, call
from tests.services.orders import floor
from tests.services.orders.floor import Guest

pytestmark = [pytest.mark.usefixtures("database", "machine"), pytest.mark.contract("11.1", "11.3")]


def claim(customer: str, number: str, token: str) -> Response:
    return call(handler, "POST", "/v1/me/orders/claim", {"orderNo": number, "guestToken": token}, caller=customer)


def orders_of(customer: str, **query: Any) -> list[str]:
    page = call(handler, "GET", "/v1/me/orders", caller=customer, query=query).json
    return [order["orderNo"] for order in page["items"]]


def test_a_guest_sees_the_price_orders_and_sees_the_order() -> None:
    shop.stock("LAMP", 5)
    guest = Guest()
    order = floor.guest_order(guest, ("LAMP", 2))
    assert order["status"] == "pending_payment"
    assert shop.shelf("LAMP") == (3, 2)
    shown = guest.call("GET", f"/v1/guest/orders/{order['orderNo']}")
    assert (shown.status, shown.json["total"]) == (200, order["total"])
    assert floor.news("order.created")[0]["data"]["customer_id"] == guest.id


def test_a_guest_says_where_to_write_to_and_only_staff_see_it() -> None:
    shop.stock("LAMP", 5)
    guest = Guest()
    order = floor.guest_order(guest)
    floor.hear_all()
    assert floor.show_staff(order["orderNo"])["origin"]["email"] == "guest@example.com"
    assert "guest@example.com" not in guest.call("GET", f"/v1/guest/orders/{order['orderNo']}").body
    refused = guest.place(("LAMP", 1), expectedTotal=shop.euros(1).plain())
    assert refused.status == 409
    seen = guest.call("POST", "/v1/guest/checkout/summary", {}).json
    headers = {"idempotency-key": "some-other-key"}
    nameless = guest.call("POST", "/v1/guest/orders", shop.order_body(seen), **headers)
    assert (nameless.status, nameless.json["errors"][0]["field"]) == (422, "body.email")
    wrong = guest.call("POST", "/v1/guest/orders", shop.order_body(seen, email="nobody"), **headers)
    assert (wrong.status, wrong.json["errors"][0]["field"]) == (422, "body.email")


def test_the_same_request_of_a_guest_again_makes_no_second_order() -> None:
    shop.stock("LAMP", 5)
    guest = Guest()
    assert guest.call("POST", "/v1/guest/cart/items", {"sku": "LAMP", "quantity": 1}).status == 201
    body = shop.order_body(guest.call("POST", "/v1/guest/checkout/summary", {}).json, email="g@example.com")
    first, second = (guest.call("POST", "/v1/guest/orders", body, **{"idempotency-key": "k" * 9}) for _ in range(2))
    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json
    assert shop.shelf("LAMP") == (4, 1)


def test_a_guest_cancels_an_order_that_is_not_paid() -> None:
    shop.stock("LAMP", 5)
    guest = Guest()
    order = floor.guest_order(guest)
    assert guest.call("POST", f"/v1/guest/orders/{order['orderNo']}/cancellation").status == 202
    assert floor.give_up(guest.id, order, "CancelledByCustomer") == "cancelled"
    assert guest.call("GET", f"/v1/guest/orders/{order['orderNo']}").json["status"] == "cancelled"
    assert shop.shelf("LAMP") == (5, 0)


def test_a_guests_order_is_nobody_elses() -> None:
    shop.stock("LAMP", 5)
    order = floor.guest_order(Guest())
    for path in (f"/v1/guest/orders/{order['orderNo']}", "/v1/guest/orders/x"):
        assert Guest().call("GET", path).status == 404
    assert Guest().call("POST", f"/v1/guest/orders/{order['orderNo']}/cancellation").status == 404
    assert floor.show(order["orderNo"], caller="ada").status == 404
    assert call(handler, "GET", f"/v1/guest/orders/{order['orderNo']}", headers={"guest-token": "forged"}).status == 401


def test_a_claimed_order_is_the_customers_in_lists_and_by_number() -> None:
    shop.stock("LAMP", 9)
    guest = Guest()
    first = floor.placed("ada", ("LAMP", 1))["orderNo"]
    claimed = floor.guest_order(guest)["orderNo"]
    last = floor.placed("ada", ("LAMP", 1))["orderNo"]
    answer = claim("ada", claimed, guest.token)
    assert (answer.status, answer.json["orderNo"]) == (200, claimed)
    assert orders_of("ada") == [last, claimed, first]
    assert floor.show(claimed).json["status"] == "pending_payment"
    assert orders_of("bob") == []
    floor.hear_all()
    found = floor.show_staff(claimed)
    assert (found["customerId"], found["claimedBy"]) == (guest.id, "ada")


def test_claiming_twice_is_claiming_once() -> None:
    shop.stock("LAMP", 9)
    guest = Guest()
    number = floor.guest_order(guest)["orderNo"]
    assert [claim("ada", number, guest.token).status for _ in range(3)] == [200, 200, 200]
    assert orders_of("ada") == [number]


def test_an_order_is_claimed_by_one_customer_only() -> None:
    shop.stock("LAMP", 9)
    guest = Guest()
    number = floor.guest_order(guest)["orderNo"]
    answers = floor.at_once(*(partial(claim, customer, number, guest.token) for customer in ("ada", "bob", "cyd")))
    assert sorted(answer.status for answer in answers) == [200, 404, 404]
    owners = [customer for customer in ("ada", "bob", "cyd") if orders_of(customer) == [number]]
    assert len(owners) == 1


@pytest.mark.parametrize("token", ["", "x", "gst_0.1.2", "forged"])
def test_without_the_right_token_there_is_nothing_to_claim(token: str) -> None:
    shop.stock("LAMP", 9)
    number = floor.guest_order(Guest())["orderNo"]
    if token == "forged":
        token = new_guest()
    assert claim("ada", number, token).status in (404, 422)
    assert orders_of("ada") == []


def test_after_the_claim_the_guests_token_leads_nowhere() -> None:
    shop.stock("LAMP", 9)
    guest = Guest()
    number = floor.guest_order(guest)["orderNo"]
    claim("ada", number, guest.token)
    assert guest.call("GET", f"/v1/guest/orders/{number}").status == 404
    assert guest.call("POST", f"/v1/guest/orders/{number}/cancellation").status == 404


def test_a_checkout_on_its_way_is_not_disturbed_by_the_claim() -> None:
    shop.stock("LAMP", 9)
    guest = Guest()
    order = floor.guest_order(guest)
    claim("ada", order["orderNo"], guest.token)
    floor.confirm(guest.id, order)
    floor.hear_all()
    assert floor.show(order["orderNo"]).json["status"] == "paid"
    assert floor.vendor_order(order["orderNo"], "ven_lights").status == 200


def test_the_customer_cancels_what_was_claimed() -> None:
    shop.stock("LAMP", 9)
    guest = Guest()
    order = floor.guest_order(guest)
    claim("ada", order["orderNo"], guest.token)
    assert floor.cancel(order["orderNo"]).status == 202
    given = {"customerId": guest.id, "orderId": id_of(order["orderNo"]), "failure": {"Error": "CancelledByCustomer"}}
    assert tasks({"task": "give_up", "input": given}) == {"status": "cancelled"}
    assert floor.show(order["orderNo"]).json["cancelReason"] == "cancelled_by_customer"


def test_a_page_of_orders_resolves_what_was_claimed_in_one_call() -> None:
    shop.stock("LAMP", 9)
    guests = [Guest() for _ in range(3)]
    numbers = [order["orderNo"] for order in shop.in_turn(*[partial(floor.guest_order, guest) for guest in guests])]
    for guest, number in zip(guests, numbers, strict=True):
        claim("ada", number, guest.token)
    with shop.dynamodb_calls() as calls:
        assert orders_of("ada") == numbers[::-1]
    assert calls == ["GetItem", "Query", "BatchGetItem"]

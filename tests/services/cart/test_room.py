"""An order of a cart is one transaction of at most a hundred actions: what would not fit is refused by name."""

from typing import Any

import pytest

from cart.api import handler
from inventory import moves, store
from inventory.contract import PurchaseLimit
from orders.tasks import handler as tasks
from tests import shop
from tests.http import call

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("10.2")]

VENDOR = "ven_lights"
TWO = PurchaseLimit(2)


def give_up(customer: str, order: dict[str, Any]) -> str:
    given = {"customerId": customer, "orderId": order["id"], "failure": {"Error": "NotPaidInTime"}}
    return str(tasks({"task": "give_up", "input": given})["status"])


def version() -> int:
    return int(call(handler, "GET", "/v1/cart", caller="ada").json["version"])


def test_fifty_lines_are_ordered_and_ended_at_once() -> None:
    skus = [f"SKU-{number}" for number in range(50)]
    for sku in skus:
        shop.stock(sku)

    answer = shop.buy("ada", *((sku, 1) for sku in skus))

    assert answer.status == 201
    assert {shop.shelf(sku) for sku in skus} == {(9, 1)}
    assert give_up("ada", answer.json) == "cancelled"
    assert {shop.shelf(sku) for sku in skus} == {(10, 0)}


def test_limited_lines_take_more_room_and_a_cart_is_full_before_its_order_would_not_fit() -> None:
    skus = [f"SKU-{number}" for number in range(43)]
    for sku in skus:
        shop.stock(sku)
        store.change(sku, VENDOR, lambda offer: moves.limited(offer, TWO))
    shop.fill("ada", *((sku, 2) for sku in skus[:42]))

    full = call(handler, "POST", "/v1/cart/items", {"sku": skus[42], "quantity": 1}, caller="ada")
    assert (full.status, full.json["code"]) == (409, "cart_full")
    order = shop.place("ada", shop.order_body(shop.summary("ada")))
    assert order.status == 201, order
    assert give_up("ada", order.json) == "cancelled"


def test_a_cart_that_limits_made_too_big_is_refused_by_name() -> None:
    skus = [f"SKU-{number}" for number in range(50)]
    for sku in skus:
        shop.stock(sku)
    shop.fill("ada", *((sku, 1) for sku in skus))
    for sku in skus:
        store.change(sku, VENDOR, lambda offer: moves.limited(offer, TWO))
    seen = shop.order_body(shop.summary("ada"))

    refused = shop.place("ada", seen)

    assert (refused.status, refused.json["code"]) == (409, "cart_full")
    assert version() == seen["cartVersion"]

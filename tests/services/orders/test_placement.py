"""Placing an order: all of it or nothing, once, for the price that the customer saw."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import pytest

from cart.api import handler as cart_api
from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import Offer, change_offer
from market.money import Money
from market.table import Table
from orders.api import handler
from orders.staff_api import handler as staff_api
from tests import shop
from tests.http import call
from vendors.manifest import MANIFEST as VENDORS

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("11.1")]


def reprice(sku: str, price: Money, *, active: bool = True) -> None:
    offer = Offer(sku=sku, product_id=f"prd_{sku}", vendor_id="ven_lights", title=sku, price=price, active=active)
    Table(INVENTORY, VENDORS).transact(change_offer(offer))


@pytest.mark.contract("11.1", "11.4", "7.2")
def test_an_order_holds_its_stock_splits_by_vendor_and_empties_the_cart() -> None:
    shop.stock("LAMP", 5, price=shop.euros(2000), vendor="ven_lights")
    shop.stock("CHAIR", 5, price=shop.euros(8000), vendor="ven_wood")
    answer = shop.buy("ada", ("LAMP", 2), ("CHAIR", 1))
    assert answer.status == 201
    order = answer.json
    assert order["status"] == "pending_payment"
    assert order["orderNo"].startswith("MK-")
    assert [(part["vendorId"], part["subtotal"]["amount"], part["shipping"]["amount"]) for part in order["parts"]] == [
        ("ven_lights", 4000, 490),
        ("ven_wood", 8000, 490),
    ]
    assert order["total"] == {"amount": 12_980, "currency": "EUR"}
    assert (shop.shelf("LAMP"), shop.shelf("CHAIR")) == ((3, 2), (4, 1))
    assert call(cart_api, "GET", "/v1/cart", caller="ada").json["lines"] == []
    (created,) = shop.announced()
    assert created["type"] == "order.created"
    assert created["data"]["total"] == {"amount": 12_980, "currency": "EUR"}


@pytest.mark.contract("11.6")
def test_the_same_request_again_gets_the_same_answer_and_makes_no_second_order() -> None:
    shop.stock("LAMP", 5)
    shop.fill("ada", ("LAMP", 1))
    body, key = shop.order_body(shop.summary("ada")), uuid4().hex
    first, second = shop.place("ada", body, key), shop.place("ada", body, key)
    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json
    assert shop.shelf("LAMP") == (4, 1)


@pytest.mark.contract("11.6")
def test_the_same_key_with_another_request_is_refused() -> None:
    shop.stock("LAMP", 5)
    shop.fill("ada", ("LAMP", 1))
    body, key = shop.order_body(shop.summary("ada")), uuid4().hex
    shop.place("ada", body, key)
    answer = shop.place("ada", body | {"shippingMethod": "express"}, key)
    assert (answer.status, answer.json["code"]) == (422, "idempotency_key_reused")


@pytest.mark.contract("11.6")
def test_the_same_key_of_another_customer_is_another_request() -> None:
    shop.stock("LAMP", 5)
    key = uuid4().hex
    assert shop.buy("ada", ("LAMP", 1), key=key).status == 201
    assert shop.buy("bob", ("LAMP", 1), key=key).status == 201
    assert shop.shelf("LAMP") == (3, 2)


@pytest.mark.contract("11.6")
@pytest.mark.parametrize("key", ["", "short", "with spaces in it", "x" * 129, "ключ-ключ-ключ"])
def test_an_order_needs_a_proper_idempotency_key(key: str) -> None:
    shop.stock("LAMP", 5)
    shop.fill("ada", ("LAMP", 1))
    body = shop.order_body(shop.summary("ada"))
    answer = call(handler, "POST", "/v1/orders", body, caller="ada", headers={"idempotency-key": key})
    assert (answer.status, answer.json["code"]) == (400, "idempotency_key_required")
    assert shop.shelf("LAMP") == (5, 0)


@pytest.mark.contract("11.6")
def test_a_double_click_with_one_key_makes_one_order() -> None:
    shop.stock("LAMP", 9)
    shop.fill("ada", ("LAMP", 1))
    body, key = shop.order_body(shop.summary("ada")), uuid4().hex
    with ThreadPoolExecutor(6) as clicks:
        answers = list(clicks.map(lambda _: shop.place("ada", body, key), range(6)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["orderNo"] for answer in answers}) == 1
    assert shop.shelf("LAMP") == (8, 1)


def test_a_double_click_with_two_keys_makes_one_order() -> None:
    shop.stock("LAMP", 9)
    shop.fill("ada", ("LAMP", 1))
    body = shop.order_body(shop.summary("ada"))
    with ThreadPoolExecutor(6) as clicks:
        answers = list(clicks.map(lambda _: shop.place("ada", body), range(6)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert {answer.json["code"] for answer in answers if answer.status == 409} <= {"cart_changed", "cart_empty"}
    assert shop.shelf("LAMP") == (8, 1)


@pytest.mark.contract("11.7", "7.3")
def test_an_order_out_of_stock_names_every_line_and_changes_nothing() -> None:
    for sku in ("LAMP", "CHAIR", "TABLE"):
        shop.stock(sku, 3)
    shop.fill("ada", ("LAMP", 3), ("CHAIR", 3), ("TABLE", 1))
    body = shop.order_body(shop.summary("ada"))
    shop.buy("bob", ("LAMP", 1), ("CHAIR", 2))
    before = call(cart_api, "GET", "/v1/cart", caller="ada").json
    answer = shop.place("ada", body)
    assert (answer.status, answer.json["code"]) == (409, "out_of_stock")
    assert [(line["sku"], line["available"]) for line in answer.json["lines"]] == [("LAMP", 2), ("CHAIR", 1)]
    assert (shop.shelf("LAMP"), shop.shelf("CHAIR"), shop.shelf("TABLE")) == ((2, 1), (1, 2), (3, 0))
    assert call(cart_api, "GET", "/v1/cart", caller="ada").json == before
    assert shop.types(shop.announced()) == ["order.created"]


@pytest.mark.contract("11.7")
def test_a_price_that_rose_is_not_charged_unseen() -> None:
    shop.stock("LAMP", 3, price=shop.euros(1000))
    shop.fill("ada", ("LAMP", 1))
    body = shop.order_body(shop.summary("ada"))
    reprice("LAMP", shop.euros(1500))
    answer = shop.place("ada", body)
    assert (answer.status, answer.json["code"]) == (409, "price_changed")
    assert answer.json["lines"][0]["price"] == {"amount": 1500, "currency": "EUR"}
    assert shop.shelf("LAMP") == (3, 0)
    again = shop.summary("ada")
    assert again["total"]["amount"] == 1990
    assert shop.place("ada", shop.order_body(again)).status == 201


def test_a_total_that_the_customer_did_not_see_is_refused() -> None:
    shop.stock("LAMP", 3)
    shop.fill("ada", ("LAMP", 1))
    body = shop.order_body(shop.summary("ada"), expectedTotal={"amount": 1, "currency": "EUR"})
    answer = shop.place("ada", body)
    assert (answer.status, answer.json["code"]) == (409, "price_changed")
    assert shop.shelf("LAMP") == (3, 0)


def test_what_went_off_sale_cannot_be_ordered() -> None:
    shop.stock("LAMP", 3)
    shop.fill("ada", ("LAMP", 1))
    body = shop.order_body(shop.summary("ada"))
    reprice("LAMP", shop.euros(1999), active=False)
    answer = shop.place("ada", body)
    assert (answer.status, answer.json["code"]) == (409, "not_on_sale")
    assert [problem["code"] for problem in shop.summary("ada")["problems"]] == ["not_on_sale"]


def test_an_empty_cart_cannot_be_ordered() -> None:
    shop.stock("LAMP", 3)
    shop.fill("ada", ("LAMP", 1))
    body = shop.order_body(shop.summary("ada"))
    assert shop.place("ada", body).status == 201
    answer = shop.place("ada", body | {"cartVersion": body["cartVersion"] + 1})
    assert (answer.status, answer.json["code"]) == (409, "cart_empty")


@pytest.mark.contract("11.1")
def test_a_hundred_buyers_of_ten_units_are_ten_orders_and_ninety_clear_refusals() -> None:
    shop.stock("LAMP", 10)
    buyers = [f"buyer-{n}" for n in range(100)]
    for buyer in buyers:
        shop.fill(buyer, ("LAMP", 1))
    body = shop.order_body(shop.summary(buyers[0]))
    with ThreadPoolExecutor(16) as crowd:
        answers = list(crowd.map(lambda buyer: shop.place(buyer, body), buyers))
    assert sorted(answer.status for answer in answers) == [201] * 10 + [409] * 90
    assert {answer.json["code"] for answer in answers if answer.status == 409} == {"out_of_stock"}
    assert shop.shelf("LAMP") == (0, 10)
    assert len(shop.announced()) == 10


@pytest.mark.contract("11.3", "11.5")
def test_my_orders_are_mine_and_the_newest_comes_first() -> None:
    shop.stock("LAMP", 9)
    numbers = [bought.json["orderNo"] for bought in shop.in_turn(*[partial(shop.buy, "ada", ("LAMP", 1))] * 3)]
    page = call(handler, "GET", "/v1/me/orders?limit=2", caller="ada").json
    rest = call(handler, "GET", "/v1/me/orders", caller="ada", query={"limit": 2, "cursor": page["nextCursor"]}).json
    assert [order["orderNo"] for order in page["items"] + rest["items"]] == numbers[::-1]
    assert "nextCursor" not in rest
    assert call(handler, "GET", "/v1/me/orders", caller="bob").json["items"] == []
    stolen = call(handler, "GET", "/v1/me/orders", caller="bob", query={"limit": 2, "cursor": page["nextCursor"]})
    assert (stolen.status, stolen.json["code"]) == (400, "invalid_cursor")


def test_someone_elses_order_does_not_exist() -> None:
    shop.stock("LAMP", 9)
    number = shop.buy("ada", ("LAMP", 1)).json["orderNo"]
    assert call(handler, "GET", f"/v1/orders/{number}", caller="ada").status == 200
    for path in (f"/v1/orders/{number}", "/v1/orders/MK-00000000-00000000", "/v1/orders/x", "/v1/orders/%00"):
        assert call(handler, "GET", path, caller="bob").status == 404
    assert call(handler, "POST", f"/v1/orders/{number}/cancellation", caller="bob").status == 404
    assert (
        call(staff_api, "GET", "/v1/vendors/ven_lights/orders", caller="eve", roles="vendor", vendor_id="ven_x").status
        == 404
    )


GOOD = {"cartVersion": 1, "expectedTotal": {"amount": 2489, "currency": "EUR"}, "shippingAddress": shop.ADDRESS}


@pytest.mark.parametrize(
    "change",
    [
        {"cartVersion": "1"},
        {"cartVersion": 0},
        {"cartVersion": None},
        {"expectedTotal": 2489},
        {"expectedTotal": {"amount": "2489", "currency": "EUR"}},
        {"expectedTotal": {"amount": 2489, "currency": "EUX"}},
        {"expectedTotal": {"amount": 24.89, "currency": "EUR"}},
        {"expectedTotal": {"amount": 10**20, "currency": "EUR"}},
        {"shippingAddress": {}},
        {"shippingAddress": None},
        {"shippingAddress": shop.ADDRESS | {"country": "Germany"}},
        {"shippingAddress": shop.ADDRESS | {"name": ""}},
        {"shippingAddress": shop.ADDRESS | {"line1": "x" * 121}},
        {"shippingAddress": shop.ADDRESS | {"planet": "Mars"}},
        {"shippingAddress": shop.ADDRESS | {"name": "a\r\nBcc: x@y"}},
        {"shippingAddress": shop.ADDRESS | {"city": "\u202enodnoL"}},
        {"shippingAddress": shop.ADDRESS | {"line2": "\x00"}},
        {"shippingMethod": 7},
        {"total": 1},
        {"customerId": "bob"},
    ],
)
def test_nonsense_is_refused_and_holds_nothing(change: dict[str, object]) -> None:
    shop.stock("LAMP", 3)
    shop.fill("ada", ("LAMP", 1))
    answer = shop.place("ada", GOOD | change)
    assert answer.status == 422, answer
    assert answer.json["code"] == "validation_error"
    assert shop.shelf("LAMP") == (3, 0)


def test_yen_and_dinars_are_whole_to_their_last_unit() -> None:
    shop.stock("SAKE", 3, price=Money(1200, "JPY"))
    shop.stock("OUD", 3, price=Money(45_500, "KWD"))
    assert shop.buy("ada", ("SAKE", 2)).json["total"] == {"amount": 2405, "currency": "JPY"}
    assert shop.buy("bob", ("OUD", 1)).json["total"] == {"amount": 50_400, "currency": "KWD"}

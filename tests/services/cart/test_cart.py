"""The cart: one per customer, on every device, never with what cannot be bought."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from cart.api import handler
from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import Offer, change_offer
from market import config
from market.money import Money
from market.table import Table
from tests import shop
from tests.http import call
from vendors.manifest import MANIFEST as VENDORS

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("10.1")]


def lines(customer: str) -> list[tuple[str, int]]:
    answer = call(handler, "GET", "/v1/cart", caller=customer)
    return [(line["sku"], line["quantity"]) for line in answer.json["lines"]]


def test_a_new_customer_has_an_empty_cart() -> None:
    answer = call(handler, "GET", "/v1/cart", caller="ada")
    assert answer.status == 200
    assert answer.json == {"version": 0, "lines": []}


def test_adding_the_same_sku_twice_adds_up_and_keeps_its_place() -> None:
    shop.stock("LAMP")
    shop.stock("CHAIR")
    shop.fill("ada", ("LAMP", 1), ("CHAIR", 1), ("LAMP", 2))
    assert lines("ada") == [("LAMP", 3), ("CHAIR", 1)]


def test_a_cart_knows_what_it_costs() -> None:
    shop.stock("LAMP", price=shop.euros(1999))
    cart = shop.fill("ada", ("LAMP", 3))
    assert cart["subtotal"] == {"amount": 5997, "currency": "EUR"}
    assert cart["lines"][0]["total"] == {"amount": 5997, "currency": "EUR"}


@pytest.mark.contract("7.3", "10.2")
def test_more_than_there_is_cannot_be_added() -> None:
    shop.stock("LAMP", 2)
    answer = call(handler, "POST", "/v1/cart/items", {"sku": "LAMP", "quantity": 3}, caller="ada")
    assert (answer.status, answer.json["code"], answer.json["available"]) == (409, "out_of_stock", 2)
    assert lines("ada") == []


def test_what_is_not_on_sale_cannot_be_added() -> None:
    answer = call(handler, "POST", "/v1/cart/items", {"sku": "GHOST", "quantity": 1}, caller="ada")
    assert (answer.status, answer.json["code"]) == (409, "not_on_sale")


def test_a_cart_is_in_one_currency() -> None:
    shop.stock("LAMP", price=shop.euros(100))
    shop.stock("SAKE", price=Money(1200, "JPY"))
    shop.fill("ada", ("LAMP", 1))
    answer = call(handler, "POST", "/v1/cart/items", {"sku": "SAKE", "quantity": 1}, caller="ada")
    assert (answer.status, answer.json["code"]) == (409, "mixed_currencies")


def test_a_quantity_can_be_changed_and_a_line_taken_out() -> None:
    shop.stock("LAMP")
    shop.stock("CHAIR")
    shop.fill("ada", ("LAMP", 1), ("CHAIR", 1))
    assert call(handler, "PATCH", "/v1/cart/items/LAMP", {"quantity": 5}, caller="ada").status == 200
    assert call(handler, "DELETE", "/v1/cart/items/CHAIR", caller="ada").status == 200
    assert lines("ada") == [("LAMP", 5)]


def test_changing_what_is_not_in_the_cart_is_not_found() -> None:
    shop.stock("LAMP")
    assert call(handler, "PATCH", "/v1/cart/items/LAMP", {"quantity": 1}, caller="ada").status == 404
    assert call(handler, "DELETE", "/v1/cart/items/LAMP", caller="ada").status == 404


def test_the_cart_tells_of_new_prices_and_missing_stock() -> None:
    shop.stock("LAMP", 5, price=shop.euros(1000))
    shop.fill("ada", ("LAMP", 5))
    dearer = Offer(sku="LAMP", product_id="prd_LAMP", vendor_id="ven_lights", title="A lamp", price=shop.euros(1200))
    Table(INVENTORY, VENDORS).transact(change_offer(dearer))
    shop.buy("bob", ("LAMP", 1))
    line = call(handler, "GET", "/v1/cart", caller="ada").json["lines"][0]
    assert line["unitPrice"]["amount"] == 1000
    assert line["priceNow"]["amount"] == 1200
    assert line["problem"] == "out_of_stock"


@pytest.mark.contract("10.1")
def test_two_devices_at_once_lose_nothing() -> None:
    skus = [f"SKU-{n}" for n in range(4)]
    for sku in skus:
        shop.stock(sku)
    with ThreadPoolExecutor(4) as devices:
        answers = list(
            devices.map(
                lambda sku: call(handler, "POST", "/v1/cart/items", {"sku": sku, "quantity": 1}, caller="ada"), skus
            )
        )
    assert [answer.status for answer in answers] == [201] * 4
    assert sorted(lines("ada")) == [(sku, 1) for sku in skus]


def test_a_cart_is_its_customers_alone() -> None:
    shop.stock("LAMP")
    shop.fill("ada", ("LAMP", 1))
    assert lines("bob") == []
    assert call(handler, "GET", "/v1/cart").status == 401
    assert call(handler, "GET", "/v1/cart", caller="eve", roles="vendor").status == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sku": "LAMP"},
        {"sku": "LAMP", "quantity": 0},
        {"sku": "LAMP", "quantity": -1},
        {"sku": "LAMP", "quantity": "2"},
        {"sku": "LAMP", "quantity": 1.5},
        {"sku": "LAMP", "quantity": 10**30},
        {"sku": "LAMP", "quantity": True},
        {"sku": "", "quantity": 1},
        {"sku": "LA MP", "quantity": 1},
        {"sku": "x" * 65, "quantity": 1},
        {"sku": None, "quantity": 1},
        {"sku": ["LAMP"], "quantity": 1},
        {"sku": "LAMP", "quantity": 1, "price": 1},
        [],
        "LAMP",
        7,
        None,
    ],
)
def test_nonsense_is_refused_and_changes_nothing(body: object) -> None:
    shop.stock("LAMP")
    answer = call(handler, "POST", "/v1/cart/items", body, caller="ada", headers={"content-type": "application/json"})
    assert 400 <= answer.status < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["code"]
    assert lines("ada") == []


def test_a_cart_has_room_for_fifty_different_items() -> None:
    for n in range(51):
        shop.stock(f"SKU-{n}")
    shop.fill("ada", *((f"SKU-{n}", 1) for n in range(50)))
    answer = call(handler, "POST", "/v1/cart/items", {"sku": "SKU-50", "quantity": 1}, caller="ada")
    assert (answer.status, answer.json["code"]) == (409, "cart_full")
    assert shop.place("ada", shop.order_body(shop.summary("ada"))).status == 201


@pytest.mark.contract("10.1")
def test_a_write_whose_answer_is_lost_and_that_botocore_repeats_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shop.stock("LAMP")
    client = config.client("dynamodb")
    once = client.update_item

    def unheard(**request: object) -> object:
        once(**request)
        return once(**request)

    monkeypatch.setattr(client, "update_item", unheard)
    shop.fill("ada", ("LAMP", 1))
    shop.fill("ada", ("LAMP", 2))
    assert lines("ada") == [("LAMP", 3)]


def test_a_change_of_a_cart_that_has_changed_is_refused_if_asked() -> None:
    shop.stock("LAMP")
    version = shop.fill("ada", ("LAMP", 1))["version"]
    shop.fill("ada", ("LAMP", 1))
    stale = call(
        handler, "PATCH", "/v1/cart/items/LAMP", {"quantity": 9}, caller="ada", headers={"if-match": f'"{version}"'}
    )
    assert (stale.status, stale.json["code"]) == (412, "precondition_failed")
    assert lines("ada") == [("LAMP", 2)]

"""Orders of what lies in warehouses, is fetched there, or is still to come: whence it is sold, and where it returns."""

from typing import Any

import pytest

from inventory.contract import stock_key
from market.table import update
from orders import stocking
from orders.consumer import handler as orders_consumer
from orders.staff_api import handler as staff_orders
from tests import shop
from tests.http import call
from tests.services.inventory import depots, hot
from tests.services.inventory.test_hot import give_up, pay, record

pytestmark = [pytest.mark.usefixtures("embedded_table"), pytest.mark.contract("7.5", "11.1")]
VENDOR = "ven_lights"
SELLER = {"caller": "lu", "roles": "vendor", "vendor_id": VENDOR}


def shelves() -> dict[str, tuple[int, int]]:
    """Available and held by place; of nothing where there is nothing."""
    return {place: (shelf.available, shelf.held) for place, shelf in hot.offer().places.items()}


def told_vendor(order: dict[str, Any]) -> dict[str, Any]:
    (paid,) = [one for one in shop.announced() if one["type"] == "order.paid"]
    orders_consumer({"Records": [record(paid)]})
    answer = call(staff_orders, "GET", f"/v1/vendors/{VENDOR}/orders/{order['orderNo']}", **SELLER)
    assert answer.status == 200, answer
    return dict(answer.json)


@pytest.mark.contract("7.3", "7.5")
def test_units_come_from_the_place_in_the_country_and_the_vendor_is_told_which() -> None:
    shop.stock("LAMP", 10)
    depots.store("LAMP", wh_b=5, wh_a=5)

    order = shop.buy("ada", ("LAMP", 2)).json
    assert shelves() == {"wh_a": (3, 2), "wh_b": (5, 0)}
    pay("ada", order)

    assert shelves() == {"wh_a": (3, 0), "wh_b": (5, 0)}
    assert told_vendor(order)["sources"] == [{"sku": "LAMP", "quantity": 2, "placeId": "wh_a"}]
    assert hot.on_hand() == 8


@pytest.mark.contract("7.3", "7.5")
def test_an_order_of_more_than_one_place_has_takes_from_several_and_gives_back_to_each() -> None:
    shop.stock("LAMP", 10)
    depots.store("LAMP", wh_a=3, wh_b=5)

    order = shop.buy("ada", ("LAMP", 9)).json
    assert shelves() == {"wh_a": (0, 3), "wh_b": (0, 5)}
    assert give_up("ada", order) == "cancelled"

    assert (shelves(), hot.offer().available) == ({"wh_a": (3, 0), "wh_b": (5, 0)}, 10)


@pytest.mark.contract("7.3", "7.5")
def test_a_cancelled_part_returns_to_the_places_that_it_came_from() -> None:
    shop.stock("LAMP", 10)
    depots.store("LAMP", wh_a=3, wh_b=5)
    order = shop.buy("ada", ("LAMP", 6)).json
    pay("ada", order)
    told_vendor(order)

    path = f"/v1/vendors/{VENDOR}/orders/{order['orderNo']}/cancellation"
    assert call(staff_orders, "POST", path, {"reason": "broken"}, **SELLER).status == 202

    assert (shelves(), hot.on_hand()) == ({"wh_a": (3, 0), "wh_b": (5, 0)}, 10)


@pytest.mark.contract("11.2")
def test_a_place_that_was_emptied_meanwhile_is_no_reason_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    shop.stock("LAMP", 10)
    depots.store("LAMP", wh_a=3, wh_b=5)
    shop.fill("ada", ("LAMP", 2))
    body = shop.order_body(shop.summary("ada"))
    honest = stocking.store.place
    emptied: list[int] = []

    def late(*given: Any, **named: Any) -> None:
        if not emptied:
            emptied.append(1)
            assert shop.buy("bob", ("LAMP", 3)).status == 201
        honest(*given, **named)

    monkeypatch.setattr(stocking.store, "place", late)
    assert shop.place("ada", body).status == 201
    assert shelves() == {"wh_a": (0, 3), "wh_b": (3, 2)}


def test_a_line_from_warehouses_costs_no_call_more() -> None:
    shop.stock("LAMP", 10)
    depots.store("LAMP", wh_a=3, wh_b=5)
    shop.fill("ada", ("LAMP", 2))
    body = shop.order_body(shop.summary("ada"))

    with shop.dynamodb_calls() as calls:
        assert shop.place("ada", body).status == 201

    assert calls.count("BatchGetItem") == 1
    assert calls.count("TransactWriteItems") == 1


@pytest.mark.contract("7.1", "11.1")
def test_what_is_still_to_come_is_sold_with_its_day() -> None:
    shop.stock("LAMP", 1)
    later = {"kind": "backorder", "begins": "2099-12-24", "left": 5, "held": 0, "owed": 0}
    hot.table.write(update(stock_key("LAMP"), "SET later = :later", {":later": later}))

    cart = shop.fill("ada", ("LAMP", 3))
    assert cart["lines"][0]["availableFrom"] == "2099-12-24"
    order = shop.place("ada", shop.order_body(shop.summary("ada"))).json
    assert order["lines"][0]["availableFrom"] == "2099-12-24"
    pay("ada", order)

    found = hot.offer()
    assert found.later is not None
    assert (found.available, found.held, found.later.left, found.later.owed) == (0, 0, 3, 2)


@pytest.mark.contract("7.5", "13.2")
def test_a_place_where_nothing_can_be_fetched_is_refused_by_name() -> None:
    shop.stock("LAMP", 10)
    depots.store("LAMP", wh_a=3, wh_b=5)
    shop.fill("ada", ("LAMP", 1))
    body = shop.order_body(shop.summary("ada"))
    choice = {"vendorId": VENDOR, "method": "standard", "pickupId": "wh_b"}

    refused = shop.place("ada", body | {"shippingChoices": [choice]})

    assert (refused.status, refused.json["code"]) == (409, "pickup_not_offered")
    assert shelves() == {"wh_a": (3, 0), "wh_b": (5, 0)}


def test_an_order_of_fifty_lines_is_paid_for_at_once() -> None:
    skus = [f"SKU-{number}" for number in range(50)]
    for sku in skus:
        shop.stock(sku)
    order = shop.buy("ada", *((sku, 1) for sku in skus)).json
    pay("ada", order)
    assert {shop.shelf(sku) for sku in skus} == {(9, 0)}

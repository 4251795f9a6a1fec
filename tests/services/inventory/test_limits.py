"""Limits per customer: nobody buys more of a SKU than its vendor allows, however many clicks and cancellations."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from cart.api import handler as cart
from inventory import api, moves, store
from inventory.contract import (
    MANIFEST,
    LimitChanged,
    PurchaseLimit,
    PurchaseLimitReached,
    count_purchase,
    counter_key,
    hold,
    uncount_purchase,
)
from market import clock, config
from market.errors import Conflict
from market.money import Money
from market.table import Key, Table, Write
from orders.api import handler as orders
from orders.tasks import handler as tasks
from tests import shop
from tests.http import Response, call
from vendors.manifest import MANIFEST as VENDORS

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("7.3", "10.2")]

VENDOR = "ven_lights"
PRICE = Money(1_999, "EUR")
TWO, WEEKLY = PurchaseLimit(2), PurchaseLimit(2, 7)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""On the second day of a period of seven."""
table = Table(MANIFEST, VENDORS)


def patch(body: Any, sku: str = "LAMP", vendor: str = VENDOR) -> Response:
    path = f"/v1/vendors/{VENDOR}/inventory/{sku}"
    return call(api.handler, "PATCH", path, body, caller="usr", roles="vendor", vendor_id=vendor)


def limited(limit: PurchaseLimit | None, *, available: int = 50) -> None:
    shop.stock("LAMP", available)
    store.change("LAMP", VENDOR, lambda offer: moves.limited(offer, limit))


def counted(customer: str = "ada", period: str = "") -> int:
    item = stored(counter_key("LAMP", customer, period))
    return int(item["units"]["N"]) if item else 0


def stored(key: Key) -> dict[str, Any]:
    found = config.client("dynamodb").get_item(
        TableName=config.setting("TABLE_NAME"), Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}}, ConsistentRead=True
    )
    return dict(found.get("Item", {}))


def give_up(customer: str, order: dict[str, Any]) -> Any:
    given = {"customerId": customer, "orderId": order["id"], "failure": {"Error": "NotPaidInTime"}}
    return tasks({"task": "give_up", "input": given})


def at_once(times: int, act: Callable[[], str]) -> Counter[str]:
    start = Barrier(times)

    def one(_: int) -> str:
        start.wait()
        return act()

    with ThreadPoolExecutor(times) as pool:
        return Counter(pool.map(one, range(times)))


def outcome(*writes: Write) -> str:
    try:
        table.transact(*writes)
    except Conflict as refused:
        return refused.code
    return "done"


# -- what the vendor says


@pytest.mark.contract("7.1")
def test_a_vendor_limits_what_a_customer_may_buy_and_lifts_it_again() -> None:
    shop.stock("LAMP")

    told = patch({"maxPerCustomer": 2, "limitDays": 7}).json
    assert (told["maxPerCustomer"], told["limitDays"], told["available"]) == (2, 7, 10)
    assert call(api.handler, "GET", "/v1/inventory/LAMP").json["maxPerCustomer"] == 2
    told = patch({"maxPerCustomer": 3, "adjust": -1}).json
    assert (told["maxPerCustomer"], told.get("limitDays"), told["available"]) == (3, None, 9)
    told = patch({"available": 5, "expected": 9}).json
    assert (told["maxPerCustomer"], told["available"]) == (3, 5)
    assert "maxPerCustomer" not in patch({"maxPerCustomer": None}).json
    assert "maxPerCustomer" not in call(api.handler, "GET", "/v1/inventory/LAMP").json


@pytest.mark.parametrize(
    "body",
    [
        {"maxPerCustomer": 0},
        {"maxPerCustomer": -1},
        {"maxPerCustomer": 1_000},
        {"maxPerCustomer": "2"},
        {"maxPerCustomer": 1.5},
        {"maxPerCustomer": True},
        {"limitDays": 7},
        {"limitDays": 7, "available": 1},
        {"maxPerCustomer": None, "limitDays": 7},
        {"maxPerCustomer": 2, "limitDays": 0},
        {"maxPerCustomer": 2, "limitDays": 3_651},
        {"maxPerCustomer": 2, "expected": 10},
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(body: Any) -> None:
    shop.stock("LAMP")

    assert (patch(body).status, patch(body).json["code"]) == (422, "validation_error")
    assert store.get("LAMP", vendor_id=VENDOR).limit is None


def test_a_refused_count_sets_no_limit() -> None:
    shop.stock("LAMP")

    assert patch({"available": 5, "expected": 9, "maxPerCustomer": 1}).json["code"] == "stock_changed"
    assert patch({"maxPerCustomer": 1}, vendor="ven_wood").status == 404
    assert patch({"maxPerCustomer": 1}, sku="NONE").status == 404
    assert store.get("LAMP", vendor_id=VENDOR).limit is None


def test_a_limit_outlives_changes_of_the_product() -> None:
    limited(TWO)

    shop.reprice("LAMP", shop.euros(100))

    assert store.get("LAMP", vendor_id=VENDOR).limit == TWO


# -- what a customer may


def test_a_cart_takes_no_more_than_is_allowed() -> None:
    limited(TWO)

    answer = call(cart, "POST", "/v1/cart/items", {"sku": "LAMP", "quantity": 3}, caller="ada")
    assert (answer.status, answer.json["code"], answer.json["limit"]) == (409, "purchase_limit", 2)
    assert shop.fill("ada", ("LAMP", 2))["lines"][0]["maxPerCustomer"] == 2


@pytest.mark.contract("11.1")
def test_what_was_bought_before_counts_and_the_refusal_says_how_many_are_left() -> None:
    limited(PurchaseLimit(5))
    assert shop.buy("ada", ("LAMP", 3)).status == 201

    refused = shop.buy("ada", ("LAMP", 3))

    assert (refused.status, refused.json["code"]) == (409, "purchase_limit")
    (line,) = refused.json["lines"]
    assert (line["sku"], line["limit"], line["allowed"]) == ("LAMP", 5, 2)
    assert shop.shelf("LAMP") == (47, 3)
    assert counted() == 3
    shop.set_quantity("ada", "LAMP", 2)
    assert shop.place("ada", shop.order_body(shop.summary("ada"))).status == 201
    assert counted() == 5
    assert shop.buy("bob", ("LAMP", 5)).status == 201


def test_nothing_is_counted_where_nothing_is_limited() -> None:
    shop.stock("LAMP")
    order = shop.buy("ada", ("LAMP", 2)).json

    assert stored(counter_key("LAMP", "ada", "")) == {}
    give_up("ada", order)
    assert stored(counter_key("LAMP", "ada", "")) == {}


@pytest.mark.contract("11.2")
def test_a_limit_that_came_after_the_cart_was_seen_is_not_passed_over() -> None:
    shop.stock("LAMP")
    shop.fill("ada", ("LAMP", 5))
    seen = shop.order_body(shop.summary("ada"))
    store.change("LAMP", VENDOR, lambda offer: moves.limited(offer, TWO))

    refused = shop.place("ada", seen)

    assert (refused.status, refused.json["code"], refused.json["lines"][0]["limit"]) == (409, "limit_changed", 2)
    again = shop.place("ada", shop.order_body(shop.summary("ada")))
    assert (again.status, again.json["code"]) == (409, "purchase_limit")
    assert shop.shelf("LAMP") == (10, 0)
    shop.set_quantity("ada", "LAMP", 2)
    assert shop.place("ada", shop.order_body(shop.summary("ada"))).status == 201


@pytest.mark.parametrize("now", [None, PurchaseLimit(3), WEEKLY], ids=["lifted", "raised", "by the week"])
def test_a_hold_is_made_under_the_limit_that_was_seen(now: PurchaseLimit | None) -> None:
    limited(now)

    with pytest.raises(LimitChanged) as refused:
        table.transact(hold("LAMP", 1, PRICE, TWO))

    assert refused.value.extra.get("limit") == (now.units if now else None)
    table.transact(hold("LAMP", 1, PRICE, now))


@pytest.mark.contract("7.2")
def test_a_thousand_clicks_of_one_customer_buy_no_more_than_is_allowed() -> None:
    limit = PurchaseLimit(3)
    limited(limit)

    told = at_once(20, lambda: outcome(hold("LAMP", 1, PRICE, limit), count_purchase("LAMP", "ada", 1, limit, "")))

    assert told == {"done": 3, "purchase_limit": 17}
    assert (counted(), shop.shelf("LAMP")) == (3, (47, 3))


@pytest.mark.contract("11.1")
def test_carts_placed_from_many_devices_buy_no_more_than_is_allowed() -> None:
    limited(PurchaseLimit(3))

    def buy() -> str:
        call(cart, "POST", "/v1/cart/items", {"sku": "LAMP", "quantity": 1}, caller="ada")
        seen = call(orders, "POST", "/v1/checkout/summary", {}, caller="ada")
        if seen.status != 200:
            return str(seen.json["code"])
        answer = shop.place("ada", shop.order_body(seen.json))
        return "done" if answer.status == 201 else str(answer.json["code"])

    at_once(20, buy)

    available, held = shop.shelf("LAMP")
    assert counted() == held <= 3
    assert available + held == 50


@pytest.mark.contract("7.2")
def test_purchases_and_cancellations_at_once_leave_the_count_right() -> None:
    limit = PurchaseLimit(20)
    limited(limit)
    placed = [shop.buy("ada", ("LAMP", 2)).json for _ in range(5)]

    with ThreadPoolExecutor(10) as pool:
        ended = [pool.submit(give_up, "ada", order) for order in placed for _ in range(2)]
        assert {future.result()["status"] for future in ended} == {"cancelled"}

    assert (counted(), shop.shelf("LAMP")) == (0, (50, 0))
    assert shop.buy("ada", ("LAMP", 20)).status == 201


def test_a_cancelled_order_may_be_bought_anew_once() -> None:
    limited(TWO)
    order = shop.buy("ada", ("LAMP", 2)).json
    assert shop.buy("ada", ("LAMP", 1)).json["code"] == "purchase_limit"

    for _ in range(3):
        give_up("ada", order)

    assert counted() == 0
    assert shop.place("ada", shop.order_body(shop.summary("ada"))).status == 201
    assert shop.buy("ada", ("LAMP", 2)).json["code"] == "purchase_limit"


def test_an_order_under_a_limit_ends_after_the_limit_was_lifted_or_changed() -> None:
    limited(TWO)
    first, second = shop.buy("ada", ("LAMP", 1)).json, shop.buy("ada", ("LAMP", 1)).json
    store.change("LAMP", VENDOR, lambda offer: moves.limited(offer, None))
    give_up("ada", first)
    store.change("LAMP", VENDOR, lambda offer: moves.limited(offer, WEEKLY))
    give_up("ada", second)

    assert (counted(), shop.shelf("LAMP")) == (0, (50, 0))


def test_an_order_ends_even_if_its_counter_is_gone() -> None:
    limited(TWO)
    order = shop.buy("ada", ("LAMP", 2)).json
    key = counter_key("LAMP", "ada", "")
    config.client("dynamodb").delete_item(
        TableName=config.setting("TABLE_NAME"), Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}}
    )

    assert give_up("ada", order)["status"] == "cancelled"
    assert (counted(), shop.shelf("LAMP")) == (0, (50, 0))


def test_a_counter_never_falls_below_zero() -> None:
    table.transact(count_purchase("LAMP", "ada", 1, TWO, ""))

    assert outcome(*uncount_purchase("LAMP", "ada", 2, "")) == "conflict"
    assert counted() == 1


@pytest.mark.parametrize(("bought", "wanted", "allowed"), [(0, 3, 2), (1, 2, 1), (2, 1, 0)])
def test_the_counter_tells_how_many_more_are_allowed(bought: int, wanted: int, allowed: int) -> None:
    if bought:
        table.transact(count_purchase("LAMP", "ada", bought, TWO, ""))

    with pytest.raises(PurchaseLimitReached) as refused:
        table.transact(count_purchase("LAMP", "ada", wanted, TWO, ""))

    assert refused.value.extra == {"sku": "LAMP", "limit": 2, "allowed": allowed}
    assert counted() == bought


# -- periods


def test_a_new_period_starts_counting_anew() -> None:
    limited(WEEKLY)
    with clock.running_on(lambda: NOON):
        assert shop.buy("ada", ("LAMP", 2)).status == 201
        assert shop.buy("ada", ("LAMP", 1)).json["code"] == "purchase_limit"
    with clock.running_on(lambda: NOON + timedelta(days=7)):
        assert shop.place("ada", shop.order_body(shop.summary("ada"))).status == 201


def test_a_counter_of_a_period_expires_after_it() -> None:
    with clock.running_on(lambda: NOON):
        period = WEEKLY.period
        table.transact(count_purchase("LAMP", "ada", 1, WEEKLY, period))
        table.transact(count_purchase("LAMP", "ada", 1, TWO, ""))
        expiry = int(stored(counter_key("LAMP", "ada", period))["expires_at"]["N"])
        assert clock.epoch() < expiry <= clock.epoch(timedelta(days=9))
    with clock.running_on(lambda: NOON + timedelta(days=6)):
        assert WEEKLY.period != period
        assert expiry > clock.epoch()
    assert "expires_at" not in stored(counter_key("LAMP", "ada", ""))


def test_an_order_that_ends_in_another_period_gives_nothing_back_to_it() -> None:
    limited(WEEKLY)
    with clock.running_on(lambda: NOON):
        old, order = WEEKLY.period, shop.buy("ada", ("LAMP", 2)).json
    with clock.running_on(lambda: NOON + timedelta(days=7)):
        new = WEEKLY.period
        assert shop.buy("ada", ("LAMP", 1)).status == 201
        assert give_up("ada", order)["status"] == "cancelled"
        assert (counted(period=old), counted(period=new)) == (2, 1)


def test_an_order_counts_in_the_period_in_which_it_was_placed() -> None:
    limited(WEEKLY)
    with clock.running_on(lambda: NOON):
        order = shop.buy("ada", ("LAMP", 2)).json
        period = WEEKLY.period
        give_up("ada", order)
        assert counted(period=period) == 0

"""What changes in a cart by itself is told line by line, and taken over only when the customer says so."""

from datetime import timedelta
from typing import Any

import pytest

from cart.api import handler
from cart.contract import KEPT, cart_key
from market import clock, config
from market.money import Money
from tests import shop
from tests.http import Response, call

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("10.1", "10.2")]


def show() -> Response:
    return call(handler, "GET", "/v1/cart", caller="ada")


def refresh(**headers: str) -> Response:
    return call(handler, "POST", "/v1/cart/refresh", caller="ada", headers=headers)


def told(answer: Response) -> list[tuple[str, str, int, int]]:
    return [(d["sku"], d["code"], d["wanted"], d["got"]) for d in answer.json.get("differences", [])]


def lines(answer: Response) -> list[tuple[str, int, int]]:
    return [(line["sku"], line["quantity"], line["unitPrice"]["amount"]) for line in answer.json["lines"]]


@pytest.fixture
def changed() -> None:
    """Ada's cart, in which everything changes that can."""
    for sku in ("SAME", "DEARER", "FEWER", "GONE", "RATIONED", "BOTH", "YEN"):
        shop.stock(sku, price=shop.euros(1_000))
    shop.fill("ada", *((sku, 3) for sku in ("SAME", "DEARER", "FEWER", "GONE", "RATIONED", "BOTH", "YEN")))
    shop.reprice("DEARER", shop.euros(1_200))
    shop.recount("FEWER", 2)
    shop.reprice("GONE", active=False)
    shop.ration("RATIONED", 1)
    shop.reprice("BOTH", shop.euros(900))
    shop.recount("BOTH", 0)
    shop.reprice("YEN", Money(1_000, "JPY"))


EXPECTED = [
    ("DEARER", "price_changed", 3, 3),
    ("FEWER", "out_of_stock", 3, 2),
    ("GONE", "not_on_sale", 3, 0),
    ("RATIONED", "purchase_limit", 3, 1),
    ("BOTH", "price_changed", 3, 3),
    ("BOTH", "out_of_stock", 3, 0),
    ("YEN", "not_on_sale", 3, 0),
]


def test_a_cart_tells_each_difference_and_stays_as_it_was(changed: None) -> None:
    version = show().json["version"]

    for _ in range(2):
        answer = show()
        assert told(answer) == EXPECTED
        assert all((quantity, price) == (3, 1_000) for _, quantity, price in lines(answer))
        assert answer.json["version"] == version
    dearer = answer.json["differences"][0]
    assert (dearer["before"]["amount"], dearer["now"]["amount"]) == (1_000, 1_200)
    problems = {line["sku"]: line.get("problem") for line in answer.json["lines"]}
    assert problems["DEARER"] is problems["SAME"] is None
    assert (problems["RATIONED"], problems["BOTH"]) == ("purchase_limit", "out_of_stock")


def test_a_refresh_takes_over_what_has_changed_and_says_so_once(changed: None) -> None:
    answer = refresh()

    assert lines(answer) == [("SAME", 3, 1_000), ("DEARER", 3, 1_200), ("FEWER", 2, 1_000), ("RATIONED", 1, 1_000)]
    assert told(answer) == [difference if difference[0] != "BOTH" else (*difference[:3], 0) for difference in EXPECTED]
    assert told(show()) == []
    assert told(again := refresh()) == []
    assert again.json["version"] == answer.json["version"]
    assert shop.place("ada", shop.order_body(shop.summary("ada"))).status == 201


def test_a_refresh_of_a_cart_that_has_changed_is_refused_if_asked(changed: None) -> None:
    seen = f'"{show().json["version"]}"'
    call(handler, "DELETE", "/v1/cart/items/SAME", caller="ada")

    assert refresh(**{"if-match": seen}).status == 412
    assert len(show().json["lines"]) == 6


def test_the_summary_takes_over_prices_and_names_what_is_in_the_way(changed: None) -> None:
    summary = shop.summary("ada")

    assert {problem["code"] for problem in summary["problems"]} == {"out_of_stock", "not_on_sale", "purchase_limit"}
    assert "price_changed" not in {code for _, code, _, _ in told(show())}
    assert {quantity for _, quantity, _ in lines(show())} == {3}


def test_how_much_stock_there_is_is_told_up_to_ten() -> None:
    shop.stock("LAMP", 100)
    shop.fill("ada", ("LAMP", 80))
    shop.recount("LAMP", 50)

    assert told(show()) == [("LAMP", "out_of_stock", 80, 10)]
    assert lines(refresh())[0][1] == 50


def test_a_line_keeps_the_price_at_which_it_was_added() -> None:
    shop.stock("LAMP", price=shop.euros(1_000))
    shop.fill("ada", ("LAMP", 1))
    shop.reprice("LAMP", shop.euros(1_200))
    shop.fill("ada", ("LAMP", 1))

    (line,) = show().json["lines"]
    assert (line["priceAtAdd"]["amount"], line["unitPrice"]["amount"]) == (1_000, 1_200)


def test_a_line_knows_its_category() -> None:
    shop.stock("LAMP", category="home-lighting")

    assert shop.fill("ada", ("LAMP", 1))["lines"][0]["category"] == "home-lighting"


def test_an_empty_cart_can_be_refreshed() -> None:
    assert refresh().json == {"version": 0, "lines": []}


@pytest.mark.parametrize(("setting", "days"), [(None, 30), ("7", 7)])
def test_a_cart_left_alone_ends_after_as_many_days_as_are_set(
    setting: str | None, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if setting:
        monkeypatch.setenv("CART_TTL_DAYS", setting)
    shop.stock("LAMP")
    start = clock.now()
    with clock.running_on(lambda: start):
        shop.fill("ada", ("LAMP", 1))
        assert expiry() == clock.epoch(timedelta(days=days))
    with clock.running_on(lambda: start + timedelta(days=5)):
        shop.fill("ada", ("LAMP", 1))
        assert expiry() == clock.epoch(timedelta(days=days))
        shop.reprice("LAMP", shop.euros(2_500))
    with clock.running_on(lambda: start + timedelta(days=6)):
        shop.summary("ada")
        assert expiry() == clock.epoch(timedelta(days=days))
    assert timedelta(days=30) == KEPT


def expiry() -> int:
    key: dict[str, Any] = {"pk": {"S": cart_key("ada").pk}, "sk": {"S": "-"}}
    item = config.client("dynamodb").get_item(TableName=config.setting("TABLE_NAME"), Key=key)["Item"]
    return int(item["expires_at"]["N"])

"""What cards and pages of products tell beside what is stored in them: stock and promotions, as they are at present."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from catalog import beside
from market import clock, config
from promotions.model import BuyGet, FreeShipping, Percent, Promotion, Selector
from tests.services.catalog.conftest import ADA, BOB, Market, variant
from tests.services.orders.setup import running
from tests.services.promotions.maker import promotion

pytestmark = pytest.mark.contract("5.6", "9.4")

TENTH = Percent(basis_points=1_000)


def cards(market: Market, query: str = "limit=100") -> dict[str, dict[str, Any]]:
    """Cards of the newest products by title."""
    answer = market.anyone("GET", f"/v1/products?{query}")
    assert answer.status == 200, answer
    return {card["title"]: card for card in answer.json["items"]}


def match(product: Any) -> dict[str, str]:
    return {"if-match": f'"{product["version"]}"'}


def sell_out(sku: str) -> None:
    config.client("dynamodb").update_item(
        TableName=config.setting("TABLE_NAME"),
        Key={"pk": {"S": f"STK#{sku}"}, "sk": {"S": "-"}},
        UpdateExpression="SET available = :none",
        ExpressionAttributeValues={":none": {"N": "0"}},
    )


def of_vendor(vendor_id: str, *promotions: Promotion) -> None:
    running(*promotions, scope=vendor_id)


@contextmanager
def requests() -> Iterator[list[tuple[str, int]]]:
    """What is asked of the table within the block: the operations, and how many keys each names."""
    asked: list[tuple[str, int]] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        keys = [key for table in params.get("RequestItems", {}).values() for key in table["Keys"]]
        asked.append((model.name, len(keys)))

    events = config.client("dynamodb").meta.events
    events.register("provide-client-params.dynamodb.*", note, unique_id="cards-note")
    try:
        yield asked
    finally:
        events.unregister("provide-client-params.dynamodb.*", unique_id="cards-note")


class TestStock:
    def test_of_all_variants_is_told_up_to_ten(self, market: Market) -> None:
        market.create(title="Few", variants=[variant("FEW", stock=3)])
        market.create(title="Two kinds", variants=[
            variant("ONE", stock=4, options={"size": "S"}), variant("TWO", stock=5, options={"size": "M"}),
        ])  # fmt: skip
        market.create(title="Plenty", variants=[variant("PLENTY", stock=4_000)])
        listed = cards(market)

        told = {title: (card["inStock"], card["available"]) for title, card in listed.items()}
        assert told == {"Few": (True, 3), "Two kinds": (True, 9), "Plenty": (True, 10)}
        assert listed["Two kinds"]["skus"] == ["ONE", "TWO"]

    def test_is_told_a_few_seconds_late_at_most_on_cards_and_at_once_on_the_page(self, market: Market) -> None:
        made = market.create(title="Gone", variants=[variant("GONE", stock=1)]).json
        begin, told = clock.now(), {}
        for seconds in (0, 4.9, beside.FRESH_FOR.total_seconds()):
            now = begin + timedelta(seconds=seconds)
            with clock.running_on(lambda now=now: now):
                told[seconds] = cards(market)["Gone"]["inStock"]
            sell_out("GONE")

        assert list(told.values()) == [True, True, False]
        (page,) = market.anyone("GET", f"/v1/products/{made['slug']}").json["variants"]
        assert page["inStock"] is False

    def test_of_more_variants_than_a_card_names_is_told_only_where_it_is_certain(self, market: Market) -> None:
        sizes = [{"size": str(number)} for number in range(12)]
        market.create(title="Scarce", variants=[
            variant(f"S-{n}", stock=int(n > 9), options=size) for n, size in enumerate(sizes)
        ])  # fmt: skip
        market.create(title="Plenty", variants=[variant(f"P-{n}", stock=1, options=s) for n, s in enumerate(sizes)])
        listed = cards(market)

        assert len(listed["Scarce"]["skus"]) == 10
        assert "inStock" not in listed["Scarce"], "there may be some of the eleventh"
        assert listed["Plenty"]["available"] == 10

    def test_of_what_was_taken_out_does_not_count(self, market: Market) -> None:
        made = market.create(variants=[
            variant("OLD", stock=5, options={"size": "S"}), variant("NEW", stock=2, options={"size": "M"}),
        ]).json  # fmt: skip
        left = {"variants": [variant("NEW", options={"size": "M"})]}
        assert market.change(made, left, headers=match(made)).status == 200

        (card,) = cards(market).values()
        assert (card["skus"], card["available"]) == (["NEW"], 2)


class TestBadges:
    def test_of_platform_vendor_category_product_and_sku_show_where_they_are_for(self, market: Market) -> None:
        lamp = market.create(title="Lamp", variants=[variant("LAMP")]).json
        market.create(title="Chair", category="garden", variants=[variant("CHAIR")])
        market.create(BOB, title="Rug", category="home", variants=[variant("RUG")])
        running(
            promotion("everything", FreeShipping(), priority=9),
            promotion("lamps", TENTH, include=Selector(categories=frozenset({"home>lamps"}))),
            promotion("rug", TENTH, include=Selector(skus=frozenset({"RUG"}))),
        )
        of_vendor(ADA, promotion("own", BuyGet(buy=2, get=1), scope=ADA))
        of_vendor(BOB, promotion("one", TENTH, scope=BOB, include=Selector(products=frozenset({lamp["id"]}))))
        listed = cards(market)

        shown = {title: [badge["promotionId"] for badge in card["badges"]] for title, card in listed.items()}
        assert shown == {
            "Lamp": ["everything", "lamps", "own"], "Chair": ["everything", "own"], "Rug": ["everything", "rug"],
        }  # fmt: skip
        assert [one["badge"] for one in listed["Lamp"]["badges"]] == ["Free shipping", "10% off", "Buy 2, get 1 free"]

    def test_are_the_three_most_important_and_tell_when_they_end(self, market: Market) -> None:
        market.create(title="Lamp")
        running(
            *(promotion(f"p{number}", TENTH, priority=number) for number in range(4)),
            promotion("soon", TENTH, priority=9, ends_at="2999-01-01T00:00:00.000Z"),
        )

        badges = cards(market)["Lamp"]["badges"]
        assert [badge["promotionId"] for badge in badges] == ["soon", "p3", "p2"]
        assert badges[0]["endsAt"] == "2999-01-01T00:00:00.000Z"

    def test_are_not_shown_of_what_is_not_on_hidden_or_for_some_people_only(self, market: Market) -> None:
        market.create(title="Lamp")
        running(
            promotion("over", TENTH, ends_at="2020-01-01T00:00:00.000Z"),
            promotion("later", TENTH, starts_at="2999-01-01T00:00:00.000Z"),
            promotion("paused", TENTH, status="paused"),
            promotion("hidden", TENTH, hidden=True),
            promotion("club", TENTH, groups=frozenset({"club"})),
            promotion("dollars", TENTH, currencies=frozenset({"USD"})),
        )

        assert "badges" not in cards(market)["Lamp"]

    def test_are_on_the_products_page_too(self, market: Market) -> None:
        market.create(title="Brass lamp", variants=[
            variant("S", stock=1, options={"size": "S"}), variant("M", stock=1, options={"size": "M"}),
        ])  # fmt: skip
        running(promotion("all", FreeShipping()), promotion("m", TENTH, include=Selector(skus=frozenset({"M"}))))
        of_vendor(ADA, promotion("own", TENTH, scope=ADA, priority=1))

        page = market.anyone("GET", "/v1/products/brass-lamp").json
        assert [badge["promotionId"] for badge in page["badges"]] == ["own", "all", "m"]


class TestReading:
    @pytest.mark.parametrize("limit", [1, 20, 100])
    def test_a_list_is_two_requests_of_a_hundred_items_at_most(self, market: Market, limit: int) -> None:
        for number in range(25):
            market.create((ADA, BOB)[number % 2], title=f"Lamp {number}", category="home", variants=[
                variant(f"A-{number}-{size}", stock=1, options={"size": str(size)}) for size in range(5)
            ])  # fmt: skip
        cards(market, "category=home&limit=1")
        beside.forget()
        with requests() as asked:
            listed = cards(market, f"category=home&limit={limit}")
        with requests() as again:
            assert cards(market, f"category=home&limit={limit}") == listed

        assert [operation for operation, _ in asked] == ["Query", "BatchGetItem"]
        assert asked[1][1] <= 100
        told = [card["available"] for card in listed.values() if "available" in card]
        assert told == [5] * min(limit, 19), "of ninety-seven SKUs"
        assert [operation for operation, _ in again] == ["Query"]

    def test_an_empty_list_reads_no_stock(self, market: Market) -> None:
        cards(market, "category=garden")
        with requests() as asked:
            assert cards(market, "category=garden") == {}

        assert [operation for operation, _ in asked] == ["Query"]

    def test_a_page_is_two_requests_at_first_and_one_from_then_on(self, market: Market) -> None:
        market.create(title="Brass lamp")
        running(promotion("all", FreeShipping()))
        with requests() as first:
            market.anyone("GET", "/v1/products/brass-lamp")
        with requests() as second:
            assert market.anyone("GET", "/v1/products/brass-lamp").json["badges"]

        assert [operation for operation, _ in first] == ["GetItem", "BatchGetItem"]
        assert [operation for operation, _ in second] == ["BatchGetItem"]

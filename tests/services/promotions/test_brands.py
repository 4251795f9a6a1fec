"""A promotion of a brand counts wherever the product's goods are: on its card and page, in the cart, at checkout."""

from typing import Any

import pytest

from promotions import api
from promotions.model import Percent
from tests import shop
from tests.http import call
from tests.services.catalog.conftest import Market, variant
from tests.services.catalog.test_offers import CODE, changes_heard, offer
from tests.services.orders.setup import running
from tests.services.promotions.maker import promotion, some

pytestmark = pytest.mark.contract("9.2", "9.4")


def test_a_brands_promotion_counts_for_its_goods_from_the_card_to_the_order(database: str) -> None:
    market = Market()
    blocks = market.create(title="Blocks", brand="  LEGO ", variants=[variant("BLOCKS", 2_000, stock=9)]).json
    market.create(title="Plain", variants=[variant("PLAIN", 2_000, stock=9)])
    running(promotion("prm_brand", Percent(basis_points=1_000), include=some(brands=["Lego"])))

    cards = {card["title"]: card for card in market.anyone("GET", "/v1/products").json["items"]}
    assert named(cards["Blocks"]["badges"]) == ["prm_brand"]
    assert "badges" not in cards["Plain"]
    assert named(market.anyone("GET", f"/v1/products/{blocks['slug']}").json["badges"]) == ["prm_brand"]
    shown = call(api.handler, "GET", "/v1/promotions/badges", query={"skus": ["BLOCKS", "PLAIN"]}).json["badges"]
    assert {sku: named(badges) for sku, badges in shown.items() if badges} == {"BLOCKS": ["prm_brand"]}
    shop.fill("usr_1", ("BLOCKS", 1), ("PLAIN", 1))
    suggested = call(api.handler, "GET", "/v1/me/promotions", caller="usr_1").json["items"]
    assert [one["promotion"]["id"] for one in suggested] == ["prm_brand"]
    assert shop.summary("usr_1")["discount"]["amount"] == 200

    assert market.change(blocks, {"brand": None}, headers={"if-match": f'"{blocks["version"]}"'}).status == 200
    assert shop.summary("usr_1")["discount"]["amount"] == 0, "the cart takes over what the goods are called today"


def test_it_counts_for_the_offers_of_other_vendors_as_soon_as_the_page_names_the_brand(database: str) -> None:
    market = Market()
    blocks = market.create(title="Blocks", variants=[variant("BLOCKS", 2_000, barcode=CODE)]).json
    assert offer(market, "BOB-1", 2_000).status == 201
    running(promotion("prm_brand", Percent(basis_points=1_000), include=some(brands=["Lego"])))
    shop.fill("usr_1", ("BOB-1", 1))
    assert shop.summary("usr_1")["discount"]["amount"] == 0

    assert market.change(blocks, {"brand": "LEGO"}).status == 200
    changes_heard(market)
    assert shop.summary("usr_1")["discount"]["amount"] == 200


def named(badges: list[dict[str, Any]]) -> list[str]:
    return [badge["promotionId"] for badge in badges]

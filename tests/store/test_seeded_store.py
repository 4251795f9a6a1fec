"""The store that the project ships: complete, safe to show, and planted once."""

import base64
from collections import Counter
from typing import Any

import orjson
import pytest

from catalog import api as catalog_api
from catalog import import_api, media_api, pictures
from catalog.forms import ImportRow
from market import config
from store import people, stock
from store.drawings import draw, motifs
from store.seed import fill
from tests.http import request
from tools.client import Answer
from vendors import api as vendors_api

SHOPS = stock.shops()


class Bazaar:
    """The handlers of vendors and catalog; an access token is the caller's address."""

    def __init__(self) -> None:
        self.accounts: dict[str, tuple[tuple[str, ...], str]] = {"first@staff.example": (("customer", "staff"), "")}
        self.results: Counter[str] = Counter()

    def account(self, email: str, password: str, roles: tuple[str, ...], vendor_id: str, name: str) -> None:
        assert len(password) >= 12
        assert name
        self.accounts[email] = (roles, vendor_id)

    def call(
        self, method: str, path: str, json: Any = None, token: str | None = None, raw: bytes | None = None
    ) -> Answer:
        if path == "/v1/auth/login":
            return Answer(200, {"accessToken": json["email"]})
        roles, vendor_id = self.accounts[token or ""]
        caller = (token or "").partition("@")[0]
        event = request(method, path, json, caller=caller, roles=" ".join(roles), vendor_id=vendor_id)
        if raw is not None:
            event |= {"body": base64.b64encode(raw).decode(), "isBase64Encoded": True}
        answer = _handler(path)(event)
        content = Answer(answer["statusCode"], orjson.loads(answer["body"] or "null"))
        if path.endswith("/import"):
            self.results.update({name: content.json[name] for name in ("created", "unchanged", "updated", "rejected")})
        return content


def _handler(path: str) -> Any:
    if path.endswith("/media"):
        return media_api.handler
    if path.endswith("/import"):
        return import_api.handler
    return catalog_api.handler if "/products" in path or "/categories" in path else vendors_api.handler


@pytest.mark.contract("26.1")
def test_there_are_six_vendors_and_about_a_hundred_products_with_up_to_six_variants() -> None:
    products = [product for shop in SHOPS for product in shop.rows(_nowhere(shop))]

    assert len(SHOPS) == 6
    assert 90 <= len(products) <= 120
    assert {len(product["variants"]) for product in products} <= set(range(1, 7))
    assert len({product["slug"] for product in products}) == len(products)
    skus = [variant["sku"] for product in products for variant in product["variants"]]
    assert len(set(skus)) == len(skus)


def test_every_row_is_in_order_and_every_category_exists() -> None:
    paths = {f"{parent}>{name}".lower() if parent else name.lower() for name, parent, _ in stock.categories()}

    for shop in SHOPS:
        for row in shop.rows(_nowhere(shop)):
            assert ImportRow.model_validate(row).category in paths
            assert len(row["description"]) > 20
            assert all(variant["stock"] > 0 for variant in row["variants"])


@pytest.mark.contract("6.1")
def test_every_picture_is_a_small_svg_that_only_draws() -> None:
    drawn = {picture for shop in SHOPS for picture in shop.pictures()}

    assert len(drawn) > 150
    assert max(map(len, drawn)) < 4000
    assert {pictures.kind_of(picture) for picture in drawn} == {pictures.SVG}
    assert {product["picture"] for shop in SHOPS for product in shop.products} == set(motifs())
    assert b'"base"' not in draw("mug", "rust")


def test_the_logins_satisfy_the_password_policy() -> None:
    passwords = {person.password for person in (people.STAFF, *people.CUSTOMERS)} | {people.PASSWORD}

    for password in passwords:
        assert len(password) >= 12
        assert any(map(str.isupper, password))
        assert any(map(str.islower, password))
        assert any(map(str.isdigit, password))
        assert not password.isalnum()


def test_the_store_is_planted_once_however_often_it_is_asked_for(
    database: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("MEDIA_BUCKET", "media")
    config.client("s3").create_bucket(Bucket="media")
    bazaar = Bazaar()

    fill(bazaar, "first@staff.example", "x")
    planted = bazaar.results.copy()
    fill(bazaar, "first@staff.example", "x")

    assert planted["created"] == sum(len(shop.products) for shop in SHOPS)
    assert bazaar.results - planted == Counter(unchanged=planted["created"])
    assert bazaar.accounts["ada@example.com"] == (("customer",), "")
    assert bazaar.accounts["hello@tidewater.example"][0] == ("customer", "vendor")


def _nowhere(shop: stock.Shop) -> dict[bytes, str]:
    return {picture: f"/media/{number}.svg" for number, picture in enumerate(shop.pictures())}

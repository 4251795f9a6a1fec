"""Brands: one name, one slug, a logo that product pages show."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.services.catalog.conftest import Market

pytestmark = pytest.mark.contract("5.3")


def test_a_page_shows_the_brand_that_it_names_however_it_is_written(market: Market) -> None:
    made = market.staff("PUT", "/v1/admin/brands/brightly", {"name": "Brightly", "logo": "/media/b.svg"})
    assert made.headers["etag"] == '"1"'
    market.create(brand="BRIGHTLY")

    page = market.anyone("GET", "/v1/products/brass-lamp").json

    assert page["brand"] == "BRIGHTLY"
    assert page["brandDetails"] == {"slug": "brightly", "name": "Brightly", "logo": "/media/b.svg"}
    market.staff("PUT", "/v1/admin/brands/brightly", {"name": "Brightly", "isActive": False})
    assert "brandDetails" not in market.anyone("GET", "/v1/products/brass-lamp").json


def test_a_name_belongs_to_one_brand_and_a_brand_may_be_renamed(market: Market) -> None:
    market.staff("PUT", "/v1/admin/brands/brightly", {"name": "Brightly"})

    taken = market.staff("PUT", "/v1/admin/brands/other", {"name": "  brightly "})
    assert (taken.status, taken.json["code"], taken.json["slug"]) == (409, "brand_exists", "brightly")
    renamed = market.staff("PUT", "/v1/admin/brands/brightly", {"name": "Lumen"}, headers={"if-match": '"1"'})
    assert renamed.headers["etag"] == '"2"'
    assert market.staff("PUT", "/v1/admin/brands/other", {"name": "Brightly"}).status == 200
    late = market.staff("PUT", "/v1/admin/brands/brightly", {"name": "Lux"}, headers={"if-match": '"1"'})
    assert late.status == 412


def test_saying_the_same_again_changes_nothing(market: Market) -> None:
    for _ in range(2):
        made = market.staff("PUT", "/v1/admin/brands/brightly", {"name": "Brightly"})
        assert (made.status, made.headers["etag"]) == (200, '"1"')


def test_of_brands_made_at_once_with_one_name_there_is_one(market: Market) -> None:
    def make(number: int) -> int:
        return market.staff("PUT", f"/v1/admin/brands/brand-{number}", {"name": "Brightly"}).status

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(make, range(6)))

    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 409, 503}


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "A", "logo": "javascript:x"}, {"name": "A", "x": 1}])
def test_a_brand_that_is_not_in_order_is_refused(market: Market, body: dict[str, object]) -> None:
    assert market.staff("PUT", "/v1/admin/brands/brightly", body).status == 422
    assert market.staff("PUT", "/v1/admin/brands/Not A Slug", {"name": "A"}).status == 422

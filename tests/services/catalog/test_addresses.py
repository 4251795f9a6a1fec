"""Addresses of products: slugs and their history, what search engines and previews are told, the sitemap."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from catalog import schedule, sitemap
from market import clock, config
from tests.services.catalog.conftest import ADA, BOB, Market, variant
from tests.services.catalog.test_products import events

pytestmark = pytest.mark.contract("5.4")


def test_a_former_slug_leads_to_the_page(market: Market) -> None:
    made = market.create().json
    assert market.anyone("GET", "/v1/products/brass-lamp").status == 200

    for slug in ("gold-lamp", "golden-lamp"):
        assert market.change(made, {"slug": slug}).json["slug"] == slug

    assert market.anyone("GET", "/v1/products/golden-lamp").json["id"] == made["id"]
    for former in ("brass-lamp", "gold-lamp"):
        answer = market.anyone("GET", f"/v1/products/{former}")
        assert (answer.status, answer.headers["location"]) == (301, "/v1/products/golden-lamp")
        assert answer.json == {"slug": "golden-lamp"}
    assert market.anyone("GET", "/v1/products?category=home").json["items"][0]["slug"] == "golden-lamp"
    assert market.vendor("GET", market.path(made)).json["formerSlugs"] == ["brass-lamp", "gold-lamp"]
    assert {event["before"]: event["after"] for event in events("product.moved")} == {
        "brass-lamp": "gold-lamp", "gold-lamp": "golden-lamp",
    }  # fmt: skip


def test_a_product_may_go_back_to_a_slug_of_its_own_but_not_to_anothers(market: Market) -> None:
    made = market.create().json
    other = market.create(BOB, title="Chair", variants=[variant("CHAIR")]).json
    market.change(made, {"slug": "gold-lamp"})

    for slug in ("gold-lamp", "brass-lamp"):
        refused = market.vendor("PATCH", market.path(other, BOB), {"slug": slug}, vendor_id=BOB)
        assert (refused.status, refused.json["code"]) == (409, "slug_taken")
    assert market.change(made, {"slug": "brass-lamp"}).status == 200
    assert market.anyone("GET", "/v1/products/brass-lamp").status == 200
    assert market.anyone("GET", "/v1/products/gold-lamp").headers["location"] == "/v1/products/brass-lamp"


def test_of_products_that_want_one_slug_at_once_one_gets_it(market: Market) -> None:
    made = [market.create(title=f"Lamp {n}", variants=[variant(f"L-{n}")]).json for n in range(5)]

    with ThreadPoolExecutor(5) as pool:
        statuses = [a.status for a in pool.map(lambda product: market.change(product, {"slug": "the-lamp"}), made)]

    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 409, 503}
    owner = made[statuses.index(200)]
    assert market.anyone("GET", "/v1/products/the-lamp").json["id"] == owner["id"]


def test_a_page_tells_search_engines_and_previews_what_they_ask_for(market: Market) -> None:
    market.create(description="Brass, " * 60, tags=["warm"], images=[{"url": "/media/lamp.png", "alt": "A lamp"}])

    page = market.anyone("GET", "/v1/products/brass-lamp").json

    assert (page["seo"]["title"], page["seo"]["keywords"]) == ("Brass lamp", ["warm"])
    assert len(page["seo"]["description"]) <= 161
    store = config.setting("STORE_URL")
    assert page["openGraph"] == {
        "og:type": "product", "og:title": "Brass lamp", "og:description": page["seo"]["description"],
        "og:url": f"{store}/products/brass-lamp", "og:image": f"{store}/media/lamp.png", "og:image:alt": "A lamp",
        "product:price:amount": "49.00", "product:price:currency": "EUR", "product:availability": "in stock",
    }  # fmt: skip


def test_a_vendor_writes_what_search_engines_are_told(market: Market) -> None:
    made = market.create(seo={"title": "Lamps of brass", "description": "Warm", "keywords": ["lamp", "lamp"]}).json

    assert market.anyone("GET", "/v1/products/brass-lamp").json["seo"] == {
        "title": "Lamps of brass", "description": "Warm", "keywords": ["lamp"],
    }  # fmt: skip
    market.change(made, {"seo": None})
    assert market.anyone("GET", "/v1/products/brass-lamp").json["seo"]["title"] == "Brass lamp"


def locations(market: Market, query: str = "") -> list[str]:
    answer = market.anyone("GET", f"/sitemap.xml{query}")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/xml")
    found = ElementTree.fromstring(answer.body).iter(  # noqa: S314 - our own answer
        "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"
    )
    return [entry.text or "" for entry in found]


def test_the_sitemap_names_every_product_and_category(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "PER_PAGE", 2)
    start = datetime.now(UTC)
    for number in range(5):
        with clock.running_on(lambda number=number: start + timedelta(days=20 * number)):
            market.create(title=f"Lamp {number}", variants=[variant(f"L-{number}")])
    market.create(title="Draft", status="draft", variants=[variant("D")])

    with clock.running_on(lambda: start + timedelta(days=100)):
        assert schedule.handler({}) == {"pages": 3}
        pages = [location.partition("?")[2] for location in locations(market)]
        assert pages == ["page=categories", "page=newest", "page=products-1", "page=products-2", "page=products-3"]
        store = config.setting("STORE_URL")
        products = [url for page in pages[2:] for url in locations(market, f"?{page}")]
        assert sorted(products) == [f"{store}/products/lamp-{number}" for number in range(5)]
        assert f"{store}/categories/home/lamps" in locations(market, "?page=categories")
        assert locations(market, "?page=newest")[0] == f"{store}/products/lamp-4"
        assert market.anyone("GET", "/sitemap.xml?page=products-9").status == 404
        assert market.anyone("GET", "/sitemap.xml?page=../x").status == 422


def test_a_new_product_is_in_the_sitemap_before_the_next_walk(market: Market) -> None:
    market.create()

    assert [url.rpartition("/")[2] for url in locations(market, "?page=newest")] == ["brass-lamp"]
    assert locations(market)[-1].endswith("page=newest")
    assert market.titles(f"vendor={ADA}") == ["Brass lamp"]

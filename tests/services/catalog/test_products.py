"""Products: creating, showing, changing, archiving."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import read_offer, stock_key
from market import clock, config
from market.guard.audit import RECORDED
from market.table import Table
from tests.services.catalog.conftest import ADA, BOB, Market, lamp
from vendors.manifest import MANIFEST as VENDORS

pytestmark = pytest.mark.contract("5.1")
EUR = {"currency": "EUR"}
DOLLAR = {"amount": 100, "currency": "USD"}


def events(kind: str) -> list[dict[str, Any]]:
    items = config.client("dynamodb").scan(TableName=config.setting("TABLE_NAME"))["Items"]
    announced = [json.loads(item["envelope"]["S"]) for item in items if item["pk"]["S"].startswith("OUTBOX#")]
    return [envelope["data"] for envelope in announced if envelope["type"] == kind]


def items() -> list[Any]:
    """All that is stored, but for the audit records of what was asked."""
    found = config.client("dynamodb").scan(TableName=config.setting("TABLE_NAME"))["Items"]
    return sorted(json.dumps(item, sort_keys=True) for item in found if item.get("type") != {"S": RECORDED})


def variant(sku: str, amount: int = 100, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "price": {"amount": amount, "currency": "EUR"}} | more


def test_a_product_on_sale_has_a_page_with_price_and_availability(market: Market) -> None:
    created = market.create(brand="Brightly", attributes={"socket": "E27"}, tags=["warm", "brass"])
    assert created.status == 201
    assert created.headers["etag"] == '"1"'

    page = market.anyone("GET", "/v1/products/brass-lamp")

    assert page.status == 200
    assert page.json["vendor"] == {"id": ADA, "name": "ven_ada & Co", "slug": "ada"}
    assert page.json["variants"] == [
        {"sku": "LAMP-1", "options": {}, "price": {"amount": 4900} | EUR, "inStock": True, "available": 3}
    ]
    assert (page.json["brand"], page.json["attributes"], page.json["tags"]) == (
        "Brightly", {"socket": "E27"}, ["warm", "brass"],
    )  # fmt: skip
    assert not {"version", "status", "vendorId", "externalId"} & set(page.json)
    assert page.headers["cache-control"] == "public, max-age=5"
    assert events("product.created")[0]["skus"] == ["LAMP-1"]


def test_what_is_sold_knows_the_category_of_its_product(market: Market) -> None:
    product = market.create().json
    assert category_on_offer("LAMP-1") == "home>lamps"

    path = f"/v1/vendors/{ADA}/products/{product['id']}"
    assert market.vendor("PATCH", path, {"category": "home>lamps>desk-lamps"}).status == 200
    assert category_on_offer("LAMP-1") == "home>lamps>desk-lamps"


def category_on_offer(sku: str) -> str:
    item = Table(INVENTORY, VENDORS).get(stock_key(sku), consistent=True)
    assert item is not None
    return read_offer(item).category


def test_a_draft_is_seen_by_its_vendor_only(market: Market) -> None:
    created = market.create(status="draft").json

    assert market.anyone("GET", "/v1/products/brass-lamp").status == 404
    assert market.titles() == market.titles("category=home") == market.titles(f"vendor={ADA}") == []
    assert market.vendor("GET", f"/v1/vendors/{ADA}/products/{created['id']}").json["status"] == "draft"


def test_the_same_title_gets_a_slug_of_its_own(market: Market) -> None:
    first, second = market.create().json, market.create(variants=[variant("LAMP-2")]).json

    assert first["slug"] == "brass-lamp"
    assert second["slug"].startswith("brass-lamp-")
    assert market.anyone("GET", f"/v1/products/{second['slug']}").json["id"] == second["id"]


def test_a_title_without_latin_letters_has_a_slug_too(market: Market) -> None:
    created = market.create(title="পিতলের বাতি")

    assert created.json["slug"] == "product"


def test_a_taken_sku_leaves_nothing_behind(market: Market) -> None:
    market.create()
    before = items()

    refused = market.create(BOB, title="Copy")

    assert (refused.status, refused.json["code"], refused.json["sku"]) == (409, "sku_taken", "LAMP-1")
    assert items() == before


def test_a_vendor_who_may_not_sell_creates_nothing(market: Market) -> None:
    market.add_vendor("ven_new", "pending")
    before = items()

    refused = market.create("ven_new")

    assert (refused.status, refused.json["code"]) == (409, "vendor_not_active")
    assert items() == before


def test_the_page_of_a_suspended_vendor_is_gone(market: Market) -> None:
    market.create()
    market.add_vendor(ADA, "suspended")

    assert market.anyone("GET", "/v1/products/brass-lamp").status == 404


def test_others_do_not_know_of_a_vendors_product(market: Market) -> None:
    product = market.create().json["id"]
    before = items()
    mine, through_mine = f"/v1/vendors/{ADA}/products/{product}", f"/v1/vendors/{BOB}/products/{product}"

    for path in (mine, through_mine):
        assert market.vendor("GET", path, vendor_id=BOB).status == 404
        assert market.vendor("PATCH", path, {"title": "Mine"}, vendor_id=BOB).status == 404
        assert market.vendor("DELETE", path, vendor_id=BOB).status == 404
    assert market.create(ADA, title="x").status == 409
    assert market.vendor("POST", f"/v1/vendors/{ADA}/products", lamp(), vendor_id=BOB).status == 404
    assert market.anyone("PATCH", mine, {"title": "Mine"}).status == 401
    assert items() == before


@pytest.mark.contract("8.3")
def test_a_new_price_is_shown_charged_and_announced(market: Market) -> None:
    product = market.create().json
    path = f"/v1/vendors/{ADA}/products/{product['id']}"

    changed = market.vendor("PATCH", path, {"variants": [variant("LAMP-1", 3900)]}, headers={"if-match": '"1"'})

    assert changed.status == 200
    assert changed.headers["etag"] == '"2"'
    shown = market.anyone("GET", "/v1/products/brass-lamp").json["variants"][0]
    assert (shown["price"]["amount"], shown["available"]) == (3900, 3)
    assert market.anyone("GET", "/v1/products?category=home>lamps").json["items"][0]["price"]["amount"] == 3900
    assert events("product.price.updated") == [
        {
            "product_id": product["id"], "vendor_id": ADA,
            "prices": [
                {
                    "sku": "LAMP-1",
                    "before": {"amount": 4900} | EUR,
                    "after": {"amount": 3900} | EUR,
                    "compare_at": None,
                }
            ],
        }
    ]  # fmt: skip
    assert events("product.updated")[0]["changed"] == ["variants"]


def test_an_edit_of_an_old_version_is_refused(market: Market) -> None:
    product = market.create().json["id"]
    path = f"/v1/vendors/{ADA}/products/{product}"
    assert market.vendor("PATCH", path, {"title": "First"}, headers={"if-match": '"1"'}).status == 200

    late = market.vendor("PATCH", path, {"title": "Second"}, headers={"if-match": '"1"'})

    assert (late.status, late.json["code"]) == (412, "precondition_failed")
    assert market.vendor("GET", path).json["title"] == "First"


def test_of_two_edits_at_once_one_is_refused(market: Market) -> None:
    path = f"/v1/vendors/{ADA}/products/{market.create().json['id']}"

    def edit(number: int) -> int:
        return market.vendor("PATCH", path, {"title": f"Title {number}"}, headers={"if-match": '"1"'}).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(edit, range(8)))

    assert sorted(set(statuses)) in ([200, 412], [200, 412, 503])
    assert statuses.count(200) == 1
    assert market.vendor("GET", path).json["version"] == 2


def test_an_edit_that_changes_nothing_writes_nothing(market: Market) -> None:
    path = f"/v1/vendors/{ADA}/products/{market.create().json['id']}"
    before = items()

    assert market.vendor("PATCH", path, {"title": "Brass lamp"}).headers["etag"] == '"1"'
    assert items() == before


def test_a_product_moves_to_another_category(market: Market) -> None:
    path = f"/v1/vendors/{ADA}/products/{market.create().json['id']}"

    assert market.vendor("PATCH", path, {"category": "garden"}).status == 200

    assert market.titles("category=garden") == ["Brass lamp"]
    assert market.titles("category=home") == market.titles("category=home>lamps") == []


@pytest.mark.contract("5.2")
def test_a_variant_that_is_taken_out_is_no_longer_sold_and_may_come_back(market: Market) -> None:
    two = [variant("A", options={"size": "small"}, stock=1), variant("B", options={"size": "large"}, stock=20)]
    product = market.create(variants=two).json
    path = f"/v1/vendors/{ADA}/products/{product['id']}"
    assert market.anyone("GET", "/v1/products/brass-lamp").json["variants"][1]["available"] == 10

    market.vendor("PATCH", path, {"variants": two[:1]})
    assert [v["sku"] for v in market.anyone("GET", "/v1/products/brass-lamp").json["variants"]] == ["A"]
    market.vendor("PATCH", path, {"variants": [*two, variant("C", options={"size": "huge"}, stock=4)]})

    shown = market.anyone("GET", "/v1/products/brass-lamp").json["variants"]
    assert [(v["sku"], v["available"]) for v in shown] == [("A", 1), ("B", 10), ("C", 4)]


def test_archiving_takes_a_product_off_sale_until_it_comes_back(market: Market) -> None:
    path = f"/v1/vendors/{ADA}/products/{market.create().json['id']}"

    assert market.vendor("DELETE", path).json["status"] == "archived"
    assert market.vendor("DELETE", path).headers["etag"] == '"2"'
    assert market.anyone("GET", "/v1/products/brass-lamp").status == 404
    assert market.titles() == market.titles("category=home") == market.titles(f"vendor={ADA}") == []

    assert market.vendor("PATCH", path, {"status": "active"}).status == 200
    assert market.titles() == market.titles("category=home") == market.titles(f"vendor={ADA}") == ["Brass lamp"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"variants": [variant("A"), variant("A", options={"x": "y"})]}, "variants_clash"),
        ({"variants": [variant("A"), variant("B")]}, "variants_clash"),
        ({"variants": [variant("A", options={"x": "1"}), variant("B", options={"y": "1"})]}, "variants_clash"),
        ({"variants": [variant("A"), variant("B", options={"x": "y"}, price=DOLLAR)]}, "mixed_currencies"),
        ({"variants": [variant("A", compareAtPrice={"amount": 200, "currency": "USD"})]}, "mixed_currencies"),
        ({"variants": [variant("A", compareAtPrice={"amount": 100, "currency": "EUR"})]}, "no_reduction"),
        ({"variants": [variant(f"A{n}", options={"n": str(n)}) for n in range(51)]}, "too_many_variants"),
        ({"variants": []}, "validation_error"),
        ({"variants": [variant("A", -1)]}, "validation_error"),
        ({"variants": [variant("A", 0)]}, "validation_error"),
        ({"variants": [variant("A", 10**12)]}, "validation_error"),
        ({"variants": [variant("A", stock=-1)]}, "validation_error"),
        ({"variants": [variant("A", stock=1.5)]}, "validation_error"),
        ({"variants": [variant("A", stock=True)]}, "validation_error"),
        ({"variants": [variant("sku with spaces")]}, "validation_error"),
        ({"variants": [variant("")]}, "validation_error"),
        ({"variants": [variant("A", colour="red")]}, "validation_error"),
        ({"variants": [{"sku": "A", "price": {"amount": 1, "currency": "XXX"}}]}, "validation_error"),
        ({"variants": [{"sku": "A", "price": 4.99}]}, "validation_error"),
        ({"variants": "A"}, "validation_error"),
        ({"title": ""}, "validation_error"),
        ({"title": "  "}, "validation_error"),
        ({"title": "x" * 201}, "validation_error"),
        ({"title": "bell \x07"}, "validation_error"),
        ({"title": 5}, "validation_error"),
        ({"description": "x" * 10_001}, "validation_error"),
        ({"category": "home>attic"}, "unknown_category"),
        ({"category": "Home"}, "validation_error"),
        ({"category": ""}, "validation_error"),
        ({"images": [{"url": "javascript:alert(1)"}]}, "validation_error"),
        ({"images": [{"url": "//elsewhere.example/x.png"}]}, "validation_error"),
        ({"images": [{"url": "/x.png"}] * 13}, "validation_error"),
        ({"attributes": {"a": ["list"]}}, "validation_error"),
        ({"attributes": {str(n): "x" for n in range(51)}}, "validation_error"),
        ({"slug": "Not A Slug"}, "validation_error"),
        ({"status": "sold"}, "validation_error"),
        ({"version": 7}, "validation_error"),
        ({"id": "prd_x"}, "validation_error"),
    ],
)  # fmt: skip
def test_a_product_that_is_not_in_order_is_refused_by_name_and_nothing_is_written(
    market: Market, changes: dict[str, Any], code: str
) -> None:
    before = items()

    refused = market.create(**changes)

    assert (refused.status, refused.json["code"]) == (422, code), refused
    assert items() == before


@pytest.mark.parametrize("body", ["", "[]", "null", "{", '"x"', "\ud800", "[" * 10_000], ids=range(7))
def test_a_body_that_is_no_product_is_refused(market: Market, body: str) -> None:
    if body == "\ud800":
        body = '{"title": "\\ud800"}'
    answer = market.vendor("POST", f"/v1/vendors/{ADA}/products", body)

    assert 400 <= answer.status < 500
    assert answer.json["code"]


def test_the_largest_product_that_is_allowed_fits(market: Market) -> None:
    word, picture = "ü" * 60, "/" + "i" * 499
    many = [
        variant(f"{n:02}" + "S" * 62, options={"a": f"{n:02}" + "ü" * 58, word: word, "c": word}, image=picture)
        for n in range(50)
    ]
    body = lamp(
        title="ü" * 200, description="ü" * 10_000, variants=many, images=[{"url": picture, "alt": "ü" * 200}] * 12,
        attributes={f"{n:02}" + "ü" * 58: "ü" * 300 for n in range(50)},
        tags=[f"{n:02}" + "ü" * 58 for n in range(20)],
    )  # fmt: skip
    product = market.vendor("POST", f"/v1/vendors/{ADA}/products", json.dumps(body, ensure_ascii=False))
    assert product.status == 201, product

    path = f"/v1/vendors/{ADA}/products/{product.json['id']}"
    assert market.vendor("PATCH", path, {"title": "Smaller", "category": "garden"}).status == 200
    assert len(market.anyone("GET", f"/v1/products/{product.json['slug']}").json["variants"]) == 50


def test_a_page_costs_two_reads_at_first_and_one_from_then_on(market: Market) -> None:
    market.create()
    calls: list[str] = []
    client = config.client("dynamodb")
    client.meta.events.register("before-call.dynamodb.*", lambda model, **_: calls.append(model.name))

    market.anyone("GET", "/v1/products/brass-lamp")
    first = [*calls]
    market.anyone("GET", "/v1/products/brass-lamp")

    assert first == ["GetItem", "BatchGetItem"]
    assert calls[len(first) :] == ["BatchGetItem"]


@pytest.mark.contract("5.1")
def test_lists_are_newest_first_across_months_with_cursors(market: Market) -> None:
    start = datetime.now(UTC)
    moments = [start, start + timedelta(days=62), start + timedelta(days=93)]
    number = 0
    for moment in moments:
        for _ in range(3):
            number += 1
            with clock.running_on(lambda moment=moment, number=number: moment + timedelta(seconds=number)):
                market.create(title=f"Lamp {number}", variants=[variant(f"L-{number}")])
    with clock.running_on(lambda: start + timedelta(days=400)):
        wanted = [f"Lamp {n}" for n in range(9, 0, -1)]
        for query in ("", "category=home", "category=home>lamps", f"vendor={ADA}"):
            assert market.titles(f"{query}&limit=2") == wanted
            assert market.titles(f"{query}&limit=100") == wanted
        assert market.titles("category=home>lamps>desk-lamps") == market.titles(f"vendor={BOB}") == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("limit=0", 422, "validation_error"),
        ("limit=101", 422, "validation_error"),
        ("limit=x", 422, "validation_error"),
        ("cursor=abc", 400, "invalid_cursor"),
        ("category=attic", 422, "unknown_category"),
        ("category=HOME", 422, "validation_error"),
        ("category=home&vendor=ven_ada", 400, "invalid"),
        ("vendor=", 422, "validation_error"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(market: Market, query: str, status: int, code: str) -> None:
    answer = market.anyone("GET", f"/v1/products?{query}")

    assert (answer.status, answer.json["code"]) == (status, code)


def test_a_cursor_of_another_list_is_refused(market: Market) -> None:
    for number in range(3):
        market.create(title=f"Lamp {number}", variants=[variant(f"L-{number}")])
    cursor = market.anyone("GET", "/v1/products?category=home&limit=1").json["nextCursor"]

    for query in ("category=garden", f"vendor={ADA}", ""):
        assert market.anyone("GET", f"/v1/products?{query}&cursor={cursor}").json["code"] == "invalid_cursor"


def test_a_vendor_lists_drafts_then_what_is_on_sale_then_the_archived(market: Market) -> None:
    for number, status in enumerate(["active", "draft", "archived", "active"]):
        market.create(title=f"{status} {number}", status=status, variants=[variant(f"L-{number}")])
    path = f"/v1/vendors/{ADA}/products"

    assert [card["title"] for card in market.vendor("GET", path).json["items"]] == [
        "draft 1", "active 3", "active 0", "archived 2",
    ]  # fmt: skip
    assert [card["title"] for card in market.vendor("GET", f"{path}?status=active&limit=1").json["items"]] == [
        "active 3"
    ]
    assert market.vendor("GET", path, vendor_id=BOB).status == 404

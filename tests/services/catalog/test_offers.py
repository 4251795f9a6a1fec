"""Offers of several vendors on one page, and prices that are decided elsewhere."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from catalog import selling
from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import Offer, read_offer, stock_key
from market import config
from market.errors import PreconditionFailed
from market.table import Table
from tests.http import Response
from tests.services.catalog.conftest import ADA, BOB, Market, row, variant
from tests.services.catalog.test_products import events, items
from vendors.manifest import MANIFEST as VENDORS

pytestmark = pytest.mark.contract("5.1")
CODE = "4006381333931"
CEE = "ven_cee"


def shelf(sku: str) -> Offer:
    item = Table(INVENTORY, VENDORS).get(stock_key(sku), consistent=True)
    assert item is not None
    return read_offer(item)


def offer(market: Market, sku: str, amount: int, *, vendor_id: str = BOB, **more: Any) -> Response:
    body = {"sku": sku, "price": {"amount": amount, "currency": "EUR"}, "stock": 5} | more
    if "gtin" not in body and "productId" not in body:
        body["gtin"] = CODE
    return market.vendor("POST", f"/v1/vendors/{vendor_id}/offers", body, vendor_id=vendor_id)


@pytest.fixture
def coded(market: Market) -> Any:
    """Ada's lamp, with a bar code."""
    market.add_vendor(CEE, "active")
    return market.create(variants=[variant("LAMP-1", 4900, barcode=CODE, stock=3, weightGrams=800)]).json


def shown(market: Market) -> list[tuple[str, int]]:
    page = market.anyone("GET", "/v1/products/brass-lamp").json
    return [(entry["sku"], entry["price"]["amount"]) for entry in page["variants"][0].get("offers", [])]


def test_a_vendor_sells_what_anothers_page_shows(market: Market, coded: Any) -> None:
    made = offer(market, "BOB-1", 4500)

    assert (made.status, made.json["productId"], made.json["variant"]) == (201, coded["id"], "LAMP-1")
    found = shelf("BOB-1")
    assert (found.vendor_id, found.product_id, found.slug) == (BOB, coded["id"], "brass-lamp")
    assert (found.available, found.weight_grams, found.category) == (5, 800, "home>lamps")
    page = market.anyone("GET", "/v1/products/brass-lamp").json["variants"][0]
    assert [(entry["sku"], entry["vendor"]["id"], entry["inStock"]) for entry in page["offers"]] == [
        ("BOB-1", BOB, True), ("LAMP-1", ADA, True),
    ]  # fmt: skip
    own = market.vendor("GET", f"/v1/vendors/{BOB}/offers", vendor_id=BOB).json["items"]
    assert [(entry["sku"], entry["slug"]) for entry in own] == [("BOB-1", "brass-lamp")]
    assert events("offer.created")[0]["variant"] == "LAMP-1"


@pytest.mark.parametrize(
    ("offers", "wanted"),
    [
        ([("B", 5000, 5), ("C", 4800, 5)], ["C", "LAMP-1", "B"]),
        ([("B", 4900, 5), ("C", 4900, 5)], ["LAMP-1", "B", "C"]),
        ([("B", 100, 0), ("C", 4950, 1)], ["LAMP-1", "C", "B"]),
    ],
)
def test_first_is_what_can_be_had_then_the_lowest_price_then_the_oldest(
    market: Market, coded: Any, offers: Any, wanted: list[str]
) -> None:
    for (sku, amount, stock), vendor_id in zip(offers, (BOB, CEE), strict=True):
        assert offer(market, sku, amount, vendor_id=vendor_id, stock=stock).status == 201

    assert [sku for sku, _ in shown(market)] == wanted


def test_an_offer_is_changed_and_taken_off(market: Market, coded: Any) -> None:
    offer(market, "BOB-1", 4500)
    path = f"/v1/vendors/{BOB}/offers/BOB-1"

    dearer = market.vendor("PATCH", path, {"price": {"amount": 5100, "currency": "EUR"}}, vendor_id=BOB)
    assert dearer.json["price"]["amount"] == 5100
    assert shown(market) == [("LAMP-1", 4900), ("BOB-1", 5100)]
    assert events("product.price.updated")[0]["vendor_id"] == BOB
    assert market.vendor("PATCH", path, {"isActive": False}, vendor_id=BOB).json["isActive"] is False
    assert shown(market) == []
    assert not shelf("BOB-1").active
    assert market.vendor("PATCH", f"/v1/vendors/{ADA}/offers/BOB-1", {"isActive": True}).status == 404
    dollars = {"price": {"amount": 5100, "currency": "USD"}}
    assert market.vendor("PATCH", path, dollars, vendor_id=BOB).json["code"] == "mixed_currencies"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"gtin": "4006381333932"}, 422, "validation_error"),
        ({"gtin": "96385074"}, 404, "not_found"),
        ({"productId": "prd_none"}, 404, "not_found"),
        ({"gtin": CODE, "productId": "prd_none"}, 422, "validation_error"),
        ({"variant": "NONE", "gtin": CODE}, 422, "which_variant"),
        ({"sku": "LAMP-1"}, 409, "sku_taken"),
        ({"price": {"amount": 100, "currency": "USD"}}, 422, "mixed_currencies"),
    ],
)
def test_an_offer_that_makes_no_sense_is_refused(
    market: Market, coded: Any, changes: dict[str, Any], status: int, code: str
) -> None:
    before = items()

    refused = offer(market, **({"sku": "BOB-1", "amount": 4500} | changes))

    assert (refused.status, refused.json["code"]) == (status, code)
    assert items() == before


def test_nobody_offers_on_their_own_page_twice_or_unapproved(market: Market, coded: Any) -> None:
    assert offer(market, "ADA-2", 4500, vendor_id=ADA).json["code"] == "own_product"
    assert offer(market, "BOB-1", 4500).status == 201
    assert offer(market, "BOB-2", 4400).json["code"] == "conflict"
    market.add_vendor("ven_new", "pending")
    assert offer(market, "NEW-1", 4500, vendor_id="ven_new").json["code"] == "vendor_not_active"
    market.change(coded, {"status": "draft"})
    assert offer(market, "CEE-1", 4500, vendor_id=CEE).status == 404


def test_offers_go_with_the_page_and_come_back_with_it(market: Market, coded: Any) -> None:
    offer(market, "BOB-1", 4500)
    market.vendor("DELETE", market.path(coded))
    market.hear("product.archived", {"product_id": coded["id"]}, times=2)
    assert not shelf("BOB-1").active

    market.change(coded, {"status": "active"})
    market.hear("product.published", {"product_id": coded["id"]}, times=2)
    assert shelf("BOB-1").active
    assert shown(market) == [("BOB-1", 4500), ("LAMP-1", 4900)]


def alike(offer: Offer) -> tuple[object, ...]:
    """What an offer says that its page says, too."""
    size = offer.weight_grams, offer.size_mm
    return offer.title, offer.slug, offer.image, offer.category, offer.brand, offer.tax_category, *size


def changes_heard(market: Market, *, backwards: bool = False) -> None:
    """Every change of a product so far, each of them twice."""
    told = events("product.updated")
    for change in sorted(told, key=lambda change: change["revision"], reverse=backwards):
        market.hear("product.updated", change, times=2)


@pytest.mark.contract("5.1", "9.1")
def test_offers_say_what_the_page_says_by_now_however_its_changes_are_heard(market: Market, coded: Any) -> None:
    """Twice, and the last one first: what promotions and commission are judged by is of the page as it is now."""
    offer(market, "BOB-1", 4500)
    sizes = {"weightGrams": 900, "dimensions": {"lengthMm": 3, "widthMm": 2, "heightMm": 1}}
    market.change(coded, {"brand": "Brightly", "category": "garden", "title": "Lamp"})
    market.change(coded, {"variants": [variant("LAMP-1", 4900, barcode=CODE, taxCategory="reduced", **sizes)]})
    market.change(coded, {"brand": "Dimly", "slug": "gold-lamp"})

    changes_heard(market, backwards=True)

    after = shelf("BOB-1")
    assert alike(after) == alike(shelf("LAMP-1"))
    assert (after.brand, after.category, after.tax_category, after.slug) == ("Dimly", "garden", "reduced", "gold-lamp")
    assert (after.vendor_id, after.price.amount, after.available, after.active) == (BOB, 4500, 5, True)
    assert events("offer.updated") == [], "what others hear of it is as it was"


def test_offers_follow_a_page_that_an_import_changes_or_that_becomes_a_draft(market: Market) -> None:
    sold = row(1, status="active", variants=[variant("LAMP-1", 4900, barcode=CODE)])
    market.import_rows([sold])
    offer(market, "BOB-1", 4500)

    market.import_rows([sold | {"brand": "Brightly", "category": "garden"}])
    changes_heard(market)
    assert (shelf("BOB-1").brand, shelf("BOB-1").category, shelf("BOB-1").active) == ("Brightly", "garden", True)

    (change, *_) = events("product.updated")
    market.change({"id": change["product_id"]}, {"status": "draft"})
    changes_heard(market)
    assert not shelf("BOB-1").active
    assert [told["active"] for told in events("offer.updated")] == [False]


def test_what_a_page_said_before_does_not_overwrite_what_it_says_now(market: Market, coded: Any) -> None:
    """The page and the vendor change what is just being followed: it is refused, and done anew."""
    offer(market, "BOB-1", 4500)
    market.change(coded, {"brand": "Brightly"})
    dearer = {"price": {"amount": 5100, "currency": "EUR"}}
    meanwhile = [
        lambda: market.change(coded, {"brand": "Dimly"}),
        lambda: market.vendor("PATCH", f"/v1/vendors/{BOB}/offers/BOB-1", dearer, vendor_id=BOB),
    ]

    def overtake(**_: Any) -> None:
        if waiting:
            with ThreadPoolExecutor() as others:
                assert others.submit(waiting.pop()).result().status == 200

    hooks = config.client("dynamodb").meta.events
    hooks.register("before-call.dynamodb.TransactWriteItems", overtake)
    try:
        for change in meanwhile:
            waiting = [change]
            with pytest.raises(PreconditionFailed):
                selling.follow(coded["id"])
    finally:
        hooks.unregister("before-call.dynamodb.TransactWriteItems", overtake)
    assert shelf("BOB-1").brand == ""

    changes_heard(market, backwards=True)
    assert (shelf("BOB-1").brand, shelf("BOB-1").price.amount) == ("Dimly", 5100)


def test_a_page_with_offers_brand_and_translations_takes_two_reads(market: Market, coded: Any) -> None:
    market.staff("PUT", "/v1/admin/brands/brightly", {"name": "Brightly"})
    market.change(coded, {"brand": "Brightly", "translations": {"de": {"title": "Lampe"}}})
    offer(market, "BOB-1", 4500)
    calls: list[str] = []
    config.client("dynamodb").meta.events.register(
        "before-call.dynamodb.*", lambda model, **_: calls.append(model.name)
    )

    page = market.anyone("GET", "/v1/products/brass-lamp?lang=de").json

    assert (page["title"], page["brandDetails"]["slug"], len(page["variants"][0]["offers"])) == ("Lampe", "brightly", 2)
    assert calls == ["GetItem", "BatchGetItem"]


def test_offers_follow_a_page_that_moves(market: Market, coded: Any) -> None:
    offer(market, "BOB-1", 4500)

    market.change(coded, {"slug": "gold-lamp"})

    page = market.anyone("GET", "/v1/products/gold-lamp").json
    assert [entry["sku"] for entry in page["variants"][0]["offers"]] == ["BOB-1", "LAMP-1"]


def test_offers_made_at_once_are_all_there(market: Market, coded: Any) -> None:
    vendors = [f"ven_{number}" for number in range(6)]
    for vendor_id in vendors:
        market.add_vendor(vendor_id, "active")

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda v: offer(market, f"SKU-{v[4:]}", 4000 + int(v[4:]), vendor_id=v).status, vendors))

    assert set(made) <= {201, 412, 503}
    assert len(shown(market)) == made.count(201) + 1


def decision(product: Any, **changes: Any) -> dict[str, Any]:
    euros = {"currency": "EUR"}
    return {
        "decision_id": "dec_1", "vendor_id": ADA, "product_id": product["id"], "sku": "LAMP-1",
        "price": {"amount": 4400} | euros, "expected": {"amount": 4900} | euros, "reason": "rule",
    } | changes  # fmt: skip


@pytest.mark.contract("8.2", "8.3")
def test_a_decided_price_is_applied_once(market: Market, coded: Any) -> None:
    market.hear("price.decided", decision(coded), times=3)

    assert shelf("LAMP-1").price.amount == 4400
    assert market.titles() == ["Brass lamp"]
    assert market.anyone("GET", "/v1/products").json["items"][0]["price"]["amount"] == 4400
    assert market.vendor("GET", market.path(coded)).json["version"] == 2
    assert len(events("product.price.updated")) == 1
    assert events("price.refused") == []
    assert market.vendor("GET", f"{market.path(coded)}/versions").json["items"] == []


@pytest.mark.contract("8.2")
def test_a_repeated_decision_does_not_undo_a_later_price(market: Market, coded: Any) -> None:
    market.hear("price.decided", decision(coded))
    market.change(coded, {"variants": [variant("LAMP-1", 4900, barcode=CODE)]})

    market.hear("price.decided", decision(coded))

    assert shelf("LAMP-1").price.amount == 4900


@pytest.mark.contract("8.2")
@pytest.mark.parametrize(
    ("changes", "code", "present"),
    [
        ({"expected": {"amount": 4800, "currency": "EUR"}}, "price_changed", 4900),
        ({"price": {"amount": 4400, "currency": "USD"}}, "mixed_currencies", 4900),
        ({"price": {"amount": 0, "currency": "EUR"}}, "no_price", 4900),
        ({"sku": "NONE"}, "not_found", None),
        ({"vendor_id": BOB}, "not_found", None),
        ({"product_id": "prd_none"}, "not_found", None),
    ],
)
def test_a_price_decided_on_another_price_is_refused_aloud_once(
    market: Market, coded: Any, changes: dict[str, Any], code: str, present: int | None
) -> None:
    market.hear("price.decided", decision(coded, **changes), times=2)

    assert shelf("LAMP-1").price.amount == 4900
    (refused,) = events("price.refused")
    assert (refused["decision_id"], refused["code"]) == ("dec_1", code)
    assert (refused["present"] or {"amount": None})["amount"] == present


@pytest.mark.contract("8.1")
def test_a_price_to_compare_with_goes_when_it_is_no_longer_higher(market: Market) -> None:
    was = {"amount": 5900, "currency": "EUR"}
    made = market.create(variants=[variant("LAMP-1", 4900, compareAtPrice=was)]).json

    market.hear("price.decided", decision(made))
    assert market.anyone("GET", "/v1/products/brass-lamp").json["variants"][0]["compareAtPrice"] == was
    dear = decision(made, decision_id="dec_2", price=was, expected={"amount": 4400, "currency": "EUR"})
    market.hear("price.decided", dear)

    shown = market.anyone("GET", "/v1/products/brass-lamp").json["variants"][0]
    assert (shown["price"], "compareAtPrice" in shown) == (was, False)


@pytest.mark.contract("8.2")
def test_a_price_is_decided_of_an_offer_on_anothers_page_too(market: Market, coded: Any) -> None:
    offer(market, "BOB-1", 4900)
    of_bob = {"vendor_id": BOB, "sku": "BOB-1"}

    market.hear("price.decided", decision(coded, **of_bob), times=2)

    assert (shelf("BOB-1").price.amount, shelf("LAMP-1").price.amount) == (4400, 4900)
    assert shown(market)[0] == ("BOB-1", 4400)


@pytest.mark.contract("8.2")
def test_an_edit_and_a_decision_at_once_lose_nothing(market: Market, coded: Any) -> None:
    def act(number: int) -> int:
        if number:
            return market.change(coded, {"description": f"Text {number}"}).status
        market.hear("price.decided", decision(coded))
        return 200

    with ThreadPoolExecutor(3) as pool:
        statuses = list(pool.map(act, range(3)))

    assert set(statuses) <= {200, 412, 503}
    assert shelf("LAMP-1").price.amount == 4400
    own = market.vendor("GET", market.path(coded)).json
    assert (own["variants"][0]["price"]["amount"], own["version"]) == (4400, 1 + statuses.count(200))

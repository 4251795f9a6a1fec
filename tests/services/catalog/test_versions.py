"""Versions, previews, who sees what waits, imports under review, and the largest change of all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from market import clock
from tests.services.catalog.conftest import BOB, Market, row, variant
from tests.services.catalog.test_lifecycle import page
from tests.services.catalog.test_products import items

pytestmark = pytest.mark.contract("5.1")


def test_a_former_version_is_kept_and_comes_back_without_its_prices(market: Market) -> None:
    made = market.create(description="First", attributes={"socket": "E27"}).json
    market.change(made, {"description": "Second", "attributes": {}})
    market.change(made, {"variants": [variant("LAMP-1", 3900)]})
    market.change(made, {"description": "Third"})

    listed = market.vendor("GET", f"{market.path(made)}/versions").json["items"]
    assert [(entry["version"], entry["title"]) for entry in listed] == [(3, "Brass lamp"), (1, "Brass lamp")]
    whole = market.vendor("GET", f"{market.path(made)}/versions?version=1").json["items"][0]
    assert whole["product"]["description"] == "First"

    restored = market.change(made, {"fromVersion": 1})

    assert restored.json["version"] == 5
    shown = page(market)
    assert (shown["description"], shown["attributes"]) == ("First", {"socket": "E27"})
    assert (shown["variants"][0]["price"]["amount"], shown["variants"][0]["available"]) == (3900, 3)
    assert market.change(made, {"fromVersion": 99}).status == 404
    assert market.vendor("GET", f"{market.path(made, BOB)}/versions", vendor_id=BOB).status == 404


def test_whoever_has_the_link_sees_the_draft_for_a_week(market: Market) -> None:
    made = market.create(status="draft", description="Soon").json
    link = market.vendor("GET", f"{market.path(made)}/draft").json["preview"]["path"]

    assert market.anyone("GET", link).json["description"] == "Soon"
    market.change(made, {"status": "active"})
    market.vendor("PUT", f"{market.path(made)}/draft", {"changes": {"description": "Later"}})
    assert market.anyone("GET", link).json["description"] == "Later"
    assert market.anyone("GET", "/v1/products/brass-lamp").json["description"] == "Soon"

    assert market.anyone("GET", link[:-2] + "xx").status == 404
    with clock.running_on(lambda: datetime.now(UTC) + timedelta(days=8)):
        assert market.anyone("GET", link).status == 404


def test_others_see_neither_drafts_nor_the_queue(market: Market) -> None:
    made = market.create().json
    market.vendor("PUT", f"{market.path(made)}/draft", {"changes": {"title": "One"}})
    before = items()

    for path in (market.path(made), market.path(made, BOB)):
        assert market.vendor("GET", f"{path}/draft", vendor_id=BOB).status == 404
        assert market.vendor("PUT", f"{path}/draft", {"changes": {"title": "B"}}, vendor_id=BOB).status == 404
        assert market.vendor("POST", f"{path}/submission", {}, vendor_id=BOB).status == 404
    assert market.vendor("GET", "/v1/admin/products/reviews").status == 403
    body = {"version": 1}
    assert market.vendor("PATCH", f"/v1/admin/products/{made['id']}/approve", body).status == 403
    assert items() == before


@pytest.mark.contract("5.5")
def test_an_import_goes_through_review_too(market: Market) -> None:
    market.import_rows([row(1)])
    market.review("listing", "title")

    report = market.import_rows([row(1, title="Another title"), row(2)])

    assert [outcome["result"] for outcome in report["rows"]] == ["updated", "created"]
    assert {card["title"]: card["review"]["kind"] for card in market.queue()} == {
        "Another title": "change", "Lamp no. 2": "listing",
    }  # fmt: skip
    assert page(market, "lamp-no-1")["title"] == "Lamp no. 1"
    again = market.import_rows([row(1, title="Another title"), row(2)])
    assert [outcome["result"] for outcome in again["rows"]] == ["unchanged", "unchanged"]
    third = market.import_rows([row(1, title="A third title")])
    assert third["rows"][0]["code"] == "under_review"
    for waiting in market.queue():
        assert market.decide(waiting).status == 200
    assert page(market, "lamp-no-1")["title"] == "Another title"
    assert page(market, "lamp-no-2")["variants"][0]["available"] == 5


def test_an_import_that_only_restates_stock_while_a_change_waits(market: Market) -> None:
    market.import_rows([row(1)])
    market.review("title")
    restocked = [variant("ROW-1", 1001, stock=9)]

    market.import_rows([row(1, title="Another title", variants=restocked)])

    assert page(market, "lamp-no-1")["variants"][0]["available"] == 9
    assert page(market, "lamp-no-1")["title"] == "Lamp no. 1"


def test_the_largest_change_that_is_allowed_fits_into_one_transaction(market: Market) -> None:
    market.staff("POST", "/v1/admin/categories", {"name": "Small", "parent": "home>lamps>desk-lamps"})
    codes = [f"{number:012}" for number in range(100_000, 100_100)]
    whole = [
        code + str(-sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(code[::-1])) % 10) for code in codes
    ]

    def variants(first: int) -> list[Any]:
        return [variant(f"S-{n}", 1000 + first, options={"n": str(n)}, barcode=whole[first + n]) for n in range(50)]

    tags = [f"tag {number}" for number in range(20)]
    made = market.create(variants=variants(0), tags=tags, category="home>lamps>desk-lamps>small").json

    changes = {"variants": variants(50), "slug": "another", "category": "garden", "tags": [f"{tag}s" for tag in tags]}
    changed = market.change(made, changes | {"title": "All else"})

    assert changed.status == 200, changed
    assert page(market, "another")["variants"][0]["price"]["amount"] == 1050
    assert market.titles("category=home") == []

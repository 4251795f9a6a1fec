"""Drafts, review, working copies: what a rule keeps for a person, and what that person decides."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from market import clock
from tests.services.catalog.conftest import ADA, BOB, Market, variant
from tests.services.catalog.test_products import events

pytestmark = pytest.mark.contract("5.1")


def page(market: Market, slug: str = "brass-lamp") -> Any:
    return market.anyone("GET", f"/v1/products/{slug}").json


def test_without_rules_products_go_live_as_their_vendors_say(market: Market) -> None:
    assert market.create().json["status"] == "active"
    assert market.queue() == []


def test_a_product_that_needs_review_is_on_sale_when_somebody_approved_it(market: Market) -> None:
    market.review("listing")
    made = market.create().json
    assert (made["status"], made["review"]["outcome"]) == ("pending", "pending")
    assert market.anyone("GET", "/v1/products/brass-lamp").status == 404
    assert market.titles("category=home") == []
    (waiting,) = market.queue()
    assert (waiting["id"], waiting["review"]["kind"]) == (made["id"], "listing")

    decided = market.decide(waiting, answer="Nice")

    assert decided.json == {"productId": made["id"], "status": "active", "version": 2}
    assert page(market)["variants"][0]["available"] == 3
    assert market.titles("category=home") == ["Brass lamp"]
    assert market.queue() == []
    assert [event["kind"] for event in events("product.submitted")] == ["listing"]
    assert [event["slug"] for event in events("product.approved")] == ["brass-lamp"]
    assert [event["product_id"] for event in events("product.published")] == [made["id"]]


def test_a_rejected_product_is_a_draft_again_with_the_reasons(market: Market) -> None:
    market.review("listing")
    made = market.create().json

    market.decide(market.queue()[0], reasons=["poor_images", "incomplete"], answer="Show it lit")

    own = market.vendor("GET", market.path(made)).json
    assert own["status"] == "draft"
    assert (own["review"]["outcome"], own["review"]["reasons"], own["review"]["answer"]) == (
        "rejected", ["poor_images", "incomplete"], "Show it lit",
    )  # fmt: skip
    assert events("product.rejected")[0]["reasons"] == ["poor_images", "incomplete"]
    assert market.queue() == []
    again = market.vendor("POST", f"{market.path(made)}/submission", {"note": "Now it is lit"})
    assert (again.status, again.json["state"], again.json["review"]["note"]) == (200, "pending", "Now it is lit")
    assert market.queue()[0]["review"]["note"] == "Now it is lit"


def test_what_waits_is_not_changed_but_may_be_withdrawn(market: Market) -> None:
    market.review("listing")
    made = market.create().json

    assert market.change(made, {"title": "Other"}).json["code"] == "under_review"
    withdrawn = market.vendor("POST", f"{market.path(made)}/submission", {"action": "withdraw"})

    assert withdrawn.json["state"] == "draft"
    assert market.queue() == []
    assert market.change(made, {"title": "Other"}).json["title"] == "Other"
    assert events("product.withdrawn") == [{"product_id": made["id"], "vendor_id": ADA, "kind": "listing"}]
    again = market.vendor("POST", f"{market.path(made)}/submission", {"action": "withdraw"})
    assert again.json["code"] == "not_in_review"


def test_the_queue_tells_the_oldest_first(market: Market) -> None:
    market.review("listing")
    start = datetime.now(UTC)
    for number in (1, 2, 3):
        with clock.running_on(lambda number=number: start + timedelta(minutes=number)):
            market.create(title=f"Lamp {number}", variants=[variant(f"L-{number}")])

    assert [card["title"] for card in market.queue()] == ["Lamp 1", "Lamp 2", "Lamp 3"]
    first = market.staff("GET", "/v1/admin/products/reviews?limit=1").json
    rest = market.staff("GET", "/v1/admin/products/reviews", query={"cursor": first["nextCursor"]}).json
    assert [card["title"] for card in rest["items"]] == ["Lamp 2", "Lamp 3"]


def test_a_change_that_needs_review_stands_beside_what_is_on_sale(market: Market) -> None:
    made = market.create().json
    market.review("title", "description")

    answer = market.change(made, {"title": "Gold lamp"})

    assert (answer.status, answer.json["title"], answer.json["version"]) == (200, "Brass lamp", 1)
    assert page(market)["title"] == "Brass lamp"
    (waiting,) = market.queue()
    assert (waiting["title"], waiting["review"]["kind"], waiting["review"]["changed"]) == (
        "Gold lamp", "change", ["title"],
    )  # fmt: skip
    draft = market.vendor("GET", f"{market.path(made)}/draft").json
    assert (draft["state"], draft["product"]["title"]) == ("pending", "Gold lamp")

    assert market.decide(waiting).status == 200

    assert page(market)["title"] == "Gold lamp"
    assert market.vendor("GET", f"{market.path(made)}/draft").status == 404
    assert market.queue() == []


def test_prices_and_stock_go_live_while_a_change_waits_and_stay_when_it_is_approved(market: Market) -> None:
    made = market.create().json
    market.review("title", "variants")
    market.change(made, {"title": "Gold lamp", "variants": [variant("LAMP-1", 4900, weightGrams=700)]})

    market.change(made, {"variants": [variant("LAMP-1", 3900)]})
    assert page(market)["variants"][0]["price"]["amount"] == 3900
    market.decide(market.queue()[0])

    shown = page(market)
    assert (shown["title"], shown["variants"][0]["price"]["amount"], shown["variants"][0]["weightGrams"]) == (
        "Gold lamp", 3900, 700,
    )  # fmt: skip


def test_a_variant_that_a_change_brings_is_sold_when_it_is_approved(market: Market) -> None:
    made = market.create(variants=[variant("A", options={"size": "s"}, stock=1)]).json
    market.review("variants")
    more = [variant("A", options={"size": "s"}), variant("B", options={"size": "m"}, stock=7)]
    market.change(made, {"variants": more})
    assert [v["sku"] for v in page(market)["variants"]] == ["A"]

    market.decide(market.queue()[0])

    assert [(v["sku"], v["available"]) for v in page(market)["variants"]] == [("A", 1), ("B", 7)]


def test_a_rejected_change_can_be_mended_and_put_forward_again(market: Market) -> None:
    made = market.create().json
    market.review("title")
    market.change(made, {"title": "GOLD LAMP!!!"})
    market.decide(market.queue()[0], reasons=["misleading"])
    draft = market.vendor("GET", f"{market.path(made)}/draft").json
    assert (draft["state"], draft["review"]["reasons"]) == ("rejected", ["misleading"])

    body = {"changes": {"title": "Gold-coloured lamp"}, "submit": True}
    mended = market.vendor("PUT", f"{market.path(made)}/draft", body)
    assert (mended.status, mended.json["state"]) == (200, "pending")
    market.decide(market.queue()[0])

    assert page(market)["title"] == "Gold-coloured lamp"


def test_a_working_copy_is_edited_in_peace_and_published_where_no_rule_keeps_it(market: Market) -> None:
    made = market.create().json
    first = market.vendor("PUT", f"{market.path(made)}/draft", {"changes": {"title": "One"}})
    tag = first.headers["etag"]
    second = market.vendor(
        "PUT", f"{market.path(made)}/draft", {"changes": {"description": "Two"}}, headers={"if-match": tag}
    )
    late = market.vendor("PUT", f"{market.path(made)}/draft", {"changes": {"title": "X"}}, headers={"if-match": tag})
    assert (second.json["state"], second.json["changed"]) == ("editing", ["description", "title"])
    assert late.status == 412
    assert page(market)["title"] == "Brass lamp"

    assert market.vendor("POST", f"{market.path(made)}/submission", {}).json["state"] == "active"

    assert (page(market)["title"], page(market)["description"]) == ("One", "Two")
    again = market.vendor("POST", f"{market.path(made)}/submission", {})
    assert again.json["code"] == "nothing_to_submit"


def test_a_working_copy_can_be_dropped(market: Market) -> None:
    made = market.create().json
    market.vendor("PUT", f"{market.path(made)}/draft", {"changes": {"title": "One"}})

    assert market.vendor("POST", f"{market.path(made)}/submission", {"action": "discard"}).json["state"] == "active"

    assert market.vendor("GET", f"{market.path(made)}/draft").status == 404
    gone = market.vendor("POST", f"{market.path(made)}/submission", {"action": "discard"})
    assert gone.json["code"] == "nothing_to_submit"


def test_a_copy_of_what_was_changed_on_sale_too_says_which_fields(market: Market) -> None:
    made = market.create().json
    market.vendor("PUT", f"{market.path(made)}/draft", {"changes": {"title": "Copy", "description": "Copy"}})
    market.change(made, {"title": "Live"})

    refused = market.vendor("POST", f"{market.path(made)}/submission", {})
    assert (refused.status, refused.json["code"], refused.json["fields"]) == (409, "copy_outdated", ["title"])

    market.vendor("PUT", f"{market.path(made)}/draft", {"changes": {"title": "Copy again"}})
    market.vendor("POST", f"{market.path(made)}/submission", {})
    assert (page(market)["title"], page(market)["description"]) == ("Copy again", "Copy")


def test_only_what_is_on_sale_has_a_working_copy(market: Market) -> None:
    made = market.create(status="draft").json

    refused = market.vendor("PUT", f"{market.path(made)}/draft", {"changes": {"title": "One"}})

    assert (refused.status, refused.json["code"]) == (409, "not_live")
    assert market.vendor("GET", f"{market.path(made)}/draft").json["state"] == "draft"


def test_archiving_takes_the_working_copy_out_of_review(market: Market) -> None:
    made = market.create().json
    market.review("title")
    market.change(made, {"title": "Gold lamp"})
    (waiting,) = market.queue()

    assert market.vendor("DELETE", market.path(made)).json["status"] == "archived"

    assert market.queue() == []
    assert market.decide(waiting).json["code"] == "not_in_review"
    assert events("product.archived")[0]["skus"] == ["LAMP-1"]


def test_archiving_and_coming_back_is_no_way_around_review(market: Market) -> None:
    made = market.create().json
    market.review("listing", "title")
    market.vendor("DELETE", market.path(made))

    back = market.change(made, {"status": "active", "title": "Gold lamp"})

    assert back.json["status"] == "pending"
    assert market.anyone("GET", "/v1/products/brass-lamp").status == 404


@pytest.mark.parametrize(
    ("rule", "waits"),
    [
        ({"needs": ["title"]}, True),
        ({"needs": ["description"]}, False),
        ({"needs": ["title"], "category": "home"}, True),
        ({"needs": ["title"], "category": "home>lamps"}, True),
        ({"needs": ["title"], "category": "home>lamps>desk-lamps"}, False),
        ({"needs": ["title"], "category": "garden"}, False),
        ({"needs": ["title"], "vendorId": ADA}, True),
        ({"needs": ["title"], "vendorId": BOB}, False),
        ({"needs": []}, False),
    ],
)
def test_a_rule_is_of_a_branch_a_vendor_or_all(market: Market, rule: Any, waits: bool) -> None:
    made = market.create().json
    assert market.staff("PUT", "/v1/admin/products/review-rules", {"rules": [rule]}).status == 200

    market.change(made, {"title": "Gold lamp"})

    assert bool(market.queue()) is waits


def test_the_first_rule_that_fits_counts(market: Market) -> None:
    made = market.create().json
    rules = [{"vendorId": ADA, "needs": ["brand"]}, {"needs": ["title"]}]
    market.staff("PUT", "/v1/admin/products/review-rules", {"rules": rules})
    assert [rule["needs"] for rule in market.staff("GET", "/v1/admin/products/review-rules").json["rules"]] == [
        ["brand"], ["title"],
    ]  # fmt: skip

    market.change(made, {"title": "Gold lamp"})
    assert market.queue() == []
    market.change(made, {"brand": "Brightly"})
    assert [card["brand"] for card in market.queue()] == ["Brightly"]


def test_a_move_is_looked_at_where_either_branch_says_so(market: Market) -> None:
    made = market.create().json
    market.review("category", category="garden")

    market.change(made, {"category": "garden"})

    assert market.queue()[0]["category"] == "garden"


def test_rules_name_categories_that_are_there(market: Market) -> None:
    rule = {"needs": ["title"], "category": "attic"}
    assert market.staff("PUT", "/v1/admin/products/review-rules", {"rules": [rule]}).json["code"] == "unknown_category"


def test_nobody_approves_what_they_did_not_see(market: Market) -> None:
    made = market.create().json
    market.review("title")
    market.change(made, {"title": "Gold lamp"})
    (seen,) = market.queue()
    market.vendor("POST", f"{market.path(made)}/submission", {"action": "withdraw"})
    market.change(made, {"title": "Something else"})

    assert market.decide(seen).status == 412
    assert market.decide(seen, reasons=["other"]).status == 412
    assert page(market)["title"] == "Brass lamp"


def test_a_decision_is_made_once(market: Market) -> None:
    made = market.create().json
    market.review("title")
    market.change(made, {"title": "Gold lamp"})
    (waiting,) = market.queue()

    with ThreadPoolExecutor(6) as pool:
        statuses = [answer.status for answer in pool.map(lambda _: market.decide(waiting), range(6))]

    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 409, 412, 503}
    assert len(events("product.approved")) == 1
    assert market.vendor("GET", market.path(made)).json["version"] == 2


def test_approval_and_an_edit_at_once_lose_nothing(market: Market) -> None:
    made = market.create().json
    market.review("title")
    market.change(made, {"title": "Gold lamp"})
    (waiting,) = market.queue()

    def act(number: int) -> int:
        if number == 0:
            return market.decide(waiting).status
        return market.change(made, {"description": f"Text {number}"}).status

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(act, range(4)))

    assert set(statuses) <= {200, 412, 503}
    own = market.vendor("GET", market.path(made)).json
    assert own["version"] == 1 + statuses.count(200)
    assert (own["title"] == "Gold lamp") == (statuses[0] == 200)
    assert own["description"].startswith("Text") == (200 in statuses[1:])


def test_two_first_edits_of_a_copy_make_one(market: Market) -> None:
    made = market.create().json

    def edit(number: int) -> int:
        return market.vendor("PUT", f"{market.path(made)}/draft", {"changes": {"title": f"Title {number}"}}).status

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(edit, range(4)))

    assert statuses.count(200) >= 1
    assert set(statuses) <= {200, 412, 503}
    assert market.vendor("GET", f"{market.path(made)}/draft").json["changed"] == ["title"]

"""The coupon centre: what everybody sees, what customers take and keep, what would do something for their cart."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from market import config
from market.guard import limits
from market.table import update
from promotions import coupons, store
from promotions.contract import code_key
from tests import shop
from tests.services.promotions.desk import ADA, PLATFORM, TEN_PERCENT, Office

pytestmark = pytest.mark.contract("9.4", "9.2")
CODED = TEN_PERCENT | {"needsCode": True}
CLAIMABLE = CODED | {"claimable": True}


def listed(office: Office, **query: Any) -> list[str]:
    return [one["id"] for one in office.anyone("", query=query).json["items"]]


def test_everybody_sees_what_runs_and_needs_no_code(office: Office) -> None:
    first, second = office.launched(scope=PLATFORM), office.launched(terms="Only today.", limits={"perCustomer": 1})
    claimable = office.launched(CLAIMABLE)
    office.launched(hidden=True)
    office.launched(conditions={"customers": ["usr_eve"]}, scope=PLATFORM)
    office.launched(CODED)
    office.draft()

    assert listed(office) == [second["id"], first["id"]]
    assert listed(office, claimable="true") == [claimable["id"]]
    page = office.anyone("", query={"limit": 2})
    assert page.headers["cache-control"] == "public, max-age=60"
    rest = office.anyone("", query={"limit": 2, "cursor": page.json["nextCursor"]}).json["items"]
    assert len(page.json["items"]) + len(rest) == 2
    shown = office.anyone(f"/{second['id']}").json
    assert (shown["title"], shown["terms"], shown["badge"], shown["perCustomer"], shown["vendorId"]) == (
        "Ten percent", "Only today.", "10% off", 1, ADA,
    )  # fmt: skip
    assert not {"limits", "participants", "analytics", "platformBasisPoints"} & shown.keys()


def test_details_are_of_what_runs_and_is_for_everybody(office: Office) -> None:
    hidden, draft, coded = office.launched(hidden=True), office.draft(), office.launched(CODED)
    named = office.launched(conditions={"customers": ["usr_eve"]}, scope=PLATFORM)

    for promotion in (hidden, draft, named, {"id": "prm_none"}):
        assert office.anyone(f"/{promotion['id']}").json["code"] == "no_such_promotion"
    assert office.anyone(f"/{coded['id']}").status == 200


@pytest.mark.parametrize(
    ("benefit", "badge"),
    [
        ({"kind": "percent", "basisPoints": 1250}, "12.5% off"),
        ({"kind": "percent", "basisPoints": 1005}, "10.05% off"),
        ({"kind": "fixed", "amounts": {"EUR": 500}}, "Money off"),
        ({"kind": "free_shipping"}, "Free shipping"),
        ({"kind": "buy_x_get_y", "buy": 2, "get": 1}, "Buy 2, get 1 free"),
        ({"kind": "buy_x_get_y", "buy": 2, "get": 1, "basisPoints": 5000}, "Buy 2, get 1 50% off"),
        ({"kind": "tiered", "tiers": [{"units": 2, "basisPoints": 500}]}, "More for less"),
        ({"kind": "bundle", "units": {"A": 2}, "prices": {"EUR": 500}}, "Bundle price"),
        ({"kind": "gift", "sku": "MUG"}, "Free gift"),
    ],
)
def test_a_promotion_has_a_badge_of_its_benefit(office: Office, benefit: dict[str, Any], badge: str) -> None:
    made = office.launched(benefit=benefit)

    assert office.anyone(f"/{made['id']}").json["badge"] == badge


def test_badges_are_for_a_page_of_product_cards(office: Office) -> None:
    shop.stock("LAMP", vendor=ADA, category="home>lamps")
    shop.stock("CHAIR", vendor="ven_bob", category="home>chairs")
    own = office.launched(include={"categories": ["home>lamps"]})
    everywhere = office.launched(
        {"title": "All", "benefit": {"kind": "free_shipping"}, "stacking": {"priority": 5}}, scope=PLATFORM
    )
    office.launched(CODED, scope=PLATFORM)
    office.launched(scope=PLATFORM, conditions={"groups": ["club"]})
    office.launched(scope=PLATFORM, conditions={"countries": ["FR"]})
    office.launched(scope=PLATFORM, conditions={"currencies": ["USD"]})
    office.launched(scope=PLATFORM, hidden=True)
    shown = office.anyone("/badges", query={"skus": ["LAMP", "CHAIR", "NONE"], "country": "DE"}).json["badges"]

    assert {sku: [one["promotionId"] for one in found] for sku, found in shown.items()} == {
        "LAMP": [everywhere["id"], own["id"]], "CHAIR": [everywhere["id"]],
    }  # fmt: skip
    assert [one["badge"] for one in shown["LAMP"]] == ["Free shipping", "10% off"]
    assert office.anyone("/badges").status == 422
    assert office.anyone("/badges", query={"skus": [f"S{n}" for n in range(51)]}).status == 422


def take(office: Office, body: dict[str, Any], caller: str = "usr_eve") -> Any:
    return office.shopper("POST", "coupons", body, caller=caller)


def test_a_coupon_is_taken_once_however_often_one_asks(office: Office) -> None:
    made = office.launched(CLAIMABLE | {"limits": {"claims": 2}})
    answers = [take(office, {"promotionId": made["id"]}) for _ in range(3)]
    other = take(office, {"promotionId": made["id"]}, "usr_bob")
    third = take(office, {"promotionId": made["id"]}, "usr_cid")

    assert [answer.status for answer in answers] == [201] * 3
    assert len({answer.json["code"] for answer in answers}) == 1
    assert other.json["code"] != answers[0].json["code"]
    assert (third.status, third.json["code"]) == (409, "promotion_over")
    assert "spend" not in third.json
    assert office.shopper("GET", "coupons", caller="usr_cid").json["items"] == []
    assert office.send("GET", f"/{made['id']}").json["analytics"]["claims"] == 2
    (mine,) = office.shopper("GET", "coupons").json["items"]
    assert (mine["code"], mine["state"], mine["promotion"]["id"]) == (answers[0].json["code"], "usable", made["id"])
    assert office.send("GET", f"/{made['id']}/codes").json["items"] == [], "who took one is nobody else's business"


def test_a_crowd_takes_as_many_coupons_as_there_are(office: Office) -> None:
    made = office.launched(CLAIMABLE | {"limits": {"claims": 5}})
    with ThreadPoolExecutor(6) as crowd:
        names = [f"usr_{number % 8}" for number in range(24)]
        answers = list(crowd.map(lambda name: (name, take(office, {"promotionId": made["id"]}, name).status), names))

    assert len({name for name, status in answers if status == 201}) == 5
    assert office.send("GET", f"/{made['id']}").json["analytics"]["claims"] == 5


def test_coupons_are_taken_of_what_runs_and_is_claimable(office: Office) -> None:
    for promotion in (office.launched(CODED), office.draft(CLAIMABLE), {"id": "prm_none"}):
        assert take(office, {"promotionId": promotion["id"]}).json["code"] == "no_such_promotion"
    assert take(office, {}).status == take(office, {"promotionId": "a", "code": "b"}).status == 422


def test_codes_that_cannot_be_used_are_answered_alike(office: Office) -> None:
    running, paused = office.launched(CODED), office.launched(CODED)
    kinds: dict[str, dict[str, Any]] = {
        "GOOD": {"limit": 0}, "MINE": {"customerId": "usr_eve"}, "FOREIGN": {"customerId": "usr_bob"},
        "OLD": {"until": "2026-01-01T00:00:00.000Z"}, "USED": {"limit": 1},
    }  # fmt: skip
    for code, body in kinds.items():
        assert office.send("POST", f"/{running['id']}/codes", {"code": code} | body).status == 201
    office.send("POST", f"/{paused['id']}/codes", {"code": "PAUSED"})
    office.send("PUT", f"/{paused['id']}", CODED | {"status": "paused"})
    store.TABLE.write(update(code_key("USED"), "SET used = :one", {":one": 1}))
    refused = [take(office, {"code": code}) for code in ("FOREIGN", "OLD", "USED", "PAUSED", "UNKNOWN", "!")]

    assert {(one.status, one.json["code"], one.json["detail"]) for one in refused} == {
        (404, "coupon_not_valid", "This code cannot be used.")
    }
    assert [take(office, {"code": code}).status for code in ("good", "Mi-ne", "good")] == [201] * 3
    assert [one["code"] for one in office.shopper("GET", "coupons").json["items"]] == ["GOOD", "MINE"]


def test_guessing_is_limited(office: Office, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RATE_LIMIT", "100")
    config.forget()
    limits.refused.clear()
    answers = [take(office, {"code": f"GUESS{n}"}).status for n in range(11)]

    assert answers == [404] * 10 + [429]


def test_coupons_say_whether_they_can_be_used(office: Office) -> None:
    made = {name: office.launched(CLAIMABLE | {"limits": {"perCustomer": 1}}) for name in ("a", "b", "c", "d")}
    codes = {name: take(office, {"promotionId": one["id"]}).json["code"] for name, one in made.items()}
    claim = CLAIMABLE | {"limits": {"perCustomer": 1}}
    office.send("PUT", f"/{made['a']['id']}", claim | {"status": "ended"})
    office.send("PUT", f"/{made['b']['id']}", claim | {"status": "paused"})
    store.TABLE.write(update(code_key(codes["c"]), "SET used = :one", {":one": 1}))
    states = {one["code"]: one["state"] for one in office.shopper("GET", "coupons").json["items"]}

    assert states == {codes["a"]: "expired", codes["b"]: "paused", codes["c"]: "used", codes["d"]: "usable"}
    assert next(iter(states)) == codes["d"]


def test_a_customer_keeps_a_hundred(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coupons, "MAX_COUPONS", 2)
    made = office.launched(CODED)
    for code in ("ONE", "TWO", "THREE"):
        office.send("POST", f"/{made['id']}/codes", {"code": code, "limit": 0})

    assert [take(office, {"code": code}).status for code in ("ONE", "TWO", "THREE", "TWO")] == [201, 201, 409, 201]


def test_what_would_do_something_for_the_cart_is_suggested(office: Office) -> None:
    shop.stock("LAMP", vendor=ADA, price=shop.euros(2000))
    assert office.shopper("GET", "promotions").json["items"] == []
    shop.fill("usr_eve", ("LAMP", 2))
    share = office.launched()
    gift = office.launched(benefit={"kind": "gift", "sku": "MUG"})
    free = office.launched(benefit={"kind": "free_shipping"}, scope=PLATFORM)
    office.launched(conditions={"minimum": {"EUR": 4001}})
    office.launched(hidden=True)
    office.launched(CODED)
    coupon = office.launched(CLAIMABLE | {"benefit": {"kind": "fixed", "amounts": {"EUR": 500}}})
    code = take(office, {"promotionId": coupon["id"]}).json["code"]
    found = {one["promotion"]["id"]: one for one in office.shopper("GET", "promotions").json["items"]}

    assert set(found) == {share["id"], gift["id"], free["id"], coupon["id"]}
    assert found[share["id"]]["amount"] == {"amount": 400, "currency": "EUR"}
    assert found[gift["id"]]["gift"] == {"sku": "MUG", "quantity": 1}
    assert found[free["id"]]["freeShipping"] == [ADA]
    assert (found[coupon["id"]]["code"], found[coupon["id"]]["amount"]["amount"]) == (code, 500)


def test_coupons_are_for_customers_only(office: Office) -> None:
    assert office.shopper("GET", "coupons", roles="vendor", vendor_id=ADA).status == 403
    assert take(office, {"code": "ABC"}, caller=None).status == 401  # type: ignore[arg-type]

"""Prices over HTTP: what everybody sees, what vendors set, what staff decide."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import orjson
import pytest

from identity.contract import MANIFEST as IDENTITY
from identity.contract import user_key
from market import config
from market.table import Table
from market.table import put as stored
from prices import api, personal, schedule, store
from prices.contract import Rounding
from prices.ratebook import get as rates
from tests.http import Response, call
from tests.services.prices.floor import LAMP, VENDOR, Floor
from tests.shop import euros

pytestmark = pytest.mark.contract("8.1")


def money(amount: int, currency: str = "EUR") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def send(method: str, path: str, body: Any = None, *, roles: str = "vendor", **more: Any) -> Response:
    return call(api.handler, method, path, body, caller="grace", roles=roles, vendor_id=VENDOR, **more)


def put(*entries: dict[str, Any], vendor: str = VENDOR) -> Response:
    usual = {"sku": LAMP, "listId": "usual", "price": money(1_800)}
    return send("PUT", f"/v1/vendors/{vendor}/prices", {"entries": [usual | entry for entry in entries]})


def seen(query: str = "", sku: str = LAMP) -> Response:
    return call(api.handler, "GET", f"/v1/prices/{sku}{query}")


def set_rates(**body: Any) -> Response:
    return send("PUT", "/v1/admin/rates", body, roles="staff")


def test_everybody_sees_base_tiers_and_the_countrys_price(floor: Floor) -> None:
    floor.lamp(2_000)
    answer = put(
        {"listId": "ten", "minQuantity": 10, "price": money(1_700)},
        {"listId": "fifty", "minQuantity": 50, "price": money(1_500)},
        {"listId": "swiss", "countries": ["CH"], "price": money(2_300)},
        {"listId": "club", "groups": ["club"], "price": money(1_000)},
    )
    assert answer.status == 200
    assert len(answer.json["items"][0]["entries"]) == 4

    shown = seen("?country=DE").json
    assert (shown["price"], shown["base"]) == (money(2_000), money(2_000))
    assert [(tier["minQuantity"], tier["price"]["amount"]) for tier in shown["tiers"]] == [(10, 1_700), (50, 1_500)]
    assert seen("?country=CH").json["price"] == money(2_300)
    assert seen("?quantity=20").json["listId"] == "ten"
    assert seen().headers["cache-control"] == "public, max-age=30"


@pytest.mark.contract("8.5")
def test_another_currency_shows_rate_and_fee(floor: Floor) -> None:
    floor.lamp(2_000)
    assert seen("?currency=CHF").json["code"] == "no_rate"
    answer = set_rates(
        rates={"CHF": "0.95", "JPY": "180.5", "KWD": "0.35"},
        feeBasisPoints=200,
        roundings={"CHF": {"step": 5}, "JPY": {"step": 10}},
    )
    assert answer.status == 200, answer

    francs = seen("?currency=CHF").json
    assert francs["price"] == money(1_940, "CHF"), "19.38 in steps of 0.05"
    assert francs["conversion"] == {
        "rate": "0.95",
        "day": "2026-03-02",
        "source": "staff",
        "feeBasisPoints": 200,
        "fee": money(38, "CHF"),
    }
    assert seen("?currency=JPY").json["price"] == money(3_680, "JPY")
    assert seen("?currency=KWD").json["price"] == money(7_140, "KWD")
    assert "conversion" not in seen("?currency=EUR").json
    public = call(api.handler, "GET", "/v1/rates").json
    assert (public["base"], public["rates"]["CHF"]["rate"], public["feeBasisPoints"]) == ("EUR", "0.95", 200)


def test_a_reduction_is_shown_with_the_lowest_price_of_30_days(floor: Floor) -> None:
    floor.lamp(2_000)
    floor.wait(days=40)
    assert seen().json["lowest30Days"] == money(2_000)
    assert "comparePrice" not in seen().json
    floor.reprice(euros(1_600))

    shown = seen().json
    assert (shown["comparePrice"], shown["since"]) == (money(2_000), floor.at())


def test_a_planned_price_is_shown_from_the_second_on(floor: Floor) -> None:
    floor.lamp(2_000)
    answer = put({"kind": "plan", "startsAt": floor.at(hours=1), "endsAt": floor.at(hours=2)})
    assert answer.json["items"][0]["entries"][0]["replaces"] == money(2_000)
    assert seen().json["price"] == money(2_000)
    floor.wait(hours=1)

    assert seen().json["price"] == money(1_800)
    schedule.handler({})
    book = send("GET", f"/v1/vendors/{VENDOR}/prices/{LAMP}").json
    assert (book["base"], book["effective"]) == (money(2_000), money(1_800))
    assert [(one["kind"], one["by"]) for one in book["decisions"]] == [("plan", "usual")]


@pytest.mark.parametrize("query", ["?country=de", "?country=DEU", "?currency=EU", "?currency=ABC", "?quantity=0"])
def test_questions_that_make_no_sense_are_refused(floor: Floor, query: str) -> None:
    floor.lamp()
    assert seen(query).status == 422
    assert seen(sku="UNKNOWN").status == 404


def test_a_list_is_changed_sku_by_sku_and_sending_it_again_changes_nothing(floor: Floor) -> None:
    floor.lamp(2_000)
    floor.lamp(3_000, sku="LAMP-2")
    first = put({}, {"sku": "LAMP-2"}, {"sku": "NOT-THERE"}).json["items"]
    floor.wait(hours=1)
    second = put({}, {"sku": "LAMP-2"}).json["items"]

    assert [item["sku"] for item in first if "refused" in item] == ["NOT-THERE"]
    assert second == first[:2]
    assert store.sheets([LAMP])[LAMP].book.version == 1
    cards = send("GET", f"/v1/vendors/{VENDOR}/prices?limit=1").json
    assert [card["sku"] for card in cards["items"]] == ["LAMP-2"]
    rest = send("GET", f"/v1/vendors/{VENDOR}/prices", query={"cursor": cards["nextCursor"]}).json
    assert [card["sku"] for card in rest["items"]] == [LAMP]


@pytest.mark.parametrize("run", range(3))
def test_changes_at_once_are_all_kept(floor: Floor, run: int) -> None:
    floor.lamp(2_000)
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(put, {"listId": f"l{number}"}) for number in range(4)]
        items = [answer.result().json["items"][0] for answer in sent]

    kept = {entry.list_id for entry in store.sheets([LAMP])[LAMP].book.entries}
    refused = {f"l{number}" for number, item in enumerate(items) if "refused" in item}
    assert kept == {f"l{number}" for number in range(4)} - refused, run
    assert {item["refused"]["code"] for item in items if "refused" in item} <= {"prices_changed", "busy"}


def test_an_entry_is_replaced_by_quantity_and_currency_and_taken_away(floor: Floor) -> None:
    floor.lamp(2_000)
    put({}, {"minQuantity": 5, "price": money(1_700)}, {"price": money(1_900, "CHF")})
    put({"price": money(1_750)}, {"minQuantity": 5, "remove": True})
    (item,) = put({"price": money(1_900, "CHF")}).json["items"]

    assert sorted((entry["price"]["currency"], entry["price"]["amount"]) for entry in item["entries"]) == [
        ("CHF", 1_900),
        ("EUR", 1_750),
    ]


def test_a_vendor_sees_and_sets_only_its_own(floor: Floor) -> None:
    floor.lamp(2_000)
    other = call(
        api.handler,
        "PUT",
        "/v1/vendors/ven_other/prices",
        {"entries": [{"sku": LAMP, "listId": "a", "price": money(1)}]},
        caller="eve",
        roles="vendor",
        vendor_id="ven_other",
    )
    assert other.json["items"][0]["refused"]["code"] == "not_found"
    assert send("GET", f"/v1/vendors/ven_other/prices/{LAMP}").status in (403, 404)
    assert put({"groups": ["ven_other:friends"]}).json["items"][0]["refused"]["code"] == "foreign_group"
    assert "refused" not in put({"groups": [f"{VENDOR}:friends", "wholesale"]}).json["items"][0]


def test_a_sku_has_at_most_a_hundred_prices(floor: Floor) -> None:
    floor.lamp(2_000)
    put(*({"listId": f"l{number}"} for number in range(100)))
    assert put({"listId": "one-more"}).json["items"][0]["refused"]["code"] == "too_many_entries"
    assert put(*({"listId": f"l{number}"} for number in range(101))).status == 422


@pytest.mark.parametrize(
    "entry",
    [
        {"price": money(0)},
        {"price": money(10, "XXX")},
        {"countries": ["EUROPE"]},
        {"groups": ["Big Spenders"]},
        {"minQuantity": 0},
        {"startsAt": "2026-03-03T00:00:00Z", "endsAt": "2026-03-02T00:00:00Z"},
        {"startsAt": "tomorrow"},
        {"kind": "plan", "countries": ["DE"]},
        {"kind": "plan", "minQuantity": 2},
        {"listId": "no spaces"},
        {"sku": "no spaces"},
        {"colour": "red"},
    ],
)
def test_entries_that_make_no_sense_are_refused(floor: Floor, entry: dict[str, Any]) -> None:
    assert put(entry).status == 422


RULE = {
    "id": "scarce",
    "trigger": {"kind": "stock", "units": 5},
    "changeBasisPoints": 1_000,
    "floor": money(1_000),
    "ceiling": money(3_000),
    "skus": [LAMP],
    "mode": "apply",
}


@pytest.mark.contract("8.2")
def test_rules_are_set_as_a_whole_and_asked_within_minutes(floor: Floor) -> None:
    path = f"/v1/vendors/{VENDOR}/price-rules"
    floor.lamp(2_000, available=2)
    answer = send("PUT", path, {"rules": [RULE]})
    assert answer.status == 200, answer
    assert answer.json["rules"][0]["trigger"] == {"kind": "stock", "units": 5}
    assert send("PUT", path, {"rules": []}, headers={"If-Match": '"7"'}).status == 412
    assert send("GET", path).headers["etag"] == '"1"'

    assert schedule.handler({})["rules"] == 1
    assert send("GET", path).headers["etag"] == '"1"', "being asked is no change"
    floor.carry_out()
    book = send("GET", f"/v1/vendors/{VENDOR}/prices/{LAMP}").json
    assert (book["base"], book["withoutRules"], book["rule"]) == (money(2_200), money(2_000), "scarce")
    assert book["decisions"][0]["reasons"] == [{"code": "stock_below", "seen": 2, "bound": 5}]


@pytest.mark.contract("8.2")
@pytest.mark.parametrize(
    "change",
    [
        {"floor": money(4_000)},
        {"floor": money(1_000, "USD")},
        {"changeBasisPoints": 0},
        {"changeBasisPoints": -9_001},
        {"skus": []},
        {"cooldownMinutes": 4},
        {"trigger": {"kind": "moon"}},
        {"trigger": {"kind": "demand", "units": 5}},
        {"trigger": {"kind": "hours", "days": [0], "opens": "19:00", "closes": "17:00"}},
        {"trigger": {"kind": "hours", "days": [7], "opens": "17:00", "closes": "19:00"}},
        {"trigger": {"kind": "hours", "days": [0], "opens": "17:00", "closes": "19:00"}, "skus": [], "category": "a"},
    ],
)
def test_rules_that_make_no_sense_are_refused(floor: Floor, change: dict[str, Any]) -> None:
    assert send("PUT", f"/v1/vendors/{VENDOR}/price-rules", {"rules": [RULE | change]}).status == 422
    assert send("PUT", f"/v1/vendors/{VENDOR}/price-rules", {"rules": [RULE, RULE]}).status == 422


def test_groups_are_assigned_by_staff_and_by_vendors_each_their_own(floor: Floor) -> None:
    Table(replace(IDENTITY, uses=())).write(stored(user_key("ada"), {"email": "ada@example.com", "name": "Ada"}))
    platform, own = "/v1/admin/price-groups/ada", f"/v1/vendors/{VENDOR}/price-groups/ada"
    for method, nobody in (("GET", platform), ("PUT", platform), ("PUT", own)):
        body = {"groups": ["friends"]} if method == "PUT" else None
        assert send(method, nobody.replace("ada", "absent"), body, roles="staff").status == 404
    assert send("PUT", platform, {"groups": ["wholesale", "press"]}, roles="staff").status == 200
    assert send("PUT", own, {"groups": ["friends"]}).json["groups"] == [f"{VENDOR}:friends"]
    assert store.groups_of("ada") == {"wholesale", "press", f"{VENDOR}:friends"}

    send("PUT", platform, {"groups": []}, roles="staff")
    assert send("GET", platform, roles="staff").json["groups"] == [f"{VENDOR}:friends"]
    send("PUT", own, {"groups": []})
    assert store.groups_of("ada") == frozenset()
    assert send("GET", platform).status == 403, "a vendor does not learn of others' groups"


@pytest.mark.contract("8.5")
def test_staff_see_the_history_of_rates_and_change_what_they_have_read(floor: Floor) -> None:
    assert set_rates(rates={"USD": "1.1"}).headers["etag"] == '"1"'
    floor.wait(hours=1)
    assert set_rates(rates={"USD": "1.2"}, roundings={"USD": {"step": 100, "ending": 99}}).status == 200
    assert rates().rates.roundings == {"USD": Rounding(100, 99)}

    shown = send("GET", "/v1/admin/rates?month=2026-03", roles="staff").json
    assert [(one["source"], one["rates"]) for one in shown["history"]] == [
        ("staff", {"USD": "1.2"}),
        ("staff", {"USD": "1.1"}),
    ]
    stale = send("PUT", "/v1/admin/rates", {"rates": {}}, roles="staff", headers={"If-Match": '"1"'})
    assert stale.status == 412


@pytest.mark.contract("8.5")
@pytest.mark.parametrize(
    "body",
    [
        {"rates": {"USD": "0"}},
        {"rates": {"USD": "1.1234567"}},
        {"rates": {"USD": 1.1}},
        {"rates": {"XXX": "1"}},
        {"rates": {"EUR": "1"}},
        {"accept": ["USD"]},
        {"feeBasisPoints": 1_001},
        {"refuseAfterDays": 0},
        {"roundings": {"CHF": {"step": 5, "ending": 5}}},
    ],
)
def test_rates_that_make_no_sense_are_refused(floor: Floor, body: dict[str, Any]) -> None:
    assert set_rates(**body).status == 422


def test_a_customer_gets_a_copy_of_their_groups_and_they_end_with_the_account(
    floor: Floor, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("DOCUMENTS_BUCKET", "papers")
    config.client("s3").create_bucket(Bucket="papers")
    store.change_groups("ada", frozenset({"wholesale"}), scope="")
    for _ in range(2):
        personal.export("exports/ada/1/", "ada")
    kept = config.client("s3").get_object(Bucket="papers", Key="exports/ada/1/prices.json")["Body"].read()
    assert orjson.loads(kept) == {"priceGroups": ["wholesale"]}

    for _ in range(2):
        floor.hear("profile.erasure_requested", {"user_id": "ada"})
    assert store.groups_of("ada") == frozenset()

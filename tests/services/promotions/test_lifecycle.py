"""From draft to end: who may make a promotion, how it moves on, and what may change while it runs."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from market import clock
from promotions import schedule, store
from promotions.contract import book_key, read_book
from tests.services.outbox import announced
from tests.services.promotions.desk import ADA, BOB, PLATFORM, TEN_PERCENT, Office

pytestmark = pytest.mark.contract("9.1", "9.2")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MONDAY = "2026-11-30T00:00:00.000Z"
WHOLE: dict[str, Any] = {
    "title": "Desk sale",
    "terms": "While it lasts.",
    "badge": "Desks!",
    "benefit": {"kind": "tiered", "tiers": [{"units": 2, "basisPoints": 500}, {"units": 5, "amounts": {"EUR": 900}}]},
    "include": {"categories": ["desk"], "skus": ["PAD-1"]},
    "exclude": {"products": ["prd_1"], "brands": ["Volt"]},
    "conditions": {
        "startsAt": "2026-11-20T12:00:00.000Z", "endsAt": "2026-12-01T00:00:00.000Z", "weekdays": [1, 5],
        "hours": [9, 17], "offsetMinutes": 60, "countries": ["DE"], "minimum": {"EUR": 2000}, "minUnits": 2,
        "groups": ["ven_ada:friends"],
    },
    "stacking": {"priority": 3, "group": "autumn"},
    "limits": {"uses": 100, "perCustomer": 1, "budget": 50_000, "budgetCurrency": "EUR"},
}  # fmt: skip


def tiers(*given: dict[str, Any]) -> dict[str, Any]:
    return {"benefit": {"kind": "tiered", "tiers": list(given)}}


def moment(after: float) -> datetime:
    return NOON + timedelta(hours=after)


def at(hours: float) -> Any:
    return clock.running_on(partial(moment, hours))


def book(scope: str = ADA) -> dict[str, str]:
    return {one.id: one.status for one in read_book(store.TABLE.get(book_key(scope), consistent=True))}


def types() -> list[str]:
    return [event["type"] for event in announced()]


def test_a_promotion_is_shown_as_it_was_made(office: Office) -> None:
    with at(-1):
        made = office.draft(WHOLE)

        assert (made["status"], made["version"], made["vendorId"], made["fundedBy"]) == ("draft", 1, ADA, "vendor")
        for name, value in WHOLE.items():
            shown = made[name]
            told = {key: shown[key] for key in value} if isinstance(value, dict) and name != "benefit" else shown
            assert name == "benefit" or told == value, name
        assert [tier["basisPoints"] for tier in made["benefit"]["tiers"]] == [500, 0]
        assert office.send("GET", f"/{made['id']}").json["analytics"] == {
            "uses": {"left": 0, "held": 0, "used": 0}, "budget": {"left": 0, "held": 0, "used": 0}, "days": [],
        }  # fmt: skip
        assert (book(), types()) == ({}, [])


def test_it_begins_and_ends_by_itself_and_is_announced_once(office: Office) -> None:
    with at(-1):
        made = office.launched(WHOLE)
        assert (made["status"], book(), types()) == ("scheduled", {made["id"]: "scheduled"}, [])
        schedule.handler({})
        assert book() == {made["id"]: "scheduled"}
    with at(0.1):
        schedule.handler({})
        schedule.handler({})
        assert (book(), types()) == ({made["id"]: "running"}, ["promotion.launched"])
    with at(24 * 11):
        schedule.handler({})
        schedule.handler({})
    shown = office.send("GET", f"/{made['id']}").json

    assert (shown["status"], shown["version"]) == ("ended", 4)
    assert (book(), types()) == ({}, ["promotion.launched", "promotion.ended"])
    launched = announced()[0]["data"]
    assert launched == {
        "promotion_id": made["id"], "revision": 3, "scope": ADA, "status": "running", "kind": "tiered",
        "badge": "Desks!", "needs_code": False, "starts_at": "2026-11-20T12:00:00.000Z",
        "ends_at": "2026-12-01T00:00:00.000Z",
        "include": {"products": [], "skus": ["PAD-1"], "categories": ["desk"], "brands": [], "vendors": []},
        "exclude": {"products": ["prd_1"], "skus": [], "categories": [], "brands": ["Volt"], "vendors": []},
    }  # fmt: skip
    assert (shown["analytics"]["uses"]["left"], shown["analytics"]["budget"]["left"]) == (100, 50_000)


@pytest.mark.parametrize(
    ("path", "codes"),
    [
        (["running", "paused", "running", "ended"], [200, 200, 200, 200]),
        (["ended", "running"], [200, 409]),
        (["paused"], [409]),
        (["draft", "running", "draft"], [200, 200, 409]),
        (["running", "ended", "ended"], [200, 200, 409]),
    ],
)
def test_it_moves_along_its_ways_only(office: Office, path: list[str], codes: list[int]) -> None:
    made = office.draft()
    answers = [office.send("PUT", f"/{made['id']}", TEN_PERCENT | {"status": status}) for status in path]

    assert [answer.status for answer in answers] == codes
    assert all(answer.json["code"] == "transition_not_possible" for answer in answers if answer.status == 409)


def test_a_pause_takes_it_out_of_the_book_and_is_announced(office: Office) -> None:
    made = office.launched()
    office.send("PUT", f"/{made['id']}", TEN_PERCENT | {"status": "paused"})
    assert book() == {}
    office.send("PUT", f"/{made['id']}", TEN_PERCENT | {"status": "running"})
    office.send("PUT", f"/{made['id']}", TEN_PERCENT | {"status": "running", "title": "New"})

    assert book() == {made["id"]: "running"}
    assert types() == ["promotion.launched", "promotion.ended", "promotion.launched", "promotion.changed"]


def changed(**sections: Any) -> dict[str, Any]:
    whole = dict(WHOLE)
    for name, value in sections.items():
        whole[name] = whole[name] | value if isinstance(value, dict) and name != "benefit" else value
    return whole


@pytest.mark.parametrize(
    ("change", "hurts"),
    [
        ({"title": "Sale", "terms": "", "badge": "", "hidden": True}, []),
        ({"conditions": {"endsAt": "2026-12-02T00:00:00.000Z"}}, []),
        ({"conditions": {"endsAt": ""}}, []),
        ({"conditions": {"endsAt": "2026-11-30T00:00:00.000Z"}}, ["conditions"]),
        ({"conditions": {"startsAt": ""}}, ["conditions"]),
        ({"conditions": {"minimum": {"EUR": 2001}}}, ["conditions"]),
        ({"conditions": {"endsAt": "", "minUnits": 3}}, ["conditions"]),
        ({"limits": {"uses": 101, "budget": 50_001, "perCustomer": 2}}, []),
        ({"limits": {"perCustomer": 0}}, []),
        ({"limits": {"uses": 99}}, ["limits"]),
        ({"limits": {"uses": 0}}, ["limits"]),
        ({"limits": {"budget": 49_999}}, ["limits"]),
        ({"limits": {"budgetCurrency": "USD"}}, ["limits"]),
        ({"benefit": {"kind": "free_shipping"}, "include": {"skus": []}}, ["benefit", "include"]),
        ({"stacking": {"priority": 4}, "needsCode": True}, ["needs_code", "stacking"]),
    ],
)
def test_what_runs_is_only_changed_in_ways_that_hurt_nobody(
    office: Office, change: dict[str, Any], hurts: list[str]
) -> None:
    with at(1):
        made = office.launched(WHOLE)
        answer = office.send("PUT", f"/{made['id']}", changed(**change) | {"status": "running"})

        assert answer.status == (409 if hurts else 200), answer
        assert answer.json.get("fields", []) == hurts
        if "limits" in change and not hurts:
            counts = office.send("GET", f"/{made['id']}").json["analytics"]
            assert counts["uses"]["left"] == change["limits"].get("uses", 100)
            assert counts["budget"]["left"] == change["limits"].get("budget", 50_000)


def test_what_has_not_begun_may_begin_at_another_time(office: Office) -> None:
    with at(-9):
        made = office.launched(WHOLE)
        later = changed(conditions={"startsAt": "2026-11-20T13:00:00.000Z"}) | {"status": "running"}
        assert office.send("PUT", f"/{made['id']}", later).json["status"] == "scheduled"


def test_a_limit_cannot_come_later(office: Office) -> None:
    made = office.launched()
    answer = office.send("PUT", f"/{made['id']}", TEN_PERCENT | {"status": "running", "limits": {"uses": 5}})

    assert (answer.status, answer.json["fields"]) == (409, ["limits"])


def test_two_editors_do_not_overwrite_each_other(office: Office) -> None:
    made = office.draft()
    body = TEN_PERCENT | {"status": "draft"}
    first = office.send("PUT", f"/{made['id']}", body | {"title": "One"}, headers={"if-match": '"1"'})
    second = office.send("PUT", f"/{made['id']}", body | {"title": "Two"}, headers={"if-match": '"1"'})

    assert (first.status, first.headers["etag"], second.status) == (200, '"2"', 412)
    assert office.send("GET", f"/{made['id']}").json["title"] == "One"


def test_a_scopes_promotions_are_nobody_elses(office: Office) -> None:
    made = office.draft()

    assert office.send("GET", f"/{made['id']}", scope=BOB).status == 404
    assert office.send("PUT", f"/{made['id']}", TEN_PERCENT | {"status": "ended"}, scope=BOB).status == 404
    assert office.send("GET", "", scope=ADA, roles="vendor", vendor_id=BOB).status == 404
    assert office.send("GET", "", scope=PLATFORM, roles="vendor", vendor_id=BOB).status == 404
    assert office.send("POST", "", TEN_PERCENT, scope=PLATFORM, roles="customer").status == 403
    assert [one["id"] for one in office.send("GET", "").json["items"]] == [made["id"]]
    assert office.send("GET", "", scope=BOB).json["items"] == []


def test_a_vendor_who_may_not_sell_makes_and_launches_none(office: Office) -> None:
    made = office.draft()
    office.vendor(ADA, "suspended")

    assert office.send("POST", "", TEN_PERCENT).json["code"] == "vendor_not_active"
    answer = office.send("PUT", f"/{made['id']}", TEN_PERCENT | {"status": "running"})
    assert (answer.status, answer.json["code"], book()) == (409, "vendor_not_active", {})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"conditions": {"startsAt": MONDAY, "endsAt": MONDAY}}, "conditions.endsAt"),
        ({"limits": {"budget": 5}}, "limits.budget"),
        ({"limits": {"budgetCurrency": "EUR"}}, "limits.budget"),
        ({"claimable": True}, "claimable"),
        ({"limits": {"claims": 5}}, "limits.claims"),
        ({"platformBasisPoints": 1}, "platformBasisPoints"),
        ({"include": {"vendors": [BOB]}}, "include.vendors"),
        ({"exclude": {"vendors": [BOB]}}, "include.vendors"),
        ({"conditions": {"customers": ["usr_1"]}}, "conditions.customers"),
        ({"conditions": {"groups": ["club", "ven_ada:friends", "ven_bob:friends"]}}, "conditions.groups"),
        (tiers({"units": 2, "spend": {"EUR": 5}, "basisPoints": 5}), "benefit.tiers"),
        (tiers({"units": 2, "basisPoints": 5}, {"spend": {"EUR": 5}, "basisPoints": 5}), "benefit.tiers"),
        (tiers({"units": 2}), "benefit.tiers"),
        (tiers({"units": 2, "basisPoints": 5, "amounts": {"EUR": 5}}), "benefit.tiers"),
        ({"benefit": {"kind": "bundle", "units": {"A": 1}, "prices": {"EUR": 5}}}, "benefit.units"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_the_field(office: Office, change: dict[str, Any], field: str) -> None:
    answer = office.send("POST", "", TEN_PERCENT | change)

    assert (answer.status, [error["field"] for error in answer.json["errors"]]) == (422, [f"body.{field}"])


@pytest.mark.parametrize(
    "change",
    [
        {"benefit": {"kind": "percent", "basisPoints": 10_001}},
        {"benefit": {"kind": "percent", "basisPoints": 0}},
        {"benefit": {"kind": "fixed", "amounts": {"XXX": 5}}},
        {"benefit": {"kind": "fixed", "amounts": {}}},
        {"benefit": {"kind": "lottery"}},
        {"conditions": {"startsAt": "tomorrow"}},
        {"conditions": {"hours": [1, 25]}},
        {"title": ""},
        {"status": "running"},
    ],
)
def test_what_cannot_be_read_is_refused(office: Office, change: dict[str, Any]) -> None:
    assert office.send("POST", "", TEN_PERCENT | change).status == 422


def test_what_is_over_is_not_launched(office: Office) -> None:
    with at(24 * 30):
        made = office.draft(WHOLE)
        answer = office.send("PUT", f"/{made['id']}", WHOLE | {"status": "running"})

    assert (answer.status, answer.json["code"]) == (409, "transition_not_possible")


def test_a_book_holds_fifty(office: Office) -> None:
    for _ in range(50):
        office.launched()
    made = office.draft()
    answer = office.send("PUT", f"/{made['id']}", TEN_PERCENT | {"status": "running"})

    assert (answer.status, answer.json["code"], len(book())) == (409, "too_many_promotions", 50)
    assert office.send("PUT", f"/{next(iter(book()))}", TEN_PERCENT | {"status": "running"}).status == 200
    coded = TEN_PERCENT | {"needsCode": True}
    assert office.launched(coded)["status"] == "running", "those with a code are in no book"
    first = office.send("GET", "", query={"limit": 40}).json
    rest = office.send("GET", "", query={"limit": 40, "cursor": first["nextCursor"]}).json
    assert len({one["id"] for one in first["items"] + rest["items"]}) == 52


def test_vendors_join_a_campaign_that_shares_the_discount(office: Office) -> None:
    shared = TEN_PERCENT | {"platformBasisPoints": 5000}
    campaign = office.launched(shared, scope=PLATFORM)
    own = office.launched(scope=PLATFORM)
    path = f"/{campaign['id']}/participation"
    joined = office.send("PUT", path, {"products": ["prd_1"]})
    office.send("PUT", path, {}, scope=BOB)

    assert (joined.status, joined.json["participants"], joined.json["fundedBy"]) == (200, {ADA: ["prd_1"]}, "shared")
    listed = office.send("GET", "", query={"campaigns": "true"}, scope=BOB).json["items"]
    assert [(one["id"], one["participants"]) for one in listed] == [(campaign["id"], {BOB: []})]
    assert office.send("PUT", path, {"joined": False}).json["code"] == "campaign_runs"
    assert office.send("PUT", f"/{own['id']}/participation", {}).json["code"] == "no_such_campaign"
    assert office.send("PUT", path, {}, scope=PLATFORM).status == 404
    (known,) = (one for one in read_book(store.TABLE.get(book_key(PLATFORM))) if one.id == campaign["id"])
    assert known.participants == {ADA: frozenset({"prd_1"}), BOB: frozenset()}
    kept = office.send("PUT", f"/{campaign['id']}", shared | {"status": "paused"}, scope=PLATFORM).json
    assert set(kept["participants"]) == {ADA, BOB}, "an editor of the campaign does not lose who joined"
    assert office.send("PUT", path, {"joined": False}).status == 200


def test_a_draft_is_no_campaign_yet(office: Office) -> None:
    draft = office.draft(TEN_PERCENT | {"platformBasisPoints": 0}, scope=PLATFORM)

    assert office.send("PUT", f"/{draft['id']}/participation", {}).status == 404
    assert office.send("GET", "", query={"campaigns": "true"}).json["items"] == []
    assert draft["fundedBy"] == "vendor"

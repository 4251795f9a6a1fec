"""Lists and rules that staff change while payments are judged by them."""

import json
from typing import Any

import pytest

from fraud import rules
from tests.http import Response
from tests.services.fraud.screens import screen, send, stored

pytestmark = [pytest.mark.contract("12.8"), pytest.mark.usefixtures("database")]
ENTRIES = "/lists/{}/entries"


def add(name: str, kind: str, value: str, note: str = "") -> Response:
    return send("POST", ENTRIES.format(name), {"kind": kind, "value": value, "note": note})


def reasons(**facts: Any) -> set[str]:
    return {reason.rule for reason in screen(**facts).reasons}


@pytest.mark.parametrize(
    ("kind", "value", "facts"),
    [
        ("account", "mallory", {"account": "mallory"}),
        ("card", "fp_1", {"card": "fp_1"}),
        ("ip", "81.2.69.142", {"ip": "81.2.69.142"}),
        ("ip", "2a01:4f8:c17:b0f::7", {"ip": "2a01:4f8:c17:b0f::9"}),
        ("email", "Mal+1@Example.org", {"email": "mal@example.org"}),
        ("domain", "example.org", {"email": "x@mail.example.org"}),
        ("bin", "457173", {"bin": "45717360"}),
        ("bin", "45717360", {"bin": "45717360"}),
    ],
)
def test_whatever_is_on_the_block_list_is_refused_until_it_is_taken_off(
    kind: str, value: str, facts: dict[str, Any]
) -> None:
    assert screen(**facts).verdict == "pass"
    made = add("blocked", kind, value, "chargebacks")
    assert made.status == 201
    assert screen(**facts).verdict == "block"
    assert send("DELETE", f"{ENTRIES.format('blocked')}/{made.json['id']}").status == 204
    assert screen(**facts).verdict == "pass"
    assert send("DELETE", f"{ENTRIES.format('blocked')}/{made.json['id']}").status == 404


@pytest.mark.parametrize("kind", ["account", "card", "ip", "email", "bin"])
def test_what_paid_for_an_order_in_review_is_blocked_without_being_seen(kind: str) -> None:
    facts = {"account": "mal", "card": "fp_1", "bin": "41000000", "ip": "81.2.69.142", "email": "mal@example.org"}
    held = screen(**facts)
    made = send("POST", ENTRIES.format("blocked"), {"kind": kind, "orderNo": held.order_no})
    assert (made.status, made.json["hint"]) == (201, f"of {held.order_no}")
    assert screen(**{kind: facts[kind]} | ({} if kind == "account" else {"account": "bob"})).verdict == "block"


def test_of_an_order_that_passed_nothing_is_kept_to_be_listed() -> None:
    passed = screen(card="fp_1")
    answer = send("POST", ENTRIES.format("blocked"), {"kind": "card", "orderNo": passed.order_no})
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, "body.kind")
    unknown = send("POST", ENTRIES.format("blocked"), {"kind": "card", "orderNo": "MK-00000000-00000000"})
    assert (unknown.status, unknown.json["code"]) == (404, "screening_not_found")


def test_what_is_trusted_passes_although_there_are_reasons() -> None:
    assert screen(bin="41000000", card="fp_1").verdict == "review"
    add("trusted", "account", "ada")
    trusted = screen(bin="41000000", card="fp_1")
    assert (trusted.verdict, trusted.score) == ("pass", 7_300)


def test_a_blocked_card_is_refused_on_a_trusted_account() -> None:
    add("trusted", "account", "ada")
    add("blocked", "card", "fp_1")
    assert screen(card="fp_1").verdict == "block"


def test_staff_extend_the_risky_bins_and_the_throw_away_domains() -> None:
    add("risky", "bin", "457173")
    add("risky", "domain", "throwaway.example")
    add("risky", "card", "fp_1")
    assert {"risky_bin"} <= reasons(bin="45717360")
    assert {"disposable_mail"} <= reasons(email="a@throwaway.example")
    assert {"risky_subject"} <= reasons(card="fp_1")


def test_what_staff_say_comes_before_what_is_known_from_the_start() -> None:
    add("trusted", "domain", "mailinator.com")
    assert "disposable_mail" not in reasons(email="x@mailinator.com")


def test_a_value_is_on_one_list_at_a_time_and_shown_by_a_hint() -> None:
    add("blocked", "email", "mallory@example.org", "first")
    moved = add("trusted", "email", "MALLORY@example.org", "second")
    assert send("GET", ENTRIES.format("blocked")).json["items"] == []
    (shown,) = send("GET", ENTRIES.format("trusted")).json["items"]
    assert shown == moved.json
    assert (shown["hint"], shown["addedBy"], shown["note"]) == ("ma….org", "grace", "second")
    assert "mallory" not in json.dumps(stored("FRD#"))


def test_lists_have_pages_the_newest_first() -> None:
    for number in range(3):
        add("risky", "domain", f"d{number}.example")
    page = send("GET", ENTRIES.format("risky"), query={"limit": 2}).json
    rest = send("GET", ENTRIES.format("risky"), query={"limit": 2, "cursor": page["nextCursor"]}).json
    assert [entry["hint"] for entry in page["items"] + rest["items"]] == ["d2.example", "d1.example", "d0.example"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("ip", "10.0.0.1"),
        ("ip", "x"),
        ("bin", "12345"),
        ("bin", "45717x"),
        ("domain", "x"),
        ("email", "x@y"),
        ("card", " "),
    ],
)
def test_a_value_that_is_none_of_its_kind_is_refused(kind: str, value: str) -> None:
    answer = add("blocked", kind, value)
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, "body.value")
    assert send("GET", ENTRIES.format("nonsense")).status == 422


# -- rules


def present() -> dict[str, Any]:
    body = send("GET", "/rules").json
    return {name: body[name] for name in ("rules", "reviewFrom", "blockFrom", "enforced")}


def test_rules_go_out_and_come_back_as_they_are() -> None:
    shown = send("GET", "/rules")
    assert (shown.headers["etag"], shown.json["version"]) == ('"0"', 0)
    assert [rule["id"] for rule in shown.json["rules"]] == [rule.id for rule in rules.DEFAULT.rules]
    changed = send("PUT", "/rules", present(), headers={"if-match": '"0"'})
    assert (changed.status, changed.headers["etag"], changed.json["updatedBy"]) == (200, '"1"', "grace")
    assert changed.json["rules"] == shown.json["rules"]


def test_rules_that_changed_meanwhile_are_not_overwritten() -> None:
    assert send("PUT", "/rules", present(), headers={"if-match": '"0"'}).status == 200
    assert send("PUT", "/rules", present(), headers={"if-match": '"0"'}).status == 412
    assert send("PUT", "/rules", present()).json["version"] == 2


def test_a_changed_threshold_and_a_rule_switched_off_take_effect_at_once() -> None:
    assert screen(bin="41000000").verdict == "review"
    assert send("PUT", "/rules", present() | {"reviewFrom": 8_000}).status == 200
    assert screen(bin="41000000").verdict == "pass"
    body = present() | {"reviewFrom": 500}
    for rule in body["rules"]:
        rule["on"] = rule["id"] == "guest"
    assert send("PUT", "/rules", body).status == 200
    assert screen(bin="41000000").reasons == ()
    assert screen(guest=True).verdict == "review"


def test_wrong_rules_are_refused_with_their_fields() -> None:
    body = present()
    body["rules"][0]["kind"] = "astrology"
    answer = send("PUT", "/rules", body)
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, "body.rules.0.kind")
    for wrong in ({"rules": []}, {"blockFrom": 10_001}, {"reviewFrom": -1}, {"enforced": "maybe"}, {"surprise": 1}):
        assert send("PUT", "/rules", present() | wrong).status == 422
    assert send("GET", "/rules").json["version"] == 0

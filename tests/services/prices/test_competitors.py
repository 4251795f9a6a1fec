"""What competitors ask: who may tell it, which of it rules look at, and what they make of it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from market.money import Money
from prices import moving, rules, rulestore, schedule
from prices.rules import MOST_COMPETITORS, Facts, Rule, Signal, State, Trigger, judged, with_signals
from tests.services.prices.floor import LAMP, VENDOR, Floor
from tests.services.prices.test_routes import money, send
from tests.shop import euros, stock

pytestmark = pytest.mark.contract("8.2")
NOON, EARLIER, YESTERDAY = "2026-03-02T12:00:00.000Z", "2026-03-02T06:00:00.000Z", "2026-03-01T11:59:59.999Z"
DAY = Trigger("competitor", hours=24)


def watching(**more: Any) -> Rule:
    usual: dict[str, Any] = {
        "id": "match", "trigger": DAY, "change": 0, "floor": euros(1_500), "ceiling": euros(3_000),
        "cooldown_minutes": 60, "skus": frozenset({LAMP}),
    }  # fmt: skip
    return Rule(**usual | more)


def asks(cents: int, at: str = NOON, *, who: str = "rival", currency: str = "EUR") -> Signal:
    return Signal(who, Money(cents, currency), at)


@pytest.mark.parametrize(
    ("why", "rule", "signals", "cents"),
    [
        ("matched", watching(), [asks(1_900)], 1_900),
        ("undercut by one percent", watching(change=-100), [asks(1_900)], 1_881),
        ("followed upwards too, as far as the ceiling", watching(ceiling=euros(2_500)), [asks(2_600)], 2_500),
        ("never below the floor", watching(), [asks(900)], 1_500),
        ("one step at a time", watching(step=500), [asks(1_600)], 1_900),
        ("the lowest of several", watching(), [asks(1_900), asks(1_800, who="other")], 1_800),
        ("a stale one is nobody's", watching(), [asks(1_900, EARLIER), asks(1_600, YESTERDAY, who="old")], 1_900),
        ("nobody asks anything", watching(), [], None),
        ("dollars are not euros", watching(), [asks(1_900, currency="USD")], None),
        ("it costs that already", watching(), [asks(2_000)], None),
    ],
)
def test_what_a_rule_makes_of_competitors(why: str, rule: Rule, signals: list[Signal], cents: int | None) -> None:
    facts = Facts(LAMP, "", euros(2_000), 9, NOON, signals=tuple(signals))
    verdict = judged([rule], facts, State())
    assert (verdict.price.amount if verdict else None) == cents, why


def test_an_older_signal_makes_a_rule_less_sure() -> None:
    def confidence(at: str) -> int:
        verdict = judged([watching()], Facts(LAMP, "", euros(2_000), 9, NOON, signals=(asks(1_900, at),)), State())
        assert verdict is not None
        assert verdict.reasons == (rules.Reason("competitor_asks", 1_900, 2_000),)
        return verdict.confidence

    assert (confidence(NOON), confidence(EARLIER)) == (100, 88)


def test_of_each_competitor_the_youngest_signal_is_kept_in_whatever_order_they_come() -> None:
    many = [asks(100 + n, f"2026-03-02T11:{n:02}:00.000Z", who=f"shop-{n:02}") for n in range(MOST_COMPETITORS + 5)]
    twice = [asks(1_900), asks(1_800, EARLIER), asks(1_700, "2026-02-20T12:00:00.000Z", who="long-ago")]

    assert with_signals(twice[1:], twice[:1], NOON) == with_signals(twice[:1], twice[1:], NOON) == (asks(1_900),)
    assert with_signals(many, [], NOON) == tuple(reversed(many[5:]))


def report(*reports: dict[str, Any]) -> Any:
    sent = [{"sku": LAMP, "competitor": "rival.example", "price": money(1_900)} | one for one in reports]
    answer = send("PUT", f"/v1/vendors/{VENDOR}/prices", {"competitors": sent})
    assert answer.status == 200, answer
    return {one["sku"]: one.get("refused", {}).get("code") for one in answer.json["competitors"]}


def test_a_price_follows_a_competitor_rests_and_returns_when_nobody_has_looked_for_a_day(floor: Floor) -> None:
    floor.lamp(2_000)
    rule = {
        "id": "match", "trigger": {"kind": "competitor", "hours": 24}, "changeBasisPoints": 0, "skus": [LAMP],
        "floor": money(1_500), "ceiling": money(3_000), "mode": "apply", "maxStepBasisPoints": 10_000,
    }  # fmt: skip
    rules_of = send("PUT", f"/v1/vendors/{VENDOR}/price-rules", {"rules": [rule]})
    assert rules_of.json["rules"][0]["trigger"] == {"kind": "competitor", "hours": 24}

    assert report({}, {"competitor": "dear.example", "price": money(2_900)}) == {LAMP: None}
    assert report({}) == {LAMP: None}, "told twice it is decided once"
    assert floor.carry_out() == 1
    assert floor.price() == euros(1_900)

    assert report({"price": money(1_700)}) == {LAMP: None}
    assert floor.carry_out() == 0, "the price rests"
    floor.wait(minutes=61)
    schedule.handler({})
    assert floor.carry_out() == 1
    book = send("GET", f"/v1/vendors/{VENDOR}/prices/{LAMP}").json
    assert (book["base"], book["withoutRules"], book["rule"]) == (money(1_700), money(2_000), "match")
    assert book["decisions"][0]["reasons"] == [{"code": "competitor_asks", "seen": 1_700, "bound": 1_900}]
    assert book["competitors"][1] == {
        "competitor": "rival.example", "price": money(1_700), "seenAt": "2026-03-02T12:00:00.000Z",
    }  # fmt: skip

    floor.wait(hours=24)
    schedule.handler({})
    floor.carry_out()
    assert floor.price() == euros(2_000)


def test_a_step_that_lands_on_the_price_without_rules_is_followed_by_the_next(floor: Floor) -> None:
    floor.lamp(2_000)
    stepped = watching(step=1_112)
    moving.set_rules(rulestore.rulebook(VENDOR), [stepped], by="grace")
    report({"price": money(1_800)})
    floor.carry_out()
    report({"price": money(3_000)})

    seen = []
    for _ in range(6):
        floor.wait(minutes=61)
        schedule.handler({})
        floor.carry_out()
        seen.append(floor.price().amount)
    assert seen == [2_000, 2_222, 2_469, 2_743, 3_000, 3_000]


def test_a_signal_in_the_vendors_own_rest_is_looked_at_when_that_is_over(floor: Floor) -> None:
    floor.lamp(2_000)
    rule = {
        "id": "match", "trigger": {"kind": "competitor"}, "changeBasisPoints": -1_000, "skus": [LAMP],
        "floor": money(1_500), "ceiling": money(3_000), "mode": "apply",
    }  # fmt: skip
    send("PUT", f"/v1/vendors/{VENDOR}/price-rules", {"rules": [rule]})
    report({"price": money(2_100)})
    floor.carry_out()
    floor.reprice(euros(2_200))
    assert report({"price": money(2_300)}) == {LAMP: None}
    assert floor.carry_out() == 0, "the vendor has just set a price"

    floor.wait(minutes=61)
    schedule.handler({})
    assert floor.carry_out() == 1
    assert floor.price() == euros(2_070)


def test_only_who_sells_a_sku_tells_what_others_ask_for_it_and_nothing_is_seen_in_the_future(floor: Floor) -> None:
    floor.lamp(2_000)
    stock("RUG", vendor="ven_rugs")
    told = report({"seenAt": "2026-03-09T12:00:00Z"}, {"sku": "RUG"}, {"sku": "NONE"})
    assert told == {LAMP: None, "RUG": "not_found", "NONE": "not_found"}
    assert report({"price": money(1_900, "USD")}, {}) == {LAMP: "other_currency"}, "all of a SKU's or none"
    book = send("GET", f"/v1/vendors/{VENDOR}/prices/{LAMP}").json
    assert [one["seenAt"] for one in book["competitors"]] == ["2026-03-02T12:00:00.000Z"]
    assert send("PUT", f"/v1/vendors/{VENDOR}/prices", {}).status == 422


def test_what_three_programs_tell_at_once_is_all_kept(floor: Floor) -> None:
    floor.lamp(2_000)
    names = ["a.example", "b.example", "c.example"]
    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(lambda name: report({"competitor": name}), names))

    assert told == [{LAMP: None}] * 3
    assert [one.competitor for one in rulestore.signals(LAMP)[0]] == names

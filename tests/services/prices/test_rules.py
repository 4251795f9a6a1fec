"""Rules that move prices: what they may decide at all, and what they do when they are asked."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prices import consumer, moving, rules, rulestore, schedule, service
from prices.api import handler
from prices.contract import Entry
from prices.rules import APPLY, SUGGEST, Facts, Rule, State, Trigger, judged
from prices.service import Wish
from tests.http import call
from tests.services.prices.floor import LAMP, VENDOR, Floor, sell
from tests.shop import euros, shelf

pytestmark = pytest.mark.contract("8.2")
LOW = Trigger("stock", units=5)
AT = "2026-03-02T12:00:00.000Z"


def rule(trigger: Trigger = LOW, **more: Any) -> Rule:
    usual: dict[str, Any] = {
        "id": "scarce",
        "change": 1_000,
        "floor": euros(1_500),
        "ceiling": euros(3_000),
        "cooldown_minutes": 60,
        "skus": frozenset({LAMP}),
    }
    return Rule(trigger=trigger, **usual | more)


def facts(cents: int = 2_000, available: int = 2, at: str = AT, **sold: int) -> Facts:
    return Facts(LAMP, "lighting>lamps", euros(cents), available, at, {int(name[1:]): n for name, n in sold.items()})


def decided(verdict: rules.Verdict | None) -> int | None:
    return verdict.price.amount if verdict else None


@pytest.mark.parametrize(
    ("why", "given_rules", "given_facts", "cents"),
    [
        ("scarce goods cost a tenth more", [rule()], facts(), 2_200),
        ("enough is not scarce", [rule()], facts(available=5), None),
        ("never above the ceiling", [rule(ceiling=euros(2_100))], facts(), 2_100),
        ("never below the floor", [rule(change=-5_000)], facts(), 1_500),
        ("at most one step", [rule(change=5_000, step=500)], facts(), 2_100),
        ("a cheap thing moves by a cent at least", [rule(floor=euros(1), change=5_000, step=10)], facts(10), 11),
        ("a rule that is off does nothing", [rule(active=False)], facts(), None),
        ("the first that applies decides", [rule(change=500), rule(id="b", change=900)], facts(), 2_100),
        ("the next, where the first does not", [rule(Trigger("stock", units=1)), rule(id="b")], facts(), 2_200),
        ("a category includes what is below it", [rule(skus=frozenset(), category="lighting")], facts(), 2_200),
        ("but not what only begins like it", [rule(skus=frozenset(), category="light")], facts(), None),
        ("a price outside of the bounds is left alone", [rule(ceiling=euros(1_900))], facts(), None),
        ("demand is counted in its hours", [rule(Trigger("demand", 20, 24))], facts(h24=20), 2_200),
        ("too little of it", [rule(Trigger("demand", 20, 24))], facts(h24=19, h1=500), None),
        ("on Mondays at noon", [rule(Trigger("hours", days=frozenset({0}), opens=720, closes=721))], facts(), 2_200),
        ("not a minute later", [rule(Trigger("hours", days=frozenset({0}), opens=660, closes=720))], facts(), None),
        ("nor on Tuesdays", [rule(Trigger("hours", days=frozenset({1}), opens=0, closes=1_440))], facts(), None),
    ],
)
def test_what_is_decided(why: str, given_rules: list[Rule], given_facts: Facts, cents: int | None) -> None:
    assert decided(judged(given_rules, given_facts, State())) == cents, why


def test_rules_do_not_add_up_and_give_the_price_back() -> None:
    first = judged([rule()], facts(), State())
    assert first is not None
    assert (first.price, first.state.reference) == (euros(2_200), euros(2_000))
    later = "2026-03-02T14:00:00.000Z"
    assert judged([rule()], facts(2_200, available=1, at=later), first.state) is None
    back = judged([rule()], facts(2_200, available=9, at=later), first.state)
    assert back is not None
    assert (back.price, [reason.code for reason in back.reasons]) == (euros(2_000), ["no_longer_applies"])


def test_the_way_back_goes_in_steps_too() -> None:
    small = rule(change=5_000, step=1_000, ceiling=euros(9_000))
    state, cents, seen = State(), 2_000, list[int]()
    for number, available in enumerate([1, 1, 1, 1, 9, 9, 9, 9, 9]):
        asked = facts(cents, available=available, at=f"2026-03-02T{10 + number}:00:00.000Z")
        if verdict := judged([small], asked, state):
            state, cents = verdict.state, verdict.price.amount
        seen.append(cents)

    assert seen == [2_200, 2_420, 2_662, 2_928, 2_636, 2_373, 2_136, 2_000, 2_000]


def test_reasons_and_confidence_say_how_clear_the_case_is() -> None:
    scarce = judged([rule(ceiling=euros(2_100))], facts(available=0), State())
    barely = judged([rule()], facts(available=4), State())
    wanted = judged([rule(Trigger("demand", 10, 24))], facts(h24=15), State())

    assert scarce is not None
    assert barely is not None
    assert wanted is not None
    assert (scarce.confidence, barely.confidence, wanted.confidence) == (100, 60, 75)
    assert [(one.code, one.seen, one.bound) for one in scarce.reasons] == [
        ("stock_below", 0, 5),
        ("ceiling", 2_100, 2_100),
    ]


steps = st.tuples(
    st.integers(0, 90),
    st.sampled_from(["ask", "ask", "ask", "twice", "vendor", "lost"]),
    st.integers(0, 9),
    st.integers(0, 30),
    st.integers(1_000, 4_000),
)
books = st.lists(
    st.builds(
        rule,
        st.sampled_from([LOW, Trigger("demand", 20, 24), Trigger("hours", days=frozenset({0}), opens=0, closes=800)]),
        id=st.sampled_from(["a", "b", "c"]),
        change=st.sampled_from([-5_000, -300, 1, 1_000, 20_000]),
        floor=st.integers(500, 1_500).map(euros),
        ceiling=st.integers(1_500, 6_000).map(euros),
        step=st.sampled_from([10, 1_000, 10_000]),
        cooldown_minutes=st.sampled_from([5, 60]),
        mode=st.sampled_from([APPLY, APPLY, SUGGEST]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda made: made.id,
)


@given(books, st.lists(steps, max_size=15))
def test_floor_ceiling_step_and_cooldown_hold_whatever_happens(
    book: list[Rule], course: list[tuple[int, str, int, int, int]]
) -> None:
    """Also if decisions are lost, asked for twice, or cross the vendor's own changes."""
    price, state, minute, rests_until = euros(2_000), State(), 0, 0
    for waits, what, available, sold, wish in course:
        minute += waits
        at = f"2026-03-02T{minute // 60 % 24:02}:{minute % 60:02}:00.000Z"
        at = at.replace("03-02", f"03-{2 + minute // 1_440:02}")
        if what == "vendor":
            price = euros(wish)
            continue
        for _ in range(2 if what == "twice" else 1):
            verdict = judged(book, facts(price.amount, available, at, h24=sold), state)
            if verdict is None:
                continue
            by = next(one for one in book if one.id == verdict.rule)
            assert minute >= rests_until, "the cooldown is over"
            assert by.floor.amount <= verdict.price.amount <= by.ceiling.amount
            assert abs(verdict.price.amount - price.amount) <= max(1, price.amount * by.step // 10_000)
            assert 0 <= verdict.confidence <= 100
            assert verdict.reasons
            rests_until = minute + by.cooldown_minutes
            state = replace(verdict.state, version=state.version + 1)
            if what != "lost" and verdict.mode == APPLY:
                price = verdict.price


@given(books)
def test_rules_survive_being_stored(book: list[Rule]) -> None:
    assert rules.unpacked(rules.packed(book)) == tuple(book)


@pytest.mark.parametrize(
    ("at", "turn"),
    [
        ("2026-03-02T12:00:30.000Z", "2026-03-02T17:00:00.000Z"),
        ("2026-03-02T17:00:00.000Z", "2026-03-02T19:00:00.000Z"),
        ("2026-03-02T19:00:00.000Z", "2026-03-09T17:00:00.000Z"),
    ],
)
def test_the_next_turn_of_the_hours(at: str, turn: str) -> None:
    happy = rule(Trigger("hours", days=frozenset({0}), opens=17 * 60, closes=19 * 60))

    assert rules.next_turn([happy, rule()], at) == turn
    assert rules.next_turn([rule()], at) == ""


def keep(*new: Rule) -> None:
    moving.set_rules(rulestore.rulebook(VENDOR), new, by="grace")


def buy_and_tell(floor: Floor, customer: str, units: int, *, times: int = 1, told: str = "") -> None:
    order_id = sell(customer, units=units)
    floor.hear("order.paid", {"customer_id": customer, "order_id": order_id}, times=times, at=told)


def test_stock_that_runs_low_makes_it_dearer_once(floor: Floor) -> None:
    floor.lamp(2_000, available=7)
    keep(rule())
    buy_and_tell(floor, "ada", 3, times=3)
    assert floor.carry_out() == 1
    assert floor.price() == euros(2_200)

    buy_and_tell(floor, "alan", 1, told=floor.at(days=-3))
    floor.wait(hours=2)
    schedule.handler({})
    assert (floor.carry_out(), floor.price(), shelf(LAMP)[0]) == (0, euros(2_200), 3)
    (record,) = rulestore.decisions(LAMP, limit=10, cursor=None)[0]
    assert (record.kind, record.by, record.before, record.after) == ("rule", "scarce", euros(2_000), euros(2_200))


def test_when_stock_is_back_the_price_returns_without_being_told(floor: Floor) -> None:
    floor.lamp(2_000, available=5)
    keep(rule(Trigger("stock", units=3)))
    buy_and_tell(floor, "ada", 3)
    floor.carry_out()
    keep(rule(Trigger("stock", units=1)))
    floor.wait(hours=2)
    assert schedule.handler({})["rules"] == 1
    floor.carry_out()

    assert floor.price() == euros(2_000)


@pytest.mark.contract("8.2", "7.4")
def test_rules_are_asked_when_stock_runs_out_by_whatever_way(floor: Floor) -> None:
    floor.lamp(2_000, available=4)
    keep(rule())
    low = {"vendor_id": VENDOR, "product_id": "prd", "sku": LAMP, "available": 4, "reorder_point": 4}
    floor.hear("inventory.low_stock", low, times=2)

    assert (floor.carry_out(), floor.price()) == (1, euros(2_200)), "once, however often it is heard"


def test_the_vendors_own_price_wins_over_a_decision_under_way_and_rules_rest(floor: Floor) -> None:
    floor.lamp(2_000, available=2)
    keep(rule())
    assert moving.ask(LAMP)
    floor.reprice(euros(2_400))
    assert (floor.carry_out(), len(floor.refused)) == (0, 1)

    assert not moving.ask(LAMP), "it rests after the vendor's own change"
    floor.wait(minutes=61)
    assert moving.ask(LAMP)
    floor.carry_out()
    assert floor.price() == euros(2_640), "a tenth of the vendor's own new price"


def test_a_rule_that_suggests_changes_nothing(floor: Floor) -> None:
    floor.lamp(2_000, available=2)
    keep(rule(mode=SUGGEST))
    assert moving.ask(LAMP)
    assert not moving.ask(LAMP), "not again until the cooldown is over"

    (suggestion,) = floor.decided("price.suggested")
    assert (suggestion["price"]["amount"], suggestion["confidence"]) == (2_200, 80)
    assert suggestion["reasons"][0] == {"code": "stock_below", "seen": 2, "bound": 5}
    assert (floor.carry_out(), floor.price()) == (0, euros(2_000))
    assert [one.kind for one in rulestore.decisions(LAMP, limit=10, cursor=None)[0]] == ["suggestion"]


def test_a_suggested_step_is_not_suggested_again_by_itself(floor: Floor) -> None:
    floor.lamp(2_000, available=2)
    keep(rule(mode=SUGGEST, step=500))
    assert schedule.handler({})["rules"] == 1
    floor.wait(minutes=61)
    assert schedule.handler({})["rules"] == 0

    assert [one["price"]["amount"] for one in floor.decided("price.suggested")] == [2_100]


def test_a_suggestion_that_is_accepted_becomes_the_price_once(floor: Floor) -> None:
    floor.lamp(2_000, available=2)
    keep(rule(mode=SUGGEST))
    assert moving.ask(LAMP)
    (found,) = rulestore.decisions(LAMP, limit=10, cursor=None)[0]
    wish = {"accepted": [{"sku": LAMP, "decisionId": found.id}]}

    for _ in range(2):
        (answer,) = accepting(wish)
        assert answer["price"]["amount"] == 2_200
    assert (floor.carry_out(), floor.price()) == (1, euros(2_200))
    assert [one["reason"] for one in floor.decided()] == ["accepted"]
    (kept,) = rulestore.decisions(LAMP, limit=10, cursor=None)[0]
    assert (kept.accepted_by, bool(kept.accepted_at)) == ("usr_v", True)


def test_a_suggestion_that_is_outdated_or_somebody_elses_is_refused(floor: Floor) -> None:
    floor.lamp(2_000, available=2)
    keep(rule(mode=SUGGEST))
    assert moving.ask(LAMP)
    (found,) = rulestore.decisions(LAMP, limit=10, cursor=None)[0]
    wish = {"accepted": [{"sku": LAMP, "decisionId": found.id}]}

    (foreign,) = accepting(wish, "ven_wood")
    (unknown,) = accepting({"accepted": [{"sku": LAMP, "decisionId": f"dec_{'0' * 26}"}]})
    floor.reprice(euros(2_400))
    (outdated,) = accepting(wish)

    assert [one["refused"]["code"] for one in (foreign, unknown, outdated)] == [
        "not_found", "not_found", "suggestion_outdated",
    ]  # fmt: skip
    assert floor.decided() == []


def accepting(wish: dict[str, Any], vendor: str = VENDOR) -> list[dict[str, Any]]:
    path = f"/v1/vendors/{vendor}/prices"
    answer = call(handler, "PUT", path, wish, caller="usr_v", roles="vendor", vendor_id=vendor)
    assert answer.status == 200, answer
    return list(answer.json["accepted"])


def test_demand_counts_each_order_once(floor: Floor) -> None:
    floor.lamp(2_000, available=50)
    keep(rule(Trigger("demand", units=6, hours=24)))
    buy_and_tell(floor, "ada", 3, times=4)
    assert floor.carry_out() == 0
    buy_and_tell(floor, "alan", 3)
    assert (floor.carry_out(), floor.price()) == (1, euros(2_200))

    floor.wait(hours=25)
    schedule.handler({})
    floor.carry_out()
    assert floor.price() == euros(2_000), "nobody wants it any more"


def test_happy_hours_begin_and_end_by_themselves(floor: Floor) -> None:
    floor.lamp(2_000)
    keep(rule(Trigger("hours", days=frozenset({0}), opens=13 * 60, closes=14 * 60), change=-2_000, cooldown_minutes=5))
    seen = []
    for _ in range(30):
        schedule.handler({})
        floor.carry_out()
        seen.append(floor.price().amount)
        floor.wait(minutes=5)

    assert (seen[:12], seen[12:24], seen[24:]) == ([2_000] * 12, [1_600] * 12, [2_000] * 6)


def test_rules_keep_out_of_the_way_of_plans(floor: Floor) -> None:
    floor.lamp(2_000, available=2)
    keep(rule())
    sale = Entry(list_id="sale", price=euros(1_600), starts_at=floor.at(minutes=5), ends_at=floor.at(hours=2))
    service.change(VENDOR, [Wish(LAMP, sale, is_plan=True)])
    floor.wait(minutes=6)
    assert not moving.ask(LAMP)
    schedule.handler({})
    floor.carry_out()
    assert floor.price() == euros(1_600)
    assert not moving.ask(LAMP)


@pytest.mark.parametrize("run", range(3))
def test_asked_by_many_at_once_one_decision_is_made(floor: Floor, run: int) -> None:
    floor.lamp(2_000, available=2)
    keep(rule())
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(moving.ask, LAMP) for _ in range(8)]
        assert sum(answer.result() for answer in answers) == 1

    assert len(floor.decided()) == 1, run


def test_a_sku_without_rules_costs_nothing_and_one_off_sale_is_left_alone(floor: Floor) -> None:
    floor.lamp(2_000, available=2)
    assert not moving.ask(LAMP)
    assert not moving.ask("UNKNOWN")
    assert not rulestore.state(LAMP).version
    assert consumer.handler({"Records": []}) == {"batchItemFailures": []}

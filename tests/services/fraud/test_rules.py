"""The score: what each rule fires on, and what holds of any rules and any evidence."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from fraud import rules
from fraud.facts import clean
from fraud.model import (
    BLOCK,
    CERTAIN,
    PASS,
    REVIEW,
    Evidence,
    Facts,
    History,
    Rule,
    Rulebook,
    Use,
    score,
    verdict,
)
from market.errors import Unprocessable
from market.money import Money

pytestmark = pytest.mark.contract("12.8")

NOW = 1_800_000_000
HOUR, DAY = 60, 24 * 60
WEIGHTS = some.integers(0, CERTAIN)
steady = settings(
    max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)


def evidence(facts: dict[str, Any] | None = None, /, **more: Any) -> Evidence:
    return Evidence(
        facts=clean(order_id="ord_now", account="ada", amount=Money(5_000, "EUR"), **(facts or {})),
        use=more.pop("use", Use(NOW, "now", "ada", "c1", "i1")),
        **more,
    )


def used(minutes_ago: int, number: int, **tags: str) -> Use:
    return Use(NOW - minutes_ago * 60, f"o{number}", **{"account": "ada", "card": "c1", "ip": "i1"} | tags)


def fired(rule: Rule, found: Evidence) -> bool:
    return bool(rules.judge(Rulebook(rules=(rule,)), found).reasons)


def rule(kind: str, **fields: Any) -> Rule:
    made = Rule(id="it", kind=kind, weight=5_000, **fields)
    rules.check(Rulebook(rules=(made,)))
    return made


# -- the formula


def test_the_score_is_the_chance_that_at_least_one_reason_is_right() -> None:
    assert score([]) == 0
    assert score([2_500]) == 2_500
    assert score([5_000, 5_000]) == 7_500
    assert score([7_000, 2_000, 1_000]) == 7_840
    assert score([1, CERTAIN]) == CERTAIN


@steady
@given(some.lists(WEIGHTS, max_size=60))
def test_the_score_is_between_none_and_certain(weights: list[int]) -> None:
    assert 0 <= score(weights) <= CERTAIN


@steady
@given(some.lists(WEIGHTS, max_size=60), WEIGHTS)
def test_one_more_reason_never_lowers_the_score(weights: list[int], more: int) -> None:
    assert score([*weights, more]) >= max(score(weights), more)


@steady
@given(
    some.lists(WEIGHTS, max_size=30).flatmap(
        lambda weights: some.tuples(some.just(weights), some.permutations(weights))
    )
)
def test_the_order_of_reasons_is_irrelevant(pair: tuple[list[int], list[int]]) -> None:
    assert score(pair[0]) == score(pair[1])


@steady
@given(some.lists(some.integers(), max_size=10))
def test_weights_out_of_bounds_do_no_harm(weights: list[int]) -> None:
    assert 0 <= score(weights) <= CERTAIN


# -- rules as data


USES = some.builds(
    Use,
    some.integers(NOW - 8 * 86_400, NOW),
    some.sampled_from([f"o{number}" for number in range(40)]),
    *[some.sampled_from(["", "a", "b", "c", "d"])] * 3,
)
EVIDENCE = some.builds(
    lambda facts, uses, history, marks: Evidence(
        facts=facts, use=Use(NOW, "now", "a", "b", "c"), uses=uses, history=history, marks=marks
    ),
    facts=some.builds(
        clean,
        order_id=some.text(max_size=20),
        account=some.text(max_size=20),
        guest=some.booleans(),
        amount=some.none() | some.builds(Money, some.integers(0, 10**9), some.sampled_from(["EUR", "JPY", "BHD"])),
        **{name: some.text(max_size=30) for name in ("card", "bin", "ip", "email")},
        **{
            name: some.sampled_from(["", "de", "GB", "x", "∀"])
            for name in ("card_country", "address_country", "ip_country")
        },
    ),
    uses=some.dictionaries(some.sampled_from(rules.SUBJECTS), some.lists(USES, max_size=40).map(tuple)),
    history=some.builds(
        History,
        first_seen=some.none() | some.integers(0, NOW),
        paid=some.dictionaries(
            some.sampled_from(["EUR", "JPY"]), some.tuples(some.integers(1, 9), some.integers(0, 10**9))
        ),
        refused=some.integers(0, 9),
        refunded=some.integers(0, 9),
    ),
    marks=some.dictionaries(
        some.sampled_from(["account", "card", "ip", "email", "domain", "bin"]),
        some.sampled_from(["trusted", "risky", "blocked"]),
    ),
)


@steady
@given(EVIDENCE, some.permutations(rules.DEFAULT.rules))
def test_the_order_of_rules_is_irrelevant(found: Evidence, shuffled: list[Rule]) -> None:
    assert rules.judge(Rulebook(rules=tuple(shuffled)), found) == rules.judge(rules.DEFAULT, found)


@steady
@given(EVIDENCE, some.integers(0, len(rules.DEFAULT.rules)))
def test_fewer_rules_never_raise_the_score(found: Evidence, kept: int) -> None:
    fewer = rules.judge(Rulebook(rules=rules.DEFAULT.rules[:kept]), found)
    assert 0 <= fewer.score <= rules.judge(rules.DEFAULT, found).score <= CERTAIN


@steady
@given(EVIDENCE)
def test_the_same_evidence_gives_the_same_judgement(found: Evidence) -> None:
    assert rules.judge(rules.DEFAULT, found) == rules.judge(rules.DEFAULT, found)


def test_a_payment_of_which_nothing_is_known_passes_without_a_reason() -> None:
    nothing = Evidence(facts=Facts(order_id="ord_x"), use=Use(NOW, "x"))
    assert rules.judge(rules.DEFAULT, nothing).reasons == ()


def test_the_rules_that_the_screen_begins_with_are_sound_and_come_back_from_storage() -> None:
    rules.check(rules.DEFAULT)
    stored = {"rules": rules.stored(rules.DEFAULT), "review_from": 6_500, "block_from": 9_000, "enforced": True}
    assert rules.read(stored | {"version": 0, "updated_by": "", "updated_at": ""}) == rules.DEFAULT


def test_no_two_mild_reasons_hold_a_payment_back_and_a_shared_card_in_a_hurry_does() -> None:
    weights = {rule.id: rule.weight for rule in rules.DEFAULT.rules}
    mild = sorted(weight for weight in weights.values() if weight <= 4_000)
    assert score(mild[-2:]) < rules.DEFAULT.review_from
    assert score([weights["shared_card"], weights["card_velocity"]]) >= rules.DEFAULT.review_from


@pytest.mark.parametrize(
    ("points", "marks", "expected"),
    [
        (6_499, [], PASS),
        (6_500, [], REVIEW),
        (8_999, ["risky"], REVIEW),
        (9_000, [], BLOCK),
        (0, ["blocked"], BLOCK),
        (9_999, ["trusted"], PASS),
        (0, ["trusted", "blocked"], BLOCK),
    ],
)
def test_thresholds_and_lists_make_the_verdict(points: int, marks: list[str], expected: str) -> None:
    assert verdict(rules.DEFAULT, points, marks) == expected


def test_a_rule_that_is_off_gives_no_reason() -> None:
    on, off = (Rule(id="it", kind="guest", weight=5_000, on=on) for on in (True, False))
    assert fired(on, evidence({"guest": True}))
    assert not fired(off, evidence({"guest": True}))


@pytest.mark.parametrize(
    "broken",
    [
        Rule(id="it", kind="astrology", weight=1),
        Rule(id="it", kind="velocity", weight=1),
        Rule(id="it", kind="velocity", weight=1, subject="moon", minutes=1, limit=1),
        Rule(id="it", kind="velocity", weight=1, subject="card", minutes=7 * DAY + 1, limit=1),
        Rule(id="it", kind="velocity", weight=1, subject="card", minutes=1, limit=32),
        Rule(id="it", kind="velocity", weight=1, subject="card", minutes=1, limit=1, distinct="domain"),
        Rule(id="it", kind="country_mismatch", weight=1, pair="card-moon"),
        Rule(id="it", kind="first_order_above", weight=1, amounts={"XXX": 1}),
        Rule(id="it", kind="first_order_above", weight=1),
        Rule(id="it", kind="guest", weight=1, minutes=5),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_field(broken: Rule) -> None:
    with pytest.raises(Unprocessable) as refused:
        rules.check(Rulebook(rules=(broken,)))
    assert refused.value.errors[0]["field"].startswith("body.rules.0.")


def test_two_rules_of_one_name_and_thresholds_upside_down_are_refused() -> None:
    guest = Rule(id="it", kind="guest", weight=1)
    with pytest.raises(Unprocessable) as refused:
        rules.check(Rulebook(rules=(guest, guest), review_from=9_000, block_from=8_999))
    assert [error["field"] for error in refused.value.errors] == ["body.rules.1.id", "body.reviewFrom"]


# -- what each kind fires on


def test_velocity_counts_within_its_window_with_this_payment() -> None:
    hasty = rule("velocity", subject="card", minutes=HOUR, limit=3)
    two = (used(5, 1), used(59, 2))
    assert not fired(hasty, evidence(uses={"card": two}))
    assert fired(hasty, evidence(uses={"card": (*two, used(58, 3))}))
    assert not fired(hasty, evidence(uses={"card": (*two, used(60, 3))}))
    assert not fired(hasty, evidence(uses={"ip": (*two, used(58, 3))}))


def test_a_payment_that_is_remembered_already_is_not_counted_twice() -> None:
    hasty = rule("velocity", subject="card", minutes=HOUR, limit=1)
    again = Use(NOW - 60, "now", "ada", "c1", "i1")
    assert not fired(hasty, evidence(uses={"card": (again,)}))


def test_many_cards_on_one_account_and_many_accounts_on_one_card() -> None:
    cards = rule("velocity", subject="account", minutes=DAY, limit=2, distinct="card")
    assert not fired(cards, evidence(uses={"account": (used(1, 1), used(2, 2, card="c2"), used(3, 3, card=""))}))
    assert fired(cards, evidence(uses={"account": (used(1, 1, card="c3"), used(2, 2, card="c2"))}))
    people = rule("velocity", subject="card", minutes=DAY, limit=1, distinct="account")
    assert fired(people, evidence(uses={"card": (used(1, 1, account="bob"),)}))


@pytest.mark.parametrize("pair", rules.PAIRS)
def test_countries_that_differ_are_a_reason_and_unknown_ones_are_not(pair: str) -> None:
    one, other = (f"{name}_country" for name in pair.split("-"))
    apart = rule("country_mismatch", pair=pair)
    assert fired(apart, evidence({one: "DE", other: "gb"}))
    assert not fired(apart, evidence({one: "DE", other: " de "}))
    assert not fired(apart, evidence({one: "DE"}))


def test_a_large_first_order_is_judged_in_its_own_currency() -> None:
    large = rule("first_order_above", amounts={"EUR": 4_999})
    assert fired(large, evidence())
    assert not fired(large, evidence(history=History(paid={"USD": (1, 100)})))
    assert not fired(rule("first_order_above", amounts={"EUR": 5_000}), evidence())
    assert not fired(rule("first_order_above", amounts={"USD": 1}), evidence())


def test_an_amount_far_above_the_average_needs_three_orders_to_compare_with() -> None:
    above = rule("above_average", limit=4)
    assert fired(above, evidence(history=History(paid={"EUR": (3, 3_000)})))
    assert not fired(above, evidence(history=History(paid={"EUR": (3, 3_750)})))
    assert not fired(above, evidence(history=History(paid={"EUR": (2, 200)})))
    assert not fired(above, evidence(history=History(paid={"JPY": (3, 3)})))


def test_an_account_is_new_until_it_has_paid_or_time_has_passed() -> None:
    new = rule("new_account", minutes=DAY)
    assert fired(new, evidence())
    assert fired(new, evidence(history=History(first_seen=NOW - DAY * 60 + 1)))
    assert not fired(new, evidence(history=History(first_seen=NOW - DAY * 60)))
    assert not fired(new, evidence(history=History(paid={"EUR": (1, 1)})))


def test_refusals_and_refunds_of_the_past_count() -> None:
    assert fired(rule("refused_before", limit=2), evidence(history=History(refused=3)))
    assert not fired(rule("refused_before", limit=2), evidence(history=History(refused=2)))
    assert fired(rule("refunded_before", limit=0), evidence(history=History(refunded=1)))


@pytest.mark.parametrize(
    ("kind", "mark"),
    [("risky_bin", "bin"), ("disposable_mail", "domain"), ("risky_subject", "email"), ("risky_subject", "ip")],
)
def test_what_staff_call_risky_is_a_reason(kind: str, mark: str) -> None:
    assert fired(rule(kind), evidence(marks={mark: "risky"}))
    assert not fired(rule(kind), evidence(marks={mark: "trusted"}))
    assert not fired(rule(kind), evidence())

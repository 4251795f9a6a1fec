"""Limits and budgets in two phases: never above, nothing lost, every reservation ends once, no false "used up"."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from market import clock
from market.errors import Conflict
from market.table import delete, put
from promotions import store
from promotions.contract import (
    BudgetSpent,
    CodeUsed,
    PromotionOver,
    ReservationEnded,
    Spend,
    UsageLimitReached,
    code_key,
    commit,
    customer_key,
    read_code,
    read_customer,
    release,
    reserve,
)
from promotions.counters import grant, shard_key, shards_for
from promotions.model import Limits
from tests.services.outbox import announced
from tests.services.promotions.orders import PROMOTION, Desk, Moved

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("9.1", "9.2")]
BOTH = Limits(uses=12, budget=1_000, budget_currency="EUR", shards=4)


def desk(limits: Limits = BOTH, promotion: str = PROMOTION) -> Desk:
    made = Desk(limits, promotion)
    made.open()
    return made


def test_a_limit_is_split_over_shards_without_losing_any_of_it() -> None:
    made = desk(Limits(uses=11, budget=1_003, budget_currency="EUR", shards=4))
    shards = [store.TABLE.get(shard_key(PROMOTION, shard)) or {} for shard in range(4)]

    assert [shard["uses_left"] for shard in shards] == [3, 3, 3, 2]
    assert [shard["money_left"] for shard in shards] == [251, 251, 251, 250]
    assert made.sums() == {
        "uses_left": 11, "uses_held": 0, "uses_used": 0, "money_left": 1_003, "money_held": 0, "money_used": 0,
    }  # fmt: skip


def test_a_raised_limit_adds_to_what_is_left() -> None:
    made = desk()
    made.place("o1")
    store.TABLE.transact(*grant(PROMOTION, BOTH, replace(BOTH, uses=17, budget=1_500)))

    assert (made.sums()["uses_left"], made.sums()["money_left"]) == (16, 1_400)
    assert grant(PROMOTION, BOTH, BOTH) == ()
    with pytest.raises(AssertionError):
        grant(PROMOTION, BOTH, replace(BOTH, uses=1))
    with pytest.raises(Conflict):
        made.open()


def test_what_is_reserved_is_used_when_it_is_paid_and_back_when_it_is_not() -> None:
    made = desk()
    made.place("o1", 300)
    made.place("o2", 200)
    held = made.sums()
    made.pay("o1", 300)
    made.cancel("o2", 200)

    assert (held["uses_left"], held["uses_held"], held["money_left"], held["money_held"]) == (10, 2, 500, 500)
    assert made.sums() == {
        "uses_left": 11, "uses_held": 0, "uses_used": 1, "money_left": 700, "money_held": 0, "money_used": 300,
    }  # fmt: skip
    assert made.reservation("o1")["status"] == "committed"
    assert made.reservation("o2")["status"] == "released"
    assert "by1pk" not in made.reservation("o1"), "it is open no more"


def test_a_reservation_ends_once() -> None:
    made = desk()
    made.place("o1")
    made.pay("o1")
    for ending in (commit, release):
        with pytest.raises(ReservationEnded):
            store.TABLE.transact(*ending([made.spend("o1")], "o1", "ada"))
    with pytest.raises(Moved):
        made.cancel("o1")
    with pytest.raises(Conflict):
        store.TABLE.transact(*reserve([made.spend("o1")], order_id="o1", customer_id="ada", at=clock.timestamp()))

    assert (made.sums()["uses_used"], made.sums()["uses_held"]) == (1, 0)


def test_nobody_elses_reservation_is_ended() -> None:
    made = desk()
    made.place("o1")
    with pytest.raises(ReservationEnded):
        store.TABLE.transact(*release([made.spend("o1")], "o1", "bob"))


def test_the_last_use_is_found_on_whatever_shard_it_is() -> None:
    made = desk(Limits(uses=7, shards=4))

    assert [made.placed(f"o{n}") for n in range(9)] == [True] * 7 + [False] * 2
    assert made.sums()["uses_left"] == 0
    made.cancel("o3")
    assert made.placed("o9")


def test_the_budget_is_gathered_from_all_shards_for_a_large_order() -> None:
    made = desk(Limits(budget=1_000, budget_currency="EUR", shards=8))

    assert made.placed("o1", 999)
    with pytest.raises(BudgetSpent) as refused:
        made.place("o2", 2)
    assert refused.value.extra["left"] == 1
    assert made.placed("o3", 1)
    assert made.sums()["money_left"] == 0


def test_uses_and_budget_are_both_needed() -> None:
    made = desk(Limits(uses=2, budget=1_000, budget_currency="EUR", shards=2))

    assert made.placed("o1", 900)
    with pytest.raises(BudgetSpent):
        made.place("o2", 101)
    assert made.placed("o3", 100)
    with pytest.raises(PromotionOver):
        made.place("o4", 1)


def later(moment: datetime, seconds: int) -> datetime:
    return moment + timedelta(seconds=seconds)


def test_that_it_is_used_up_is_announced_at_most_once_a_minute() -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    made = desk(Limits(uses=1, shards=1))
    made.place("o1")
    for seconds in (0, 59, 61):
        with clock.running_on(partial(later, noon, seconds)):
            assert not made.placed("o2")

    assert [(event["type"], event["data"]) for event in announced()] == [
        ("promotion.exhausted", {"promotion_id": PROMOTION})
    ] * 2


def test_what_is_not_limited_writes_nothing() -> None:
    spend = Spend(promotion_id=PROMOTION, version=1, amount=500, currency="EUR")

    assert reserve([spend], order_id="o1", customer_id="ada", at="") == ()
    assert commit([spend], "o1", "ada") == release([spend], "o1", "ada") == ()


def test_a_customer_uses_it_as_often_as_one_may() -> None:
    made = desk(Limits(per_customer=2))
    made.place("o1")
    made.place("o2")
    with pytest.raises(UsageLimitReached) as refused:
        made.place("o3")
    made.place("o4", customer="bob")
    made.cancel("o2")
    made.place("o5")
    made.pay("o5")

    assert refused.value.extra["promotionId"] == PROMOTION
    facts = read_customer(store.TABLE.get(customer_key("ada")))
    assert (facts.customer_id, dict(facts.uses)) == ("ada", {PROMOTION: 2})


def test_a_customers_item_that_was_erased_keeps_no_order_from_ending() -> None:
    made = desk(Limits(per_customer=2))
    made.place("o1")
    store.TABLE.write(delete(customer_key("ada")))
    made.cancel("o1")

    assert read_customer(store.TABLE.get(customer_key("ada"))).uses == {PROMOTION: 0}


def test_a_code_is_used_as_often_as_it_may_be_and_comes_back_with_its_order() -> None:
    code = {"promotion_id": PROMOTION, "scope": "platform", "limit": 1, "used": 0}
    store.TABLE.write(put(code_key("ONCE"), code))
    made = Desk(Limits(), code="ONCE", code_limit=1)
    made.place("o1")
    with pytest.raises(CodeUsed) as refused:
        made.place("o2")
    made.cancel("o1")
    made.place("o3")

    assert refused.value.extra == {"promotionCode": "ONCE"}
    assert read_code(store.TABLE.get(code_key("ONCE"))).used == 1
    with pytest.raises(CodeUsed):
        Desk(Limits(), code="NONE", code_limit=1).place("o4")


def test_an_order_that_is_refused_reserves_nothing_of_anything() -> None:
    made = desk(Limits(uses=5, per_customer=1, shards=2))
    made.place("o1")
    with pytest.raises(UsageLimitReached):
        made.place("o2")

    assert (made.sums()["uses_left"], made.sums()["uses_held"]) == (4, 1)
    assert made.reservation("o2") == {}


@pytest.mark.parametrize(
    ("limits", "shards"),
    [
        (Limits(uses=1), 1), (Limits(uses=99), 1), (Limits(uses=100), 2), (Limits(uses=10**6), 16),
        (Limits(budget=10_000, budget_currency="EUR"), 1), (Limits(budget=150_000, budget_currency="EUR"), 3),
        (Limits(budget=1_500, budget_currency="JPY"), 3), (Limits(budget=10**9, budget_currency="EUR"), 16),
        (Limits(uses=50, budget=10**9, budget_currency="EUR"), 1), (Limits(), 1),
    ],
)  # fmt: skip
def test_large_limits_have_more_shards(limits: Limits, shards: int) -> None:
    assert shards_for(limits) == shards


@pytest.mark.parametrize("limits", [Limits(uses=30, shards=6), Limits(budget=3_000, budget_currency="EUR", shards=6)])
def test_a_crowd_gets_exactly_what_there_is(limits: Limits) -> None:
    """Forty want thirty uses; a third gives theirs back while others ask, and these are all given away again."""
    made = desk(limits)

    def buy(number: int) -> str:
        order_id = f"o{number}"
        for _ in range(20):
            try:
                if not made.placed(order_id):
                    return "refused"
            except Conflict:
                continue
            if number % 3:
                made.pay(order_id)
                return "paid"
            made.cancel(order_id)
            return "cancelled"
        return "busy"

    with ThreadPoolExecutor(8) as crowd:
        ends = Counter(crowd.map(buy, range(40)))
    sums = made.sums()

    assert ends["paid"] == sums["uses_used"] <= 30
    assert ends["busy"] == sums["uses_held"] == sums["money_held"] == 0
    left = sums["uses_left"] if limits.uses else sums["money_left"] // 100
    assert left + sums["uses_used"] == 30
    last = [made.placed(f"late{number}") for number in range(left + 1)]
    assert last == [True] * left + [False], "what is left is found to the last use"


class Reservations(RuleBasedStateMachine):
    """Orders with one promotion in any sequence, compared with plain sums."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, int] = {}
        self.used: dict[str, int] = {}
        self.orders = 0

    @initialize(uses=st.sampled_from([0, 3, 9]), budget=st.sampled_from([0, 500]), shards=st.sampled_from([1, 2, 5]))
    def open(self, uses: int, budget: int, shards: int) -> None:
        uses = uses if uses or budget else 4
        self.limits = Limits(uses=uses, budget=budget, budget_currency="EUR" if budget else "", shards=shards)
        self.desk = desk(self.limits, f"prm_{uuid4().hex}")

    @rule(amount=st.integers(1, 260))
    def place(self, amount: int) -> None:
        self.orders += 1
        order_id = f"{id(self)}-{self.orders}"
        taken = [*self.held.values(), *self.used.values()]
        fits = not self.limits.uses or len(taken) < self.limits.uses
        fits = fits and (not self.limits.budget or sum(taken) + amount <= self.limits.budget)

        assert self.desk.placed(order_id, amount) is fits
        if fits:
            self.held[order_id] = amount

    @rule(which=st.integers(0, 20))
    def pay(self, which: int) -> None:
        if self.held:
            order_id = list(self.held)[which % len(self.held)]
            amount = self.held.pop(order_id)
            self.desk.pay(order_id, amount)
            self.used[order_id] = amount

    @rule(which=st.integers(0, 20))
    def cancel(self, which: int) -> None:
        if self.held:
            order_id = list(self.held)[which % len(self.held)]
            self.desk.cancel(order_id, self.held.pop(order_id))

    @rule(which=st.integers(0, 20))
    def end_again(self, which: int) -> None:
        if self.used:
            order_id = list(self.used)[which % len(self.used)]
            with pytest.raises(Moved):
                self.desk.cancel(order_id, self.used[order_id])

    @rule(more=st.integers(1, 3))
    def raise_the_limit(self, more: int) -> None:
        after = replace(
            self.limits,
            uses=self.limits.uses and self.limits.uses + more,
            budget=self.limits.budget and self.limits.budget + 70 * more,
        )
        store.TABLE.transact(*grant(self.desk.promotion, self.limits, after))
        self.limits = after

    @invariant()
    def sums_agree(self) -> None:
        if not hasattr(self, "desk"):
            return
        sums, limits = self.desk.sums(), self.limits
        assert (sums["uses_held"], sums["uses_used"]) == (len(self.held), len(self.used))
        assert (sums["money_held"], sums["money_used"]) == (sum(self.held.values()), sum(self.used.values()))
        if limits.uses:
            assert sums["uses_left"] + sums["uses_held"] + sums["uses_used"] == limits.uses
        if limits.budget:
            assert sums["money_left"] + sums["money_held"] + sums["money_used"] == limits.budget
        assert min(sums.values()) >= 0


def test_any_sequence_of_orders_agrees_with_plain_sums() -> None:
    run_state_machine_as_test(
        Reservations,
        settings=settings(
            max_examples=15, stateful_step_count=25, derandomize=True, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip

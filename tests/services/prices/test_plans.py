"""Planned base prices: exact at the moment, carried out by the catalog when it gets to it, once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import clock
from market.errors import Problem
from market.money import Money
from prices import plans, schedule, service, store
from prices.contract import Entry, planned
from prices.plans import PlansOverlap
from prices.service import Wish
from prices.store import Book
from tests.services.prices.floor import LAMP, VENDOR, Floor
from tests.shop import euros

pytestmark = pytest.mark.contract("8.1")


def plan(name: str, cents: int, starts: str = "", ends: str = "", *, gone: bool = False, sku: str = LAMP) -> Wish:
    return Wish(sku, Entry(list_id=name, price=euros(cents), starts_at=starts, ends_at=ends), is_plan=True, gone=gone)


def wish(*wishes: Wish) -> Problem | Book:
    (outcome,) = service.change(VENDOR, wishes).values()
    return outcome


def entries(sku: str = LAMP) -> tuple[Entry, ...]:
    return store.sheets([sku])[sku].book.entries


def effective(floor: Floor) -> int:
    """What checkout would take as the base."""
    return planned(floor.price(), entries(), clock.timestamp())[0].amount


def test_a_sale_counts_to_the_second_and_returns_by_itself(floor: Floor) -> None:
    floor.lamp(2_000)
    wish(plan("spring", 1_500, floor.at(hours=1), floor.at(hours=3)))
    assert effective(floor) == 2_000

    floor.wait(hours=1)
    assert (floor.price().amount, effective(floor)) == (2_000, 1_500), "before anybody was told"
    assert schedule.handler({})["plans"] == 1
    assert floor.carry_out() == 1
    assert (floor.price().amount, effective(floor)) == (1_500, 1_500)

    floor.wait(hours=2)
    assert (floor.price().amount, effective(floor)) == (1_500, 2_000)
    schedule.handler({})
    floor.carry_out()
    assert (floor.price().amount, effective(floor), entries()) == (2_000, 2_000, ())
    assert schedule.handler({})["plans"] == 0


def test_a_change_from_a_moment_on_stays(floor: Floor) -> None:
    floor.lamp(2_000)
    wish(plan("new-year", 2_400, floor.at(days=1)))
    floor.wait(days=1, minutes=4)
    schedule.handler({})
    floor.carry_out()

    assert (floor.price().amount, entries()) == (2_400, ())
    (decision,) = floor.decided()
    assert decision["reason"] == "plan"
    assert (decision["price"]["amount"], decision["expected"]["amount"]) == (2_400, 2_000)


def test_a_decision_is_told_again_until_it_is_carried_out_and_carried_out_once(floor: Floor) -> None:
    floor.lamp(2_000)
    wish(plan("spring", 1_500, floor.at(minutes=5), floor.at(hours=3)))
    floor.wait(minutes=5)
    for _ in range(3):
        schedule.handler({})
        floor.wait(minutes=5)

    told = floor.decided()
    assert len(told) == 3
    assert len({decision["decision_id"] for decision in told}) == 1
    assert (floor.carry_out(), len(floor.refused)) == (1, 2)
    assert floor.price().amount == 1_500
    assert schedule.handler({})["plans"] == 0


def test_news_that_the_catalog_did_it_may_be_lost_late_or_double(floor: Floor) -> None:
    floor.lamp(2_000)
    wish(plan("spring", 1_500, floor.at(minutes=5), floor.at(hours=3)))
    floor.wait(minutes=5)
    schedule.handler({})
    floor.carry_out(tell=False)
    floor.wait(hours=3)
    schedule.handler({})
    floor.carry_out(tell=False)
    schedule.handler({})

    assert (floor.price().amount, entries()) == (2_000, ())


def test_a_run_that_missed_a_whole_sale_changes_nothing(floor: Floor) -> None:
    floor.lamp(2_000)
    wish(plan("spring", 1_500, floor.at(hours=1), floor.at(hours=2)))
    floor.wait(hours=5)

    assert effective(floor) == 2_000
    assert schedule.handler({})["plans"] == 0
    assert (floor.decided(), entries()) == ([], ())


def test_the_vendors_own_change_during_a_sale_wins_and_ends_it(floor: Floor) -> None:
    floor.lamp(2_000)
    wish(plan("spring", 1_500, floor.at(minutes=5), floor.at(hours=3)))
    floor.wait(minutes=5)
    schedule.handler({})
    floor.reprice(euros(1_800))
    assert (effective(floor), entries()) == (1_800, ())

    floor.wait(hours=3)
    schedule.handler({})
    assert floor.carry_out() == 0, "what was decided before comes too late"
    assert floor.price().amount == 1_800


def test_the_vendors_own_change_before_a_sale_is_the_price_that_it_returns_to(floor: Floor) -> None:
    floor.lamp(2_000)
    wish(plan("spring", 1_500, floor.at(hours=1), floor.at(hours=2)), plan("summer", 1_400, floor.at(hours=4)))
    floor.reprice(euros(2_200))
    assert [entry.replaces for entry in entries()] == [euros(2_200), euros(2_200)]

    floor.wait(hours=1)
    schedule.handler({})
    floor.carry_out()
    floor.wait(hours=1)
    schedule.handler({})
    floor.carry_out()
    assert floor.price().amount == 2_200


def test_plans_follow_each_other_without_a_gap(floor: Floor) -> None:
    floor.lamp(2_000)
    wish(
        plan("monday", 1_500, floor.at(hours=1), floor.at(hours=2)),
        plan("tuesday", 1_600, floor.at(hours=2), floor.at(hours=3)),
        plan("after", 2_500, floor.at(hours=3)),
    )
    seen = []
    for _ in range(4):
        floor.wait(hours=1)
        seen.append(effective(floor))
        schedule.handler({})
        floor.carry_out()
        seen.append(floor.price().amount)

    assert seen == [1_500, 1_500, 1_600, 1_600, 2_500, 2_500, 2_500, 2_500]


@pytest.mark.parametrize(
    ("starts", "ends", "refused"),
    [(2, 4, True), (0, 2, True), (1, None, True), (2, None, True), (3, 4, False), (0, 1, False), (4, None, False)],
)
def test_plans_that_overlap_are_refused(floor: Floor, starts: int, ends: int | None, refused: bool) -> None:
    floor.lamp(2_000)
    wish(plan("spring", 1_500, floor.at(days=1, hours=1), floor.at(days=1, hours=3)))
    outcome = wish(
        plan("other", 1_400, floor.at(days=1, hours=starts), floor.at(days=1, hours=ends) if ends is not None else "")
    )

    assert isinstance(outcome, PlansOverlap) is refused
    assert len(entries()) == 1 + (not refused)


def test_a_sale_that_has_begun_can_be_ended_or_made_longer_but_not_undone(floor: Floor) -> None:
    floor.lamp(2_000)
    starts, ends = floor.at(minutes=5), floor.at(hours=3)
    wish(plan("spring", 1_500, starts, ends))
    floor.wait(minutes=10)
    schedule.handler({})
    floor.carry_out()

    def code(changed: Wish) -> str:
        outcome = wish(changed)
        assert isinstance(outcome, Problem)
        return outcome.code

    assert code(plan("spring", 1_400, starts, ends)) == "plan_running"
    assert code(plan("spring", 1_500, starts)) == "plan_running"
    assert code(plan("spring", 1_500, starts, ends, gone=True)) == "plan_running"
    longer = wish(plan("spring", 1_500, starts, floor.at(hours=6)))
    assert isinstance(longer, Book)
    assert longer.entries[0].ends_at == floor.at(hours=6)
    wish(plan("spring", 1_500, starts, floor.at(hours=-1)))
    assert effective(floor) == 2_000, "an end in the past is now"
    schedule.handler({})
    floor.carry_out()
    assert floor.price().amount == 2_000


def test_a_plan_that_is_yet_to_come_can_be_taken_away(floor: Floor) -> None:
    floor.lamp(2_000)
    wish(plan("spring", 1_500, floor.at(hours=1)))
    wish(plan("spring", 1_500, gone=True))
    floor.wait(hours=2)

    assert (schedule.handler({})["plans"], effective(floor), entries()) == (0, 2_000, ())


def test_a_plan_in_another_currency_is_refused_and_dropped_when_the_currency_changes(floor: Floor) -> None:
    floor.lamp(2_000)
    outcome = wish(Wish(LAMP, Entry(list_id="yen", price=Money(300, "JPY")), is_plan=True))
    assert isinstance(outcome, Problem)
    assert outcome.code == "plan_currency"

    wish(plan("spring", 1_500, floor.at(hours=1)))
    floor.reprice(Money(3_000, "USD"))
    assert entries() == ()


@pytest.mark.parametrize("run", range(3))
def test_runs_at_once_decide_once(floor: Floor, run: int) -> None:
    for number in range(6):
        floor.lamp(2_000, sku=f"LAMP-{run}-{number}")
        service.change(VENDOR, [plan("spring", 1_500, floor.at(minutes=5), sku=f"LAMP-{run}-{number}")])
    floor.wait(minutes=6)
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(schedule.handler, {}) for _ in range(4)]
        decided = sum(done.result()["plans"] for done in runs)

    assert decided == len(floor.decided()) >= 6, "none is lost; one that comes after another was done tells it again"
    assert floor.carry_out() == 6
    assert all(floor.price(f"LAMP-{run}-{number}").amount == 1_500 for number in range(6))


moments = st.integers(0, 12)


@st.composite
def courses(draw: st.DrawFn) -> tuple[list[Entry], list[tuple[int, str]]]:
    """Plans that do not overlap, and what happens to them: the catalog hears, or the vendor sets a price."""
    bounds = sorted(draw(st.sets(moments, min_size=2, max_size=6)))
    made = [
        Entry(
            list_id=f"p{begin}",
            price=euros(draw(st.integers(100, 110))),
            starts_at=hour(begin),
            ends_at=hour(end) if draw(st.booleans()) else "",
            replaces=euros(1_000),
        )
        for begin, end in pairwise(bounds)
    ]
    happens = st.tuples(moments, st.sampled_from(["look", "look", "apply", "vendor"]))
    return made, sorted(draw(st.lists(happens, max_size=12)))


def hour(number: int) -> str:
    return clock.iso(datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=number))


@given(courses())
def test_whatever_happens_when_readers_and_the_catalog_come_to_the_same_price(
    course: tuple[list[Entry], list[tuple[int, str]]],
) -> None:
    wanted, happenings = course
    base = euros(1_000)
    kept = plans.looked_at(wanted, base, hour(-1)).entries
    for moment, what in happenings:
        outlook = plans.looked_at(kept, base, hour(moment))
        assert outlook.price == planned(base, kept, hour(moment))[0], "what is read is what is decided"
        again = plans.looked_at(outlook.entries, base, hour(moment))
        assert again == outlook, "looking twice is looking once"
        if what == "apply":
            base = outlook.price
            assert plans.looked_at(kept, base, hour(moment)).price == base, "carried out, nothing is left to do"
        if what == "vendor":
            base = euros(5_000 + moment)
            assert plans.looked_at(kept, base, hour(moment)).price == base, "a price of the vendor's own stands"
        kept = plans.looked_at(kept, base, hour(moment)).entries


def test_many_books_are_found_by_what_is_due_and_the_rest_stay_unread(floor: Floor) -> None:
    for number in range(8):
        floor.lamp(2_000, sku=f"L{number}")
        service.change(VENDOR, [plan("spring", 1_500, floor.at(hours=number + 1), sku=f"L{number}")])
    floor.wait(hours=3)

    assert schedule.handler({})["plans"] == 3
    assert {decision["sku"] for decision in floor.decided()} == {"L0", "L1", "L2"}


@pytest.mark.parametrize(("code", "told"), [("not_found", 1), ("mixed_currencies", 1), ("price_changed", 3)])
def test_what_the_catalog_can_never_do_is_given_up(floor: Floor, code: str, told: int) -> None:
    floor.lamp(2_000)
    wish(plan("spring", 1_500, floor.at(minutes=5)), plan("summer", 1_700, floor.at(days=9)))
    floor.wait(minutes=5)
    schedule.handler({})
    floor.hear("price.refused", {"sku": LAMP, "code": code}, times=2)
    for _ in range(2):
        floor.wait(minutes=5)
        schedule.handler({})

    assert len(floor.decided()) == told
    assert [entry.list_id for entry in entries()][-1] == "summer"


def cents_of(book: Any) -> list[int]:
    assert isinstance(book, Book)
    return [entry.price.amount for entry in book.entries]


def test_one_refused_sku_does_not_hold_up_the_others(floor: Floor) -> None:
    floor.lamp(2_000)
    outcomes = service.change(VENDOR, [plan("a", 1_500, floor.at(hours=1)), plan("a", 1, sku="NOT-OURS")])

    assert cents_of(outcomes[LAMP]) == [1_500]
    assert isinstance(outcomes["NOT-OURS"], Problem)

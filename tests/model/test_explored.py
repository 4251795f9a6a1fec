"""Everything that can happen to a checkout and to a refund, in models: no promise is broken, and there is a way out.

Each bug that is planted in a model must be found: a walk that finds nothing proves something only then.
"""

import pytest

from tests.model import checkout, refund
from tests.model.explorer import Space

pytestmark = pytest.mark.contract("7.2", "7.3", "11.2", "12.3")


def walk(model: checkout.Model) -> Space[checkout.State, checkout.Action]:
    space: Space[checkout.State, checkout.Action] = Space(checkout.State(), model.happens)
    broken = space.explore(checkout.wrong)
    assert broken is None, str(broken)
    trap = next(space.traps(checkout.good_end), None)
    assert trap is None, str(trap)
    return space


@pytest.mark.parametrize("card", checkout.CARDS)
def test_no_crash_repetition_or_order_of_things_breaks_a_checkout(card: str) -> None:
    space = walk(checkout.Model(strays=False, cards=(card,)))
    print(f"{card}: {len(space.states)} states, {space.transitions} transitions")
    assert len(space.states) > 2_000


@pytest.mark.slow
@pytest.mark.parametrize("card", checkout.CARDS)
def test_nor_does_a_function_that_goes_on_when_nobody_waits_for_it(card: str) -> None:
    space = walk(checkout.Model(cards=(card,)))
    print(f"{card}: {len(space.states)} states, {space.transitions} transitions")
    assert len(space.states) > 10_000


def test_no_refund_is_given_twice_or_lost() -> None:
    space: Space[refund.State, checkout.Action] = Space(refund.State(), refund.Model().happens)
    broken = space.explore(refund.wrong)
    assert broken is None, str(broken)
    assert next(space.traps(refund.good_end), None) is None
    print(f"refund: {len(space.states)} states, {space.transitions} transitions")


BOTH = (checkout.GOOD, checkout.DOUBTFUL)
SHORTEST = {
    "undo before give_up": "I10",
    "a timeout is a decline": "a timeout is not a decline",
    "capture without a key": "I3",
    "no tombstone": "I10",
    "a hold released twice": "I1",
    "silence approves": "12.8",
    "our book is believed": "I10",
    "confirm not fenced": "I",
}


@pytest.mark.parametrize("bug", sorted(checkout.BUGS))
def test_a_bug_planted_in_the_checkout_is_found_with_a_shortest_story(bug: str) -> None:
    space: Space[checkout.State, checkout.Action] = Space(
        checkout.State(), checkout.Model(bug, strays=False, cards=BOTH).happens
    )
    broken = space.explore(checkout.wrong)
    assert broken is not None, checkout.BUGS[bug]
    print(broken)
    assert broken.promise.startswith(SHORTEST[bug])


@pytest.mark.parametrize("bug", sorted(refund.BUGS))
def test_a_bug_planted_in_the_refund_is_found_with_a_shortest_story(bug: str) -> None:
    space: Space[refund.State, checkout.Action] = Space(refund.State(), refund.Model(bug).happens)
    broken = space.explore(refund.wrong)
    assert broken is not None, refund.BUGS[bug]
    print(broken)
    assert broken.promise.startswith("I")


def test_a_state_without_a_way_out_is_found() -> None:
    space: Space[int, str] = Space(0, lambda n: [("on", n + 1), ("aside", 9)] if n < 3 else [])
    assert space.explore() is None
    trapped = next(space.traps(lambda n: n == 3))
    assert (trapped.state, trapped.story) == (9, ["aside"])


def test_a_story_is_a_shortest_one() -> None:
    space: Space[int, str] = Space(0, lambda n: [("one", n + 1), ("three", n + 3)] if n < 10 else [])
    broken = space.explore(lambda n: "ten" if n == 10 else None)
    assert broken is not None
    assert sorted(broken.story) == ["one", "three", "three", "three"]
    assert str(broken).startswith("ten\n   1. ")

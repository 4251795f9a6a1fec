"""A drop on the real code of placing orders, in virtual time on a store that meters writes: see `bench.virtual`."""

import pytest

from bench.hot_stock import drop
from bench.virtual import LIMIT

pytestmark = [pytest.mark.usefixtures("embedded_table"), pytest.mark.contract("7.2", "11.1")]


@pytest.mark.parametrize("shards", [1, 4])
def test_a_few_hundred_buyers_get_exactly_what_there_is(shards: int) -> None:
    outcome = drop(240, 40, shards, within=0.5)

    assert outcome.told == {"sold": 40, "sold out": 200}
    assert (outcome.false, outcome.held, outcome.on_hand) == (0, 40, 40)
    assert outcome.throttled == 0


def test_buyers_whose_functions_die_hold_nothing_for_ever() -> None:
    outcome = drop(120, 60, 3, within=0.5, deaths=0.5)

    sold = outcome.told["sold"]
    assert 0 < sold <= 60
    assert sum(outcome.told.values()) < 120
    assert (outcome.held, outcome.on_hand) == (sold, 60)


@pytest.mark.slow
def test_five_thousand_buyers_get_a_hundred_units_and_none_is_told_lies() -> None:
    outcome = drop(5_000, 100, 4, within=5.0)

    assert outcome.told == {"sold": 100, "sold out": 4_900}
    assert (outcome.false, outcome.held, outcome.on_hand) == (0, 100, 100)
    assert (outcome.throttled, max(outcome.hottest.values()) <= LIMIT) == (0, True)


@pytest.mark.slow
def test_a_thousand_units_a_second_are_sold_where_no_item_is_above_its_limit() -> None:
    outcome = drop(3_000, 3_000, 4, within=3.0)

    assert outcome.told == {"sold": 3_000}
    assert (outcome.held, outcome.on_hand) == (3_000, 3_000)
    assert (outcome.throttled, outcome.hottest["SHD#"] <= LIMIT // 2) == (0, True)

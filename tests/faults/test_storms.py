"""Twenty customers in bad weather: whatever is lost, repeated or late, nobody is oversold, overcharged or forgotten."""

import pytest

from tests.faults import books
from tests.faults.conftest import Simulate

pytestmark = pytest.mark.contract("7.2", "7.3", "11.2", "12.1", "12.2", "12.3", "12.4")


def tell(simulate: Simulate, seed: int) -> None:
    crowd = simulate(seed)
    assert crowd.acknowledged, f"seed {seed}: nobody could order anything"
    assert books.violations(crowd) == [], f"seed {seed} in {crowd.checkout.weather}"


@pytest.mark.parametrize("seed", range(30))
def test_every_promise_is_kept_in_bad_weather(simulate: Simulate, seed: int) -> None:
    tell(simulate, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1_000, 1_300))
def test_every_promise_is_kept_in_many_more_storms(simulate: Simulate, seed: int) -> None:
    tell(simulate, seed)

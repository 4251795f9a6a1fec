"""Amounts and lines of an order are shared by many hands: nobody changes one."""

from pathlib import Path

import pytest

from market.money import Money

ASSIGNING = """
from market.money import Money
from orders.sold import Part

def cheaper(part: Part) -> None:
    part.subtotal.amount = 1
    part.shipping = Money(0, "EUR")
"""


@pytest.mark.slow
@pytest.mark.contract("8.1")
def test_an_assignment_to_a_value_does_not_pass_the_type_checker(tmp_path: Path) -> None:
    from mypy.api import run

    (tmp_path / "cheaper.py").write_text(ASSIGNING)
    told, _, status = run(
        [str(tmp_path / "cheaper.py"), "--cache-dir", str(tmp_path / "cache"), "--follow-imports=silent"]
    )
    assert (status, told.count("is read-only")) == (1, 2), told


@pytest.mark.contract("8.1")
def test_values_are_equal_and_hashed_by_what_they_hold() -> None:
    assert len({Money(1, "EUR"), Money(1, "EUR"), Money(1, "USD")}) == 2

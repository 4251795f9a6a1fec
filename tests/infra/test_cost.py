"""What an order costs on AWS, computed from what the real handlers ask of it."""

import pytest

from bench import dollars

ALLOWED_FOR_TIME = 0.004
"""Dollars kept for the functions' own time, the one figure that is measured: it was 0.0018 to 0.0032, by machine."""


@pytest.mark.slow
@pytest.mark.contract("26.1")
def test_a_thousand_orders_of_three_lines_cost_less_than_fifteen_cents() -> None:
    column = dollars.per_thousand(3)
    counted = {name: amount for name, amount in column.items() if name != "Lambda GB-seconds"}
    assert sum(counted.values()) <= dollars.MOST_FOR_THREE_LINES - ALLOWED_FOR_TIME, counted
    assert column["Step Functions transitions"] == pytest.approx(2 * 0.025), "the happy path has two"

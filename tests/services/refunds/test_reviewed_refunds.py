"""A part is cancelled while a refund of it is under way, and that refund then fails: its money is asked for again."""

import pytest

from market.table import update
from orders.contract import CANCELLED, order_key
from refunds import service
from tests.services.refunds import desk, orders
from tests.services.refunds.desk import ORDER, ask, last_refund, some, units

pytestmark = pytest.mark.contract("12.3")


@pytest.fixture(autouse=True)
def _two_vendors(database: str) -> None:
    desk.two_vendors()


def amounts() -> list[tuple[str, int]]:
    """(status, amount) of each refund, the oldest first."""
    return [(refund["status"], refund["amount"]["amount"]) for refund in reversed(desk.listed())]


def test_what_a_failed_refund_left_of_a_cancelled_part_is_refunded(cancelled_part: None) -> None:
    ask(some(units("LAMP", 1)))
    early = last_refund()
    service.refund_part("ada", ORDER, "ven_lights")
    assert amounts() == [("requested", 1_000), ("requested", 1_490)]
    for _ in range(3):
        service.refuse(ORDER, early, "expired_card")
    assert amounts() == [("failed", 1_000), ("requested", 1_490), ("requested", 1_000)]


def test_a_refund_of_a_cancelled_part_that_fails_is_left_to_a_person(cancelled_part: None) -> None:
    service.refund_part("ada", ORDER, "ven_lights")
    service.refuse(ORDER, last_refund(), "expired_card")
    assert amounts() == [("failed", 2_490)]


def test_a_failed_refund_of_a_part_that_is_still_to_be_sent_is_left_to_a_person() -> None:
    ask(some(units("LAMP", 1)))
    service.refuse(ORDER, last_refund(), "expired_card")
    assert amounts() == [("failed", 1_000)]


@pytest.fixture
def cancelled_part(_two_vendors: None) -> None:
    """The lamps will not be sent."""
    parts = {":parts": {"ven_lights": CANCELLED}}
    orders._table.write(update(order_key("ada", ORDER), "SET fulfilment = :parts", parts))

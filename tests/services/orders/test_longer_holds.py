"""A hold that is made longer in the moment in which it ends: the units come back, or are sold, once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from market import clock
from orders import model, service, store
from orders.contract import OrderSnapshot
from orders.model import GRACE, LONGEST_HOLD, SHORTEST_EXTENSION, HeldLongest
from orders.store import NotPending
from tests import shop
from tests.services.orders import floor

pytestmark = [pytest.mark.usefixtures("database", "machine"), pytest.mark.contract("7.2", "7.3")]
HOLD, ROUNDS = 900, 6


def longer(order: dict[str, Any]) -> str:
    """What became of making the hold longer: `longer`, or the status that the order had come to."""
    try:
        service.hold_longer("ada", order["id"], HOLD)
    except NotPending as refused:
        return str(refused.extra["status"])
    return "longer"


@pytest.mark.parametrize(
    ("ends", "status", "left"),
    [(floor.give_up, "cancelled", (10, 0)), (floor.confirm, "paid", (10 - ROUNDS, 0))],
    ids=["given up", "sold"],
)
def test_a_hold_that_is_made_longer_while_it_ends_has_one_outcome(
    ends: Callable[[str, dict[str, Any]], object], status: str, left: tuple[int, int]
) -> None:
    """Some times, since the threads decide who is first: whoever it is, the order has ended, and its units once."""
    shop.stock("LAMP", 10)
    for _ in range(ROUNDS):
        order = floor.placed("ada", ("LAMP", 1))
        with ThreadPoolExecutor(4) as crowd:
            told = [crowd.submit(longer, order) for _ in range(2)]
            ended = [crowd.submit(ends, "ada", order) for _ in range(2)]
        assert {one.result() for one in told} <= {"longer", status}
        assert [one.exception() for one in ended] == [None, None]
        assert floor.show(order["orderNo"]).json["status"] == status
        assert longer(order) == status
    assert shop.shelf("LAMP") == left
    assert store.pending_since(clock.now() + timedelta(days=1)) == [], "nothing looks for it any more"


def moment(order: OrderSnapshot, **after: int) -> datetime:
    """That long after the order was placed, on the whole."""
    return datetime.fromisoformat(order.created_at) + timedelta(**after)


def test_no_hold_is_made_so_long_that_it_ends_later_than_the_longest() -> None:
    shop.stock("LAMP", 1)
    order = store.get("ada", floor.placed("ada", ("LAMP", 1))["id"])
    held, longest = datetime.fromisoformat(order.hold_until), moment(order) + LONGEST_HOLD
    assert model.longer_hold(order, HOLD, held) == held + timedelta(seconds=HOLD)
    assert model.longer_hold(order, HOLD * 4, held) == longest, "as much as is left, of however much"
    late = replace(order, hold_until=longest.isoformat())
    assert model.longer_hold(late, HOLD, longest - SHORTEST_EXTENSION) == longest
    for too_late in (longest - SHORTEST_EXTENSION + timedelta(seconds=1), longest + timedelta(seconds=1)):
        with pytest.raises(HeldLongest):
            model.longer_hold(late, HOLD, too_late)
    assert model.longer_hold(order, 1, held + GRACE)
    with pytest.raises(HeldLongest):
        model.longer_hold(order, 1, held + GRACE + timedelta(seconds=1))


def test_a_hold_that_is_longer_already_stays_as_it_is() -> None:
    shop.stock("LAMP", 1)
    order = floor.placed("ada", ("LAMP", 1))
    before = store.get("ada", order["id"]).hold_until
    assert service.hold_longer("ada", order["id"], 1) == 1
    assert store.get("ada", order["id"]).hold_until == before

"""Reservations that nobody ended: each is ended as its order says, in one transaction with a look at that order.

An order ends its reservation in the transaction that moves it on, so that there is normally nothing to do here. What
would be left is what an order took that moved on in another way, or is no more.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from market import clock, log
from market.errors import Conflict
from market.table import NEW, Write, check
from orders.contract import CANCELLED, PAID, order_key
from promotions import store
from promotions.counters import OPEN, ReservationEnded, commit, read_spends, release, reservation_key

OLD = timedelta(hours=2)
"""Younger reservations are left to their orders."""
LOST = timedelta(days=1)
"""After so long an order that is nowhere will not appear any more."""
_PAGES = 20


class OrderMoved(Conflict):
    """The order is not what it was when it was read; the next sweep sees."""


def sweep() -> int:
    """End what was left; how many there were."""
    before = clock.iso(clock.now() - OLD)
    return sum(_end(order_id) for shard in OPEN for order_id in _open(shard, before))


def _open(shard: str, before: str) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    for _ in range(_PAGES):
        page = store.TABLE.query(shard, index="by1", limit=100, cursor=cursor)
        found += [item["pk"].removeprefix("PMR#") for item in page.items if item["by1sk"] < before]
        cursor = page.next
        if cursor is None or page.items[-1]["by1sk"] >= before:
            break
    return found


def _end(order_id: str) -> int:
    reservation = store.TABLE.get(reservation_key(order_id), consistent=True)
    if reservation is None:
        return 0
    writes = _ending(order_id, reservation)
    if not writes:
        return 0
    try:
        store.TABLE.transact(*writes)
    except (OrderMoved, ReservationEnded):
        return 0
    log.warning("reservation swept", order_id=order_id, promotions=len(read_spends(reservation["spends"])))
    return 1


def _ending(order_id: str, reservation: Mapping[str, Any]) -> tuple[Write, ...]:
    """What ends it, with a condition on the order; nothing while the order may still go either way."""
    customer_id, spends = reservation["customer_id"], read_spends(reservation["spends"])
    key = order_key(customer_id, order_id)
    order = store.TABLE.get(key, consistent=True)
    moved = OrderMoved("The order has moved on.")
    if order is None:
        if reservation["at"] > clock.iso(clock.now() - LOST):
            return ()
        return check(key, when=NEW, otherwise=moved), *release(spends, order_id, customer_id)
    if order.get("status") not in (PAID, CANCELLED):
        return ()
    still = check(key, when="status = :status", values={":status": order["status"]}, otherwise=moved)
    end = commit if order["status"] == PAID else release
    return still, *end(spends, order_id, customer_id)

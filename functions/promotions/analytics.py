"""What promotions were used for, by day: counted from events, once each, over shards, so that no day is a hot item."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from zlib import crc32

from market import clock
from market.errors import Conflict
from market.money import Money
from market.table import NEW, Key, Write, put, update
from orders.contract import order_key
from promotions import store
from promotions.counters import Spend, customer_key, read_spends

SHARDS = 4
_REMEMBERED = timedelta(days=30)
"""How long an event may come again: longer than any queue keeps it."""
_GUEST, _GUEST_LIFE = "gst_", timedelta(days=120)


class Heard(Conflict):
    """The event was counted before."""


@dataclass(slots=True)
class Day:
    """One day of a promotion. uses: orders paid with it; released: orders that came to nothing.

    discount, revenue: by currency, in minor units; revenue is all that those orders came to.
    """

    day: str
    uses: int = 0
    released: int = 0
    discount: dict[str, int] = field(default_factory=dict)
    revenue: dict[str, int] = field(default_factory=dict)


def paid(event_id: str, order_id: str, customer_id: str, total: Mapping[str, object], at: str) -> None:
    """An order was paid: one more of the customer's, and a use of each of its promotions."""
    revenue = Money(int(str(total["amount"])), str(total["currency"]))
    counted = [_used(spend, order_id, at[:10], revenue) for spend in _merged(_spends(order_id, customer_id))]
    _once(event_id, _one_more(customer_id), *counted)


def cancelled(event_id: str, order_id: str, customer_id: str, at: str) -> None:
    """An order came to nothing: what it had of promotions was released."""
    counted = [_released(spend, order_id, at[:10]) for spend in _merged(_spends(order_id, customer_id))]
    if counted:
        _once(event_id, *counted)


def days(promotion_id: str, month: str) -> list[Day]:
    """The days of a month, such as `2026-11`, on which anything happened."""
    page = store.TABLE.query(f"PMA#{promotion_id}", begins=month, limit=31 * SHARDS)
    found: dict[str, Day] = {}
    for item in page.items:
        day = found.setdefault(item["sk"][:10], Day(item["sk"][:10]))
        day.uses += item.get("uses", 0)
        day.released += item.get("released", 0)
        for name, amount in item.items():
            kind, _, currency = name.partition("_")
            if kind in ("off", "rev"):
                sums = day.discount if kind == "off" else day.revenue
                sums[currency] = sums.get(currency, 0) + amount
    return list(found.values())


def registered(customer_id: str, at: str) -> None:
    """An account was made: for promotions that are for new customers. The first time that is heard counts."""
    write = update(customer_key(customer_id), "SET since = if_not_exists(since, :at)", {":at": at})
    store.TABLE.write(write)


def _spends(order_id: str, customer_id: str) -> tuple[Spend, ...]:
    """What the order took of promotions; an order that is gone, or took none, has none."""
    item = store.TABLE.get(order_key(customer_id, order_id), consistent=True)
    return read_spends(item["spends"]) if item and item.get("spends") else ()


def _merged(spends: Iterable[Spend]) -> list[Spend]:
    """One of each promotion: a transaction writes an item once."""
    return list({spend.promotion_id: spend for spend in spends}.values())


def _once(event_id: str, *writes: Write) -> None:
    seen = put(
        Key(f"PME#{event_id}"), {"expires_at": clock.epoch(_REMEMBERED)}, when=NEW, otherwise=Heard("Counted before.")
    )
    try:
        store.TABLE.transact(seen, *writes)
    except Heard:
        return


def _one_more(customer_id: str) -> Write:
    forgotten = ", expires_at = :end" if customer_id.startswith(_GUEST) else ""
    values = {":none": 0, ":one": 1} | ({":end": clock.epoch(_GUEST_LIFE)} if forgotten else {})
    return update(customer_key(customer_id), f"SET orders = if_not_exists(orders, :none) + :one{forgotten}", values)


def _used(spend: Spend, order_id: str, day: str, revenue: Money) -> Write:
    currency = spend.currency
    return update(
        _day_key(spend.promotion_id, order_id, day),
        f"ADD uses :uses, off_{currency} :off, rev_{revenue.currency} :rev",
        {":uses": spend.uses, ":off": spend.amount, ":rev": revenue.amount},
    )


def _released(spend: Spend, order_id: str, day: str) -> Write:
    return update(_day_key(spend.promotion_id, order_id, day), "ADD released :uses", {":uses": spend.uses})


def _day_key(promotion_id: str, order_id: str, day: str) -> Key:
    return Key(f"PMA#{promotion_id}", f"{day}#{crc32(order_id.encode()) % SHARDS}")

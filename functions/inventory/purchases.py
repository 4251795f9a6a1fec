"""How many units of a SKU a customer may buy, and the counters of what each has bought."""

from dataclasses import dataclass

from market import clock
from market.errors import Conflict
from market.table import Item, Key, Write, update

_DAY = 86_400


class LimitChanged(Conflict):
    """How many a customer may buy is not what the cart says; `limit` is the present number, absent for no limit."""

    code, title = "limit_changed", "The purchase limit has changed"


class PurchaseLimitReached(Conflict):
    """A customer may buy only `limit` of it, `allowed` of them still."""

    code, title = "purchase_limit", "Purchase limit"


@dataclass(frozen=True, slots=True)
class PurchaseLimit:
    """A customer may buy so many `units`: within each period of so many `days`, or ever, if `days` is 0.

    Periods are the same for everybody: they follow each other since 1970, so that a counter's key tells its period.
    """

    units: int
    days: int = 0

    @property
    def period(self) -> str:
        """The present period as part of a counter's key, such as `30.686`; empty if the limit is for ever."""
        return f"{self.days}.{clock.epoch() // (self.days * _DAY)}" if self.days else ""


def count_purchase(sku: str, customer_id: str, quantity: int, limit: PurchaseLimit, period: str) -> Write:
    """Count units against what the customer may buy in this `period` of the limit. Raises PurchaseLimitReached.

    To be written with `hold`, which makes sure of the limit; the order keeps the period for `uncount_purchase`.
    """

    def refusal(found: Item | None) -> Conflict:
        return limit_reached(sku, limit, found["units"] if found else 0)

    room = "units <= :room"
    if quantity <= limit.units:
        room = f"attribute_not_exists(units) OR {room}"
    values = {":none": 0, ":bought": quantity, ":room": limit.units - quantity}
    ends = ""
    if period:
        ends, values = ", expires_at = :end", values | {":end": _period_end(period) + 2 * _DAY}
    return update(
        counter_key(sku, customer_id, period),
        f"SET units = if_not_exists(units, :none) + :bought{ends}",
        values,
        when=room,
        otherwise=refusal,
    )


def uncount_purchase(sku: str, customer_id: str, quantity: int, period: str) -> tuple[Write, ...]:
    """Let the customer buy so many again, for an order that came to nothing: one write, or none once `period` is over.

    The caller's own fence makes sure that this happens once per `count_purchase`. A counter never falls below zero, and
    one that is gone keeps no order from ending.
    """
    if period and _period_end(period) <= clock.epoch():
        return ()
    back = update(
        counter_key(sku, customer_id, period),
        "SET units = if_not_exists(units, :back) - :back",
        {":back": quantity},
        when="attribute_not_exists(units) OR units >= :back",
        otherwise=Conflict(f"Fewer than {quantity} of {sku} are counted."),
    )
    return (back,)


def counter_key(sku: str, customer_id: str, period: str) -> Key:
    """Where a customer's purchases of a limited SKU are counted."""
    return Key(f"STL#{sku}", f"{customer_id}#{period}" if period else customer_id)


def limit_reached(sku: str, limit: PurchaseLimit, bought: int = 0) -> PurchaseLimitReached:
    """The refusal, which says how many are still allowed."""
    allowed = max(0, limit.units - bought)
    every = f" in {limit.days} days" if limit.days else ""
    said = f"A customer may buy {limit.units} of {sku}{every}, you {allowed} more."
    return PurchaseLimitReached(said, sku=sku, limit=limit.units, allowed=allowed)


def limit_changed(sku: str, limit: PurchaseLimit | None) -> LimitChanged:
    if limit is None:
        return LimitChanged(f"{sku} is no longer limited.", sku=sku)
    return LimitChanged(f"A customer may now buy {limit.units} of {sku}.", sku=sku, limit=limit.units)


def _period_end(period: str) -> int:
    """The moment, in seconds since 1970, when a period is over."""
    days, number = map(int, period.split("."))
    return (number + 1) * days * _DAY

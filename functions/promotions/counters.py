"""Uses and money of promotions, set aside with an order and then used or given back: write fragments, no I/O.

A limit is split ahead over shards, so that no item is hot: `PMN#<promotion>#<shard>` holds what is left of its part,
what is reserved and what was used; their sums never change but when the limit does. An order's shard follows from its
id. Where that one has too little, the write is refused as CounterShort, and `room` moves what is missing there from the
others, or makes sure that there is not enough on all of them together.

A reservation is an item `PMR#<order>` that ends once: every fragment that ends one has a condition on it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zlib import crc32

import orjson

from market import clock
from market.errors import Conflict
from market.money import exponent
from market.table import EXISTS, NEW, Item, Key, Refusal, Write, put, update
from promotions.model import CodeUsed, Limits, UsageLimitReached

RESERVED, COMMITTED, RELEASED = "reserved", "committed", "released"
OPEN = tuple(f"PMR#open#{shard}" for shard in range(4))
"""Partitions of the index by1 with the reservations that have not ended; `by1sk` is when they were made."""
MAX_SHARDS = 16
PER_SHARD = 50
"""Uses for which one more shard is worth it."""
_REMEMBERED = timedelta(days=90)
_PARTS = tuple(f"{what}_{where}" for what in ("uses", "money") for where in ("left", "held", "used"))


class ReservationEnded(Conflict):
    """The order's reservation was committed or released before."""

    code, title = "reservation_ended", "The reservation has ended"


class CounterShort(Conflict):
    """One shard of a counter has too little left for `spend`; others may have more: see `room.with_room`."""

    code, title = "promotion_busy", "Please try again"
    spend: "Spend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What an order takes of a promotion: `uses`, and `amount` in minor units, postage that was taken off included.

    uses_limited, budget, per_customer, code_limit: which limits count it; where none does, nothing is written for it.
    """

    promotion_id: str
    version: int
    code: str = ""
    uses: int = 1
    amount: int = 0
    currency: str = ""
    platform_basis_points: int = 0
    shard: int = 0
    shards: int = 1
    uses_limited: bool = False
    budget: bool = False
    per_customer: int = 0
    code_limit: int = 0

    @property
    def counted(self) -> bool:
        """Whether a shard counts it."""
        return self.uses_limited or self.budget

    @property
    def limited(self) -> bool:
        return self.counted or self.per_customer > 0 or self.code_limit > 0


def compact_spends(spends: Sequence[Spend]) -> str:
    """JSON for the order's item."""
    return orjson.dumps([[getattr(spend, name) for name in Spend.__slots__] for spend in spends]).decode()


def read_spends(text: str) -> tuple[Spend, ...]:
    return tuple(Spend(**dict(zip(Spend.__slots__, row, strict=True))) for row in orjson.loads(text))


def shards_for(limits: Limits) -> int:
    """How many shards the limits are split over: by uses, or, where these have no limit, by the budget."""
    worth = limits.uses // PER_SHARD
    if not limits.uses and limits.budget:
        worth = limits.budget // (PER_SHARD * 10 ** (exponent(limits.budget_currency) + 1))
    return max(1, min(MAX_SHARDS, worth))


def shard_of(order_id: str, shards: int) -> int:
    return crc32(order_id.encode()) % shards


def shard_key(promotion_id: str, shard: int) -> Key:
    return Key(f"PMN#{promotion_id}#{shard}")


def shard_keys(promotion_id: str, shards: int) -> list[Key]:
    return [shard_key(promotion_id, shard) for shard in range(shards)]


def customer_key(customer_id: str) -> Key:
    """What is known of a customer: one item with orders so far, uses of limited promotions, and claimed codes."""
    return Key(f"PMC#{customer_id}")


def code_key(code: str) -> Key:
    """code: normalised."""
    return Key(f"CPN#{code}")


def reservation_key(order_id: str) -> Key:
    return Key(f"PMR#{order_id}")


def grant(promotion_id: str, before: Limits, after: Limits) -> tuple[Write, ...]:
    """Make the shards of a limit, or raise it. Nothing may be lowered: what is reserved cannot be taken back."""
    uses, money = after.uses - before.uses, after.budget - before.budget
    if not uses and not money:
        return ()
    assert min(uses, money) >= 0, "limits are only raised"
    first = not before.counted
    return tuple(
        _granted(shard_key(promotion_id, shard), more, much, first=first)
        for shard, (more, much) in enumerate(zip(_split(uses, after.shards), _split(money, after.shards), strict=True))
    )


def reserve(spends: Sequence[Spend], *, order_id: str, customer_id: str, at: str) -> tuple[Write, ...]:
    """Set aside what an order takes, once: part of the transaction that places it. Nothing where nothing is limited.

    Raises UsageLimitReached, CodeUsed, CounterShort (see `room`, which raises PromotionOver or BudgetSpent), and
    Conflict if this order reserved before.
    """
    limited = [spend for spend in spends if spend.limited]
    if not limited:
        return ()
    shard = OPEN[crc32(order_id.encode()) % len(OPEN)]
    reservation = {
        "status": RESERVED,
        "customer_id": customer_id,
        "spends": compact_spends(limited),
        "at": at,
        "by1pk": shard,
        "by1sk": at,
    }
    return (
        put(reservation_key(order_id), reservation, when=NEW, otherwise=Conflict("This order has reserved before.")),
        *_count_customer(limited, customer_id),
        *(_count_code(spend) for spend in limited if spend.code_limit),
        *(_take(spend) for spend in limited if spend.counted),
    )


def commit(spends: Sequence[Spend], order_id: str, customer_id: str) -> tuple[Write, ...]:
    """The order is paid: what it reserved is used. Part of the transaction that marks it. Raises ReservationEnded."""
    limited = [spend for spend in spends if spend.limited]
    if not limited:
        return ()
    return _ended(order_id, customer_id, COMMITTED), *(_use(spend) for spend in limited if spend.counted)


def release(spends: Sequence[Spend], order_id: str, customer_id: str) -> tuple[Write, ...]:
    """The order came to nothing: others may have what it reserved. Raises ReservationEnded."""
    limited = [spend for spend in spends if spend.limited]
    if not limited:
        return ()
    return (
        _ended(order_id, customer_id, RELEASED),
        *_uncount_customer(limited, customer_id),
        *(_uncount_code(spend) for spend in limited if spend.code_limit),
        *(_give_back(spend) for spend in limited if spend.counted),
    )


def sums(shards: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """What all shards hold together: `uses_left`, `uses_held`, `uses_used` and the same of `money`."""
    whole = dict.fromkeys(_PARTS, 0)
    for shard in shards:
        for part in _PARTS:
            whole[part] += shard.get(part, 0)
    return whole


def take_for_good(spend: Spend) -> Write:
    """Take uses without a reservation, as coupons are claimed. Raises CounterShort."""
    return update(
        shard_key(spend.promotion_id, spend.shard),
        "SET uses_left = uses_left - :uses, uses_used = uses_used + :uses",
        {":uses": spend.uses},
        when="uses_left >= :uses",
        otherwise=_short(spend),
    )


def _split(amount: int, shards: int) -> list[int]:
    each, more = divmod(amount, shards)
    return [each + (shard < more) for shard in range(shards)]


def _granted(key: Key, uses: int, money: int, *, first: bool) -> Write:
    if first:
        whole = dict.fromkeys(_PARTS, 0) | {"uses_left": uses, "money_left": money}
        return put(key, whole, when=NEW, otherwise=Conflict("The promotion's limits are there already."))
    return update(
        key,
        "SET uses_left = uses_left + :uses, money_left = money_left + :money",
        {":uses": uses, ":money": money},
        when=EXISTS,
        otherwise=Conflict("The promotion has no limits yet."),
    )


def _take(spend: Spend) -> Write:
    """What is not limited is held all the same, so that analytics and limits say the same."""
    taken = ["uses_held = uses_held + :uses", "money_held = money_held + :money"]
    taken += ["uses_left = uses_left - :uses"] * spend.uses_limited + [
        "money_left = money_left - :money"
    ] * spend.budget
    room = ["uses_left >= :uses"] * spend.uses_limited + ["money_left >= :money"] * spend.budget
    key = shard_key(spend.promotion_id, spend.shard)
    return update(key, f"SET {', '.join(taken)}", _sizes(spend), when=" AND ".join(room), otherwise=_short(spend))


def _use(spend: Spend) -> Write:
    return _let_go(spend, ["uses_used = uses_used + :uses", "money_used = money_used + :money"])


def _give_back(spend: Spend) -> Write:
    back = ["uses_left = uses_left + :uses"] * spend.uses_limited + ["money_left = money_left + :money"] * spend.budget
    return _let_go(spend, back)


def _let_go(spend: Spend, moved: list[str]) -> Write:
    held = ["uses_held = uses_held - :uses", "money_held = money_held - :money"]
    return update(
        shard_key(spend.promotion_id, spend.shard),
        f"SET {', '.join(held + moved)}",
        _sizes(spend),
        when="uses_held >= :uses AND money_held >= :money",
        otherwise=Conflict("Less than this is reserved."),
    )


def _sizes(spend: Spend) -> dict[str, int]:
    return {":uses": spend.uses, ":money": spend.amount}


def _short(spend: Spend) -> Refusal:
    def refusal(_found: Item | None) -> CounterShort:
        short = CounterShort("Please try again.", promotionId=spend.promotion_id)
        short.spend = spend
        return short

    return refusal


def _ended(order_id: str, customer_id: str, status: str) -> Write:
    return update(
        reservation_key(order_id),
        "SET status = :status, ended_at = :now, expires_at = :until REMOVE by1pk, by1sk",
        {
            ":status": status,
            ":now": clock.timestamp(),
            ":until": clock.epoch(_REMEMBERED),
            ":reserved": RESERVED,
            ":customer": customer_id,
        },
        when="status = :reserved AND customer_id = :customer",
        otherwise=ReservationEnded("The order's reservation has ended."),
    )


def _count_customer(spends: Iterable[Spend], customer_id: str) -> tuple[Write, ...]:
    mine = [spend for spend in spends if spend.per_customer]
    if not mine:
        return ()
    rooms = {spend.promotion_id: spend.per_customer - spend.uses for spend in mine}

    def refusal(found: Item | None) -> UsageLimitReached:
        full = [name for name, room in rooms.items() if (found or {}).get(f"u_{name}", 0) > room]
        return UsageLimitReached("You have used this promotion as often as one may.", promotionId=(full or [""])[0])

    sets, when, values = [], [], {":none": 0}
    for number, spend in enumerate(mine):
        name = f"u_{spend.promotion_id}"
        sets.append(f"{name} = if_not_exists({name}, :none) + :n{number}")
        when.append(f"(attribute_not_exists({name}) OR {name} <= :r{number})")
        values |= {f":n{number}": spend.uses, f":r{number}": rooms[spend.promotion_id]}
    key = customer_key(customer_id)
    return (update(key, f"SET {', '.join(sets)}", values, when=" AND ".join(when), otherwise=refusal),)


def _uncount_customer(spends: Iterable[Spend], customer_id: str) -> tuple[Write, ...]:
    """A customer's item that was erased meanwhile keeps no order from ending."""
    mine = [spend for spend in spends if spend.per_customer]
    if not mine:
        return ()
    names = {f"u_{spend.promotion_id}": spend.uses for spend in mine}
    sets = [f"{name} = if_not_exists({name}, :n{n}) - :n{n}" for n, name in enumerate(names)]
    values = {f":n{n}": uses for n, uses in enumerate(names.values())}
    return (update(customer_key(customer_id), f"SET {', '.join(sets)}", values),)


def _count_code(spend: Spend) -> Write:
    return update(
        code_key(spend.code),
        "SET used = used + :uses",
        {":uses": spend.uses, ":room": spend.code_limit - spend.uses, ":promotion": spend.promotion_id},
        when="used <= :room AND promotion_id = :promotion",
        otherwise=CodeUsed("This code cannot be used any more.", promotionCode=spend.code),
    )


def _uncount_code(spend: Spend) -> Write:
    return update(
        code_key(spend.code),
        "SET used = used - :uses",
        {":uses": spend.uses},
        when="used >= :uses",
        otherwise=Conflict("The code was used less often."),
    )

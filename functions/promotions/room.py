"""Room on a shard of a counter: moved there from the others, or proved not to be there at all. No I/O of its own.

No customer is told that a promotion is over while something is left of it: what was read of the shards, one by one,
must be so on all of them at one moment, which a transaction of conditions makes sure of.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from market import clock
from market.errors import Conflict
from market.events import announce
from market.table import EXISTS, Busy, Item, Key, Write, check, update
from promotions.counters import CounterShort, Spend, shard_key, shard_keys, sums
from promotions.events import PromotionExhausted
from promotions.manifest import MANIFEST
from promotions.model import BudgetSpent, PromotionOver

_TRIES = 8
_QUIET = timedelta(minutes=1)
Result = TypeVar("Result")


class _Stale(Conflict):
    """The shards are not as they were read."""


def with_room(
    attempt: Callable[[], Result],
    batch_get: Callable[..., Mapping[Key, Item]],
    transact: Callable[..., object],
) -> Result:
    """Do what reserves; as long as a shard is short while others have more, make room there and do it again.

    batch_get, transact: of the caller's table. Raises what `attempt` and `make_room` raise.
    """
    for _ in range(_TRIES):
        try:
            return attempt()
        except CounterShort as short:
            make_room(batch_get, transact, short)
    return attempt()


def make_room(
    batch_get: Callable[..., Mapping[Key, Item]], transact: Callable[..., object], short: CounterShort
) -> None:
    """Move to the shard that was short what it lacks, from those that have most; then the order may be tried again.

    Raises PromotionOver or BudgetSpent if there is not enough on all shards together, which is announced: at one moment
    it was so. Raises `short` itself if others keep writing.
    """
    spend: Spend = short.spend
    keys = shard_keys(spend.promotion_id, spend.shards)
    for _ in range(_TRIES):
        found = batch_get(keys, consistent=True)
        shards = [found[key] for key in keys]
        over = _over(spend, shards)
        try:
            if not over and not _lacks(spend, shards[spend.shard]):
                return
            transact(*(_as_read(spend, shards) if over else _moved(spend, shards)))
        except (_Stale, Busy):
            continue
        if over:
            raise over
        return
    raise short


def _lacks(spend: Spend, shard: Item) -> bool:
    return _missing(spend, shard) != (0, 0)


def _missing(spend: Spend, shard: Item) -> tuple[int, int]:
    uses = max(0, spend.uses - shard["uses_left"]) if spend.uses_limited else 0
    money = max(0, spend.amount - shard["money_left"]) if spend.budget else 0
    return uses, money


def _over(spend: Spend, shards: Sequence[Item]) -> PromotionOver | BudgetSpent | None:
    whole = sums(shards)
    named: dict[str, Any] = {"promotionId": promotion_of(spend), "promotionCode": spend.code}
    if spend.uses_limited and whole["uses_left"] < spend.uses:
        return PromotionOver("The promotion is used up.", **named)
    if spend.budget and whole["money_left"] < spend.amount:
        return BudgetSpent("The promotion's budget does not cover this order.", left=whole["money_left"], **named)
    return None


def promotion_of(spend: Spend) -> str:
    """Whose counter it is: coupons that are claimed have one of their own beside the promotion's."""
    return spend.promotion_id.partition("#")[0]


def _as_read(spend: Spend, shards: Sequence[Item]) -> list[Write]:
    """Nothing but the certainty that all shards were like this at one moment, and the news, once a minute."""
    now = clock.timestamp()
    lately = clock.iso(clock.now() - _QUIET)
    tell = shards[0].get("told_at", "") < lately
    writes = []
    for number, shard in enumerate(shards):
        key, values = shard_key(spend.promotion_id, number), {":u": shard["uses_left"], ":m": shard["money_left"]}
        same: dict[str, Any] = {"when": "uses_left = :u AND money_left = :m", "otherwise": _Stale()}
        if tell and not number:
            writes.append(update(key, "SET told_at = :now", values | {":now": now}, **same))
        else:
            writes.append(check(key, values=values, **same))
    news = PromotionExhausted(promotion_id=promotion_of(spend))
    return [*writes, announce(news, by=MANIFEST)] if tell else writes


def _moved(spend: Spend, shards: Sequence[Item]) -> list[Write]:
    """Take what is missing from the shards that have most: half of what they have, or all that is needed."""
    uses, money = _missing(spend, shards[spend.shard])
    others = [number for number in range(len(shards)) if number != spend.shard]
    gifts: dict[int, list[int]] = {}
    for column, (name, wanted) in enumerate((("uses_left", uses), ("money_left", money))):
        for number in sorted(others, key=lambda n: -shards[n][name]):
            if wanted <= 0:
                break
            given = min(shards[number][name], max(wanted, shards[number][name] // 2))
            gifts.setdefault(number, [0, 0])[column] = given
            wanted -= given
    got = [sum(gift[column] for gift in gifts.values()) for column in (0, 1)]
    receive = update(
        shard_key(spend.promotion_id, spend.shard),
        "SET uses_left = uses_left + :u, money_left = money_left + :m",
        {":u": got[0], ":m": got[1]},
        when=EXISTS,
        otherwise=_Stale(),
    )
    return [receive, *(_giving(shard_key(spend.promotion_id, number), *gift) for number, gift in gifts.items())]


def _giving(key: Key, uses: int, money: int) -> Write:
    return update(
        key,
        "SET uses_left = uses_left - :u, money_left = money_left - :m",
        {":u": uses, ":m": money},
        when="uses_left >= :u AND money_left >= :m",
        otherwise=_Stale(),
    )

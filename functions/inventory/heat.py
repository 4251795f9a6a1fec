"""How many shards a SKU needs: none where buyers seldom meet, then one for each so many units a second. Pure.

What is known of it: what the vendor announced (`peak` of the offer), that orders got in each other's way (`contended`),
and what its shards have been written. A SKU cools down slowly: a quiet minute in a sale is no reason to gather.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil
from typing import Any

from inventory.shards import MAX_SHARDS, Shard
from market import clock
from market.errors import Conflict
from market.table import Item, Key, Write, put, update

PER_SHARD = 500
"""Units a second on one shard: half of what one item can be written, since what is held also ends."""
CALM = 5
"""Units a second that one item serves within orders' transactions."""
COLD = 2
"""Units a second below which a SKU cools down."""
COOLING = timedelta(hours=1)

LIST = Key("HOT#current")
"""The SKUs that are looked after each minute: the only item read while none is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """What is known of a SKU that is looked after.

    peak: the most units a second since it was cold; warm_at: when it was last warm; written, at: the sum of its shards'
    versions when they were last looked at; most: how many shards it has had, since tickets may still be on those. Times
    are seconds since 1970.
    """

    sku: str
    peak: int = 0
    warm_at: int = 0
    written: int = 0
    at: int = 0
    most: int = 0


def heat_key(sku: str) -> Key:
    return Key(f"HOT#{sku}")


def read_heat(sku: str, item: Mapping[str, Any] | None) -> Heat:
    known = item or {}
    return Heat(
        sku=sku, **{name: known[name] for name in ("peak", "warm_at", "written", "at", "most") if name in known}
    )


def save_heat(heat: Heat) -> Write:
    item: Item = {name: getattr(heat, name) for name in ("peak", "warm_at", "written", "at", "most")}
    return put(heat_key(heat.sku), item)


def told_contended(sku: str) -> Write:
    """For the transaction that announces that orders met on the SKU. Refused if that was done in this minute."""
    minute = clock.epoch() // 60
    return put(
        Key(f"HOT#told#{sku}"),
        {"minute": minute, "expires_at": clock.epoch(COOLING)},
        when="attribute_not_exists(pk) OR minute < :minute",
        values={":minute": minute},
        otherwise=Conflict("It was told already."),
    )


def look_after(sku: str) -> Write:
    """Put the SKU on the list; it may be there already."""
    return update(LIST, "ADD skus :sku", {":sku": {sku}})


def leave_alone(sku: str) -> Write:
    return update(LIST, "DELETE skus :sku", {":sku": {sku}})


def contended(heat: Heat) -> Heat:
    """Orders got in each other's way: it is hotter than one item's transactions serve."""
    return replace(heat, peak=max(heat.peak, CALM + 1), warm_at=clock.epoch())


def measured(heat: Heat, shards: Sequence[Shard]) -> Heat:
    """With the rate at which its shards were written since they were last looked at: each hold is one write."""
    now, written = clock.epoch(), sum(shard.version for shard in shards)
    rate = (written - heat.written) // max(1, now - heat.at) if heat.at else 0
    warm_at = now if rate >= COLD or not heat.warm_at else heat.warm_at
    return replace(heat, peak=max(heat.peak, rate), warm_at=warm_at, written=written, at=now)


def shards_wanted(heat: Heat, announced: int) -> int:
    """0 for a SKU that is served within orders' transactions. announced: units a second that the vendor expects."""
    peak = max(announced, 0 if is_cold(heat) else heat.peak)
    return min(MAX_SHARDS, ceil(peak / PER_SHARD)) if peak > CALM else 0


def is_cold(heat: Heat) -> bool:
    return heat.warm_at < clock.epoch(-COOLING)

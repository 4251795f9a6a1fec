"""What each benefit takes off which line, to the last unit: pure integer arithmetic on what is left of the lines.

Whole amounts are spread over lines by what is left of them (`Money.allocate`), so that nothing is lost and no line
falls below nothing. Halves are rounded up, in the customer's favour.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from market.money import Money
from promotions.model import (
    WHOLE,
    Amounts,
    Benefit,
    Bundle,
    BuyGet,
    Fixed,
    FreeGift,
    FreeShipping,
    Percent,
    Tier,
    Tiered,
)

Takes = dict[int, int]
"""Minor units taken off, by line."""


@dataclass(slots=True)
class Work:
    """The cart while promotions are taken off it. Lines are in the order of their SKUs.

    value: of the whole lines before any discount; left: after those taken so far.
    """

    currency: str
    skus: Sequence[str]
    units: Sequence[int]
    value: Sequence[int]
    left: list[int]


class Reach(NamedTuple):
    """The lines that a promotion is for, those that its rewards are taken from, and where its gift lies, if at all."""

    lines: tuple[int, ...]
    rewards: tuple[int, ...] = ()
    gift: int | None = None


def taken(benefit: Benefit, work: Work, reach: Reach) -> Takes:
    """What the benefit takes off, by line; nothing where it takes nothing."""
    return _RULES[benefit.kind](benefit, work, reach)


def gift_units(benefit: FreeGift, work: Work, reach: Reach) -> int:
    """Units of the gift that are in the cart."""
    return 0 if reach.gift is None else min(benefit.units, work.units[reach.gift])


def _percent(benefit: Percent, work: Work, reach: Reach) -> Takes:
    off = share(sum([work.left[i] for i in reach.lines]), benefit.basis_points)
    if benefit.most:
        off = min(off, benefit.most.get(work.currency, off))
    return _spread(off, work, reach.lines)


def _fixed(benefit: Fixed, work: Work, reach: Reach) -> Takes:
    return _amounts(benefit.amounts, work, reach.lines, per_unit=benefit.per_unit)


def _amounts(amounts: Amounts, work: Work, lines: tuple[int, ...], *, per_unit: bool) -> Takes:
    off, left = amounts.get(work.currency, 0), work.left
    if per_unit:
        return {i: less for i in lines if (less := min(off * work.units[i], left[i]))}
    return _spread(min(off, sum([left[i] for i in lines])), work, lines)


def _tiered(benefit: Tiered, work: Work, reach: Reach) -> Takes:
    units, value = sum(work.units[i] for i in reach.lines), sum(work.value[i] for i in reach.lines)
    reached = [tier for tier in benefit.tiers if _reaches(tier, units, value, work.currency)]
    if not reached:
        return {}
    best = max(reached, key=lambda tier: (tier.units, tier.spend.get(work.currency, 0)))
    if best.basis_points:
        return _percent(Percent(basis_points=best.basis_points), work, reach)
    return _amounts(best.amounts, work, reach.lines, per_unit=False)


def _reaches(tier: Tier, units: int, value: int, currency: str) -> bool:
    if tier.spend:
        return currency in tier.spend and value >= tier.spend[currency]
    return units >= tier.units


def _bundle(benefit: Bundle, work: Work, reach: Reach) -> Takes:
    """Of each SKU the first of its lines counts; a bundle that is dearer than its goods takes nothing off."""
    at = {work.skus[i]: i for i in reversed(reach.lines)}
    price = benefit.prices.get(work.currency)
    if price is None or not at.keys() >= benefit.units.keys():
        return {}
    times = min(work.units[at[sku]] // wanted for sku, wanted in benefit.units.items())
    times = min(times, benefit.most) if benefit.most else times
    worth = {at[sku]: _part(work, at[sku], wanted * times) for sku, wanted in benefit.units.items()}
    off = sum(worth.values()) - price * times
    return _allocated(off, worth, work.currency) if times and off > 0 else {}


def _buy_get(benefit: BuyGet, work: Work, reach: Reach) -> Takes:
    bought = sum(work.units[i] for i in reach.lines)
    every, cheaper = (benefit.buy, reach.rewards) if benefit.rewards else (benefit.buy + benefit.get, reach.lines)
    free = bought // every * benefit.get
    free = min(free, benefit.most) if benefit.most else free
    takes: Takes = {}
    for i in sorted(cheaper, key=lambda i: (work.left[i] * 1000 // work.units[i], i)):
        units = min(free, work.units[i])
        if off := share(_part(work, i, units), benefit.basis_points):
            takes[i] = off
        free -= units
    return takes


def _gift(benefit: FreeGift, work: Work, reach: Reach) -> Takes:
    units = gift_units(benefit, work, reach)
    if not units or reach.gift is None:
        return {}
    off = _part(work, reach.gift, units)
    return {reach.gift: off} if off else {}


def _free_shipping(_benefit: FreeShipping, _work: Work, _reach: Reach) -> Takes:
    return {}


_RULES: Mapping[str, Callable[[Any, Work, Reach], Takes]] = {
    Percent.kind: _percent,
    Fixed.kind: _fixed,
    Tiered.kind: _tiered,
    Bundle.kind: _bundle,
    BuyGet.kind: _buy_get,
    FreeGift.kind: _gift,
    FreeShipping.kind: _free_shipping,
}


def share(amount: int, basis_points: int) -> int:
    """Halves go up."""
    return (2 * amount * basis_points + WHOLE) // (2 * WHOLE)


def _part(work: Work, line: int, units: int) -> int:
    """What so many units of a line are worth by now."""
    return work.left[line] * units // work.units[line]


def _spread(off: int, work: Work, lines: tuple[int, ...]) -> Takes:
    if off <= 0:
        return {}
    if len(lines) == 1:
        return {lines[0]: off}
    return _allocated(off, {i: work.left[i] for i in lines}, work.currency)


def _allocated(off: int, weights: Mapping[int, int], currency: str) -> Takes:
    parts = Money(off, currency).allocate(list(weights.values()))
    return {i: part.amount for i, part in zip(weights, parts, strict=True) if part.amount}

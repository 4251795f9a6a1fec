"""What may become of a promotion: what definitions are sound, how it moves on, what may change while it runs. Pure.

    draft -> scheduled -> running <-> paused -> ended

What is launched is only changed in ways that hurt no customer: said better, for longer, more often, for more money.
"""

from collections.abc import Iterator
from dataclasses import fields, replace

from market.errors import Conflict, Unprocessable
from promotions.counters import shards_for
from promotions.model import (
    DRAFT,
    ENDED,
    PAUSED,
    PLATFORM,
    RUNNING,
    SCHEDULED,
    WHOLE,
    Bundle,
    BuyGet,
    Fixed,
    FreeGift,
    FreeShipping,
    Limits,
    Percent,
    Promotion,
    Selector,
    Tiered,
)

MAX_IN_BOOK = 50
"""Launched promotions of one scope that need no code: an order reads all of them."""
LAUNCHED = frozenset((SCHEDULED, RUNNING))
"""Those that orders look at; a scheduled one counts from its first moment on."""
_WAYS = {
    DRAFT: {DRAFT, SCHEDULED, RUNNING, ENDED},
    SCHEDULED: {SCHEDULED, RUNNING, PAUSED, ENDED},
    RUNNING: {RUNNING, PAUSED, ENDED},
    PAUSED: {PAUSED, SCHEDULED, RUNNING, ENDED},
    ENDED: set[str](),
}
_WORDS = frozenset({"title", "terms", "badge", "hidden"})
_BY_US = frozenset({"id", "version", "status", "scope", "participants", "uses_left", "budget_left"})


class NotPossible(Conflict):
    """The promotion cannot become what was asked for from what it is; `status` says what that is."""

    code, title = "transition_not_possible", "Not possible now"


class ChangeHurts(Conflict):
    """A launched promotion is only changed to what hurts no customer; `fields` names the others."""

    code, title = "change_hurts_customers", "Customers were promised otherwise"


class TooManyPromotions(Conflict):
    """So many promotions without a code are launched already."""

    code, title = "too_many_promotions", "Too many promotions"


def changed(present: Promotion, wished: Promotion, *, at: str) -> Promotion:
    """The promotion as wished, as its next version, with what is ours to say.

    Raises Unprocessable, NotPossible or ChangeHurts.
    """
    status = wished.status
    if status in LAUNCHED:
        status = SCHEDULED if wished.conditions.starts_at > at else RUNNING
    if status not in _WAYS[present.status]:
        raise NotPossible(f"A promotion that is {present.status} cannot be {wished.status}.", status=present.status)
    kept = {name: getattr(present, name) for name in _BY_US - {"status", "version"}}
    after = replace(wished, **kept, status=status, version=present.version + 1)
    after = _sharded(present, after)
    require_sound(after)
    if status in LAUNCHED and after.conditions.ends_at and after.conditions.ends_at <= at:
        raise NotPossible("Its end is over.", status=present.status)
    if present.status != DRAFT:
        hurting = sorted(_hurting(present, after))
        if hurting:
            raise ChangeHurts("Customers were promised otherwise. End it, and make another.", fields=hurting)
    return after


def _sharded(present: Promotion, after: Promotion) -> Promotion:
    """Shards are made when it is launched, and never again."""
    shards = shards_for(after.limits) if present.status == DRAFT else present.limits.shards
    return replace(after, limits=replace(after.limits, shards=shards))


def _hurting(before: Promotion, after: Promotion) -> Iterator[str]:
    for one in fields(Promotion):
        was, becomes = getattr(before, one.name), getattr(after, one.name)
        if was == becomes or one.name in _WORDS | _BY_US:
            continue
        if one.name == "conditions" and _only_longer(before, after):
            continue
        if one.name == "limits" and _only_more(was, becomes):
            continue
        yield one.name


def _only_longer(before: Promotion, after: Promotion) -> bool:
    """Also a start that is not there yet may be another one."""
    was, becomes = before.conditions, after.conditions
    longer = was.ends_at and (not becomes.ends_at or becomes.ends_at >= was.ends_at)
    ends = longer or becomes.ends_at == was.ends_at
    starts = becomes.starts_at if before.status == SCHEDULED else was.starts_at
    return bool(ends) and replace(was, ends_at=becomes.ends_at, starts_at=starts) == becomes


def _only_more(was: Limits, becomes: Limits) -> bool:
    numbers = ("uses", "budget", "claims")
    pairs = [(getattr(was, name), getattr(becomes, name)) for name in numbers]
    more = all(before == after or 0 < before < after for before, after in pairs)
    often = was.per_customer == becomes.per_customer or (
        was.per_customer > 0 and (not becomes.per_customer or becomes.per_customer > was.per_customer)
    )
    return more and often and was.budget_currency == becomes.budget_currency


def require_sound(promotion: Promotion) -> None:
    """Raises Unprocessable with every error of the definition."""
    wrong = [
        {"field": f"body.{where}", "code": "value_not_allowed", "message": text} for where, text in _errors(promotion)
    ]
    if wrong:
        raise Unprocessable("The promotion cannot be like this.", errors=wrong)


def _errors(promotion: Promotion) -> Iterator[tuple[str, str]]:
    conditions, limits, benefit = promotion.conditions, promotion.limits, promotion.benefit
    if conditions.ends_at and conditions.ends_at <= conditions.starts_at:
        yield "conditions.endsAt", "It ends before it starts."
    if bool(limits.budget) != bool(limits.budget_currency):
        yield "limits.budget", "A budget needs a currency, and a currency a budget."
    if promotion.claimable and not promotion.needs_code:
        yield "claimable", "Coupons are taken of promotions that need a code."
    if limits.claims and not promotion.claimable:
        yield "limits.claims", "No coupons are taken of it."
    if promotion.scope != PLATFORM:
        yield from _not_theirs(promotion)
    if isinstance(benefit, Tiered) and not _sound_tiers(benefit):
        yield "benefit.tiers", "All tiers ask for units, or all for money; each takes a share off, or an amount."
    if isinstance(benefit, Bundle) and sum(benefit.units.values()) < 2:
        yield "benefit.units", "A bundle has two units or more."


def _not_theirs(promotion: Promotion) -> Iterator[tuple[str, str]]:
    """What a vendor's promotion names that is not the vendor's: our money, other vendors, people, others' groups."""
    conditions, rewards = promotion.conditions, getattr(promotion.benefit, "rewards", Selector())
    if promotion.platform_basis_points:
        yield "platformBasisPoints", "A vendor's promotion is the vendor's to pay."
    if promotion.include.vendors | promotion.exclude.vendors | rewards.vendors:
        yield "include.vendors", "A vendor's promotion is for its own goods."
    if conditions.customers:
        yield "conditions.customers", "Customers are named by groups, or by codes of their own."
    if any(":" in group and not group.startswith(f"{promotion.scope}:") for group in conditions.groups):
        yield "conditions.groups", "These are another vendor's customers."


def _sound_tiers(benefit: Tiered) -> bool:
    kinds = {bool(tier.spend) for tier in benefit.tiers}
    asked = all(bool(tier.spend) != bool(tier.units) for tier in benefit.tiers)
    return len(kinds) == 1 and asked and all(bool(tier.basis_points) != bool(tier.amounts) for tier in benefit.tiers)


def badge_of(promotion: Promotion) -> str:
    """A few words for product cards: the promotion's own, or else what its benefit says."""
    return promotion.badge or _words(promotion)


def _words(promotion: Promotion) -> str:
    match promotion.benefit:
        case Percent(basis_points=points):
            return f"{_percent(points)} off"
        case BuyGet(buy=buy, get=get, basis_points=points):
            less = "free" if points == WHOLE else f"{_percent(points)} off"
            return f"Buy {buy}, get {get} {less}"
        case FreeShipping():
            return "Free shipping"
        case FreeGift():
            return "Free gift"
        case Bundle():
            return "Bundle price"
        case Tiered():
            return "More for less"
        case Fixed():
            return "Money off"


def _percent(basis_points: int) -> str:
    whole, part = divmod(basis_points, 100)
    return f"{whole}.{part:02}".rstrip("0") + "%" if part else f"{whole}%"

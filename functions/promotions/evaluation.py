"""Which promotions count for a cart, and what each takes off: pure, the same for every order of lines and promotions.

The rules are a table in the README, which the tests read. Conditions look at the goods before any discount; benefits
are taken off one after another, each off what the others left.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from market.money import Money
from market.values import value
from promotions.basket import Basket, Goods, lines_of, reach_of
from promotions.benefits import Reach, Work, gift_units, taken
from promotions.conditions import Obstacle, obstacle
from promotions.model import (
    Bundle,
    BuyGet,
    Code,
    CustomerFacts,
    Fixed,
    FreeGift,
    FreeShipping,
    Limits,
    Percent,
    Promotion,
    Tiered,
)

MAX_CODES = 3
"""Codes of one order."""
MAX_LIMITED = 6
"""Promotions of one order that count uses, money or customers: an order's transaction has room for no more."""
MAX_COMBINATIONS = 64
"""Choices among groups that are compared to the last unit; of more, each group's best one is taken by itself."""
_NOBODY = frozenset[str]()
_NOT_VALID = "This code cannot be used."
_ORDER = {
    kind: rank
    for rank, kind in enumerate(
        (FreeGift.kind, Bundle.kind, Tiered.kind, BuyGet.kind, Percent.kind, Fixed.kind, FreeShipping.kind)
    )
}
"""In which order promotions of one priority are taken off."""


@value(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a promotion takes off. by_line: minor units off each of the goods, in their order, never more than the line.

    free_shipping: vendors whose parcels cost nothing; that is not in `amount`, since the postage is not known here.
    """

    promotion_id: str
    version: int
    title: str
    code: str
    kind: str
    funded_by: str
    platform_basis_points: int
    by_line: tuple[int, ...]
    free_shipping: frozenset[str]
    amount: Money
    limits: Limits = field(default_factory=Limits)
    code_limit: int = 0


@value(frozen=True, slots=True)
class Refused:
    """Why a code gives nothing. All codes that are unknown, over, or somebody else's have the same reason."""

    code: str
    reason_code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Gift:
    """So many units could still be put into the cart for nothing."""

    sku: str
    quantity: int
    promotion_id: str


@value(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Promotions in the order in which they were taken off."""

    applied: tuple[Applied, ...] = ()
    refused: tuple[Refused, ...] = ()
    gifts: tuple[Gift, ...] = ()

    def amount(self, currency: str) -> Money:
        """All that is taken off the goods."""
        return Money(sum(one.amount.amount for one in self.applied), currency)

    def by_line(self, lines: int) -> tuple[int, ...]:
        """Minor units that all promotions together take off each of so many lines."""
        return tuple(sum(one.by_line[i] for one in self.applied) for i in range(lines))


@value(frozen=True, slots=True)
class _Candidate:
    """A promotion that would count by itself. vendors: whose parcels it makes free."""

    rank: tuple[int, int, str]
    promotion: Promotion
    reach: Reach
    vendors: frozenset[str]
    code: Code | None


@dataclass(slots=True)
class _Result:
    """One choice of candidates, taken off. worth: how good it is for the customer, the lower the better."""

    worth: tuple[int, int, int, tuple[str, ...]]
    takes: list[tuple[_Candidate, dict[int, int]]]


def evaluate(
    goods: Sequence[Goods],
    promotions: Iterable[Promotion],
    *,
    codes: Sequence[Code],
    customer: CustomerFacts,
    country: str,
    currency: str,
    at: str,
    without: frozenset[str] = frozenset(),
    postage: Mapping[str, int] | None = None,
) -> Outcome:
    """What the promotions do for a cart, all of whose prices are in `currency`.

    promotions: those of the books and those of the codes, in any order, the same one twice or not. codes: as read,
    `unknown_code` where there is none. at: now, ISO 8601. without: promotions that are just used up. postage: of each
    vendor's parcel, where it is known; it only helps to compare free shipping with other benefits.
    """
    basket = Basket(goods, currency)
    named, refused = _usable(codes, customer, at)
    candidates = []
    for promotion in _latest(promotions):
        code = named.get(promotion.id)
        if promotion.id in without:
            hindrance: Obstacle | None = ("used_up", "It is used up.")
        elif code is None and promotion.needs_code:
            continue
        else:
            found = _candidate(promotion, code, basket, customer, country, at)
            if isinstance(found, _Candidate):
                candidates.append(found)
                continue
            hindrance = found
        if code and hindrance:
            refused[code.code] = Refused(code.code, *hindrance)
    best = _best(candidates, basket, postage or {})
    return _outcome(best, basket, named, refused, codes)


def _latest(promotions: Iterable[Promotion]) -> Iterable[Promotion]:
    """Each promotion once, as it was changed last: a book may be older than what a code led to."""
    found: dict[str, Promotion] = {}
    for one in promotions:
        if one.id not in found or one.version > found[one.id].version:
            found[one.id] = one
    return found.values()


def _usable(codes: Sequence[Code], customer: CustomerFacts, at: str) -> tuple[dict[str, Code], dict[str, Refused]]:
    """The codes by their promotion, the first of each, and those refused."""
    named: dict[str, Code] = {}
    refused: dict[str, Refused] = {}
    for code in codes:
        if not code_fits(code, customer.customer_id, at):
            refused[code.code] = Refused(code.code, "code_not_valid", _NOT_VALID)
        elif len(named) == MAX_CODES:
            refused[code.code] = Refused(code.code, "too_many_codes", f"An order takes {MAX_CODES} codes.")
        elif code.promotion_id in named and named[code.promotion_id].code != code.code:
            refused[code.code] = Refused(code.code, "same_promotion", "Another code of the same promotion is used.")
        else:
            named[code.promotion_id] = code
    return named, refused


def code_fits(code: Code, customer_id: str, at: str) -> bool:
    """Whether it is a code that this customer may still use."""
    used_up = code.limit and code.used >= code.limit
    over = code.until and at >= code.until
    foreign = code.customer_id and code.customer_id != customer_id
    return bool(code.promotion_id) and not (used_up or over or foreign)


def _candidate(
    promotion: Promotion, code: Code | None, basket: Basket, customer: CustomerFacts, country: str, at: str
) -> "_Candidate | Obstacle | None":
    """The promotion with the lines that it is for, or what is in its way; None where nobody needs to know."""
    hindrance = obstacle(promotion, customer, country=country, currency=basket.currency, at=at)
    if hindrance:
        return hindrance
    lines = lines_of(promotion, basket)
    reach, units, value = reach_of(promotion, lines, basket) if lines else (Reach(()), 0, 0)
    if not units:
        return "not_these_goods", "It is not for these goods."
    conditions = promotion.conditions
    if conditions.minimum and value < conditions.minimum.get(basket.currency, value + 1):
        return "minimum_not_reached", "It is for larger orders."
    if units < conditions.min_units:
        return "quantity_not_reached", f"It is for {conditions.min_units} units or more."
    rank = -promotion.stacking.priority, _ORDER[promotion.benefit.kind], promotion.id
    ships = isinstance(promotion.benefit, FreeShipping)
    vendors = frozenset([basket.goods[i].vendor_id for i in lines]) if ships else _NOBODY
    return _Candidate(rank, promotion, reach, vendors, code)


def _best(candidates: list[_Candidate], basket: Basket, postage: Mapping[str, int]) -> _Result:
    """The choice that is best for the customer: each exclusive promotion alone, or all others, one of each group."""
    if not candidates:
        return _Result((0, 0, 0, ()), [])
    candidates.sort(key=lambda one: one.rank)
    choices = [[one] for one in candidates if one.promotion.stacking.exclusive]
    together = [one for one in candidates if not one.promotion.stacking.exclusive]
    choices += _choices(together, basket, postage) if together else []
    if len(choices) == 1:
        return _taken(choices[0], basket, postage)
    return min((_taken(choice, basket, postage) for choice in choices), key=lambda result: result.worth)


def _choices(together: list[_Candidate], basket: Basket, postage: Mapping[str, int]) -> Iterator[list[_Candidate]]:
    groups: dict[str, list[_Candidate]] = {}
    for one in together:
        if one.promotion.stacking.group:
            groups.setdefault(one.promotion.stacking.group, []).append(one)
    free = [one for one in together if not one.promotion.stacking.group]
    count = 1
    for group in groups.values():
        count *= len(group)
    if count > MAX_COMBINATIONS:
        alone = ([min(group, key=lambda one: _taken([one], basket, postage).worth)] for group in groups.values())
        groups = {group[0].promotion.stacking.group: group for group in alone}
    for chosen in product(*groups.values()):
        yield sorted((*free, *chosen), key=lambda one: one.rank) if chosen else free


def _taken(choice: list[_Candidate], basket: Basket, postage: Mapping[str, int]) -> _Result:
    """Take the promotions off, one after another; those beyond MAX_LIMITED, and those that give nothing, do not count.

    One that its budget does not cover, as far as that is known, does not count either.
    """
    work, left = basket.work(), MAX_LIMITED
    takes, free = [], set[str]()
    gifts = 0
    for one in choice:
        promotion = one.promotion
        limited = promotion.limits.counted or promotion.limits.per_customer > 0 or bool(one.code and one.code.limit)
        if limited and not left:
            continue
        off = taken(promotion.benefit, work, one.reach)
        shipped = bool(one.vendors - free)
        missing = _missing(one, work)
        if not (off or shipped or missing) or not _covered(promotion, off):
            continue
        for i, less in off.items():
            work.left[i] -= less
        left -= limited
        gifts += missing
        free |= one.vendors if shipped else set()
        takes.append((one, off))
    saved = sum(work.value) - sum(work.left) + sum([postage.get(vendor, 0) for vendor in free])
    return _Result((-saved, -len(free), -gifts, tuple([one.promotion.id for one, _ in takes])), takes)


def _missing(one: _Candidate, work: Work) -> int:
    benefit = one.promotion.benefit
    return benefit.units - gift_units(benefit, work, one.reach) if isinstance(benefit, FreeGift) else 0


def _covered(promotion: Promotion, off: Mapping[int, int]) -> bool:
    return promotion.budget_left is None or sum(off.values()) <= promotion.budget_left


def _outcome(
    best: _Result,
    basket: Basket,
    named: Mapping[str, Code],
    refused: Mapping[str, Refused],
    codes: Sequence[Code],
) -> Outcome:
    work = basket.work()
    counted = {one.promotion.id for one, _ in best.takes}
    told = dict(refused)
    for promotion_id, code in named.items():
        if promotion_id not in counted and code.code not in told:
            told[code.code] = Refused(code.code, "better_offer", "It adds nothing to what the other promotions give.")
    return Outcome(
        applied=tuple([_applied(one, off, basket) for one, off in best.takes if off or one.vendors]),
        refused=tuple([told[code] for code in dict.fromkeys([code.code for code in codes]) if code in told]),
        gifts=tuple(
            [
                Gift(one.promotion.benefit.sku, units, one.promotion.id)
                for one, _ in best.takes
                if isinstance(one.promotion.benefit, FreeGift) and (units := _missing(one, work))
            ]
        ),
    )


def _applied(one: _Candidate, off: Mapping[int, int], basket: Basket) -> Applied:
    promotion = one.promotion
    by_line = [0] * len(basket.places)
    for i, less in off.items():
        by_line[basket.places[i]] = less
    return Applied(
        promotion_id=promotion.id,
        version=promotion.version,
        title=promotion.title,
        code=one.code.code if one.code else "",
        kind=promotion.benefit.kind,
        funded_by=promotion.funded_by,
        platform_basis_points=promotion.platform_basis_points,
        by_line=tuple(by_line),
        free_shipping=one.vendors,
        amount=Money(sum(off.values()), basket.currency),
        limits=promotion.limits,
        code_limit=one.code.limit if one.code else 0,
    )

"""What a promotion is: a benefit for goods and customers, on conditions, within limits, out of somebody's pocket. Pure.

Amounts by currency are minor units: {"EUR": 500} is 5.00 euro. Basis points are hundredths of a percent. Times are ISO
8601 in UTC. Of everything that may be empty, empty means: no restriction.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from market.errors import Conflict, NotFound

PLATFORM = "platform"
WHOLE = 10_000
"""Basis points of everything."""
DRAFT, SCHEDULED, RUNNING, PAUSED, ENDED = "draft", "scheduled", "running", "paused", "ended"
SEPARATOR = ">"
"""Between the parts of a category's path, such as `electronics>phones`."""
Amounts = Mapping[str, int]


class NoSuchPromotion(NotFound):
    """There is no such promotion, or it is not the caller's to know of."""

    code, title = "no_such_promotion", "No such promotion"


class PromotionOver(Conflict):
    """All its uses are taken; `promotionId` and `code` say whose."""

    code, title = "promotion_over", "The promotion is used up"


class BudgetSpent(Conflict):
    """What is `left` of its budget does not cover this order's discount."""

    code, title = "budget_spent", "The promotion's budget is spent"


class CodeUsed(Conflict):
    """The code was used as often as it may be, or has ended."""

    code, title = "code_used", "The code cannot be used any more"


class UsageLimitReached(Conflict):
    """The customer has used the promotion as often as one may."""

    code, title = "promotion_usage_limit", "You have used this promotion already"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Goods: those that are named in any way, a category with all below it. An empty one names none."""

    products: frozenset[str] = frozenset()
    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    vendors: frozenset[str] = frozenset()

    tags: frozenset[str] = field(init=False, repr=False, compare=False)
    """All of them in one set, as `tagged`."""

    def __post_init__(self) -> None:
        tags = tagged(self.products, self.skus, self.categories, self.brands, self.vendors)
        object.__setattr__(self, "tags", tags)

    def __bool__(self) -> bool:
        return bool(self.tags)


def tagged(
    products: frozenset[str],
    skus: frozenset[str],
    categories: frozenset[str],
    brands: frozenset[str],
    vendors: frozenset[str],
) -> frozenset[str]:
    """Names of all kinds in one set, so that one look tells whether two have any in common.

    Brands are told apart as the catalog does it: `Lego`, `LEGO` and ` lego ` are one.
    """
    folded = frozenset(" ".join(unicodedata.normalize("NFKC", brand).casefold().split()) for brand in brands)
    kinds = {"p": products, "s": skus, "c": categories, "b": folded, "v": vendors}
    return frozenset(f"{kind}:{name}" for kind, names in kinds.items() for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Percent:
    """So much off the goods, at most `most` of an order."""

    basis_points: int
    most: Amounts = field(default_factory=dict)
    kind = "percent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """An amount off the order, or off each unit; none in currencies that are not named."""

    amounts: Amounts
    per_unit: bool = False
    kind = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeShipping:
    """No postage for the parcels of vendors who sell some of the goods."""

    kind = "free_shipping"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyGet:
    """Of every `buy` + `get` units the `get` cheapest cost `basis_points` less (10,000: nothing).

    rewards: other goods that are made cheaper instead, `get` of them for every `buy` units; they are not bought ones.
    most: units that become cheaper in one order, 0 for any number.
    """

    buy: int
    get: int
    basis_points: int = WHOLE
    rewards: Selector = field(default_factory=Selector)
    most: int = 0
    kind = "buy_x_get_y"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """From so many units, or from so much money by currency, on: so many basis points off, or these amounts."""

    units: int = 0
    spend: Amounts = field(default_factory=dict)
    basis_points: int = 0
    amounts: Amounts = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiered:
    """The highest tier that the goods reach counts, for all of them. Tiers ask for units, or all of them for money."""

    tiers: tuple[Tier, ...]
    kind = "tiered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """So many units of each SKU together for a price by currency; at most `most` bundles an order, 0 for any number."""

    units: Mapping[str, int]
    prices: Amounts
    most: int = 0
    kind = "bundle"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeGift:
    """So many units of a SKU cost nothing. They count neither as goods bought nor towards any minimum."""

    sku: str
    units: int = 1
    kind = "gift"


Benefit = Percent | Fixed | FreeShipping | BuyGet | Tiered | Bundle | FreeGift


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What must be so. minimum, min_units: of the goods that the promotion is for, before any discount.

    weekdays: 1 is Monday; hours: from the first hour until before the second, over midnight if that is earlier; both by
    a clock that is `offset_minutes` ahead of UTC. new_days: accounts that are at most so old.
    """

    starts_at: str = ""
    ends_at: str = ""
    weekdays: frozenset[int] = frozenset()
    hours: tuple[int, int] | None = None
    offset_minutes: int = 0
    countries: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    customers: frozenset[str] = frozenset()
    first_order: bool = False
    new_days: int = 0
    minimum: Amounts = field(default_factory=dict)
    min_units: int = 0

    @property
    def personal(self) -> bool:
        """Whether one must be signed in to fulfil them."""
        return self.first_order or bool(self.new_days or self.customers or self.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How often, and for how much, it may be used; 0 is without limit. A budget's currency is the promotion's only one.

    shards: how many items count it; never changed. claims: how many customers may take a coupon of it.
    """

    uses: int = 0
    per_customer: int = 0
    budget: int = 0
    budget_currency: str = ""
    claims: int = 0
    shards: int = 1

    @property
    def counted(self) -> bool:
        """Whether uses or money are counted for all customers together."""
        return bool(self.uses or self.budget)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacking:
    """exclusive: with no other promotion. group: at most one of those of a group, the best for the customer.

    priority: those of a higher one are taken off first.
    """

    priority: int = 0
    exclusive: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A promotion of a vendor (scope is its id) or of the platform.

    needs_code: only for those who name a code of it. claimable: customers may take a coupon of it.
    platform_basis_points: the platform's share of the discount. Where it is not everything, the platform's promotion
    is for the goods of its `participants` only: vendors who joined, each with these products or, if none, with all.
    uses_left, budget_left: a hint of the counters, None while there is plenty.
    """

    id: str
    version: int = 1
    scope: str = PLATFORM
    status: str = DRAFT
    title: str = ""
    terms: str = ""
    badge: str = ""
    benefit: Benefit = field(default_factory=FreeShipping)
    include: Selector = field(default_factory=Selector)
    exclude: Selector = field(default_factory=Selector)
    conditions: Conditions = field(default_factory=Conditions)
    stacking: Stacking = field(default_factory=Stacking)
    limits: Limits = field(default_factory=Limits)
    needs_code: bool = False
    claimable: bool = False
    hidden: bool = False
    platform_basis_points: int = WHOLE
    participants: Mapping[str, frozenset[str]] = field(default_factory=dict)
    uses_left: int | None = None
    budget_left: int | None = None

    @property
    def funded_by(self) -> str:
        """`vendor`, `platform` or `shared`."""
        if self.platform_basis_points == WHOLE:
            return "platform"
        return "shared" if self.platform_basis_points else "vendor"

    @property
    def joined(self) -> bool:
        """Whether it is for the goods of vendors only who joined it."""
        return self.scope == PLATFORM and self.platform_basis_points < WHOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code of a promotion; without `promotion_id` it is nobody's.

    limit: how often it may be used in all, 0 without limit; used: how often it was. customer_id: the only one who may
    use it. until: its own end.
    """

    code: str
    promotion_id: str = ""
    scope: str = ""
    limit: int = 0
    used: int = 0
    customer_id: str = ""
    until: str = ""
    batch_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFacts:
    """What is known of a customer. orders: that were paid; since: when the account was made, empty if not known.

    uses: of promotions that are limited per customer, by id. claimed: codes of the customer's coupons.
    """

    customer_id: str
    orders: int = 0
    since: str = ""
    uses: Mapping[str, int] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()
    claimed: frozenset[str] = frozenset()

    @property
    def is_guest(self) -> bool:
        return not self.customer_id or self.customer_id.startswith("gst_")

"""How the promotions service answers."""

from typing import Any, Literal

from pydantic import Field

from market.http import View
from market.money import Money
from promotions.analytics import Day
from promotions.batches import Batch
from promotions.coupons import Coupon, Suggestion
from promotions.forms import BenefitForm, ConditionsForm, LimitsForm, SelectorForm, StackingForm, shown
from promotions.model import Code, Promotion
from promotions.rules import badge_of

Status = Literal["draft", "scheduled", "running", "paused", "ended"]


class Counts(View):
    """How far a limit is used: `left` for new orders, `held` by orders that await their payment, `used` for good."""

    left: int | None = Field(None, description="Absent without a limit.")
    held: int
    used: int


class DayView(View):
    """One day: orders paid with the promotion, what it took off, all that they came to, and orders that failed."""

    day: str
    uses: int
    released: int
    discount: list[Money]
    revenue: list[Money]

    @classmethod
    def of(cls, day: Day) -> "DayView":
        discount, revenue = (
            [Money(amount, currency) for currency, amount in sorted(sums.items())]
            for sums in (day.discount, day.revenue)
        )
        return cls(day=day.day, uses=day.uses, released=day.released, discount=discount, revenue=revenue)


class Analytics(View):
    """uses, budget, claims: of limits only, as they are now. days: of the month asked for."""

    uses: Counts | None = None
    budget: Counts | None = None
    claims: int | None = None
    days: list[DayView]

    @classmethod
    def of(cls, promotion: Promotion, sums: dict[str, int], claims: int, days: list[Day]) -> "Analytics":
        limits = promotion.limits
        return cls(
            uses=_counts(sums, "uses", limits.uses) if limits.counted else None,
            budget=_counts(sums, "money", limits.budget) if limits.budget else None,
            claims=claims if limits.claims else None,
            days=[DayView.of(day) for day in days],
        )


class PublicPromotion(View):
    """What everybody may know. Amounts are minor units, by currency. vendorId: absent where it is the platform's."""

    id: str
    vendor_id: str | None = None
    title: str
    terms: str
    badge: str
    benefit: BenefitForm
    include: SelectorForm
    exclude: SelectorForm
    starts_at: str | None = None
    ends_at: str | None = None
    minimum: dict[str, int] | None = None
    min_units: int | None = None
    countries: list[str] | None = None
    currencies: list[str] | None = None
    weekdays: list[int] | None = None
    hours: tuple[int, int] | None = None
    offset_minutes: int | None = None
    first_order: bool | None = None
    new_days: int | None = None
    per_customer: int | None = None
    exclusive: bool
    needs_code: bool
    claimable: bool

    @classmethod
    def of(cls, promotion: Promotion) -> "PublicPromotion":
        row, conditions = shown(promotion), promotion.conditions
        return cls(
            id=promotion.id,
            vendor_id=_vendor(promotion),
            title=promotion.title,
            terms=promotion.terms,
            badge=badge_of(promotion),
            benefit=row["benefit"],
            include=row.get("include", {}),
            exclude=row.get("exclude", {}),
            starts_at=conditions.starts_at or None,
            ends_at=conditions.ends_at or None,
            minimum=dict(conditions.minimum) or None,
            min_units=conditions.min_units or None,
            countries=sorted(conditions.countries) or None,
            currencies=sorted(conditions.currencies) or None,
            weekdays=sorted(conditions.weekdays) or None,
            hours=conditions.hours,
            offset_minutes=conditions.offset_minutes or None,
            first_order=conditions.first_order or None,
            new_days=conditions.new_days or None,
            per_customer=promotion.limits.per_customer or None,
            exclusive=promotion.stacking.exclusive,
            needs_code=promotion.needs_code,
            claimable=promotion.claimable,
        )


class PublicList(View):
    items: list[PublicPromotion]
    next_cursor: str | None = None


class PromotionView(View):
    """A promotion as its owner sees it. participants: vendors who joined, with their products; none named means all."""

    id: str
    vendor_id: str | None = None
    status: Status
    version: int
    title: str
    terms: str
    badge: str
    benefit: BenefitForm
    include: SelectorForm
    exclude: SelectorForm
    conditions: ConditionsForm
    stacking: StackingForm
    limits: LimitsForm
    needs_code: bool
    claimable: bool
    hidden: bool
    funded_by: Literal["vendor", "platform", "shared"]
    platform_basis_points: int
    participants: dict[str, list[str]] | None = None
    analytics: Analytics | None = None

    @classmethod
    def of(cls, promotion: Promotion, analytics: Analytics | None = None, *, seen_by: str = "") -> "PromotionView":
        """seen_by: a vendor that sees no other vendors' part in a campaign."""
        row: dict[str, Any] = shown(promotion)
        parts = {v: sorted(p) for v, p in promotion.participants.items() if not seen_by or v == seen_by}
        return cls(
            id=promotion.id,
            vendor_id=_vendor(promotion),
            status=promotion.status,
            version=promotion.version,
            title=promotion.title,
            terms=promotion.terms,
            badge=promotion.badge,
            benefit=row["benefit"],
            include=row.get("include", {}),
            exclude=row.get("exclude", {}),
            conditions=row.get("conditions", {}),
            stacking=row.get("stacking", {}),
            limits=row.get("limits", {}),
            needs_code=promotion.needs_code,
            claimable=promotion.claimable,
            hidden=promotion.hidden,
            funded_by=promotion.funded_by,
            platform_basis_points=promotion.platform_basis_points,
            participants=parts or None,
            analytics=analytics,
        )


class PromotionList(View):
    items: list[PromotionView]
    next_cursor: str | None = None


class CodeView(View):
    """limit: uses in all, 0 without limit; personal: only one customer may use it; batchId: made with others."""

    code: str
    limit: int
    used: int
    until: str | None = None
    personal: bool
    batch_id: str | None = None

    @classmethod
    def of(cls, code: Code) -> "CodeView":
        return cls(
            code=code.code,
            limit=code.limit,
            used=code.used,
            until=code.until or None,
            personal=bool(code.customer_id),
            batch_id=code.batch_id or None,
        )


class BatchView(View):
    """Codes that are being made: all of them are there when `made` is `count`."""

    batch_id: str
    pattern: str
    count: int
    made: int

    @classmethod
    def of(cls, batch: Batch) -> "BatchView":
        return cls(batch_id=batch.id, pattern=batch.pattern, count=batch.count, made=batch.made)


class NewCodes(View):
    """Either the code that was named, or the batch that is being made."""

    code: CodeView | None = None
    batch: BatchView | None = None


class CodeList(View):
    items: list[CodeView]
    batch: BatchView | None = None
    next_cursor: str | None = None


class CouponView(View):
    """A code that the customer keeps. state: `usable`, `used`, `expired` or `paused`."""

    code: str
    state: Literal["usable", "used", "expired", "paused"]
    promotion: PublicPromotion | None = None

    @classmethod
    def of(cls, coupon: Coupon) -> "CouponView":
        promotion = PublicPromotion.of(coupon.promotion) if coupon.promotion else None
        return cls(code=coupon.code.code, state=coupon.state, promotion=promotion)


class CouponList(View):
    items: list[CouponView]


class GiftView(View):
    sku: str
    quantity: int


class SuggestionView(View):
    """What a promotion would do for the cart by itself. code: the customer's coupon for it; gift: still to be added."""

    promotion: PublicPromotion
    code: str | None = None
    amount: Money | None = None
    free_shipping: list[str] | None = Field(None, description="Vendors whose parcels would cost nothing.")
    gift: GiftView | None = None

    @classmethod
    def of(cls, found: Suggestion) -> "SuggestionView":
        applied, gift = found.applied, found.gift
        return cls(
            promotion=PublicPromotion.of(found.promotion),
            code=found.code or None,
            amount=applied.amount if applied and applied.amount.amount else None,
            free_shipping=(sorted(applied.free_shipping) or None) if applied else None,
            gift=GiftView(sku=gift.sku, quantity=gift.quantity) if gift else None,
        )


class SuggestionList(View):
    items: list[SuggestionView]


class BadgeView(View):
    promotion_id: str
    badge: str
    ends_at: str | None = None


class Badges(View):
    """Badges by SKU; a SKU that nothing is for, or that there is not, has none."""

    badges: dict[str, list[BadgeView]]

    @classmethod
    def of(cls, found: dict[str, list[Promotion]]) -> "Badges":
        return cls(
            badges={
                sku: [
                    BadgeView(promotion_id=one.id, badge=badge_of(one), ends_at=one.conditions.ends_at or None)
                    for one in promotions
                ]
                for sku, promotions in found.items()
                if promotions
            }
        )


def _vendor(promotion: Promotion) -> str | None:
    return None if promotion.scope == "platform" else promotion.scope


def _counts(sums: dict[str, int], what: str, limit: int) -> Counts:
    left = sums[f"{what}_left"] if limit else None
    return Counts(left=left, held=sums[f"{what}_held"], used=sums[f"{what}_used"])

"""How promotions look on the wire, in requests and in answers: the fields are those of the model."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StrictBool, StringConstraints

from inventory.contract import Sku
from market.http import Body, OneLine
from market.money import MAX_AMOUNT, Currency
from promotions.codec import plain, promotion_of
from promotions.model import PLATFORM, WHOLE, Promotion

Amount = Annotated[int, Field(strict=True, ge=1, le=MAX_AMOUNT // 1000, description="Minor units of the currency.")]
Amounts = Annotated[dict[Currency, Amount], Field(min_length=1, max_length=20, examples=[{"EUR": 500}])]
Points = Annotated[int, Field(strict=True, ge=1, le=WHOLE, description="Hundredths of a percent.", examples=[2000])]
Units = Annotated[int, Field(strict=True, ge=1, le=999)]
Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000, description="0: without limit.")]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Group = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_:-]{1,120}$")]
"""Of customers, as prices know them: `club`, or a vendor's own, `<vendor id>:friends`."""
Category = Annotated[OneLine, StringConstraints(min_length=1, max_length=200)]
Brand = Annotated[OneLine, StringConstraints(min_length=1, max_length=80)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Moment = Annotated[
    str,
    StringConstraints(pattern=r"^(20\d\d-(0[1-9]|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z)?$"),
    Field(description="ISO 8601 in UTC with milliseconds; empty: without.", examples=["2026-12-01T00:00:00.000Z"]),
]
_MANY = Field(max_length=100)


class Form(Body):
    """Built from requests by the names on the wire, and from the model by its own."""

    model_config = ConfigDict(populate_by_name=True)


class SelectorForm(Form):
    """Goods that are named in any of these ways; a category with all below it."""

    products: Annotated[list[Id], _MANY] = []
    skus: Annotated[list[Sku], _MANY] = []
    categories: Annotated[list[Category], _MANY] = []
    brands: Annotated[list[Brand], _MANY] = []
    vendors: Annotated[list[Id], _MANY] = []


class PercentForm(Form):
    """A share off the goods; most: of an order, by currency."""

    kind: Literal["percent"]
    basis_points: Points
    most: Amounts | None = None


class FixedForm(Form):
    """An amount off the order, or off each unit."""

    kind: Literal["fixed"]
    amounts: Amounts
    per_unit: StrictBool = False


class FreeShippingForm(Form):
    kind: Literal["free_shipping"]


class BuyGetForm(Form):
    """Of every buy + get units the cheapest cost less; with rewards, those for every `buy` units. most: 0 for any."""

    kind: Literal["buy_x_get_y"]
    buy: Units
    get: Units
    basis_points: Points = WHOLE
    rewards: SelectorForm = SelectorForm()
    most: Annotated[int, Field(strict=True, ge=0, le=999)] = 0


class TierForm(Form):
    """From so many units or so much money on: a share off, or an amount."""

    units: Annotated[int, Field(strict=True, ge=0, le=9999)] = 0
    spend: Amounts | None = None
    basis_points: Annotated[int, Field(strict=True, ge=0, le=WHOLE)] = 0
    amounts: Amounts | None = None


class TieredForm(Form):
    kind: Literal["tiered"]
    tiers: Annotated[list[TierForm], Field(min_length=1, max_length=10)]


class BundleForm(Form):
    """So many of each SKU together for a price."""

    kind: Literal["bundle"]
    units: Annotated[dict[Sku, Units], Field(min_length=1, max_length=10)]
    prices: Amounts
    most: Annotated[int, Field(strict=True, ge=0, le=999)] = 0


class GiftForm(Form):
    kind: Literal["gift"]
    sku: Sku
    units: Units = 1


BenefitForm = Annotated[
    PercentForm | FixedForm | FreeShippingForm | BuyGetForm | TieredForm | BundleForm | GiftForm,
    Field(discriminator="kind"),
]


class ConditionsForm(Form):
    """weekdays: 1 is Monday; hours: from the first hour until before the second; by a clock so far ahead of UTC."""

    starts_at: Moment = ""
    ends_at: Moment = ""
    weekdays: Annotated[list[Annotated[int, Field(strict=True, ge=1, le=7)]], Field(max_length=7)] = []
    hours: (
        tuple[Annotated[int, Field(strict=True, ge=0, le=23)], Annotated[int, Field(strict=True, ge=0, le=24)]] | None
    ) = None
    offset_minutes: Annotated[int, Field(strict=True, ge=-840, le=840)] = 0
    countries: Annotated[list[Country], _MANY] = []
    currencies: Annotated[list[Currency], Field(max_length=20)] = []
    groups: Annotated[list[Group], Field(max_length=20)] = []
    customers: Annotated[list[Id], _MANY] = []
    first_order: StrictBool = False
    new_days: Annotated[int, Field(strict=True, ge=0, le=365)] = 0
    minimum: Amounts | None = None
    min_units: Annotated[int, Field(strict=True, ge=0, le=9999)] = 0


class StackingForm(Form):
    """exclusive: with no other promotion; group: at most one of it; priority: the higher ones are taken off first."""

    priority: Annotated[int, Field(strict=True, ge=-1000, le=1000)] = 0
    exclusive: StrictBool = False
    group: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{0,40}$")] = ""


class LimitsForm(Form):
    """0: without limit. claims: coupons that may be taken."""

    uses: Count = 0
    per_customer: Annotated[int, Field(strict=True, ge=0, le=1000)] = 0
    budget: Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT // 10, description="Minor units.")] = 0
    budget_currency: Currency | Literal[""] = ""
    claims: Count = 0


class PromotionForm(Form):
    """status: `running` begins when `conditions.startsAt` is over, until then it is `scheduled`."""

    title: Annotated[OneLine, StringConstraints(min_length=1, max_length=120)]
    terms: Annotated[str, StringConstraints(max_length=4000)] = ""
    badge: Annotated[OneLine, StringConstraints(max_length=30)] = ""
    benefit: BenefitForm
    include: SelectorForm = SelectorForm()
    exclude: SelectorForm = SelectorForm()
    conditions: ConditionsForm = ConditionsForm()
    stacking: StackingForm = StackingForm()
    limits: LimitsForm = LimitsForm()
    needs_code: StrictBool = False
    claimable: StrictBool = False
    hidden: StrictBool = False
    platform_basis_points: Annotated[int, Field(strict=True, ge=0, le=WHOLE)] | None = None

    def promotion(self, *, scope: str, status: str) -> Promotion:
        """platform_basis_points: where nothing is said of it, whoever makes a promotion pays for it."""
        row: dict[str, Any] = self.model_dump(exclude_none=True, exclude={"platform_basis_points"})
        share = self.platform_basis_points
        usual = WHOLE if scope == PLATFORM else 0
        row |= {"id": "", "scope": scope, "status": status, "platform_basis_points": usual if share is None else share}
        return promotion_of(row)


class ChangeForm(PromotionForm):
    status: Literal["draft", "running", "paused", "ended"]


def shown(promotion: Promotion) -> dict[str, Any]:
    """The promotion by the model's names, for views: all that differs from what is usual."""
    row: dict[str, Any] = plain(promotion)
    row.setdefault("benefit", {"kind": promotion.benefit.kind})
    if "limits" in row:
        row["limits"].pop("shards", None)
    return row

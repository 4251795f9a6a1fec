"""How prices look on the wire: lines, parts, and the checkout's summary with where every cent of it comes from."""

from pydantic import Field

from market.errors import Problem
from market.http import View
from market.money import Money
from orders.placing import Summary
from orders.pricing import Answer, Step
from orders.sold import LineSnapshot, Part, Promoted
from promotions.contract import Gift, Refused
from shipping.contract import Option
from tax.contract import TABLE


def percent(rate: int) -> str:
    """Thousandths of a percent as a decimal number: 19000 is `19`, 6875 is `6.875`."""
    whole, part = divmod(rate, 1_000)
    return f"{whole}.{part:03d}".rstrip("0").rstrip(".") if part else str(whole)


class LineView(View):
    """A line. Its tax is contained in the charge."""

    sku: str
    product_id: str
    vendor_id: str
    title: str
    quantity: int
    unit_price: Money
    total: Money = Field(description="The goods: unit price times quantity.")
    discount: Money
    charge: Money = Field(description="What the customer pays: the goods less the discount, with all tax.")
    tax: Money
    tax_rate: str = Field(description="In percent, such as `19` or `6.875`.")
    tax_added: bool = Field(description="Whether the tax came on top of the price, which else contains it.")
    tax_note: str | None = Field(None, description="`exempt` or `reverse_charge`, where that is why there is no tax.")
    base_price: Money | None = Field(None, description="The vendor's own price of a unit, where that is another.")
    price_list: str | None = Field(None, description="The price list that the unit price is from.")
    available_from: str | None = Field(None, description="The day from which all of it can be sent; absent for today.")

    @classmethod
    def of(cls, line: LineSnapshot) -> "LineView":
        nothing = Money(0, line.unit_price.currency)
        return cls(
            sku=line.sku,
            product_id=line.product_id,
            vendor_id=line.vendor_id,
            title=line.title,
            quantity=line.quantity,
            unit_price=line.unit_price,
            total=line.total,
            discount=line.discount or nothing,
            charge=line.charge,
            tax=line.tax or nothing,
            tax_rate=percent(line.tax_rate),
            tax_added=line.tax_added,
            tax_note=line.tax_note or None,
            base_price=line.base_price,
            price_list=line.list_id or None,
            available_from=line.available_from or None,
        )


class PickupView(View):
    """A vendor's warehouse where customers fetch what they bought. opening: when, in the vendor's words."""

    id: str
    name: str
    line: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str
    opening: str | None = None


class PartView(View):
    """One vendor's part. Its tax is contained in the total; `taxAdded` of it came on top of the prices."""

    vendor_id: str
    subtotal: Money = Field(description="The goods before discounts.")
    discount: Money
    shipping: Money = Field(description="The parcel's price, less what promotions took off it.")
    shipping_discount: Money
    shipping_charge: Money = Field(description="What the customer pays for the parcel, with all tax.")
    total: Money
    tax: Money
    tax_added: Money
    shipping_tax: Money = Field(description="So much of the tax is in the shipping.")
    method: str | None = Field(None, description="How the parcel goes, where that is not as for the whole order.")
    carrier: str | None = None
    earliest: str | None = Field(None, description="The first day on which it may arrive.")
    latest: str | None = None
    status: str | None = Field(None, description="Of a paid order: `unfulfilled` until it is shipped or `cancelled`.")
    pickup: PickupView | None = Field(None, description="Where the customer fetches it, if it is not sent.")

    @classmethod
    def of(cls, part: Part, status: str | None = None) -> "PartView":
        nothing = Money(0, part.subtotal.currency)
        return cls(
            vendor_id=part.vendor_id,
            subtotal=part.subtotal,
            discount=part.discount,
            shipping=part.shipping,
            shipping_discount=part.shipping_discount or nothing,
            shipping_charge=part.shipping_charge,
            total=part.charge,
            tax=part.tax,
            tax_added=part.added or nothing,
            shipping_tax=part.shipping_tax,
            method=part.method or None,
            carrier=part.carrier or None,
            earliest=part.earliest or None,
            latest=part.latest or None,
            status=status,
            pickup=PickupView.model_validate(part.pickup) if part.pickup else None,
        )


class PromotionView(View):
    """A promotion that counted, and all that it took off, postage included."""

    promotion_id: str
    title: str
    promotion_code: str | None = None
    amount: Money

    @classmethod
    def of(cls, promoted: Promoted) -> "PromotionView":
        return cls(
            promotion_id=promoted.promotion_id,
            title=promoted.title,
            promotion_code=promoted.code or None,
            amount=promoted.amount,
        )


class RefusedCodeView(View):
    """A code in the cart that gives nothing, and why."""

    promotion_code: str
    reason: str
    detail: str

    @classmethod
    def of(cls, refused: Refused) -> "RefusedCodeView":
        return cls(promotion_code=refused.code, reason=refused.reason_code, detail=refused.detail)


class GiftView(View):
    """So many units of a SKU would cost nothing, if they were put into the cart."""

    sku: str
    quantity: int
    promotion_id: str

    @classmethod
    def of(cls, gift: Gift) -> "GiftView":
        return cls(sku=gift.sku, quantity=gift.quantity, promotion_id=gift.promotion_id)


class OptionView(View):
    """A way to send a vendor's parcel. Days are of the calendar; freeFrom: with goods for so much it is free."""

    method: str
    name: str
    price: Money
    carrier: str | None = None
    earliest: str
    latest: str
    free_because: str | None = None
    free_from: Money | None = None
    chosen: bool

    @classmethod
    def of(cls, option: Option, *, chosen: bool) -> "OptionView":
        return cls(
            method=option.method,
            name=option.name,
            price=option.price,
            carrier=option.carrier or None,
            earliest=option.earliest,
            latest=option.latest,
            free_because=option.free_because or None,
            free_from=option.free_from,
            chosen=chosen,
        )


class ParcelView(View):
    """How a vendor's parcel can go."""

    vendor_id: str
    options: list[OptionView]

    @classmethod
    def of(cls, vendor_id: str, answer: Answer) -> "ParcelView":
        chosen, ways = answer.chosen.get(vendor_id), answer.options[vendor_id]
        carried = [chosen] if chosen and chosen not in ways else []
        return cls(
            vendor_id=vendor_id,
            options=[OptionView.of(option, chosen=option == chosen) for option in (*carried, *ways)],
        )


class StepView(View):
    """One step of the price. Those that are not `inside` another one sum up to the total.

    kind: `base`, `conversion_fee`, `rounding`, `list`, `promotion`, `shipping`, `tax` or `subsidy`.
    """

    kind: str
    amount: Money
    vendor_id: str
    sku: str | None = Field(None, description="Of the line; absent for a parcel.")
    inside: bool = Field(description="It is part of an amount that is told by another step.")
    source: str | None = Field(None, description="What decided: a price list, promotion, method or jurisdiction.")
    title: str | None = Field(None, description="For people; of a price that was exchanged, the rate.")
    original: Money | None = Field(None, description="In the vendor's currency.")
    rate: str | None = Field(None, description="Of a tax, in percent.")

    @classmethod
    def of(cls, step: Step) -> "StepView":
        return cls(
            kind=step.kind,
            amount=step.amount,
            vendor_id=step.vendor_id,
            sku=step.sku or None,
            inside=step.inside,
            source=step.source or None,
            title=step.title or None,
            original=step.original,
            rate=percent(step.rate) if step.rate else None,
        )


class Obstacle(View):
    """Why a line cannot be bought as it is, or a vendor's parcel not sent."""

    sku: str | None = None
    vendor_id: str | None = None
    code: str
    detail: str

    @classmethod
    def of(cls, problem: Problem) -> "Obstacle":
        return cls(
            sku=problem.extra.get("sku"),
            vendor_id=problem.extra.get("vendorId"),
            code=problem.code,
            detail=problem.detail,
        )


class SummaryView(View):
    """Send `cartVersion` and `total` back with the order.

    The destination decides on tax and shipping: where prices contain the tax it changes `tax`, not `total`.
    """

    cart_version: int
    currency: str
    lines: list[LineView]
    parts: list[PartView]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    tax_added: Money = Field(description="What of the tax came on top of the prices.")
    total: Money
    tax_country: str | None = Field(
        None, description="The destination that the tax is worked out for, if one was told."
    )
    tax_jurisdiction: str | None = Field(None, description="Whose tax it is, such as `DE` or `US-CA`.")
    tax_source: str = Field(description="Who works out the tax: `table`, our own, or a company such as `avalara`.")
    promotions: list[PromotionView]
    refused_codes: list[RefusedCodeView]
    gifts: list[GiftView]
    parcels: list[ParcelView]
    steps: list[StepView] = Field(description="Where every cent comes from.")
    problems: list[Obstacle]

    @classmethod
    def of(cls, summary: Summary) -> "SummaryView":
        answer = summary.answer
        return cls(
            cart_version=summary.cart.version,
            currency=answer.currency,
            lines=list(map(LineView.of, answer.lines)),
            parts=list(map(PartView.of, answer.parts)),
            subtotal=answer.sum("subtotal"),
            discount=answer.sum("discount"),
            shipping=answer.sum("shipping"),
            tax=answer.sum("tax"),
            tax_added=answer.sum("added"),
            total=answer.total,
            tax_country=summary.country or None,
            tax_jurisdiction=answer.jurisdiction or None,
            tax_source=answer.tax_source or TABLE,
            promotions=list(map(PromotionView.of, answer.promoted)),
            refused_codes=list(map(RefusedCodeView.of, answer.outcome.refused)),
            gifts=list(map(GiftView.of, answer.outcome.gifts)),
            parcels=[ParcelView.of(part.vendor_id, answer) for part in answer.parts],
            steps=list(map(StepView.of, summary.steps)),
            problems=list(map(Obstacle.of, summary.problems)),
        )

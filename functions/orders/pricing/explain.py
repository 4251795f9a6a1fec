"""Where every cent of a price comes from: the steps of each line and parcel, in the order in which they were taken."""

from collections.abc import Iterable
from dataclasses import dataclass

from market.money import Money, total
from orders.pricing.model import Answer
from orders.sold import LineSnapshot, Part
from prices.contract import converted, exchanged, fee_in
from promotions.contract import Applied

BASE, CONVERSION_FEE, ROUNDING, LIST, PROMOTION, SHIPPING, TAX, SUBSIDY = (
    "base", "conversion_fee", "rounding", "list", "promotion", "shipping", "tax", "subsidy",
)  # fmt: skip
"""Kinds of steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a price. Those that are not `inside` sum up to what the customer pays.

    sku, vendor_id: of the line; of a parcel the vendor alone. inside: it is part of an amount that another step tells,
    as a tax that a price includes. source: what decided: a list's, promotion's or shipping method's id, a tax's
    jurisdiction. title: for people. original: in the vendor's currency, before the exchange. rate: of a tax.
    """

    kind: str
    amount: Money
    vendor_id: str
    sku: str = ""
    inside: bool = False
    source: str = ""
    title: str = ""
    original: Money | None = None
    rate: int = 0


def explain(answer: Answer) -> tuple[Step, ...]:
    """The steps of every line in the order of the lines, then those of every parcel. They sum up to the total."""
    steps: list[Step] = []
    for place in range(len(answer.lines)):
        steps += _of_line(answer, place)
    for part in answer.parts:
        steps += _of_parcel(answer, part)
    return tuple(steps)


def paid(steps: Iterable[Step], currency: str) -> Money:
    """What steps sum up to."""
    return total((step.amount for step in steps if not step.inside), currency)


def _of_line(answer: Answer, place: int) -> list[Step]:
    line, rate = answer.lines[place], answer.rates[place]
    steps = _unit_price(answer, place)
    for applied in answer.outcome.applied:
        if off := applied.by_line[place]:
            steps.append(_promotion(line, Money(-off, answer.currency), applied))
    if line.subsidy:
        steps.append(_step(SUBSIDY, line.subsidy, line, inside=True))
    if line.tax and line.tax.amount:
        steps.append(
            _step(
                TAX, line.tax, line, inside=not line.tax_added,
                source=rate.jurisdiction, title=rate.name, rate=line.tax_rate,
            )
        )  # fmt: skip
    return steps


def _unit_price(answer: Answer, place: int) -> list[Step]:
    """Base, exchange and list price, times the quantity."""
    line, listed, quote = answer.lines[place], answer.listed[place], answer.quote
    units, plain, own = line.quantity, listed.base, listed.base
    fee = rounding = Money(0, answer.currency)
    if quote.frm != quote.to:
        own = converted(listed.base, quote)
        fee = fee_in(listed.base, quote)
        rounding = own - exchanged(listed.base, quote)
        plain = own - fee - rounding
    exchange = quote.decimal() if quote.frm != quote.to else ""
    original = listed.base * units if exchange else None
    steps = [_step(BASE, plain * units, line, title=exchange, source=quote.source, original=original)]
    made = ((CONVERSION_FEE, fee), (ROUNDING, rounding))
    steps += [_step(kind, amount * units, line) for kind, amount in made if amount.amount]
    if listed.price != own or listed.list_id:
        steps.append(_step(LIST, (listed.price - own) * units, line, source=listed.list_id))
    return steps


def _of_parcel(answer: Answer, part: Part) -> list[Step]:
    option, vendor_id = answer.chosen.get(part.vendor_id), part.vendor_id
    if option is None:
        return []
    steps = [Step(kind=SHIPPING, amount=option.price, vendor_id=vendor_id, source=option.method, title=option.name)]
    if part.shipping_discount:
        freeing = next(one for one in answer.outcome.applied if vendor_id in one.free_shipping)
        source, title = freeing.promotion_id, freeing.title
        off = -part.shipping_discount
        steps.append(Step(kind=PROMOTION, amount=off, vendor_id=vendor_id, source=source, title=title))
    if part.shipping_subsidy:
        steps.append(Step(kind=SUBSIDY, amount=part.shipping_subsidy, vendor_id=vendor_id, inside=True))
    if part.shipping_tax.amount:
        taxed = (
            rate
            for line, rate in zip(answer.lines, answer.rates, strict=True)
            if line.vendor_id == vendor_id and rate.rate == part.shipping_tax_rate
        )
        named = answer.parcel_rates.get(vendor_id) or next(taxed)
        steps.append(
            Step(
                kind=TAX, amount=part.shipping_tax, vendor_id=vendor_id, inside=not part.shipping_tax_added,
                source=named.jurisdiction, title=named.name, rate=named.rate,
            )
        )  # fmt: skip
    return steps


def _promotion(line: LineSnapshot, amount: Money, applied: Applied) -> Step:
    return _step(PROMOTION, amount, line, source=applied.promotion_id, title=applied.title)


def _step(
    kind: str,
    amount: Money,
    line: LineSnapshot,
    *,
    inside: bool = False,
    source: str = "",
    title: str = "",
    original: Money | None = None,
    rate: int = 0,
) -> Step:
    return Step(
        kind=kind, amount=amount, vendor_id=line.vendor_id, sku=line.sku, inside=inside,
        source=source, title=title, original=original, rate=rate,
    )  # fmt: skip

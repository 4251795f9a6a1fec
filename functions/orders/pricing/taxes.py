"""Taxes of a company that knows every street, in the place of those of our own table: what to ask, what comes of it.

Prices are worked out with the table first. The company is asked of what they come to after discounts, line by line and
parcel by parcel; its answer then takes the place of the table's taxes, and nothing else of a price changes but what
follows from them. It is not asked where we charge no tax by our own books: of exempt goods and customers, where we are
not registered, and where the vendor collects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from market.money import Money, total
from orders.pricing.model import Answer, Question
from orders.sold import LineSnapshot, Part
from tax import contract as tax
from tax.contract import Asked, LineAnswer, Rate


def tax_question(question: Question, answer: Answer, address: Mapping[str, str]) -> tax.Question | None:
    """What to ask of the taxes on what was priced; None if there is nothing to ask, or not enough is known of where.

    address: where it goes, with city and street as far as they are told.
    """
    lines = list(_asked(question, answer))
    place = question.destination
    if not lines or not place.country or not place.postal_code:
        return None
    return tax.Question(
        code=f"quote-{question.customer.customer_id}"[:50],
        at=question.at,
        customer=question.customer.customer_id,
        destination=tax.Destination(place.country, place.region, place.postal_code),
        lines=lines,
        city=address.get("city", ""),
        street=address.get("line1", ""),
        inclusive=answer.rates[0].inclusive,
    )


def retaxed(answer: Answer, told: tax.Answer) -> Answer:
    """The same prices with the taxes that the company told. Vendors never owe us anything: see `_part`."""
    rates = tuple(_rate(rate, told.lines.get(_line_number(place))) for place, rate in enumerate(answer.rates))
    lines = tuple(
        _line(line, rate, told.lines.get(_line_number(place)))
        for place, (line, rate) in enumerate(zip(answer.lines, rates, strict=True))
    )
    parts, parcels = [], dict[str, Rate]()
    for place, part in enumerate(answer.parts):
        own = [line for line in lines if line.vendor_id == part.vendor_id]
        rate = next(rate for line, rate in zip(lines, rates, strict=True) if line.vendor_id == part.vendor_id)
        parcel = told.lines.get(_parcel_number(place))
        parcels |= {part.vendor_id: _rate(rate, parcel)} if parcel else {}
        parts.append(_part(part, own, rate, parcel))
    return replace(answer, lines=lines, parts=tuple(parts), rates=rates, parcel_rates=parcels, tax_source=told.provider)


def _asked(question: Question, answer: Answer) -> Iterator[Asked]:
    wanted: set[str] = set()
    for place, (line, rate) in enumerate(zip(answer.lines, answer.rates, strict=True)):
        if _is_ours(rate) and line.goods.amount:
            wanted.add(line.vendor_id)
            yield Asked(
                number=_line_number(place),
                category=question.lines[place].tax_category,
                amount=line.goods,
                quantity=line.quantity,
                sku=line.sku,
            )
    for place, part in enumerate(answer.parts):
        if part.vendor_id in wanted and part.shipping.amount:
            yield Asked(number=_parcel_number(place), category=tax.SHIPPING, amount=part.shipping)


def _is_ours(rate: Rate) -> bool:
    return not rate.exemption and rate.collected_by == tax.PLATFORM


def _line_number(place: int) -> str:
    return str(place + 1)


def _parcel_number(place: int) -> str:
    return f"parcel-{place + 1}"


def _rate(rate: Rate, told: LineAnswer | None) -> Rate:
    return replace(rate, rate=told.rate) if told else rate


def _line(line: LineSnapshot, rate: Rate, told: LineAnswer | None) -> LineSnapshot:
    if told is None:
        return line
    return replace(line, tax=told.tax, tax_rate=told.rate, tax_added=not rate.inclusive and told.rate > 0)


def _part(part: Part, lines: list[LineSnapshot], rate: Rate, parcel: LineAnswer | None) -> Part:
    """The part with what its lines' taxes and its parcel's sum up to; the commission is never more than is earned."""
    currency = part.subtotal.currency
    nothing = Money(0, currency)
    if parcel:
        part = replace(
            part,
            shipping_tax=parcel.tax,
            shipping_tax_rate=parcel.rate,
            shipping_tax_added=not rate.inclusive and parcel.rate > 0,
        )
    goods = total((line.tax for line in lines if line.tax), currency)
    added = total((line.tax for line in lines if line.tax and line.tax_added), currency)
    added += part.shipping_tax if part.shipping_tax_added else nothing
    taxed = replace(part, tax=goods + part.shipping_tax, added=added if added.amount else None)
    earned = taxed.earnings + taxed.commission
    return replace(taxed, commission=min(taxed.commission, earned, key=lambda money: money.amount))

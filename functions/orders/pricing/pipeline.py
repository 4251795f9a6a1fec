"""The steps of a price, one after another. Amounts are minor units of the order's currency until the end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ledger.contract import commission_of
from market.errors import Problem
from market.money import Money
from orders.pricing.model import Answer, Question, Tables
from orders.sold import EXEMPT, REVERSE_CHARGE, LineSnapshot, Part, Promoted
from prices.contract import Listed, NoRate, Quote, converted, listed
from promotions.contract import Applied, Goods, Outcome, evaluate
from shipping.contract import (
    DEFAULT,
    Convert,
    Option,
    Parcel,
    Piece,
    carried,
    choose,
    options,
    parcel_of,
)
from tax import contract as tax
from tax.contract import Rate

_WHOLE = 10_000
_FREE_SHIPPING = "free_shipping"
_NOTHING_OFF = Outcome()
_NOTES = {tax.EXEMPT_GOODS: EXEMPT, tax.CERTIFIED: EXEMPT, tax.REVERSE_CHARGE: REVERSE_CHARGE}


@dataclass(slots=True)
class _Work:
    """What is known so far. value, off, subsidy: of each line, what it costs, what promotions take off, what of that
    we pay.

    vendors: places of their lines, in the order of the first ones; nothing: no money, in the order's currency.
    """

    question: Question
    tables: Tables
    quote: Quote
    listed: list[Listed]
    vendors: dict[str, list[int]]
    value: list[int]
    off: list[int]
    subsidy: list[int]
    nothing: Money
    outcome: Outcome = _NOTHING_OFF
    rates: list[Rate] = field(default_factory=list)
    taxes: list[Money] = field(default_factory=list)
    converts: dict[str, Convert | None] = field(default_factory=dict)
    parcels: dict[str, Parcel] = field(default_factory=dict)
    chosen: dict[str, Option] = field(default_factory=dict)
    postage: dict[str, "_Postage"] = field(default_factory=dict)
    shipped: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class _Postage(NamedTuple):
    """price: what is asked for the parcel; off: what promotions take off it; subsidy: what of that we pay."""

    price: int
    off: int = 0
    subsidy: int = 0


def price(question: Question, tables: Tables) -> Answer:
    """What the lines cost. Raises NoRate where there is no way from their currency to the one that is to be paid in.

    What else is in the way is told in `problems`; a parcel that cannot be sent costs nothing there.
    """
    work = _listed(question, tables)
    _promote(work)
    _send(work)
    _tax(work)
    return Answer(
        lines=tuple([_line(work, place) for place in range(len(question.lines))]),
        parts=tuple([_part(work, vendor_id) for vendor_id in work.vendors]),
        quote=work.quote,
        outcome=work.outcome,
        promoted=tuple(_promoted(work)),
        listed=tuple(work.listed),
        rates=tuple(work.rates),
        options=_Ways(work),
        chosen=work.chosen,
        problems=tuple(work.problems),
    )


def _listed(question: Question, tables: Tables) -> _Work:
    """Base, currency and list: what a unit costs before promotions."""
    lines, prices = question.lines, tables.entries
    quote = tables.rates.quote(lines[0].unit_price.currency, question.currency, at=question.at)
    foreign = quote if quote.frm != quote.to else None
    country, groups, at = question.destination.country, question.customer.groups, question.at
    found = [
        listed(line.unit_price, entries, quantity=line.quantity, country=country, groups=groups, at=at, quote=foreign)
        if (entries := prices.get(line.sku, ())) or foreign
        else Listed(line.unit_price, "", line.unit_price)
        for line in lines
    ]
    vendors: dict[str, list[int]] = {}
    for place, line in enumerate(lines):
        vendors.setdefault(line.vendor_id, []).append(place)
    value = [one.price.amount * line.quantity for one, line in zip(found, lines, strict=True)]
    off, subsidy = [0] * len(value), [0] * len(value)
    return _Work(question, tables, quote, found, vendors, value, off, subsidy, Money(0, question.currency))


def _promote(work: _Work) -> None:
    """Promotions: what they take off each line, and what of that we pay."""
    question, tables = work.question, work.tables
    if not tables.promotions and not tables.codes:
        return
    goods = [
        Goods(
            sku=line.sku,
            product_id=line.product_id,
            vendor_id=line.vendor_id,
            category=line.category,
            quantity=line.quantity,
            unit_price=found.price,
            brand=line.brand,
        )
        for line, found in zip(question.lines, work.listed, strict=True)
    ]
    work.outcome = evaluate(
        goods,
        tables.promotions,
        codes=tables.codes,
        customer=question.customer,
        country=question.destination.country,
        currency=question.currency,
        at=question.at,
        without=tables.used_up,
        postage=_expected_postage(work),
    )
    for applied in work.outcome.applied:
        for place, off in enumerate(applied.by_line):
            if off:
                work.off[place] += off
                work.subsidy[place] += _ours(off, applied)


def _expected_postage(work: _Work) -> dict[str, int]:
    """What the parcels would cost without promotions, if one that makes them free is to be compared with others."""
    kinds = [promotion.benefit.kind for promotion in work.tables.promotions]
    if len(kinds) < 2 or _FREE_SHIPPING not in kinds:
        return {}
    found = {}
    for vendor_id in work.vendors:
        option = _way(work, vendor_id, _parcel(work, vendor_id), [])
        if option:
            found[vendor_id] = _freed(option, _ways(work, vendor_id))
    return found


def _send(work: _Work) -> None:
    """Shipping: each vendor's parcel, priced by what it costs after discounts, less what promotions take off."""
    for vendor_id in work.vendors:
        option = _way(work, vendor_id, _parcel(work, vendor_id), work.problems)
        if option is None:
            work.postage[vendor_id] = _Postage(0)
            continue
        work.chosen[vendor_id] = option
        freeing = next((one for one in work.outcome.applied if vendor_id in one.free_shipping), None)
        off = _freed(option, _ways(work, vendor_id)) if freeing else 0
        work.postage[vendor_id] = _Postage(option.price.amount, off, _ours(off, freeing) if freeing else 0)


def _freed(option: Option, ways: Sequence[Option]) -> int:
    """What free shipping takes off: as much as the cheapest way to send costs, so that a dearer one costs the rest."""
    return min([option.price.amount, *[way.price.amount for way in ways if way.free_because != "pickup"]])


def _way(work: _Work, vendor_id: str, parcel: Parcel, problems: list[Problem]) -> Option | None:
    """The way that is wished for; None, and a problem, if the parcel cannot go so."""
    question, at = work.question, work.question.at
    table = work.tables.shipping.get(vendor_id, DEFAULT)
    convert = _convert(work, table.currency)
    work.parcels[vendor_id] = parcel
    method = question.methods.get(vendor_id, question.method)
    try:
        if vendor_id in question.quotes:
            quote = work.tables.carriers.get(vendor_id)
            given = _convert(work, quote.rates[0].price.currency) if quote and quote.rates else None
            return carried(
                quote, method, parcel, question.destination, table, vendor_id=vendor_id, at=at, convert=given
            )
        return choose(method, parcel, question.destination, table, vendor_id=vendor_id, at=at, convert=convert)
    except Problem as refused:
        problems.append(refused)
        return None


def _ways(work: _Work, vendor_id: str) -> tuple[Option, ...]:
    """All ways to send the vendor's parcel."""
    question, table = work.question, work.tables.shipping.get(vendor_id, DEFAULT)
    parcel, convert = work.parcels[vendor_id], _convert(work, table.currency)
    return options(parcel, question.destination, table, at=question.at, convert=convert)


class _Ways(Mapping[str, tuple[Option, ...]]):
    """All ways by vendor, worked out when somebody looks: who places an order asks for none but the one that counts."""

    def __init__(self, work: _Work) -> None:
        self._work = work

    def __getitem__(self, vendor_id: str) -> tuple[Option, ...]:
        return _ways(self._work, vendor_id)

    def __iter__(self) -> Iterator[str]:
        return iter(self._work.parcels)

    def __len__(self) -> int:
        return len(self._work.parcels)


def _parcel(work: _Work, vendor_id: str) -> Parcel:
    currency = work.question.currency
    pieces = [
        Piece(
            quantity=line.quantity,
            total=work.value[place] - work.off[place],
            weight_grams=line.weight_grams,
            size_mm=line.size_mm,
            ships=line.tax_category != tax.DIGITAL,
        )
        for place in work.vendors[vendor_id]
        for line in (work.question.lines[place],)
    ]
    return parcel_of(pieces, currency)


def _convert(work: _Work, currency: str) -> Convert | None:
    """How amounts in the currency become the order's; None where they are, or where there is no rate."""
    if not currency or currency == work.quote.to:
        return None
    if currency not in work.converts:
        try:
            quote = work.tables.rates.quote(currency, work.quote.to, at=work.question.at)
            work.converts[currency] = lambda money: converted(money, quote)
        except NoRate:
            work.converts[currency] = None
    return work.converts[currency]


def _tax(work: _Work) -> None:
    """The tax on each line, at a rate by its category, where it goes and comes from, and who buys."""
    question, tables = work.question, work.tables
    known: dict[tuple[str, str], Rate] = {}
    for place, line in enumerate(question.lines):
        table = tables.shipping.get(line.vendor_id)
        asked = line.tax_category, table.origin.country if table else ""
        if asked not in known:
            known[asked] = tax.rate_of(
                asked[0],
                question.destination,
                at=question.at,
                overrides=tables.overrides,
                certificates=tables.certificates,
                origin=asked[1],
            )
        work.rates.append(known[asked])
        work.taxes.append(_taxed(work, work.value[place] - work.off[place], known[asked]))


def _line(work: _Work, place: int) -> LineSnapshot:
    line, found, rate = work.question.lines[place], work.listed[place], work.rates[place]
    off, subsidy = work.off[place], work.subsidy[place]
    return LineSnapshot(
        sku=line.sku,
        product_id=line.product_id,
        vendor_id=line.vendor_id,
        title=line.title,
        quantity=line.quantity,
        unit_price=found.price,
        category=line.category,
        discount=Money(off, work.nothing.currency) if off else work.nothing,
        tax=work.taxes[place],
        tax_rate=rate.rate,
        tax_added=_is_added(rate),
        tax_note=_NOTES.get(rate.exemption, ""),
        subsidy=_some(work, subsidy),
        base_price=found.base if found.base != found.price else None,
        list_id=found.list_id,
    )


def _part(work: _Work, vendor_id: str) -> Part:
    currency, postage, own = work.question.currency, work.postage[vendor_id], work.vendors[vendor_id]
    rates = [work.rates[i] for i in own]
    rate = max(rates, key=lambda one: one.rate) if len(rates) > 1 else rates[0]
    by_vendor = all([one.collected_by == tax.VENDOR for one in rates])
    shipping = postage.price - postage.off
    shipping_tax = _taxed(work, shipping, rate)
    tax_sum = shipping_tax.amount
    added = tax_sum if _is_added(rate) else 0
    subtotal, off, subsidy = 0, 0, postage.subsidy
    for i in own:
        taxed = work.taxes[i].amount
        tax_sum += taxed
        added += taxed if _is_added(work.rates[i]) else 0
        subtotal += work.value[i]
        off += work.off[i]
        subsidy += work.subsidy[i]
    earned = subtotal - off + shipping + added + subsidy - (0 if by_vendor else tax_sum)
    return Part(
        vendor_id=vendor_id,
        subtotal=Money(subtotal, currency),
        shipping=_some(work, shipping) or work.nothing,
        commission=_commission(work, vendor_id, earned),
        discount=_some(work, off) or work.nothing,
        tax=_some(work, tax_sum) or work.nothing,
        shipping_tax=shipping_tax,
        added=_some(work, added),
        shipping_tax_added=_is_added(rate),
        shipping_tax_rate=rate.rate if shipping else 0,
        tax_by_vendor=by_vendor and tax_sum > 0,
        subsidy=_some(work, subsidy),
        shipping_discount=_some(work, postage.off),
        shipping_subsidy=_some(work, postage.subsidy),
        **_sent(work, vendor_id),
    )


def _sent(work: _Work, vendor_id: str) -> dict[str, Any]:
    """How and when the parcel goes."""
    option = work.chosen.get(vendor_id)
    if option is None:
        return {}
    method = option.method if option.method != work.question.method else ""
    return {"method": method, "carrier": option.carrier, "earliest": option.earliest, "latest": option.latest}


def _commission(work: _Work, vendor_id: str, most: int) -> Money:
    """Of what the vendor sells the goods for, by the rules of the day; never so much that it would owe us anything."""
    currency, rules, lines = work.question.currency, work.tables.rules, work.question.lines
    if rules is None:
        return work.nothing
    sold = [
        (lines[i].category, Money(work.value[i] - work.off[i] + work.subsidy[i], currency), lines[i].quantity)
        for i in work.vendors[vendor_id]
    ]
    commission = commission_of(rules, vendor_id, sold, work.question.at)
    return commission if commission.amount <= most else Money(most, currency)


def _promoted(work: _Work) -> list[Promoted]:
    """Each promotion with all that it took off, postage included."""
    found, currency = [], work.question.currency
    freed: set[str] = set()
    for one in work.outcome.applied:
        parcels = (one.free_shipping & work.postage.keys()) - freed
        freed |= parcels
        amount = one.amount.amount + sum(work.postage[vendor_id].off for vendor_id in parcels)
        found.append(Promoted(one.promotion_id, one.title, Money(amount, currency), one.code))
    return found


def _taxed(work: _Work, amount: int, rate: Rate) -> Money:
    if not rate.rate or not amount:
        return work.nothing
    work_out = tax.tax_in if rate.inclusive else tax.tax_on
    return work_out(Money(amount, work.question.currency), rate.rate)


def _is_added(rate: Rate) -> bool:
    """Whether it comes on top of the price."""
    return not rate.inclusive and rate.rate > 0


def _ours(off: int, applied: Applied) -> int:
    """What of a discount we pay, rounded half up."""
    return (2 * off * applied.platform_basis_points + _WHOLE) // (2 * _WHOLE)


def _some(work: _Work, amount: int) -> Money | None:
    return Money(amount, work.question.currency) if amount else None

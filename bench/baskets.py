"""Random carts with everything that makes a price, and what must be true of each of them, worked out anew.

Carts, moments, promotions, taxes, currencies (all of ISO 4217) and shipping tables are drawn from pools that a seed
fills, in combinations nobody would think of. What is checked is worked out from the answer by other means than the
pipeline's own.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from random import Random

from cart.contract import Line
from ledger.contract import Rule
from market.money import CURRENCIES, Money
from orders.pricing import Answer, Question, Tables, explain, price
from orders.pricing.explain import paid
from orders.rows import compact_lines, compact_parts, read_lines, read_parts
from orders.sold import OrderSnapshot, Part
from prices.contract import Entry, Rate, Rates, Rounding
from promotions.contract import Code, CustomerFacts, Promotion
from promotions.model import (
    RUNNING,
    Benefit,
    Bundle,
    BuyGet,
    Conditions,
    Fixed,
    FreeGift,
    FreeShipping,
    Percent,
    Selector,
    Stacking,
    Tier,
    Tiered,
)
from refunds.model import Account, LineWish, NothingToRefund, Shares, Wish
from refunds.model import price as give_back
from shipping.contract import DEFAULT, Destination
from shipping.contract import Table as ShippingTable
from shipping.model import Band, Free, Method, Origin
from shipping.model import Rate as ShippingRate
from tax.contract import NONE, Certificate, Overrides, Registration

AT = "2026-11-20T12:00:00.000Z"
ADA = CustomerFacts(customer_id="ada", orders=2, since="2026-01-01T00:00:00.000Z", groups=frozenset({"wholesale"}))
USUAL = ("EUR", "USD", "JPY", "KWD", "CHF")
"""Currencies of most carts; a third of them are in any of the others."""
VENDORS = ("ven_a", "ven_b", "ven_c", "ven_d")
PLACES = (
    ("DE", "", "10115"), ("FR", "", "75001"), ("FI", "", "00100"), ("HU", "", "1011"), ("PT", "", "9500-321"),
    ("US", "CA", "90210"), ("US", "NY", "10001"), ("CA", "BC", "V5K 0A1"), ("CH", "", "8001"), ("GB", "", "SW1A"),
    ("", "", ""),
)  # fmt: skip
_RATES = {"USD": "1.1684", "JPY": "181.23", "KWD": "0.358", "CHF": "0.9375"}
_WORLD = "world"


class Pools:
    """What carts are drawn from; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.currencies = sorted(CURRENCIES)
        self.lines = {currency: [self._line(number, currency) for number in range(60)] for currency in self.currencies}
        self.promotions = [self._promotion(number) for number in range(80)]
        self.entries = {line.sku: self._entries(line) for lines in self.lines.values() for line in lines[::3]}
        self.shipping = [DEFAULT, *(self._table(number) for number in range(6))]
        self.rules = [{}, {"": [Rule(basis_points=2_500)]}, {"": [Rule(per_order=Money(700, "EUR"))]}]
        self.rates = self._exchange()

    def question(self) -> tuple[Question, Tables]:
        """A cart and what it is priced with."""
        dice = self.dice
        frm = self._currency()
        lines = tuple(dice.sample(self.lines[frm], dice.choice((1, 1, 2, 2, 3, 4, 7))))
        country, region, code = dice.choice(PLACES)
        promotions = dice.sample(self.promotions, dice.choice((0, 0, 1, 1, 2, 4)))
        question = Question(
            lines=lines,
            destination=Destination(country, region, code),
            at=self._moment(),
            currency=frm if dice.random() < 0.7 else self._currency(),
            customer=ADA,
            method=dice.choice(("standard", "standard", "express")),
        )
        return question, Tables(
            entries=self.entries,
            rates=self.rates,
            promotions=promotions,
            codes=[Code(code=one.id.upper(), promotion_id=one.id) for one in promotions if one.needs_code],
            shipping={vendor: dice.choice(self.shipping) for vendor in VENDORS} if dice.random() < 0.5 else {},
            overrides=self._registered(country, region),
            certificates=self._certificates if dice.random() < 0.1 else (),
            rules=dice.choice(self.rules),
        )

    def _currency(self) -> str:
        return self.dice.choice(USUAL if self.dice.random() < 0.67 else self.currencies)

    def _moment(self) -> str:
        """Any millisecond of ten days, so that nothing gains by one that was seen before."""
        dice = self.dice
        day, hour, minute = dice.randrange(15, 25), dice.randrange(24), dice.randrange(60)
        return f"2026-11-{day}T{hour:02}:{minute:02}:{dice.randrange(60):02}.{dice.randrange(1_000):03}Z"

    def _line(self, number: int, currency: str) -> Line:
        dice = self.dice
        return Line(
            sku=f"{currency}-{number}",
            product_id=f"prd_{number}",
            vendor_id=dice.choice(VENDORS),
            title="Something",
            quantity=dice.choice((1, 1, 2, 3, 5, 12, 999)),
            unit_price=Money(dice.choice((0, 1, 3, 99, 1_999, 12_345, dice.randint(1, 900_000))), currency),
            category=dice.choice(("", "home", "home>lamps", "food")),
            tax_category=dice.choice(("standard", "standard", "reduced", "exempt", "digital")),
            weight_grams=dice.choice((0, 250, 1_800)),
            size_mm=dice.choice(((), (300, 200, 100))),
        )

    def _promotion(self, number: int) -> Promotion:
        dice, scope = self.dice, self.dice.choice(("platform", *VENDORS))
        return Promotion(
            id=f"prm{number}",
            scope=scope,
            status=RUNNING,
            title=f"Promotion {number}",
            benefit=self._benefit(number),
            include=Selector(categories=frozenset({"home"})) if dice.random() < 0.2 else Selector(),
            conditions=Conditions(min_units=dice.choice((0, 0, 2))),
            stacking=Stacking(
                priority=dice.randint(0, 3), exclusive=dice.random() < 0.2, group=dice.choice(("", "", "one"))
            ),
            needs_code=dice.random() < 0.3,
            platform_basis_points=dice.choice((10_000, 10_000, 3_333)) if scope == "platform" else 0,
            participants=dict.fromkeys(VENDORS, frozenset[str]()),
        )

    def _benefit(self, number: int) -> Benefit:
        dice = self.dice
        amounts = dict.fromkeys(self.currencies, dice.choice((1, 500, 10_000)))
        currency = dice.choice(USUAL)
        choices: tuple[Benefit, ...] = (
            Percent(basis_points=dice.choice((1, 1_000, 3_333, 10_000)), most=amounts if dice.random() < 0.3 else {}),
            Fixed(amounts=amounts, per_unit=dice.random() < 0.3),
            FreeShipping(),
            BuyGet(buy=dice.randint(1, 3), get=1, basis_points=dice.choice((5_000, 10_000))),
            Tiered(tiers=(Tier(units=2, basis_points=500), Tier(units=6, basis_points=1_500))),
            Bundle(
                units={f"{currency}-{dice.randint(0, 29)}": 1, f"{currency}-{dice.randint(30, 59)}": 2}, prices=amounts
            ),
            FreeGift(sku=f"{currency}-{dice.randint(0, 59)}"),
        )
        return choices[number % len(choices)]

    def _entries(self, line: Line) -> tuple[Entry, ...]:
        dice, base = self.dice, line.unit_price.amount
        return tuple(
            Entry(
                list_id=f"list{number}",
                price=Money(max(0, base - dice.randint(0, 1 + base // 3)), line.unit_price.currency),
                min_quantity=dice.choice((1, 2, 10)),
                groups=dice.choice((frozenset(), frozenset({"wholesale"}), frozenset({"friends"}))),
                countries=dice.choice((frozenset(), frozenset({"EU"}), frozenset({"US"}))),
            )
            for number in range(dice.randint(1, 4))
        )

    def _table(self, number: int) -> ShippingTable:
        dice = self.dice
        bands = (Band(1_000, dice.randint(0, 900)), Band(None, 900, dice.randint(0, 50), 500))
        rate = ShippingRate(zone=_WORLD, basis=dice.choice(("flat", "weight", "units", "price")), bands=bands)
        methods = tuple(
            Method(id=name, name=name, rates=(rate,)) for name in ("standard", "express", "slow")[: 1 + number % 3]
        )
        free = (Free(threshold=dice.randint(1, 50_000)),) if dice.random() < 0.5 else ()
        origin = Origin(
            country=dice.choice(("DE", "FR", "US")),
            time_zone=dice.choice(("UTC", "Europe/Berlin", "America/New_York")),
            handling=dice.choice(((0, 1), (1, 3))),
            workdays=(0, 1, 2, 3, 4),
            holidays=frozenset({"2026-11-18", "2026-11-26"}),
        )
        currency = dice.choice(USUAL)
        return replace(DEFAULT, scope=f"t{number}", currency=currency, methods=methods, free=free, origin=origin)

    def _exchange(self) -> Rates:
        dice = self.dice
        drawn = {name: f"{dice.choice((1, 40, 9_000)) * dice.random() + 0.3:.4f}" for name in self.currencies}
        return Rates(
            rates={currency: Rate(value, AT[:10], "ecb") for currency, value in (drawn | _RATES).items()},
            fee_basis_points=150,
            roundings={"CHF": Rounding(5), "JPY": Rounding(10), "USD": Rounding(100, 99)},
        )

    def _registered(self, country: str, region: str) -> Overrides:
        if country not in ("US", "CA") or self.dice.random() < 0.3:
            return NONE
        who = self.dice.choice(("platform", "vendor"))
        return Overrides(registrations=(Registration(since="2020-01-01", collected_by=who),))

    @cached_property
    def _certificates(self) -> tuple[Certificate, ...]:
        valid = {"valid_from": "2020-01-01", "valid_until": "", "status": "approved"}
        return (
            Certificate(id="c1", kind="vat_id", number="FR12", jurisdiction="FR", **valid),
            Certificate(id="c2", kind="exemption", number="1", jurisdiction="US", **valid),
        )


def violations(question: Question, tables: Tables, answer: Answer, *, thorough: bool = False) -> Iterator[str]:
    """What is wrong with an answer, in words. thorough: with what is dear to look at."""
    yield from _lines(answer)
    yield from _parts(answer)
    if not thorough:
        return
    if paid(explain(answer), answer.currency) != answer.total:
        yield "the steps are not the total"
    told = sum(one.amount.amount for one in answer.promoted)
    if told != answer.sum("discount").amount + answer.sum("shipping_discount").amount:
        yield "the promotions are not the discount"
    turned = price(replace(question, lines=question.lines[::-1]), tables)
    if turned.lines[::-1] != answer.lines or turned.total != answer.total:
        yield "the order of the lines matters"
    stored = {"currency": answer.currency, "lines": compact_lines(answer.lines), "parts": compact_parts(answer.parts)}
    if read_parts(stored) != answer.parts or read_lines(stored) != answer.lines:
        yield "what is stored is not what was sold"
    yield from _refunds(answer)


def _lines(answer: Answer) -> Iterator[str]:
    for line in answer.lines:
        off, tax = (money.amount if money else 0 for money in (line.discount, line.tax))
        goods, charge = line.total.amount - off, line.charge.amount
        if not 0 <= off <= line.total.amount or not 0 <= (line.subsidy.amount if line.subsidy else 0) <= off:
            yield f"{line.sku}: {off} off {line.total}, {line.subsidy} paid by us"
        if charge != goods + (tax if line.tax_added else 0):
            yield f"{line.sku}: charged {charge} for {goods} and {tax}"
        whole = 100_000 if line.tax_added else 100_000 + line.tax_rate
        if not 0 <= 2 * goods * line.tax_rate + whole - 2 * tax * whole < 2 * whole:
            yield f"{line.sku}: {tax} is not the tax of {goods} at {line.tax_rate}"


def _parts(answer: Answer) -> Iterator[str]:
    if sum(part.charge.amount for part in answer.parts) != answer.total.amount:
        yield "the parts are not the total"
    for part in answer.parts:
        own = [line for line in answer.lines if line.vendor_id == part.vendor_id]
        if sum(line.charge.amount for line in own) + part.shipping_charge.amount != part.charge.amount:
            yield f"{part.vendor_id}: lines and parcel are not the charge"
        yield from _parcel(answer, part)
        if sum(line.tax.amount for line in own if line.tax) + part.shipping_tax.amount != part.tax.amount:
            yield f"{part.vendor_id}: the tax of lines and parcel is not the part's"
        if min(part.commission.amount, part.earnings.amount, part.shipping.amount, part.tax.amount) < 0:
            yield f"{part.vendor_id}: less than nothing: {part}"
        subsidy = part.subsidy.amount if part.subsidy else 0
        paid_by_us = sum(line.subsidy.amount for line in own if line.subsidy)
        if subsidy != paid_by_us + (part.shipping_subsidy.amount if part.shipping_subsidy else 0):
            yield f"{part.vendor_id}: {subsidy} is not what we pay of the discounts"
        given = part.earnings.amount + part.commission.amount + part.our_tax.amount
        if part.charge.amount + subsidy != given:
            yield f"{part.vendor_id}: {given} is given out of {part.charge.amount} and {subsidy}"


def _parcel(answer: Answer, part: Part) -> Iterator[str]:
    option, off = answer.chosen.get(part.vendor_id), part.shipping_discount
    if part.shipping.amount + (off.amount if off else 0) != (option.price.amount if option else 0):
        yield f"{part.vendor_id}: {part.shipping} and {off} are not what the parcel costs"
    whole = 100_000 if part.shipping_tax_added else 100_000 + part.shipping_tax_rate
    owed = 2 * part.shipping.amount * part.shipping_tax_rate + whole
    if not 0 <= owed - 2 * part.shipping_tax.amount * whole < 2 * whole:
        yield f"{part.vendor_id}: {part.shipping_tax} is not the tax of {part.shipping}"


def _refunds(answer: Answer) -> Iterator[str]:
    """Everything given back at once, or a unit of each line first: both times all of it, with taxes and earnings."""
    order = OrderSnapshot(
        id="ord", number="MK", customer_id="ada", status="paid", lines=answer.lines, parts=answer.parts,
        shipping_method="standard", address={"country": "DE"}, created_at=AT,
    )  # fmt: skip
    units = Wish(lines=tuple(LineWish(sku=line.sku, quantity=1) for line in order.lines))
    for wishes in ((Wish(all_left=True),), (units, Wish(all_left=True))):
        account, back = Account(order_id="ord"), list[Shares]()
        for wish in wishes:
            try:
                shares = give_back(order, account, wish)
            except NothingToRefund:
                continue
            back.append(shares)
            account = account.reserve(shares)
        sums = [sum(getattr(shares, name) for shares in back) for name in ("amount", "tax", "our_tax", "subsidy")]
        wanted = [order.total.amount, order.tax.amount, _sum(order, "our_tax"), _sum(order, "subsidy")]
        if sums != wanted:
            yield f"given back {sums} of {wanted}"
        if sum(shares.clawback for shares in back) != _sum(order, "earnings"):
            yield f"the vendors lose {sum(shares.clawback for shares in back)} of {_sum(order, 'earnings')}"


def _sum(order: OrderSnapshot, name: str) -> int:
    return sum(amount.amount for part in order.parts if (amount := getattr(part, name)))

"""What is asked of the pipeline, what it looks things up in, and what it answers: values, no more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cart.contract import Line
from ledger.contract import Rules
from market.errors import Problem
from market.money import Money, total
from market.values import value
from orders.sold import LineSnapshot, Part, Promoted
from prices.contract import Entry, Listed, Quote, Rates
from promotions.contract import Code, CustomerFacts, Outcome, Promotion
from shipping.contract import CarrierQuote, Destination, Option, Table
from tax.contract import NONE, Certificate, Overrides, Rate

STANDARD = "standard"
"""The shipping method where none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who wants to buy what, where to and when.

    destination: its country is empty while nobody told it. at: ISO 8601 in UTC. currency: what is to be paid in.
    method: how parcels go, where `methods` (by vendor) says nothing else; quotes: ids of carriers' prices, by vendor.
    """

    lines: Sequence[Line]
    destination: Destination
    at: str
    currency: str
    customer: CustomerFacts
    method: str = STANDARD
    methods: Mapping[str, str] = field(default_factory=dict)
    quotes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What prices are looked up in, as it was read; without any, everything is as where nobody set anything up.

    entries: list prices by SKU; shipping: by vendor; carriers: carriers' prices by vendor, where one was named. rules:
    of the commission; None where nobody asks, since customers are not shown what we keep of a price. used_up:
    promotions that just came to their end.
    """

    entries: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    rates: Rates = field(default_factory=Rates)
    promotions: Sequence[Promotion] = ()
    codes: Sequence[Code] = ()
    used_up: frozenset[str] = frozenset()
    shipping: Mapping[str, Table] = field(default_factory=dict)
    carriers: Mapping[str, CarrierQuote] = field(default_factory=dict)
    overrides: Overrides = NONE
    certificates: Sequence[Certificate] = ()
    rules: Rules | None = None


@value(frozen=True, slots=True, kw_only=True)
class Answer:
    """What it costs. Lines are in the question's order, parts in that of the vendors' first lines.

    listed, rates: of each line, how its price came about and its tax; parcel_rates: of parcels by vendor, where a tax
    company told them; tax_source: that company, empty for our own table. options: ways to send each vendor's parcel;
    chosen: the one that its part is priced with, none where there is no way. problems: what stands in the way.
    """

    lines: tuple[LineSnapshot, ...]
    parts: tuple[Part, ...]
    quote: Quote
    outcome: Outcome
    promoted: tuple[Promoted, ...]
    listed: tuple[Listed, ...]
    rates: tuple[Rate, ...]
    options: Mapping[str, tuple[Option, ...]]
    chosen: Mapping[str, Option]
    problems: tuple[Problem, ...] = ()
    parcel_rates: Mapping[str, Rate] = field(default_factory=dict)
    tax_source: str = ""

    @property
    def currency(self) -> str:
        return self.quote.to

    @property
    def jurisdiction(self) -> str:
        """Whose tax is charged; empty if none is."""
        return next((rate.jurisdiction for rate in self.rates if rate.rate), "")

    @property
    def total(self) -> Money:
        return self.sum("charge")

    def sum(self, amount: str) -> Money:
        """The sum of one amount of all parts, such as `subtotal` or `tax`."""
        return total((getattr(part, amount) or Money(0, self.currency) for part in self.parts), self.currency)

"""An order as it was sold: lines, vendors' parts and their sums, all of it frozen at that moment.

Whatever the customer pays for a thing is its *charge*, and tax is always contained in the charge: where the law adds it
on top of the price, the charge is the price and the tax (`tax_added`). So refunds, the ledger and documents share out
one amount, whichever way a country quotes its prices.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from market.money import Money
from market.values import value

UNFULFILLED = "unfulfilled"
"""Status of a vendor's part of a paid order until it is shipped, or `cancelled`."""

EXEMPT, REVERSE_CHARGE = "exempt", "reverse_charge"
"""Why a line carries no tax where others do: nobody owes it, or the buyer owes it."""


@value(frozen=True, slots=True, kw_only=True)
class LineSnapshot:
    """What was bought, as it was at the moment of sale.

    unit_price: in the order's currency, before promotions; base_price and list_id: what it was made from, where that is
    another. discount is what promotions take off the whole line, `subsidy` the part of it that the marketplace pays to
    the vendor. tax is contained in the charge, at `tax_rate` thousandths of a percent (19 % is 19000); tax_added: it
    was added to the price. tax_note: `exempt` or `reverse_charge`, where that is why there is none.
    All of it is frozen: refunds give back in its proportion, whatever rules and rates say by then.
    available_from: the day from which all of it can be sent, where some is still to come.
    """

    sku: str
    product_id: str
    vendor_id: str
    title: str
    quantity: int
    unit_price: Money
    category: str = ""
    discount: Money | None = None
    tax: Money | None = None
    tax_rate: int = 0
    tax_added: bool = False
    tax_note: str = ""
    subsidy: Money | None = None
    base_price: Money | None = None
    list_id: str = ""
    available_from: str = ""

    @property
    def total(self) -> Money:
        """The goods before any discount."""
        return self.unit_price * self.quantity

    @property
    def goods(self) -> Money:
        """The goods after discounts, without a tax that is added."""
        return self.total - self.discount if self.discount else self.total

    @property
    def charge(self) -> Money:
        """What the customer pays for the line, tax included."""
        return self.goods + self.tax if self.tax_added and self.tax else self.goods


@value(frozen=True, slots=True, kw_only=True)
class Part:
    """One vendor's part of an order, a sub-order with money of its own, all of it frozen at the sale.

    subtotal: the goods before discounts; discount: what promotions take off them; shipping: the parcel's price, less
    `shipping_discount`; added: what tax comes on top of goods and shipping; tax: all of it, contained in the charge,
    `shipping_tax` of it for the shipping (`shipping_tax_added`: on top of its price, at `shipping_tax_rate`).
    tax_by_vendor: the vendor hands the tax on, not we. subsidy: what we pay of all discounts, `shipping_subsidy` of it
    for the shipping. method, earliest, latest (days): how the parcel goes, where that is not as for the whole order.
    pickup: where the customer fetches it, if so: `id`, `name`, `line`, `postalCode`, `city`, `country`, `opening`.
    """

    vendor_id: str
    subtotal: Money
    shipping: Money
    commission: Money
    discount: Money
    tax: Money
    shipping_tax: Money
    added: Money | None = None
    shipping_tax_added: bool = False
    shipping_tax_rate: int = 0
    tax_by_vendor: bool = False
    subsidy: Money | None = None
    shipping_discount: Money | None = None
    shipping_subsidy: Money | None = None
    method: str = ""
    carrier: str = ""
    earliest: str = ""
    latest: str = ""
    pickup: Mapping[str, str] = field(default_factory=dict)

    @property
    def charge(self) -> Money:
        """What the customer pays for this part."""
        price = self.subtotal - self.discount + self.shipping
        return price + self.added if self.added else price

    @property
    def shipping_charge(self) -> Money:
        """What the customer pays for the parcel, tax included."""
        return self.shipping + self.shipping_tax if self.shipping_tax_added else self.shipping

    @property
    def our_tax(self) -> Money:
        """The tax that we hand on."""
        return Money(0, self.tax.currency) if self.tax_by_vendor else self.tax

    @property
    def earnings(self) -> Money:
        """What the vendor gets: the charge and our subsidy, without our commission and the tax that we hand on."""
        earned = self.charge - self.our_tax - self.commission
        return earned + self.subsidy if self.subsidy else earned


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSnapshot:
    """An order. Times are ISO 8601, empty until they happen.

    fulfilment: status of a vendor's part by vendor, where it is no longer `unfulfilled`. origin: what is known of the
    request that placed it: `ip`, `country`, `agent`, `email`, for the fraud screen and for staff only; a guest's
    `email` is also where our mails go. counted: the period of the purchase limit by SKU, where a customer may buy only
    so many. claimed_by: the customer whose order it became, if a guest placed it.
    spends: what of promotions it uses; quote: the exchange rate that it was priced at; both as their services write
    them, empty where there is none. jurisdiction: whose tax it is, such as `US-CA`, where that is not the country;
    tax_source: the tax service that worked it out, empty for our own table. promotions: what the customer was told.
    sources: where the units of a SKU come from, for those that are not one plain item; handled: SKUs whose offers asked
    for more than that, or for a look afterwards.
    """

    id: str
    number: str
    customer_id: str
    status: str
    lines: tuple[LineSnapshot, ...]
    parts: tuple[Part, ...]
    shipping_method: str
    address: Mapping[str, str]
    created_at: str
    paid_at: str = ""
    cancelled_at: str = ""
    cancel_reason: str = ""
    hold_until: str = ""
    fulfilment: Mapping[str, str] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)
    counted: Mapping[str, str] = field(default_factory=dict)
    billing_address: Mapping[str, str] = field(default_factory=dict)
    claimed_by: str = ""
    spends: str = ""
    quote: str = ""
    jurisdiction: str = ""
    tax_source: str = ""
    promotions: tuple["Promoted", ...] = ()
    sources: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    handled: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """Whose order it is: the customer's who claimed it, or else whoever placed it."""
        return self.claimed_by or self.customer_id

    @property
    def country(self) -> str:
        """Where the goods go."""
        return self.address.get("country", "")

    @property
    def tax_place(self) -> str:
        """Whose tax it is: a country, or a part of one such as `US-CA`."""
        return self.jurisdiction or self.country

    @property
    def currency(self) -> str:
        return self.lines[0].unit_price.currency

    @property
    def subtotal(self) -> Money:
        return _sum(part.subtotal for part in self.parts)

    @property
    def shipping(self) -> Money:
        return _sum(part.shipping for part in self.parts)

    @property
    def discount(self) -> Money:
        return _sum(part.discount for part in self.parts)

    @property
    def tax(self) -> Money:
        """Contained in the total."""
        return _sum(part.tax for part in self.parts)

    @property
    def tax_added(self) -> Money:
        """What of the tax came on top of the prices."""
        return _sum(part.added or Money(0, self.currency) for part in self.parts)

    @property
    def total(self) -> Money:
        return _sum(part.charge for part in self.parts)

    def lines_of(self, vendor_id: str) -> tuple[LineSnapshot, ...]:
        return tuple(line for line in self.lines if line.vendor_id == vendor_id)

    def fulfilment_of(self, vendor_id: str) -> str:
        """Status of the vendor's part."""
        return self.fulfilment.get(vendor_id, UNFULFILLED)


@value(frozen=True, slots=True)
class Promoted:
    """A promotion as the customer was told of it: what it took off the order, and by which code."""

    promotion_id: str
    title: str
    amount: Money
    code: str = ""


def _sum(parts: Iterable[Money]) -> Money:
    first, *rest = parts
    return sum(rest, start=first)

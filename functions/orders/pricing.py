"""What an order costs, to the last unit: pure. Every amount is worked out here once and frozen with the order.

Prices include tax. Tax is worked out per line and per parcel and rounded there; a part's amounts are sums of its lines'
and an order's are sums of its parts', so that nothing is lost or made between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cart.contract import Cart, Line
from ledger.contract import Rules, commission_of
from market.money import Money, exponent, total
from orders.contract import LineSnapshot, Part
from orders.tax import contained, standard_rate

SHIPPING = {"standard": 490, "express": 1_290}
"""Flat price of one vendor's parcel, in hundredths of the currency's main unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a price depends on besides the goods.

    country: of the destination, empty while unknown; at: ISO 8601. rules: of the commission; None where nobody asks,
    since customers are not shown what we keep of a price.
    """

    shipping_method: str
    country: str
    at: str
    rules: Rules | None = None

    @property
    def tax_basis_points(self) -> int:
        return standard_rate(self.country, self.at)


def priced(cart: Cart, terms: Terms) -> tuple[tuple[LineSnapshot, ...], tuple[Part, ...]]:
    """The cart's lines with discount and tax, and one part per vendor in the order of first appearance."""
    lines = tuple(_snapshot(line, terms.tax_basis_points) for line in cart.lines)
    by_vendor: dict[str, list[LineSnapshot]] = {}
    for line in lines:
        by_vendor.setdefault(line.vendor_id, []).append(line)
    return lines, tuple(_part(vendor_id, own, terms) for vendor_id, own in by_vendor.items())


def parcel(shipping_method: str, currency: str) -> Money:
    """The flat price of a parcel: 4.90 in euro is 490 minor units, in yen 5, in dinars 4900."""
    return Money(-(-SHIPPING[shipping_method] * 10 ** exponent(currency) // 100), currency)


def _snapshot(line: Line, tax_basis_points: int) -> LineSnapshot:
    discount = Money(0, line.unit_price.currency)
    return LineSnapshot(
        sku=line.sku,
        product_id=line.product_id,
        vendor_id=line.vendor_id,
        title=line.title,
        quantity=line.quantity,
        unit_price=line.unit_price,
        category=line.category,
        discount=discount,
        tax=contained(line.total - discount, tax_basis_points),
        tax_basis_points=tax_basis_points,
    )


def _part(vendor_id: str, lines: Sequence[LineSnapshot], terms: Terms) -> Part:
    currency = lines[0].unit_price.currency
    shipping = parcel(terms.shipping_method, currency)
    shipping_tax = contained(shipping, terms.tax_basis_points)
    charge = total((line.charge for line in lines), currency) + shipping
    tax = total((line.tax for line in lines if line.tax), currency) + shipping_tax
    return Part(
        vendor_id=vendor_id,
        subtotal=total((line.total for line in lines), currency),
        shipping=shipping,
        commission=_commission(vendor_id, lines, terms, charge - tax),
        discount=total((line.discount for line in lines if line.discount), currency),
        tax=tax,
        shipping_tax=shipping_tax,
    )


def _commission(vendor_id: str, lines: Sequence[LineSnapshot], terms: Terms, most: Money) -> Money:
    """By the rules of the day, but never so much that the vendor would owe us the tax."""
    if terms.rules is None:
        return Money(0, most.currency)
    sold = [(line.category, line.charge, line.quantity) for line in lines]
    return Money(min(commission_of(terms.rules, vendor_id, sold, terms.at).amount, most.amount), most.currency)

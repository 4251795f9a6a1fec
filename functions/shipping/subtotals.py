"""What each line of a cart costs when its parcel is priced: after list prices and promotions. Pure.

An order works it out in the same steps, by the same functions of prices and promotions, so that what a parcel costs
here is what it costs there. Where free shipping competes with other promotions, its worth is that of sending by
`METHOD`, as in an order that names no other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cart.contract import Line
from market.money import Money
from prices.contract import Entry, Rates, listed
from promotions.contract import Code, CustomerFacts, FreeShipping, Goods, Promotion, evaluate

METHOD = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the lines' prices depend on. entries: list prices by SKU; promotions: of the books and of the codes."""

    customer: CustomerFacts
    entries: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    promotions: Sequence[Promotion] = ()
    codes: Sequence[Code] = ()

    @property
    def frees_parcels(self) -> bool:
        """Whether a promotion could make a parcel free."""
        return any(isinstance(one.benefit, FreeShipping) for one in self.promotions)


def before_promotions(
    lines: Sequence[Line], terms: Terms, rates: Rates, *, currency: str, country: str, at: str
) -> list[Money]:
    """A unit of each line, in `currency`. Raises NoRate where the cart's cannot be shown in it."""
    quote = rates.quote(lines[0].unit_price.currency, currency, at=at)
    foreign = quote if quote.frm != quote.to else None
    return [
        listed(
            line.unit_price,
            terms.entries.get(line.sku, ()),
            quantity=line.quantity,
            country=country,
            groups=terms.customer.groups,
            at=at,
            quote=foreign,
        ).price
        for line in lines
    ]


def after_promotions(
    lines: Sequence[Line],
    unit_prices: Sequence[Money],
    terms: Terms,
    *,
    country: str,
    at: str,
    postage: Mapping[str, int],
) -> list[Money]:
    """Each line as it is paid. postage: minor units of each vendor's parcel, where free shipping may count."""
    goods = [
        Goods(
            sku=line.sku,
            product_id=line.product_id,
            vendor_id=line.vendor_id,
            category=line.category,
            quantity=line.quantity,
            unit_price=price,
            brand=line.brand,
        )
        for line, price in zip(lines, unit_prices, strict=True)
    ]
    currency = unit_prices[0].currency
    outcome = evaluate(
        goods,
        terms.promotions,
        codes=terms.codes,
        customer=terms.customer,
        country=country,
        currency=currency,
        at=at,
        postage=postage,
    )
    taken = outcome.by_line(len(lines))
    return [Money(one.unit_price.amount * one.quantity - off, currency) for one, off in zip(goods, taken, strict=True)]

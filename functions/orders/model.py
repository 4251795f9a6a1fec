"""Pricing of an order and its status rules: pure."""

from collections.abc import Iterable

from cart.contract import Cart, Line
from market.errors import Conflict
from market.money import Money, exponent
from orders.contract import LineSnapshot, OrderSnapshot, Part

COMMISSION_BASIS_POINTS = 1_000
"""Our share of a vendor's goods, 10.00 %, rounded half up; shipping is the vendor's in full."""

SHIPPING = {"standard": 490, "express": 1_290}
"""Flat price of one vendor's parcel, in hundredths of the currency's main unit."""


class CartEmpty(Conflict):
    code, title = "cart_empty", "The cart is empty"


class TotalChanged(Conflict):
    """The order would cost something else than the customer saw; `total` is the present amount."""

    code, title = "price_changed", "The price has changed"


class NotCancellable(Conflict):
    """Only an order that awaits its payment can be cancelled."""

    code, title = "not_cancellable", "Not cancellable"


class CancelledByCustomer(Conflict):
    """The customer asked for the end of the order before it was confirmed."""

    code, title = "cancelled_by_customer", "Cancelled by the customer"


def lines_of(cart: Cart) -> tuple[LineSnapshot, ...]:
    return tuple(map(_snapshot, cart.lines))


def split(lines: Iterable[LineSnapshot], shipping_method: str) -> tuple[Part, ...]:
    """One part per vendor, in the order of first appearance, with shipping and commission worked out."""
    subtotals: dict[str, Money] = {}
    for line in lines:
        sofar = subtotals.get(line.vendor_id)
        subtotals[line.vendor_id] = line.total if sofar is None else sofar + line.total
    return tuple(
        Part(
            vendor_id=vendor_id,
            subtotal=subtotal,
            shipping=parcel(shipping_method, subtotal.currency),
            commission=Money((subtotal.amount * COMMISSION_BASIS_POINTS + 5_000) // 10_000, subtotal.currency),
        )
        for vendor_id, subtotal in subtotals.items()
    )


def parcel(shipping_method: str, currency: str) -> Money:
    """The flat price of a parcel: 4.90 in euro is 490 minor units, in yen 5, in dinars 4900."""
    return Money(-(-SHIPPING[shipping_method] * 10 ** exponent(currency) // 100), currency)


def timeline(order: OrderSnapshot) -> list[tuple[str, str]]:
    """What happened to the order and when, oldest first."""
    happened = [("placed", order.created_at), ("paid", order.paid_at), ("cancelled", order.cancelled_at)]
    return [(event, at) for event, at in happened if at]


def _snapshot(line: Line) -> LineSnapshot:
    return LineSnapshot(
        sku=line.sku,
        product_id=line.product_id,
        vendor_id=line.vendor_id,
        title=line.title,
        quantity=line.quantity,
        unit_price=line.unit_price,
    )

"""Paid orders to give money back for: made up from a seed, with discounts, taxes and commissions that do not divide."""

from random import Random

import orjson

from market.manifest import Manifest
from market.money import Money
from market.table import Table, put, update
from orders.contract import (
    PAID,
    LineSnapshot,
    OrderSnapshot,
    Part,
    compact_lines,
    compact_parts,
    order_key,
    ref_key,
)

_table = Table(Manifest(service="floor", prefixes=("ORD#", "ORX#"), functions=()))

CURRENCIES = ("EUR", "JPY", "KWD")
"""With two, no and three digits after the point."""


def line(sku: str, vendor_id: str, quantity: int, price: Money, *, discount: int = 0, rate: int = 0) -> LineSnapshot:
    """A line whose tax, at `rate` basis points, is contained in its charge."""
    charge = price.amount * quantity - discount
    return LineSnapshot(
        sku=sku,
        product_id=f"prd_{sku}",
        vendor_id=vendor_id,
        title=f"A {sku}",
        quantity=quantity,
        unit_price=price,
        discount=Money(discount, price.currency),
        tax=Money(round(charge * rate / (10_000 + rate)), price.currency),
        tax_rate=rate * 10,
    )


def order(*lines: LineSnapshot, shipping: int = 490, commission: int = 1_000, rate: int = 0) -> OrderSnapshot:
    """The lines as a paid order. shipping: of each part; commission: basis points of its goods; rate: of its tax."""
    currency = lines[0].unit_price.currency
    vendors = tuple(dict.fromkeys(line.vendor_id for line in lines))
    return OrderSnapshot(
        id="ord_0r3k7q8h2mx4tq9z",
        number="MK-0R3K7Q8H-2MX4TQ9Z",
        customer_id="ada",
        status=PAID,
        lines=lines,
        parts=tuple(_part(vendor, lines, shipping, commission, rate, currency) for vendor in vendors),
        shipping_method="standard",
        address={"country": "DE"},
        created_at="2026-01-01T00:00:00.000Z",
    )


def random_order(dice: Random) -> OrderSnapshot:
    currency = dice.choice(CURRENCIES)
    lines = []
    for number in range(dice.randint(1, 5)):
        quantity, price = dice.randint(1, 7), Money(dice.randint(1, 5_000), currency)
        discount = dice.choice((0, 0, dice.randint(0, price.amount * quantity)))
        vendor = f"ven_{dice.randint(1, 3)}"
        rate = dice.choice((0, 700, 1_900, 2_550))
        lines.append(line(f"SKU{number}", vendor, quantity, price, discount=discount, rate=rate))
    return order(
        *lines,
        shipping=dice.choice((0, 5, 490, 1_291)),
        commission=dice.choice((0, 333, 1_000, 10_000)),
        rate=dice.choice((0, 1_900)),
    )


def _part(
    vendor_id: str, lines: tuple[LineSnapshot, ...], shipping: int, commission: int, rate: int, currency: str
) -> Part:
    own = [line for line in lines if line.vendor_id == vendor_id]
    goods, discount = sum(line.total.amount for line in own), sum(line.discount.amount for line in own if line.discount)
    shipping_tax = round(shipping * rate / (10_000 + rate))
    return Part(
        vendor_id=vendor_id,
        subtotal=Money(goods, currency),
        shipping=Money(shipping, currency),
        commission=Money((goods - discount) * commission // 10_000, currency),
        discount=Money(discount, currency),
        tax=Money(sum(line.tax.amount for line in own if line.tax) + shipping_tax, currency),
        shipping_tax=Money(shipping_tax, currency),
    )


def keep(bought: OrderSnapshot, *, status: str = PAID) -> OrderSnapshot:
    """Put the order into the table, with what staff find it by."""
    item = {
        "number": bought.number,
        "status": status,
        "currency": bought.currency,
        "lines": compact_lines(bought.lines),
        "parts": compact_parts(bought.parts),
        "shipping_method": bought.shipping_method,
        "address": orjson.dumps(bought.address).decode(),
        "created_at": bought.created_at,
    }
    found = {"number": bought.number, "customer_id": bought.customer_id, "status": status}
    _table.write(put(order_key(bought.customer_id, bought.id), item))
    _table.write(put(ref_key(bought.id), found))
    return bought


def claim(bought: OrderSnapshot, customer_id: str) -> None:
    """A registered customer claims what she bought as a guest."""
    pointer = {"number": bought.number, "claimed_from": bought.customer_id}
    _table.write(put(order_key(customer_id, bought.id), pointer))
    given = update(order_key(bought.customer_id, bought.id), "SET claimed_by = :me", {":me": customer_id})
    _table.write(given)

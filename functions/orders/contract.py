"""What other services may know of an order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from market.money import Money
from market.table import Key
from orders.manifest import MANIFEST as MANIFEST

PENDING, PAID, CANCELLED = "pending_payment", "paid", "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSnapshot:
    """What was bought, as it was at the moment of sale."""

    sku: str
    product_id: str
    vendor_id: str
    title: str
    quantity: int
    unit_price: Money

    @property
    def total(self) -> Money:
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One vendor's part of an order, a sub-order with money of its own. `commission` was fixed at the sale."""

    vendor_id: str
    subtotal: Money
    shipping: Money
    commission: Money

    @property
    def earnings(self) -> Money:
        return self.subtotal + self.shipping - self.commission


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSnapshot:
    """An order. Times are ISO 8601, empty until they happen."""

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
    def total(self) -> Money:
        return self.subtotal + self.shipping

    def lines_of(self, vendor_id: str) -> tuple[LineSnapshot, ...]:
        return tuple(line for line in self.lines if line.vendor_id == vendor_id)


def order_key(customer_id: str, order_id: str) -> Key:
    return Key(f"ORD#{customer_id}", order_id)


def number_of(order_id: str, prefix: str) -> str:
    """The number for people: `MK-0R3K7Q8H-2MX4TQ9Z` is `ord_0r3k7q8h2mx4tq9z`, easier to say."""
    digits = order_id.removeprefix("ord_").upper()
    return f"{prefix}-{digits[:8]}-{digits[8:]}"


def id_of(number: str) -> str:
    """The order id of a number, whatever its prefix, case and spacing; nonsense gives an id that no order has."""
    return "ord_" + "".join(number.split("-")[-2:]).lower()


def read_order(item: Mapping[str, Any]) -> OrderSnapshot:
    return OrderSnapshot(
        id=item["sk"],
        number=item["number"],
        customer_id=item["pk"].removeprefix("ORD#"),
        status=item["status"],
        lines=read_lines(item),
        parts=read_parts(item),
        shipping_method=item["shipping_method"],
        address=orjson.loads(item["address"]),
        created_at=item["created_at"],
        paid_at=item.get("paid_at", ""),
        cancelled_at=item.get("cancelled_at", ""),
        cancel_reason=item.get("cancel_reason", ""),
        hold_until=item.get("hold_until", ""),
    )


def compact_lines(lines: tuple[LineSnapshot, ...]) -> str:
    """Lines as stored: arrays of [sku, product, vendor, title, quantity, unit price], a third of an object's size."""
    rows = [[x.sku, x.product_id, x.vendor_id, x.title, x.quantity, x.unit_price.amount] for x in lines]
    return orjson.dumps(rows).decode()


def compact_parts(parts: tuple[Part, ...]) -> str:
    """Parts as stored: arrays of [vendor, subtotal, shipping, commission]."""
    rows = [[part.vendor_id, part.subtotal.amount, part.shipping.amount, part.commission.amount] for part in parts]
    return orjson.dumps(rows).decode()


def read_lines(item: Mapping[str, Any]) -> tuple[LineSnapshot, ...]:
    return tuple(_line(row, item["currency"]) for row in orjson.loads(item["lines"]))


def read_parts(item: Mapping[str, Any]) -> tuple[Part, ...]:
    return tuple(_part(row, item["currency"]) for row in orjson.loads(item["parts"]))


def _line(row: list[Any], currency: str) -> LineSnapshot:
    sku, product_id, vendor_id, title, quantity, price = row
    return LineSnapshot(
        sku=sku,
        product_id=product_id,
        vendor_id=vendor_id,
        title=title,
        quantity=quantity,
        unit_price=Money(price, currency),
    )


def _part(row: list[Any], currency: str) -> Part:
    vendor_id, subtotal, shipping, commission = row
    return Part(
        vendor_id=vendor_id,
        subtotal=Money(subtotal, currency),
        shipping=Money(shipping, currency),
        commission=Money(commission, currency),
    )


def _sum(parts: Iterable[Money]) -> Money:
    first, *rest = parts
    return sum(rest, start=first)

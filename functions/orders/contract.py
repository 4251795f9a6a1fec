"""What other services may know of an order."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from market.errors import NotFound, Problem
from market.money import Money
from market.table import Key, Page, Write, check
from orders.manifest import MANIFEST as MANIFEST

PENDING, PAID, CANCELLED = "pending_payment", "paid", "cancelled"
"""Status of an order: where its payment stands. A paid order stays `paid`, whatever becomes of its parts."""

WAITING = tuple(f"ORD#pending#{shard}" for shard in range(4))
"""Partitions of the index by1 with the orders that await payment: `sk` is the order, `by1sk` the end of its hold."""

UNFULFILLED = "unfulfilled"
"""Status of a vendor's part of a paid order until it is shipped, or `cancelled`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSnapshot:
    """What was bought, as it was at the moment of sale.

    discount is what promotions take off the whole line. tax is contained in the charge, at `tax_basis_points` (1900 is
    19 %). Both are frozen: refunds give back in their proportion, whatever rules and rates say by then.
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
    tax_basis_points: int = 0

    @property
    def total(self) -> Money:
        """The goods before any discount."""
        return self.unit_price * self.quantity

    @property
    def charge(self) -> Money:
        """What the customer pays for the line, tax included."""
        return self.total - self.discount if self.discount else self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One vendor's part of an order, a sub-order with money of its own, all of it frozen at the sale.

    subtotal: the goods before discounts; discount: what promotions take off them; shipping: the parcel's price;
    tax: contained in goods and shipping together, `shipping_tax` of it in the shipping.
    """

    vendor_id: str
    subtotal: Money
    shipping: Money
    commission: Money
    discount: Money
    tax: Money
    shipping_tax: Money

    @property
    def charge(self) -> Money:
        """What the customer pays for this part."""
        return self.subtotal - self.discount + self.shipping

    @property
    def earnings(self) -> Money:
        """What the vendor gets: the charge without our commission and the tax that we hand on."""
        return self.charge - self.tax - self.commission


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSnapshot:
    """An order. Times are ISO 8601, empty until they happen.

    fulfilment: status of a vendor's part by vendor, where it is no longer `unfulfilled`. origin: what is known of the
    request that placed it: `ip`, `country`, `agent`, `email`, for the fraud screen and for staff only; a guest's
    `email` is also where our mails go. counted: the period of the purchase limit by SKU, where a customer may buy only
    so many. claimed_by: the customer whose order it became, if a guest placed it.
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

    @property
    def owner(self) -> str:
        """Whose order it is: the customer's who claimed it, or else whoever placed it."""
        return self.claimed_by or self.customer_id

    @property
    def country(self) -> str:
        """Where the goods go, which decides on the tax."""
        return self.address.get("country", "")

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
    def total(self) -> Money:
        return _sum(part.charge for part in self.parts)

    def lines_of(self, vendor_id: str) -> tuple[LineSnapshot, ...]:
        return tuple(line for line in self.lines if line.vendor_id == vendor_id)

    def fulfilment_of(self, vendor_id: str) -> str:
        """Status of the vendor's part."""
        return self.fulfilment.get(vendor_id, UNFULFILLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRef:
    """Where an order is, for those who know its id only, and its status as last heard."""

    id: str
    number: str
    customer_id: str
    status: str


def order_key(customer_id: str, order_id: str) -> Key:
    return Key(f"ORD#{customer_id}", order_id)


def ref_key(order_id: str) -> Key:
    return Key(f"ORX#{order_id}")


def read_ref(item: Mapping[str, Any]) -> OrderRef:
    """What `ref_key` leads to. It is there some moments after the order was placed."""
    return OrderRef(
        id=item["pk"].removeprefix("ORX#"),
        number=item["number"],
        customer_id=item["customer_id"],
        status=item["status"],
    )


def claimed_from(item: Mapping[str, Any]) -> str:
    """The guest under whose id an order lies that a customer claimed; empty if the item is the order itself."""
    return str(item.get("claimed_from", ""))


def places_of(query: Callable[..., Page], customer_id: str) -> Iterator[Key]:
    """Where a customer's orders lie, those claimed from a guest among them. query: the `query` of a table."""
    cursor: str | None = None
    while True:
        page = query(order_key(customer_id, "").pk, limit=100, cursor=cursor)
        yield from (order_key(claimed_from(item) or customer_id, item["sk"]) for item in page.items)
        cursor = page.next
        if cursor is None:
            return


def still_owned(item: Mapping[str, Any]) -> bool:
    """Whether an order's item, or the pointer of a claimed one, leads the one under whose id it lies to the order.

    A guest's own item does no more, once somebody has claimed the order.
    """
    return "claimed_by" not in item


def still_paid(customer_id: str, order_id: str, *, otherwise: Problem) -> Write:
    """Lets a transaction through only if the order is paid."""
    return check(order_key(customer_id, order_id), when="status = :paid", values={":paid": PAID}, otherwise=otherwise)


def number_of(order_id: str, prefix: str) -> str:
    """The number for people: `MK-0R3K7Q8H-2MX4TQ9Z` is `ord_0r3k7q8h2mx4tq9z`, easier to say."""
    digits = order_id.removeprefix("ord_").upper()
    return f"{prefix}-{digits[:8]}-{digits[8:]}"


def id_of(number: str) -> str:
    """The order id of a number, whatever its prefix, case and spacing; nonsense gives an id that no order has."""
    return "ord_" + "".join(number.split("-")[-2:]).lower()


def read_order(item: Mapping[str, Any]) -> OrderSnapshot:
    """Raises NotFound for the pointer of a claimed order: see `claimed_from`."""
    if claimed_from(item):
        raise NotFound("There is no such order.")
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
        fulfilment=item.get("fulfilment", {}),
        origin=item.get("origin", {}),
        counted=item.get("counted", {}),
        billing_address=orjson.loads(item["billing_address"]) if "billing_address" in item else {},
        claimed_by=item.get("claimed_by", ""),
    )


def compact_lines(lines: tuple[LineSnapshot, ...]) -> str:
    """Lines as stored, a third of an object's size: an order that fits 1 KB costs half at each of its changes.

    [sku, product, vendor, title, quantity, unit price, category, discount, tax, tax rate]; of a vendor that was named
    before, the number of the line that named it.
    """
    first: dict[str, int] = {}
    for number, line in enumerate(lines):
        first.setdefault(line.vendor_id, number)
    rows = [_line_row(line) for line in lines]
    for number, row in enumerate(rows):
        row[2] = row[2] if first[row[2]] == number else first[row[2]]
    return orjson.dumps(rows).decode()


def compact_parts(parts: tuple[Part, ...]) -> str:
    """Parts as stored: arrays of [vendor, subtotal, shipping, commission, discount, tax, shipping tax]."""
    rows = [
        [p.vendor_id, *(m.amount for m in (p.subtotal, p.shipping, p.commission, p.discount, p.tax, p.shipping_tax))]
        for p in parts
    ]
    return orjson.dumps(rows).decode()


def read_lines(item: Mapping[str, Any]) -> tuple[LineSnapshot, ...]:
    rows = orjson.loads(item["lines"])
    for row in rows:
        row[2] = rows[row[2]][2] if isinstance(row[2], int) else row[2]
    return tuple(_line(row, item["currency"]) for row in rows)


def read_parts(item: Mapping[str, Any]) -> tuple[Part, ...]:
    return tuple(_part(row, item["currency"]) for row in orjson.loads(item["parts"]))


def _line_row(line: LineSnapshot) -> list[Any]:
    discount, tax = (money.amount if money else 0 for money in (line.discount, line.tax))
    whole = [line.sku, line.product_id, line.vendor_id, line.title, line.quantity, line.unit_price.amount]
    return [*whole, line.category, discount, tax, line.tax_basis_points]


def _line(row: list[Any], currency: str) -> LineSnapshot:
    sku, product_id, vendor_id, title, quantity, price, category, discount, tax, rate = row
    return LineSnapshot(
        sku=sku,
        product_id=product_id,
        vendor_id=vendor_id,
        title=title,
        quantity=quantity,
        unit_price=Money(price, currency),
        category=category,
        discount=Money(discount, currency),
        tax=Money(tax, currency),
        tax_basis_points=rate,
    )


def _part(row: list[Any], currency: str) -> Part:
    vendor_id, *amounts = row
    subtotal, shipping, commission, discount, tax, shipping_tax = (Money(amount, currency) for amount in amounts)
    return Part(
        vendor_id=vendor_id,
        subtotal=subtotal,
        shipping=shipping,
        commission=commission,
        discount=discount,
        tax=tax,
        shipping_tax=shipping_tax,
    )


def _sum(parts: Iterable[Money]) -> Money:
    first, *rest = parts
    return sum(rest, start=first)

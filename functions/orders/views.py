"""How orders look on the wire."""

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import Field

from market.http import View
from market.money import Money
from orders import model
from orders.contract import LineSnapshot, OrderSnapshot, Part, read_lines, read_parts
from orders.service import Summary


class LineView(View):
    sku: str
    product_id: str
    vendor_id: str
    title: str
    quantity: int
    unit_price: Money
    total: Money

    @classmethod
    def of(cls, line: LineSnapshot) -> "LineView":
        return cls(
            sku=line.sku,
            product_id=line.product_id,
            vendor_id=line.vendor_id,
            title=line.title,
            quantity=line.quantity,
            unit_price=line.unit_price,
            total=line.total,
        )


class PartView(View):
    """One vendor's part."""

    vendor_id: str
    subtotal: Money
    shipping: Money
    total: Money

    @classmethod
    def of(cls, part: Part) -> "PartView":
        return cls(
            vendor_id=part.vendor_id,
            subtotal=part.subtotal,
            shipping=part.shipping,
            total=part.subtotal + part.shipping,
        )


class Obstacle(View):
    """Why a line cannot be bought as it is."""

    sku: str
    code: str
    detail: str


class SummaryView(View):
    """Send `cartVersion` and `total` back with the order."""

    cart_version: int
    lines: list[LineView]
    parts: list[PartView]
    subtotal: Money
    shipping: Money
    total: Money
    shipping_method_prices: dict[str, Money] = Field(description="Price of one vendor's parcel by method.")
    problems: list[Obstacle]

    @classmethod
    def of(cls, summary: Summary) -> "SummaryView":
        return cls(
            cart_version=summary.cart.version,
            lines=[LineView.of(line) for line in model.lines_of(summary.cart)],
            parts=[PartView.of(part) for part in summary.parts],
            subtotal=summary.subtotal,
            shipping=summary.shipping,
            total=summary.total,
            shipping_method_prices={
                method: model.parcel(method, summary.subtotal.currency) for method in model.SHIPPING
            },
            problems=[
                Obstacle(sku=problem.extra["sku"], code=problem.code, detail=problem.detail)
                for problem in summary.problems
            ],
        )


class Happening(View):
    event: str
    at: str


class OrderView(View):
    """An order; `status` is `pending_payment`, `paid` or `cancelled`."""

    id: str
    order_no: str
    status: str
    lines: list[LineView]
    parts: list[PartView]
    subtotal: Money
    shipping: Money
    total: Money
    shipping_method: str
    shipping_address: dict[str, str]
    timeline: list[Happening]
    cancel_reason: str | None = None

    @classmethod
    def of(cls, order: OrderSnapshot) -> "OrderView":
        return cls(
            id=order.id,
            order_no=order.number,
            status=order.status,
            lines=[LineView.of(line) for line in order.lines],
            parts=[PartView.of(part) for part in order.parts],
            subtotal=order.subtotal,
            shipping=order.shipping,
            total=order.total,
            shipping_method=order.shipping_method,
            shipping_address=dict(order.address),
            timeline=[Happening(event=event, at=at) for event, at in model.timeline(order)],
            cancel_reason=order.cancel_reason or None,
        )


class OrderPage(View):
    items: list[OrderView]
    next_cursor: str | None = None


class VendorOrderView(View):
    """A vendor's part of a paid order, with what the vendor earns."""

    order_no: str
    status: str
    lines: list[LineView]
    subtotal: Money
    shipping: Money
    commission: Money
    earnings: Money
    shipping_method: str
    shipping_address: dict[str, str]
    created_at: str
    paid_at: str

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "VendorOrderView":
        (part,) = read_parts(item)
        return cls(
            order_no=item["number"],
            status=item["status"],
            lines=[LineView.of(line) for line in read_lines(item)],
            subtotal=part.subtotal,
            shipping=part.shipping,
            commission=part.commission,
            earnings=part.earnings,
            shipping_method=item["shipping_method"],
            shipping_address=orjson.loads(item["address"]),
            created_at=item["created_at"],
            paid_at=item["paid_at"],
        )


class VendorOrderPage(View):
    items: list[VendorOrderView]
    next_cursor: str | None = None

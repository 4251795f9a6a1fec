"""How orders look on the wire."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from pydantic import Field

from market.http import View
from market.money import Money
from orders import model
from orders.contract import PAID, OrderSnapshot, read_lines, read_parts, read_sources
from orders.model import Entry
from orders.price_views import LineView, PartView, PickupView, PromotionView, percent
from orders.search import Found
from orders.shelves import off_shards
from prices.contract import read_quote
from tax.contract import TABLE


class Happening(View):
    """Something that happened to the order. by: `customer`, `vendor`, `staff` or `system`."""

    event: str
    at: str
    by: str
    vendor_id: str | None = None
    text: str | None = None
    amount: Money | None = None

    @classmethod
    def of(cls, entry: Entry) -> "Happening":
        return cls(
            event=entry.event,
            at=entry.at,
            by=entry.by,
            vendor_id=entry.vendor_id or None,
            text=entry.text or None,
            amount=entry.amount,
        )


class ExchangeView(View):
    """The exchange rate that the order was priced at, the fee of `feePercent` not in it."""

    from_currency: str
    to_currency: str
    rate: str
    fee_percent: str
    at: str
    source: str

    @classmethod
    def of(cls, kept: str) -> "ExchangeView":
        quote = read_quote(orjson.loads(kept))
        return cls(
            from_currency=quote.frm,
            to_currency=quote.to,
            rate=quote.decimal(),
            fee_percent=percent(quote.fee_basis_points * 10),
            at=quote.at,
            source=quote.source,
        )


class OrderView(View):
    """An order. `status` tells of its payment: `pending_payment`, `paid` or `cancelled`.

    `fulfilment` tells of its parts, once it is paid: their status, or `partial` where they differ.
    """

    id: str
    order_no: str
    status: str
    payment_status: str | None = Field(
        None, description="Of a paid order, where one is shown: `paid`, `partially_refunded` or `refunded`."
    )
    fulfilment: str | None = None
    lines: list[LineView]
    parts: list[PartView]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    tax_added: Money = Field(description="What of the tax came on top of the prices.")
    total: Money
    tax_jurisdiction: str | None = None
    tax_source: str = Field(description="Who worked out the tax: `table`, our own, or a company such as `avalara`.")
    promotions: list[PromotionView]
    exchange: ExchangeView | None = Field(None, description="Where the goods' own prices are in another currency.")
    shipping_method: str
    shipping_address: dict[str, str]
    billing_address: dict[str, str] | None = None
    timeline: list[Happening]
    cancel_reason: str | None = None

    @classmethod
    def of(cls, order: OrderSnapshot, entries: Iterable[Entry] | None = None, payment_status: str = "") -> "OrderView":
        """entries: those of `service.timeline`; without them the timeline has the order's own times only."""
        told = model.own_times(order) if entries is None else model.for_customer(entries)
        paid = order.status == PAID
        return cls(
            id=order.id,
            order_no=order.number,
            status=order.status,
            payment_status=payment_status or None,
            fulfilment=model.fulfilment(order) or None,
            lines=list(map(LineView.of, order.lines)),
            parts=[PartView.of(part, order.fulfilment_of(part.vendor_id) if paid else None) for part in order.parts],
            subtotal=order.subtotal,
            discount=order.discount,
            shipping=order.shipping,
            total=order.total,
            tax=order.tax,
            tax_added=order.tax_added,
            tax_jurisdiction=order.tax_place if order.tax.amount else None,
            tax_source=order.tax_source or TABLE,
            promotions=list(map(PromotionView.of, order.promotions)),
            exchange=ExchangeView.of(order.quote) if order.quote else None,
            shipping_method=order.shipping_method,
            shipping_address=dict(order.address),
            billing_address=dict(order.billing_address) or None,
            timeline=list(map(Happening.of, told)),
            cancel_reason=order.cancel_reason or None,
        )


class OrderPage(View):
    items: list[OrderView]
    next_cursor: str | None = None


class SourceView(View):
    """So many units of a SKU are to be taken from a warehouse, from what lies in none, or from what comes later."""

    sku: str
    quantity: int
    place_id: str | None = Field(None, description="The warehouse; `later` for what is still to come.")

    @classmethod
    def of_item(cls, item: Mapping[str, Any]) -> "list[SourceView]":
        """Of a vendor's part, without the SKUs that lie in one place only. Shards are no places that a vendor knows."""
        return [
            cls(sku=sku, quantity=units, place_id=place or None)
            for sku, sources in read_sources(item).items()
            for place, units in off_shards(sources)
        ]


class VendorOrderView(View):
    """A vendor's part of a paid order, with what the vendor earns: the total less tax and commission.

    `subsidy` of the discounts is paid by the marketplace, and earned too. A tax that the vendor has to hand on itself
    (`taxByVendor`) is not taken off.
    """

    order_no: str
    status: str
    lines: list[LineView]
    subtotal: Money
    discount: Money
    shipping: Money
    total: Money
    tax: Money
    tax_by_vendor: bool
    commission: Money
    subsidy: Money
    earnings: Money
    shipping_method: str
    shipping_address: dict[str, str]
    pickup: PickupView | None = Field(None, description="Where the customer fetches it, if it is not sent.")
    sources: list[SourceView] | None = Field(None, description="Where to take units from, where there is a choice.")
    created_at: str
    paid_at: str
    timeline: list[Happening] | None = None

    @classmethod
    def of(cls, item: Mapping[str, Any], entries: Iterable[Entry] | None = None) -> "VendorOrderView":
        """entries: what happened, as far as the vendor may know."""
        (part,) = read_parts(item)
        return cls(
            order_no=item["number"],
            status=item["status"],
            lines=list(map(LineView.of, read_lines(item))),
            subtotal=part.subtotal,
            discount=part.discount,
            shipping=part.shipping,
            total=part.charge,
            tax=part.tax,
            tax_by_vendor=part.tax_by_vendor,
            commission=part.commission,
            subsidy=part.subsidy or Money(0, part.subtotal.currency),
            earnings=part.earnings,
            shipping_method=part.method or item["shipping_method"],
            shipping_address=orjson.loads(item["address"]),
            pickup=PickupView.model_validate(part.pickup) if part.pickup else None,
            sources=SourceView.of_item(item) or None,
            created_at=item["created_at"],
            paid_at=item["paid_at"],
            timeline=None if entries is None else list(map(Happening.of, entries)),
        )


class VendorOrderPage(View):
    items: list[VendorOrderView]
    next_cursor: str | None = None


class ShareView(View):
    """What becomes of a vendor's part; subsidy: what the marketplace pays of its discounts."""

    vendor_id: str
    commission: Money
    subsidy: Money
    earnings: Money


class HistoryView(View):
    """A line of the history as staff see it. visible: who may read it besides them."""

    happening: Happening
    author: str | None = None
    visible: str


class StaffOrderView(View):
    """Everything about an order. origin: `ip`, `country`, `agent`, `email`, each where it is known."""

    order: OrderView
    customer_id: str
    claimed_by: str | None = None
    origin: dict[str, str]
    shares: list[ShareView]
    history: list[HistoryView]

    @classmethod
    def of(cls, order: OrderSnapshot, entries: Iterable[Entry], payment_status: str) -> "StaffOrderView":
        told = list(entries)
        return cls(
            order=OrderView.of(order, told, payment_status),
            customer_id=order.customer_id,
            claimed_by=order.claimed_by or None,
            origin=dict(order.origin),
            shares=[
                ShareView(
                    vendor_id=part.vendor_id,
                    commission=part.commission,
                    subsidy=part.subsidy or Money(0, order.currency),
                    earnings=part.earnings,
                )
                for part in order.parts
            ],
            history=[
                HistoryView(happening=Happening.of(entry), author=entry.author or None, visible=entry.visible)
                for entry in told
            ],
        )


class FoundView(View):
    """An order among those found, as it was some moments ago."""

    id: str
    order_no: str
    customer_id: str
    status: str
    fulfilment: str | None = None
    total: Money
    created_at: str

    @classmethod
    def of(cls, found: Found) -> "FoundView":
        return cls(
            id=found.ref.id,
            order_no=found.ref.number,
            customer_id=found.ref.customer_id,
            status=found.ref.status,
            fulfilment=found.fulfilment or None,
            total=found.total,
            created_at=found.created_at,
        )


class FoundPage(View):
    """A page may be short, or empty, where nothing was ordered for long: `nextCursor` goes on."""

    items: list[FoundView]
    next_cursor: str | None = None

"""What our events say to a vendor: each as a typed payload, cut down to what is that vendor's.

A payload names things and says what happened; it holds no customer, no address and nothing of another vendor. Who
needs more fetches it with an API key, and is asked there what they may see.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from market.events import Envelope
from market.http import View
from market.money import Money, total

TEST = "webhook.test"
Data = Mapping[str, Any]


class Payload(View):
    """Base of what the vendor gets as `data`."""


class OrderPaid(Payload):
    """The vendor has a part in an order that is paid. The order is at `/v1/api/vendors/…/orders/…`."""

    order_no: str


class OrderPartCancelled(Payload):
    """The vendor's part of a paid order will not be sent. by: `customer`, `vendor` or `staff`."""

    order_no: str
    reason: str
    by: str


class RefundedLine(Payload):
    """quantity 0: a part of the price, given back as goodwill."""

    sku: str
    quantity: int
    amount: Money
    tax: Money


class RefundSucceeded(Payload):
    """Money of the vendor's part was given back: its lines, its shipping, and both together."""

    order_no: str
    refund_id: str
    reason: str
    amount: Money
    lines: list[RefundedLine]
    shipping: Money | None = None


class ProductCreated(Payload):
    product_id: str
    slug: str
    title: str
    category: str
    status: str
    skus: list[str]


class ProductUpdated(Payload):
    """changed: the fields that are different now."""

    product_id: str
    slug: str
    status: str
    revision: int
    changed: list[str]


class PriceChange(Payload):
    sku: str
    before: Money
    after: Money


class ProductPriceUpdated(Payload):
    product_id: str
    prices: list[PriceChange]


class VendorChanged(Payload):
    """The vendor may sell no more, or may again."""

    vendor_id: str


class Tested(Payload):
    """Sent on request, to try an endpoint."""

    webhook_id: str


def _order_paid(data: Data) -> dict[str, Payload]:
    return {vendor: OrderPaid(order_no=data["order_no"]) for vendor in data["vendor_ids"]}


def _part_cancelled(data: Data) -> dict[str, Payload]:
    payload = OrderPartCancelled(order_no=data["order_no"], reason=data["reason"], by=data["by"])
    return {data["vendor_id"]: payload}


def _refund_succeeded(data: Data) -> dict[str, Payload]:
    shares = [*data["lines"], *data["shipping"]]
    return {vendor: _refund_of(vendor, data) for vendor in sorted({share["vendor_id"] for share in shares})}


def _refund_of(vendor_id: str, data: Data) -> Payload:
    lines = [line for line in data["lines"] if line["vendor_id"] == vendor_id]
    parcels = [Money(**part["amount"]) for part in data["shipping"] if part["vendor_id"] == vendor_id]
    currency = data["amount"]["currency"]
    return RefundSucceeded(
        order_no=data["order_no"],
        refund_id=data["refund_id"],
        reason=data["reason"],
        amount=total([*(Money(**line["amount"]) for line in lines), *parcels], currency),
        lines=[RefundedLine.model_validate(line) for line in lines],
        shipping=total(parcels, currency) if parcels else None,
    )


def _own(payload: type[Payload]) -> Callable[[Data], dict[str, Payload]]:
    """Of an event that is one vendor's as a whole: the fields that the payload knows."""
    return lambda data: {data["vendor_id"]: payload.model_validate(data)}


_SAID: Mapping[str, tuple[type[Payload], Callable[[Data], dict[str, Payload]]]] = {
    "order.paid": (OrderPaid, _order_paid),
    "order.part_cancelled": (OrderPartCancelled, _part_cancelled),
    "refund.succeeded": (RefundSucceeded, _refund_succeeded),
    "product.created": (ProductCreated, _own(ProductCreated)),
    "product.updated": (ProductUpdated, _own(ProductUpdated)),
    "product.price.updated": (ProductPriceUpdated, _own(ProductPriceUpdated)),
    "vendor.suspended": (VendorChanged, _own(VendorChanged)),
    "vendor.reinstated": (VendorChanged, _own(VendorChanged)),
}
TYPES = tuple(_SAID)
"""What an endpoint may subscribe to."""


def told(event: Envelope) -> dict[str, str]:
    """The bodies of an event's webhooks, by vendor."""
    _, said = _SAID[event.type]
    return {vendor: body(event.type, event.occurredAt, payload) for vendor, payload in said(event.data).items()}


def body(kind: str, at: str, payload: Payload) -> str:
    """A webhook as it is signed and sent: made once, so that every attempt sends the same bytes."""
    data = payload.model_dump(mode="json", by_alias=True, exclude_none=True)
    return orjson.dumps({"type": kind, "timestamp": at, "data": data}).decode()


def explained() -> list[tuple[str, str]]:
    """Each event type with what it means."""
    return [(kind, " ".join((payload.__doc__ or kind).split())) for kind, (payload, _) in _SAID.items()]

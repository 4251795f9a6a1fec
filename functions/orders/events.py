"""What orders announce."""

from typing import ClassVar

from market.events import Event
from market.money import Money


class OrderCreated(Event):
    """An order was placed and its stock is held; payment is awaited for `hold_seconds`."""

    type: ClassVar[str] = "order.created"
    order_id: str
    customer_id: str
    total: Money
    hold_seconds: int


class OrderPaid(Event):
    """The order is paid, its stock sold and its money booked.

    skus: those whose offers ask for a look afterwards; shards: where units of it lay, such as `LAMP#3`.
    """

    type: ClassVar[str] = "order.paid"
    order_id: str
    order_no: str
    customer_id: str
    vendor_ids: list[str]
    total: Money
    skus: list[str] = []
    shards: list[str] = []


class OrderCancelled(Event):
    """The order came to nothing; its stock is back on sale, nothing was or stays charged.

    skus, shards: as of OrderPaid.
    """

    type: ClassVar[str] = "order.cancelled"
    order_id: str
    order_no: str
    customer_id: str
    reason: str
    skus: list[str] = []
    shards: list[str] = []


class StockContended(Event):
    """Orders got in each other's way on this SKU's stock, more than one item serves; told once a minute at most."""

    type: ClassVar[str] = "stock.contended"
    sku: str


class OrderPartCancelled(Event):
    """A vendor's part of a paid order will not be sent; its stock is back on sale, its money is to be given back.

    by: `customer`, `vendor` or `staff`; reason: `cancelled_by_<by>`.
    """

    type: ClassVar[str] = "order.part_cancelled"
    order_id: str
    order_no: str
    customer_id: str
    vendor_id: str
    reason: str
    by: str


class OrderCancellationRequested(Event):
    """The customer, or staff, no longer wants an order that is not paid yet."""

    type: ClassVar[str] = "order.cancellation_requested"
    order_id: str
    customer_id: str


class OrderCompensationRequested(Event):
    """Staff wants done what the checkout could not do: nothing may stay charged for this cancelled order.

    action: `retry` or `cancel_and_refund`, as staff asked.
    """

    type: ClassVar[str] = "order.compensation_requested"
    order_id: str
    customer_id: str
    action: str

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
    """The order is paid, its stock sold and its money booked."""

    type: ClassVar[str] = "order.paid"
    order_id: str
    order_no: str
    customer_id: str
    vendor_ids: list[str]
    total: Money


class OrderCancelled(Event):
    """The order came to nothing; its stock is back on sale, nothing was or stays charged."""

    type: ClassVar[str] = "order.cancelled"
    order_id: str
    order_no: str
    customer_id: str
    reason: str


class OrderCancellationRequested(Event):
    """The customer no longer wants an order that is not paid yet."""

    type: ClassVar[str] = "order.cancellation_requested"
    order_id: str
    customer_id: str

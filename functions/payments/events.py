"""What payments announce."""

from typing import ClassVar

from market.events import Event
from market.money import Money


class PaymentSucceeded(Event):
    """The money is captured."""

    type: ClassVar[str] = "payment.succeeded"
    order_id: str
    customer_id: str
    amount: Money
    fee: Money
    provider: str


class PaymentFailed(Event):
    """The last allowed attempt was declined; the order will be given up."""

    type: ClassVar[str] = "payment.failed"
    order_id: str
    customer_id: str
    reason: str


class PaymentRefunded(Event):
    """The money of an order that came to nothing was captured, and is given back in full."""

    type: ClassVar[str] = "payment.refunded"
    order_id: str
    customer_id: str
    amount: Money
    provider: str


class PaymentSettled(Event):
    """Money that comes by hand has come: cash on delivery, or a bank transfer."""

    type: ClassVar[str] = "payment.settled"
    order_id: str
    amount: Money
    provider: str
    reference: str

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

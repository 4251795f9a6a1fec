"""What refunds announce."""

from typing import ClassVar

from pydantic import BaseModel

from market.events import Event
from market.money import Money


class RefundedLine(BaseModel):
    """What is given back of a line. quantity 0: a goodwill amount; discount: what had been taken off these units."""

    sku: str
    vendor_id: str
    title: str
    quantity: int
    amount: Money
    tax: Money
    discount: Money


class RefundedShipping(BaseModel):
    """What is given back of the shipping of a vendor's part."""

    vendor_id: str
    amount: Money
    tax: Money


class RefundRequested(Event):
    """Money of the order is reserved for a refund, which is to be carried out."""

    type: ClassVar[str] = "refund.requested"
    order_id: str
    customer_id: str
    refund_id: str
    amount: Money


class RefundSucceeded(Event):
    """The provider gives the money back, and it is booked."""

    type: ClassVar[str] = "refund.succeeded"
    order_id: str
    order_no: str
    customer_id: str
    refund_id: str
    reason: str
    amount: Money
    lines: list[RefundedLine]
    shipping: list[RefundedShipping]


class RefundFailed(Event):
    """The provider will not give the money back; nothing was booked, and staff must find another way."""

    type: ClassVar[str] = "refund.failed"
    order_id: str
    order_no: str
    customer_id: str
    refund_id: str
    amount: Money
    failure: str

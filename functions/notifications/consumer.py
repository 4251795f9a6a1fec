"""Lambda entry point of notifications' event queue."""

from market.events import Consumer, Envelope
from notifications import service
from notifications.manifest import MANIFEST

consumer = Consumer(MANIFEST)


@consumer.on("order.paid")
def paid(event: Envelope) -> None:
    data = event.data
    service.tell_of_payment(
        event.eventId, order_id=data["order_id"], customer_id=data["customer_id"], vendor_ids=data["vendor_ids"]
    )


@consumer.on("order.cancelled")
def cancelled(event: Envelope) -> None:
    data = event.data
    service.tell_of_cancellation(
        event.eventId,
        order_id=data["order_id"],
        number=data["order_no"],
        customer_id=data["customer_id"],
        reason=data.get("reason", ""),
    )


@consumer.on("refund.succeeded")
def refunded(event: Envelope) -> None:
    data = event.data
    service.tell_of_refund(event.eventId, order_id=data["order_id"], customer_id=data["customer_id"], refund=data)


@consumer.on("vendor.approved")
def approved(event: Envelope) -> None:
    service.tell_of_approval(event.eventId, vendor_id=event.data["vendor_id"], owner_id=event.data["owner_id"])


@consumer.on("access.invited")
def invited(event: Envelope) -> None:
    data = event.data
    service.tell_of_invitation(
        event.eventId, scope=data["scope"], invitation_id=data["invitation_id"], nonce=data["nonce"]
    )


handler = consumer.handler

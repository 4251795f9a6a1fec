"""What the fraud screen does when it hears of something."""

from fraud import personal, service
from fraud.manifest import MANIFEST
from market.events import Consumer, Envelope

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("fraud.decided")
def decided(envelope: Envelope) -> None:
    """Let the checkout go on."""
    service.tell(envelope.data["order_id"])


@consumer.on("order.cancellation_requested")
def cancellation_requested(envelope: Envelope) -> None:
    """Keep nobody's order in review who no longer wants it."""
    service.withdraw(envelope.data["order_id"])


@consumer.on("order.cancelled")
def cancelled(envelope: Envelope) -> None:
    order = envelope.data
    service.order_cancelled(order["customer_id"], order["order_id"], order["reason"])


@consumer.on("refund.succeeded")
def refunded(envelope: Envelope) -> None:
    refund = envelope.data
    service.refunded(refund["customer_id"], refund["order_id"], refund["refund_id"])


@consumer.on("profile.export_requested")
def export_requested(envelope: Envelope) -> None:
    personal.export(envelope.data["folder"], envelope.data["user_id"])


@consumer.on("profile.erasure_requested")
def erasure_requested(envelope: Envelope) -> None:
    personal.erase(envelope.data["user_id"])

"""What the abuse service does when it hears of something."""

from abuse import personal, service
from abuse.manifest import MANIFEST
from market.events import Consumer, Envelope

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("abuse.blocks_changed")
def blocks_changed(_envelope: Envelope) -> None:
    """Tell the firewall."""
    service.push()


@consumer.on("payment.failed")
def payment_failed(envelope: Envelope) -> None:
    _count(envelope, "payment_failed")


@consumer.on("fraud.review_needed")
def review_needed(envelope: Envelope) -> None:
    _count(envelope, "review_needed")


@consumer.on("order.cancelled")
def order_cancelled(envelope: Envelope) -> None:
    """Orders that a customer or a vendor cancelled are nobody's abuse."""
    if envelope.data["reason"] in ("payment_declined", "payment_timeout"):
        _count(envelope, envelope.data["reason"])


@consumer.on("refund.succeeded")
def refunded(envelope: Envelope) -> None:
    _count(envelope, "refunded")


@consumer.on("user.erased")
def erased(envelope: Envelope) -> None:
    """Nothing more is known of them."""
    service.erase(envelope.data["user_id"])


@consumer.on("profile.export_requested")
def export_requested(envelope: Envelope) -> None:
    personal.export(envelope.data["folder"], envelope.data["user_id"])


def _count(envelope: Envelope, signal: str) -> None:
    service.hear(envelope.data["customer_id"], signal, envelope.eventId)

"""What the tax service does when it hears of something."""

from market.events import Consumer, Envelope
from tax import personal, service
from tax.manifest import MANIFEST

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("order.paid")
def order_paid(envelope: Envelope) -> None:
    service.sold(envelope.data["customer_id"], envelope.data["order_id"])


@consumer.on("refund.succeeded")
def refund_succeeded(envelope: Envelope) -> None:
    service.given_back(envelope.data, envelope.occurredAt)


@consumer.on("profile.export_requested")
def export_requested(envelope: Envelope) -> None:
    personal.export(envelope.data["folder"], envelope.data["user_id"])


@consumer.on("profile.erasure_requested")
def erasure_requested(envelope: Envelope) -> None:
    personal.erase(envelope.data["user_id"])

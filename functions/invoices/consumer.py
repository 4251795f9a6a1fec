"""What invoices do when they hear of something."""

from invoices import personal, service
from invoices.manifest import MANIFEST
from market.events import Consumer, Envelope

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("order.paid")
def bill(envelope: Envelope) -> None:
    """Issue an invoice per vendor."""
    service.bill(envelope.data["customer_id"], envelope.data["order_id"])


@consumer.on("refund.succeeded")
def credit(envelope: Envelope) -> None:
    """Issue a credit note per vendor."""
    refund = envelope.data
    service.credit(refund["customer_id"], refund["order_id"], refund["refund_id"], service.pieces_of(refund))


@consumer.on("profile.export_requested")
def export_requested(envelope: Envelope) -> None:
    personal.export(envelope.data["folder"], envelope.data["user_id"])

"""What refunds do when they hear of something."""

from market.events import Consumer, Envelope
from refunds import personal, service, store
from refunds.manifest import MANIFEST

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("refund.requested")
def carry_out(envelope: Envelope) -> None:
    """Start the refund's state machine."""
    service.start(store.get(envelope.data["order_id"], envelope.data["refund_id"]))


@consumer.on("order.part_cancelled")
def give_back(envelope: Envelope) -> None:
    """Refund a paid part that was cancelled."""
    part = envelope.data
    service.refund_part(part["customer_id"], part["order_id"], part["vendor_id"])


@consumer.on("profile.export_requested")
def export_requested(envelope: Envelope) -> None:
    personal.export(envelope.data["folder"], envelope.data["user_id"])

"""What payments do when they hear of something."""

from market.events import Consumer, Envelope
from payments import personal, service
from payments.manifest import MANIFEST

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("order.cancellation_requested")
def cancel(envelope: Envelope) -> None:
    """End the checkout's wait for the payment."""
    service.cancel(envelope.data["order_id"])


@consumer.on("order.compensation_requested")
def compensate(envelope: Envelope) -> None:
    """Staff wants done what the checkout could not do: leave nothing charged for a cancelled order."""
    service.undo(envelope.data["order_id"])


@consumer.on("profile.export_requested")
def export_requested(envelope: Envelope) -> None:
    personal.export(envelope.data["folder"], envelope.data["user_id"])


@consumer.on("profile.erasure_requested")
def erasure_requested(envelope: Envelope) -> None:
    personal.erase(envelope.data["user_id"])

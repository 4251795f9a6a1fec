"""What orders do when they hear of something."""

from market.events import Consumer, Envelope
from orders import service
from orders.manifest import MANIFEST
from orders.store import Waiting

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("order.created")
def start_checkout(envelope: Envelope) -> None:
    """Start the checkout of an order."""
    order = envelope.data
    service.start_checkout(Waiting(order["order_id"], order["customer_id"], order["hold_seconds"]))


@consumer.on("order.paid")
def share_out(envelope: Envelope) -> None:
    """Give each vendor its part."""
    service.share_out(envelope.data["customer_id"], envelope.data["order_id"])

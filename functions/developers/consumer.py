"""What goes out by webhook when developers hear of it."""

from developers import delivering
from developers.manifest import MANIFEST
from market.events import Consumer, Envelope

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("order.paid")
@consumer.on("order.part_cancelled")
@consumer.on("refund.succeeded")
@consumer.on("product.created")
@consumer.on("product.updated")
@consumer.on("product.price.updated")
@consumer.on("vendor.suspended")
@consumer.on("vendor.reinstated")
def spread(envelope: Envelope) -> None:
    """To each vendor's endpoints what concerns that vendor."""
    delivering.spread(envelope)

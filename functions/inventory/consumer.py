"""What inventory does when it hears of something."""

from inventory import sweep, watching
from inventory.manifest import MANIFEST
from market.events import Consumer, Envelope

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("order.paid")
def paid(envelope: Envelope) -> None:
    """See whether what was sold is running out; `skus` are those that ask for something, nearly always none."""
    sweep.hear(envelope.data.get("shards", ()))
    watching.look(envelope.data.get("skus", ()))


@consumer.on("order.cancelled")
def cancelled(envelope: Envelope) -> None:
    """See whether there is enough again of what is not sold after all."""
    sweep.hear(envelope.data.get("shards", ()))
    watching.look(envelope.data.get("skus", ()))


@consumer.on("stock.contended")
def contended(envelope: Envelope) -> None:
    """Orders got in each other's way: let the SKU be sold from shards."""
    sweep.contended(envelope.data["sku"])

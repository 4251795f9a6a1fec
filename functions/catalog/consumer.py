"""What the catalog does when it hears of something."""

from catalog import deciding, selling
from catalog.manifest import MANIFEST
from market.events import Consumer, Envelope

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("price.decided")
def price_decided(envelope: Envelope) -> None:
    deciding.apply(envelope.data)


@consumer.on("product.archived")
def product_archived(envelope: Envelope) -> None:
    """With the page go the offers of other vendors on it."""
    selling.follow(envelope.data["product_id"])


@consumer.on("product.published")
def product_published(envelope: Envelope) -> None:
    selling.follow(envelope.data["product_id"])


@consumer.on("product.updated")
def product_updated(envelope: Envelope) -> None:
    """Offers of other vendors say what the page says; and they go off sale when it becomes a draft."""
    if selling.SHOWN.intersection(envelope.data["changed"]) or envelope.data["status"] == "draft":
        selling.follow(envelope.data["product_id"])

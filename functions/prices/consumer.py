"""What prices do when they hear of something."""

from market.events import Consumer, Envelope
from market.money import Money
from prices import moving, personal, service
from prices.manifest import MANIFEST

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("product.created")
def created(envelope: Envelope) -> None:
    """Begin the history of its SKUs."""
    service.product_born(envelope.data["skus"], envelope.occurredAt)


@consumer.on("product.price.updated")
def updated(envelope: Envelope) -> None:
    """Remember what it cost, let plans and rules see it, and doubt what it is compared with."""
    for change in envelope.data["prices"]:
        sku, before, after = change["sku"], Money(**change["before"]), Money(**change["after"])
        service.price_changed(sku, at=envelope.occurredAt, before=before, after=after)
        moving.ask(sku)
        if claim := change.get("compare_at"):
            service.claim_checked(sku, Money(**claim), envelope.occurredAt)


@consumer.on("price.refused")
def refused(envelope: Envelope) -> None:
    """A price that was changed meanwhile is looked at again by itself; what can never be done is given up."""
    if envelope.data["code"] != "price_changed":
        service.given_up(envelope.data["sku"])


@consumer.on("order.paid")
def paid(envelope: Envelope) -> None:
    """Count what was sold, and ask the rules."""
    moving.sold(envelope.data["customer_id"], envelope.data["order_id"], envelope.occurredAt)


@consumer.on("inventory.low_stock")
def running_out(envelope: Envelope) -> None:
    """Ask the rules: some of them move prices where little is left."""
    moving.ask(envelope.data["sku"])


@consumer.on("profile.export_requested")
def export_requested(envelope: Envelope) -> None:
    personal.export(envelope.data["folder"], envelope.data["user_id"])


@consumer.on("profile.erasure_requested")
def erasure_requested(envelope: Envelope) -> None:
    personal.erase(envelope.data["user_id"])

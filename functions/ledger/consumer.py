"""What the ledger does when it hears of money: it brings the order's journals into vendors' accounts."""

from ledger import service
from ledger.manifest import MANIFEST
from market.events import Consumer, Envelope

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("order.paid")
def sold(envelope: Envelope) -> None:
    service.project_order(envelope.data["order_id"], certain="sale")


@consumer.on("refund.succeeded")
def given_back(envelope: Envelope) -> None:
    service.project_order(envelope.data["order_id"], certain=f"refund-{envelope.data['refund_id']}")


@consumer.on("payment.refunded")
def undone(envelope: Envelope) -> None:
    service.project_order(envelope.data["order_id"])


@consumer.on("payment.settled")
def settled(envelope: Envelope) -> None:
    service.project_order(envelope.data["order_id"])

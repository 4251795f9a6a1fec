"""What orders do when they hear of something."""

from datetime import datetime

from market.events import Consumer, Envelope
from market.money import Money
from orders import notes, personal, service
from orders.manifest import MANIFEST
from orders.model import CUSTOMER, REFUNDED, Entry
from orders.store import Waiting

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("order.created")
def begin(envelope: Envelope) -> None:
    """Start the checkout of an order, and let staff find it."""
    order = envelope.data
    waiting = Waiting(order["order_id"], order["customer_id"], order["hold_seconds"])
    service.begin(waiting, Money(**order["total"]))
    service.show_to_staff(order["customer_id"], order["order_id"])


@consumer.on("order.paid")
def share_out(envelope: Envelope) -> None:
    """Give each vendor its part."""
    service.share_out(envelope.data["customer_id"], envelope.data["order_id"])


@consumer.on("order.cancelled")
def cancelled(envelope: Envelope) -> None:
    service.show_to_staff(envelope.data["customer_id"], envelope.data["order_id"])


@consumer.on("order.part_cancelled")
def part_cancelled(envelope: Envelope) -> None:
    service.show_to_staff(envelope.data["customer_id"], envelope.data["order_id"])


@consumer.on("fraud.review_needed")
def await_review(envelope: Envelope) -> None:
    order = envelope.data
    service.await_review(order["customer_id"], order["order_id"], datetime.fromisoformat(envelope.occurredAt))


@consumer.on("refund.succeeded")
def refunded(envelope: Envelope) -> None:
    """Note it in the order's history; heard twice it is there once."""
    amount = Money(**envelope.data["amount"])
    told = Entry(event=REFUNDED, at=envelope.occurredAt, by="system", visible=CUSTOMER, amount=amount)
    notes.add(envelope.data["order_id"], told, time_id=envelope.eventId)


@consumer.on("profile.export_requested")
def export_requested(envelope: Envelope) -> None:
    """Write the person's orders into the copy of their data."""
    personal.export(envelope.data["folder"], envelope.data["user_id"])


@consumer.on("profile.erasure_requested")
def erasure_requested(envelope: Envelope) -> None:
    """Keep what was sold, and forget to whom."""
    personal.erase(envelope.data["user_id"])

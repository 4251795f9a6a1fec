"""What promotions do when they hear of something."""

from market.events import Consumer, Envelope
from promotions import analytics, batches, personal, service
from promotions.manifest import MANIFEST

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("order.paid")
def order_paid(envelope: Envelope) -> None:
    order = envelope.data
    analytics.paid(envelope.eventId, order["order_id"], order["customer_id"], order["total"], envelope.occurredAt)


@consumer.on("order.cancelled")
def order_cancelled(envelope: Envelope) -> None:
    order = envelope.data
    analytics.cancelled(envelope.eventId, order["order_id"], order["customer_id"], envelope.occurredAt)


@consumer.on("user.created")
def user_created(envelope: Envelope) -> None:
    analytics.registered(envelope.data["user_id"], envelope.occurredAt)


@consumer.on("promotion.exhausted")
def exhausted(envelope: Envelope) -> None:
    service.exhausted(envelope.data["promotion_id"])


@consumer.on("promotion.codes_requested")
def codes_requested(envelope: Envelope) -> None:
    wanted = envelope.data
    batches.go_on(wanted["promotion_id"], wanted["batch_id"], wanted["made"])


@consumer.on("profile.export_requested")
def export_requested(envelope: Envelope) -> None:
    personal.export(envelope.data["folder"], envelope.data["user_id"])


@consumer.on("profile.erasure_requested")
def erasure_requested(envelope: Envelope) -> None:
    personal.erase(envelope.data["user_id"])

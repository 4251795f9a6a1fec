"""Lambda entry point of notifications' event queue."""

from market.events import Consumer, Envelope
from notifications import service
from notifications.manifest import MANIFEST

consumer = Consumer(MANIFEST)


@consumer.on("order.paid")
def paid(event: Envelope) -> None:
    data = event.data
    service.tell_of_payment(
        event.eventId, order_id=data["order_id"], customer_id=data["customer_id"], vendor_ids=data["vendor_ids"]
    )


@consumer.on("order.cancelled")
def cancelled(event: Envelope) -> None:
    data = event.data
    service.tell_of_cancellation(
        event.eventId,
        order_id=data["order_id"],
        number=data["order_no"],
        customer_id=data["customer_id"],
        reason=data.get("reason", ""),
    )


@consumer.on("refund.succeeded")
def refunded(event: Envelope) -> None:
    data = event.data
    service.tell_of_refund(event.eventId, order_id=data["order_id"], customer_id=data["customer_id"], refund=data)


@consumer.on("vendor.approved")
def approved(event: Envelope) -> None:
    service.tell_of_approval(event.eventId, vendor_id=event.data["vendor_id"], owner_id=event.data["owner_id"])


@consumer.on("inventory.low_stock")
def running_out(event: Envelope) -> None:
    service.tell_of_low_stock(event.eventId, vendor_id=event.data["vendor_id"], stock=event.data)


@consumer.on("import.finished")
def import_over(event: Envelope) -> None:
    service.tell_of_import(event.eventId, vendor_id=event.data["vendor_id"], ended=event.data)


@consumer.on("access.invited")
def invited(event: Envelope) -> None:
    data = event.data
    service.tell_of_invitation(
        event.eventId, scope=data["scope"], invitation_id=data["invitation_id"], nonce=data["nonce"]
    )


@consumer.on("user.password_changed")
@consumer.on("user.email_changed")
@consumer.on("user.session_reused")
@consumer.on("user.second_factor_changed")
@consumer.on("user.registration_repeated")
@consumer.on("user.blocked")
@consumer.on("user.unblocked")
@consumer.on("profile.erasure_scheduled")
@consumer.on("profile.erasure_cancelled")
@consumer.on("profile.erasure_requested")
@consumer.on("profile.export_requested")
def account_changed(event: Envelope) -> None:
    service.tell_owner(event)


@consumer.on("access.changed")
def rights_changed(event: Envelope) -> None:
    service.tell_of_rights(event, user_id=event.data["user_id"], scope=event.data["scope"])


@consumer.on("api_key.revoked")
def key_revoked(event: Envelope) -> None:
    """Whoever revokes a key knows that they did; one that was found in public surprises its owners."""
    if event.data["reason"] == "leaked":
        service.tell_of_leak(event, made_by=event.data["made_by"], scope=event.data["scope"])


@consumer.on("webhook.disabled")
def webhook_disabled(event: Envelope) -> None:
    service.tell_of_webhook(event, vendor_id=event.data["vendor_id"])


handler = consumer.handler

"""Who is told of what. Each recipient of an event is written to once, with one exception.

One read and one write an event. Mails are sent before they are noted: after a crash in between, the event comes again
and its mails are sent a second time. The other order could lose them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from access.contract import INVITATIONS, INVITED, PLATFORM, invitation_token
from market import config, log
from market.events import Envelope
from notifications import account, gateway, model, store
from notifications.model import Mail


def tell_of_payment(event_id: str, *, order_id: str, customer_id: str, vendor_ids: Iterable[str]) -> None:
    found = store.facts(event_id, person=customer_id, vendor_ids=vendor_ids, order_id=order_id)
    assert found.order
    _send(event_id, model.order_paid(found.order, found.person, found.vendors), found.told)


def tell_of_cancellation(event_id: str, *, order_id: str, number: str, customer_id: str, reason: str) -> None:
    found = store.facts(event_id, person=customer_id, order_id=order_id)
    _send(event_id, model.order_cancelled(number, reason, found.person), found.told)


def tell_of_refund(event_id: str, *, order_id: str, customer_id: str, refund: Mapping[str, Any]) -> None:
    """refund: the data of `refund.succeeded`."""
    found = store.facts(event_id, person=customer_id, order_id=order_id)
    _send(event_id, model.order_refunded(refund, found.person), found.told)


def tell_of_approval(event_id: str, *, vendor_id: str, owner_id: str) -> None:
    found = store.facts(event_id, person=owner_id, vendor_ids=[vendor_id])
    vendor = found.vendors[vendor_id]
    _send(event_id, model.vendor_approved(vendor, found.person), found.told)


def tell_of_low_stock(event_id: str, *, vendor_id: str, stock: Mapping[str, Any]) -> None:
    """stock: the data of `inventory.low_stock`."""
    found = store.facts(event_id, vendor_ids=[vendor_id])
    _send(event_id, model.stock_low(stock, found.vendors.values()), found.told)


def tell_of_import(event_id: str, *, vendor_id: str, ended: Mapping[str, Any]) -> None:
    """ended: the data of `import.finished`."""
    found = store.facts(event_id, person=ended["started_by"], vendor_ids=[vendor_id])
    _send(event_id, model.import_over(ended, found.person, found.vendors.get(vendor_id)), found.told)


def tell_of_invitation(event_id: str, *, scope: str, invitation_id: str, nonce: str) -> None:
    """Mail the token, unless the invitation is over or was mailed again since."""
    told, invitation, vendor = store.invitation(event_id, scope, invitation_id)
    if not invitation or invitation.status != INVITED or invitation.nonce != nonce:
        log.info("invitation not mailed", event_id=event_id)
        return
    token = invitation_token(config.key(INVITATIONS), nonce)
    link = f"{config.setting('STORE_URL')}/invitation#{token}"
    _send(event_id, model.invited(invitation, vendor, link), told)


def tell_owner(event: Envelope) -> None:
    """Of something done to an account."""
    note = account.note_of(event)
    found = store.facts(note, person=event.data["user_id"])
    _send(note, account.changed(event, found.person), found.told)


def tell_of_rights(event: Envelope, *, user_id: str, scope: str) -> None:
    found = store.facts(event.eventId, person=user_id, vendor_ids=_vendors(scope))
    _send(event.eventId, account.rights_changed(event, found.person, found.vendors.get(scope)), found.told)


def tell_of_leak(event: Envelope, *, made_by: str, scope: str) -> None:
    found = store.facts(event.eventId, person=made_by, vendor_ids=_vendors(scope))
    _send(event.eventId, account.key_leaked(event, found.person, found.vendors.get(scope)), found.told)


def tell_of_webhook(event: Envelope, *, vendor_id: str) -> None:
    found = store.facts(event.eventId, vendor_ids=[vendor_id])
    _send(event.eventId, account.webhook_disabled(event, found.vendors.values()), found.told)


def _vendors(scope: str) -> list[str]:
    return [] if scope == PLATFORM else [scope]


def _send(event_id: str, mails: Iterable[Mail], told: frozenset[str]) -> None:
    """Send what was not sent before. Raises the first error that may pass, after all others were tried and noted."""
    sent: list[str] = []
    failed: list[str] = []
    passing: list[Exception] = []
    for mail in mails:
        if mail.kind in told:
            continue
        try:
            gateway.send(mail)
            sent.append(mail.kind)
        except gateway.Undeliverable as refused:
            log.error("mail refused", event_id=event_id, kind=mail.kind, template=mail.template, reason=str(refused))
            failed.append(mail.kind)
        except (ClientError, BotoCoreError) as error:
            passing.append(error)
    store.remember(event_id, sent=sent, failed=failed)
    if sent:
        log.info("mails sent", event_id=event_id, kinds=sent)
    if passing:
        raise passing[0]

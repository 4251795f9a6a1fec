"""What a mail is made of, in one read; who was told of an event, in one item `MSG#<event id>`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from access.contract import MANIFEST as ACCESS
from access.contract import Invitation, invitation_key, read_invitation
from identity.contract import MANIFEST as IDENTITY
from identity.contract import Contact, read_contact, user_key
from market import clock
from market.errors import NotFound
from market.table import Item, Key, Table, update
from notifications.manifest import MANIFEST
from orders.contract import MANIFEST as ORDERS
from orders.contract import OrderSnapshot, order_key, read_order
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import Vendor, read_vendor, vendor_key

_table = Table(MANIFEST, ORDERS, IDENTITY, VENDORS, ACCESS)
_KEPT = timedelta(days=30)
"""Longer than any queue keeps an event."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found. `told` are the kinds of recipients that this event was sent to, or given up on, before."""

    told: frozenset[str]
    person: Contact | None
    vendors: Mapping[str, Vendor]
    order: OrderSnapshot | None = None


def facts(event_id: str, *, person: str = "", vendor_ids: Iterable[str] = (), order_id: str = "") -> Facts:
    """All that an event's mails need: one request. `person` is the id of the buyer or owner, if there is one to tell.

    Raises NotFound for an order that is not there (yet).
    """
    vendors = {vendor_key(vendor_id) for vendor_id in vendor_ids}
    order = order_key(person, order_id)
    people = [user_key(person)] if person else []
    keys = [_message_key(event_id), *people, *vendors, *([order] if order_id else [])]
    found = _table.batch_get(keys, consistent=True)
    if order_id and order not in found:
        raise NotFound("There is no such order.")
    known = (read_vendor(found[key]) for key in vendors if key in found)
    user = found.get(user_key(person))
    bought = read_order(found[order]) if order_id else None
    return Facts(
        told=_told(found.get(_message_key(event_id), {})),
        person=read_contact(user) if user else _guest(bought),
        vendors={vendor.id: vendor for vendor in known},
        order=bought,
    )


def invitation(
    event_id: str, scope: str, invitation_id: str
) -> tuple[frozenset[str], Invitation | None, Vendor | None]:
    """Who was told before, the invitation, and the vendor whose team it is to; None of the platform's staff."""
    keys = _message_key(event_id), invitation_key(scope, invitation_id), vendor_key(scope)
    found = _table.batch_get(keys, consistent=True)
    message, letter, vendor = (found.get(key) for key in keys)
    return (
        _told(message or {}),
        read_invitation(letter) if letter else None,
        read_vendor(vendor) if vendor else None,
    )


def remember(event_id: str, *, sent: Iterable[str], failed: Iterable[str]) -> None:
    """Note who was told of the event and who cannot be. Repeated, it changes nothing."""
    outcomes = {name: set(kinds) for name, kinds in (("sent", sent), ("failed", failed)) if kinds}
    if not outcomes:
        return
    added = ", ".join(f"{name} :{name}" for name in outcomes)
    values = {f":{name}": kinds for name, kinds in outcomes.items()} | {":until": clock.epoch(_KEPT)}
    _table.write(update(_message_key(event_id), f"SET expires_at = :until ADD {added}", values))


def _guest(bought: OrderSnapshot | None) -> Contact | None:
    """Whoever ordered without an account, and said where to write to."""
    email = bought.origin.get("email", "") if bought else ""
    return Contact(email=email, name=bought.address.get("name", "")) if bought and email else None


def _told(item: Item) -> frozenset[str]:
    return frozenset(item.get("sent", ())) | frozenset(item.get("failed", ()))


def _message_key(event_id: str) -> Key:
    return Key(f"MSG#{event_id}")

"""What mails about somebody's own account, team, keys and webhooks say: pure composition from an event and its people.

They say what was done and when, and what to do if it was not them. No mail has a link to sign in: whoever reads one
that has, knows that it is not ours.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from identity.contract import Contact
from market.events import Envelope
from notifications.model import OWNER, Mail, shown
from vendors.contract import Vendor

MEMBER, MAKER = "member", "maker"
TEMPLATES: Final[Mapping[str, str]] = {
    "user.password_changed": "password-changed",
    "user.email_changed": "email-changed",
    "user.session_reused": "session-ended",
    "user.second_factor_changed": "second-factor-changed",
    "user.registration_repeated": "registration-repeated",
    "user.blocked": "account-blocked",
    "user.unblocked": "account-unblocked",
    "profile.erasure_scheduled": "erasure-scheduled",
    "profile.erasure_cancelled": "erasure-cancelled",
    "profile.erasure_requested": "account-erased",
    "profile.export_requested": "export-requested",
}
"""Events that the owner of the account `user_id` is told of."""

_FACTORS = {
    "totp": "an authenticator app",
    "email": "codes by e-mail",
    "sms": "codes by text message",
    "passkey": "a passkey",
    "all": "every second factor, by our staff",
}
_SWITCHED_OFF = {
    "gone": "Your server asked for it with the answer 410 Gone.",
    "failing": "Your server has accepted nothing for days.",
}


def note_of(event: Envelope) -> str:
    """The name under which it is noted that the mail went out: the event's id, but for what may be said too often.

    Somebody who registers with another's address again and again causes one mail a day, and an erasure that services
    are told of once more is the same erasure.
    """
    match event.type:
        case "user.registration_repeated":
            return f"{event.type}.{event.data['user_id']}.{event.occurredAt[:10]}"
        case "profile.erasure_requested":
            return str(event.data["request_id"])
    return event.eventId


def changed(event: Envelope, owner: Contact | None) -> list[Mail]:
    """To the owner, of something done to the account; none where no address is known (any more).

    The address before a change of address is the one to warn.
    """
    if owner is None:
        return []
    former = event.type == "user.email_changed"
    to = owner.former_emails.get(event.data.get("change_id", ""), "") if former else owner.email
    data = shown(owner=owner.name, at=_time(event.occurredAt), **_details(event.type, event.data))
    return [Mail(OWNER, to, TEMPLATES[event.type], data)] if to else []


def rights_changed(event: Envelope, member: Contact | None, vendor: Vendor | None) -> list[Mail]:
    """To whoever has other rights in a team now, or none."""
    if member is None or not member.email:
        return []
    held = [role.replace("_", " ") for role in event.data["roles"]] + list(event.data["allow"])
    now = f"You belong to it as: {', '.join(held)}." if held else "You do not belong to it any more."
    data = shown(owner=member.name, at=_time(event.occurredAt), team=_team(vendor), now=now)
    return [Mail(MEMBER, member.email, "access-changed", data)]


def key_leaked(event: Envelope, maker: Contact | None, vendor: Vendor | None) -> list[Mail]:
    """To whoever made the key, and to its vendor."""
    readers = {maker.email: (MAKER, maker.name)} if maker else {}
    if vendor:
        readers |= {vendor.support_email: (f"vendor:{vendor.id}", vendor.name)}
    told = {"at": _time(event.occurredAt), "team": _team(vendor), "key": event.data["label"]}
    told["keyId"] = event.data["key_id"]
    return [Mail(kind, to, "api-key-leaked", shown(owner=name, **told)) for to, (kind, name) in readers.items() if to]


def webhook_disabled(event: Envelope, vendors: Iterable[Vendor]) -> list[Mail]:
    """To the vendor."""
    told = {"at": _time(event.occurredAt), "webhook": event.data["webhook_id"]}
    told["reason"] = _SWITCHED_OFF.get(event.data["reason"], "")
    return [
        Mail(f"vendor:{vendor.id}", vendor.support_email, "webhook-disabled", shown(owner=vendor.name, **told))
        for vendor in vendors
        if vendor.support_email
    ]


def _details(event_type: str, data: Mapping[str, Any]) -> dict[str, str]:
    match event_type:
        case "user.password_changed":
            return {"how": "with a code from a mail of ours" if data["forgotten"] else "with the old password"}
        case "user.second_factor_changed":
            done = "added" if data["enabled"] else "removed"
            return {"factor": _FACTORS.get(data["factor"], data["factor"]), "done": done}
        case "profile.erasure_scheduled":
            return {"due": _time(data["due_at"])}
    return {}


def _team(vendor: Vendor | None) -> str:
    return vendor.name if vendor else "the marketplace"


def _time(iso: str) -> str:
    return datetime.fromisoformat(iso).strftime("%d %B %Y, %H:%M UTC")

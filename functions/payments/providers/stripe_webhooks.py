"""Stripe's webhooks: whether they are from Stripe, for us and of now, and what they say in our words.

An event shows its object as it was when the event was made, and events come late, twice and in any order. What is
trusted of one is therefore only that something of its type happened to the intent that it names; what the intent is
now, `Stripe.parse` asks Stripe. Without SDK: the edge that verifies starts fast.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import orjson

from market import clock
from market.errors import Invalid
from market.money import Money
from payments.gateway import TOLERANCE_SECONDS, BadSignature, Intent, Notice
from payments.model import AUTHORIZED, CAPTURED, PENDING, REFUNDED, VOIDED
from payments.providers import stripe_objects

TYPES = {
    "payment_intent.amount_capturable_updated": "authorized",
    "payment_intent.payment_failed": "declined",
    "payment_intent.requires_action": "attempted",
    "payment_intent.processing": "attempted",
    "payment_intent.succeeded": "captured",
    "payment_intent.canceled": "voided",
    "charge.refunded": "refunded",
    "refund.failed": "refund_failed",
    "charge.dispute.created": "disputed",
}
_AFTER_AUTHORIZED = (AUTHORIZED, CAPTURED, REFUNDED)
_MAX_HEADER = 4096


class WrongAccount(BadSignature):
    """Rightly signed, but about another Stripe account, or test money where ours is real."""


def verify(header: str, body: bytes, secret: str) -> None:
    """Raises BadSignature unless one `v1` of the `Stripe-Signature` is ours over `t.body`, and `t` is near, either way.

    While the endpoint's secret is rolled, Stripe sends one `v1` per secret.
    """
    pairs = [part.strip().partition("=")[::2] for part in header.split(",")] if len(header) <= _MAX_HEADER else []
    stamps = [value for name, value in pairs if name == "t"]
    if len(stamps) != 1 or not (stamps[0].isascii() and stamps[0].isdigit()) or len(stamps[0]) > 12:
        raise BadSignature("The signature header is malformed.", reason="malformed")
    ours = sign(body, int(stamps[0]), secret)
    given = [value.encode() for name, value in pairs if name == "v1"]
    if not secret or not any([hmac.compare_digest(ours.encode(), value) for value in given]):
        raise BadSignature("The signature does not match.", reason="forged")
    late = clock.epoch() - int(stamps[0])
    if abs(late) > TOLERANCE_SECONDS:
        raise BadSignature("The signature is too old or from the future.", reason="stale" if late > 0 else "future")


def sign(body: bytes, at: int, secret: str) -> str:
    """HMAC-SHA256 of `at.body`, in hexadecimal."""
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def event(body: bytes) -> dict[str, Any]:
    """Raises Invalid unless the body is an event of Stripe's."""
    try:
        read = orjson.loads(body)
        if read["object"] == "event" and isinstance(read["id"], str) and isinstance(read["data"]["object"], dict):
            return dict(read, type=str(read["type"]))
    except (ValueError, KeyError, TypeError):
        pass
    raise Invalid("The webhook is not an event of Stripe's.")


def check_account(event: Mapping[str, Any], account: str, api_key: str) -> None:
    """Raises WrongAccount. Only events about connected accounts name one, and such are never ours."""
    if event.get("account", account) != account:
        raise WrongAccount("The event is about another account.", reason="account")
    if bool(event.get("livemode")) != ("_live_" in api_key):
        raise WrongAccount("The event is from another mode.", reason="mode")


def said(event: Mapping[str, Any]) -> Notice:
    """The event, with its object as it was when the event was made. Raises Invalid if the object is not as expected."""
    try:
        return Notice(
            id=event["id"],
            type=TYPES.get(event["type"], "other"),
            intent=_snapshot(event["data"]["object"]),
            failure=_failure(event["data"]["object"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Invalid("The event's object is not as Stripe describes it.") from None


def refreshed(notice: Notice, intent: Intent) -> Notice:
    """The notice about the intent as it is now; `other` where that shows that it no longer holds or is not ours."""
    kind = notice.type
    if not intent.order_id:
        kind = "other"
    elif kind in ("authorized", "refunded") and intent.status == VOIDED:
        kind = "voided"  # Stripe shows a given-up authorization as a refunded charge, too
    elif kind == "authorized" and intent.status not in _AFTER_AUTHORIZED:
        kind = "other"
    return Notice(id=notice.id, type=kind, intent=intent, failure=notice.failure)


def _snapshot(body: Mapping[str, Any]) -> Intent:
    if body.get("object") == "payment_intent":
        return stripe_objects.intent(body)
    currency, amount = body.get("currency"), body.get("amount")
    known = isinstance(currency, str) and isinstance(amount, int)
    return Intent(
        reference=body.get("payment_intent") or "",
        order_id=(body.get("metadata") or {}).get("order_id", ""),
        status=PENDING,
        amount=stripe_objects.money(int(amount or 0), str(currency)) if known else Money(0, "USD"),
    )


def _failure(body: Mapping[str, Any]) -> str:
    """Why, in Stripe's codes: the issuer's reason for a decline, a dispute's, or a failed refund's."""
    error = body.get("last_payment_error") or {}
    return str(error.get("decline_code") or error.get("code") or body.get("failure_reason") or body.get("reason") or "")

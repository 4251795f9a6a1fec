"""Where a provider's book and ours differ, and what may be done about it: pure.

    what differs        is                                                            and is
    not_heard           paid at the provider, and our payment waits still             heard, as its webhook would be
    given_up            not closed at the provider, for an order that came to nothing undone: voided or refunded
    left_behind         not closed, of a method that the customer left for another    given up
    orphan              not closed, made for one of our orders without our record     given up
    missing             not known to the provider                                     told to staff
    not_captured        captured by our book only                                     told to staff
    amount, currency    other money than our payment                                  told to staff
    refunded_elsewhere  given back by more than our book says                         told to staff
    refund_missing      given back by less than our book says                         told to staff
    refund_pending      a refund that has been on its way for too long                told to staff
    unpaid              held for an order that is paid without it                     told to staff
    unknown_order       money for an order that we do not have                        told to staff
    order_stuck         an order that neither its checkout nor its schedule ended     told to staff

A payment that is on its way is left alone: as long as its order awaits payment, only its checkout gives it up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from market.money import Money
from orders.contract import CANCELLED, PAID
from orders.contract import PENDING as ORDER_PENDING
from payments.books import Facts
from payments.gateway import Intent
from payments.model import AUTHORIZED, CAPTURED, PENDING, REFUNDED, Payment

HEAR, UNDO, RELEASE, TELL = "hear", "undo", "release", "tell"
"""What may be done: as the webhook would, as the checkout's undo would, give up one intent, or tell staff."""

UNDONE_WITHIN = timedelta(hours=6)
"""How long after its hold an order may be on its way: the tries of the capture and of both undos, and some more."""

REFUNDED_WITHIN = timedelta(days=2)
"""How long a refund may be pending; its state machine parks it after a day."""

_LASTING = frozenset({"paypal", "sslcommerz"})
"""Providers where a payment that nobody pays cannot be closed; it ends by itself."""

_SILENT = frozenset({"sslcommerz"})
"""Providers that do not tell with a payment what of it was given back."""


@dataclass(frozen=True, slots=True)
class Difference:
    """kind: see above; action: what may be done about it."""

    kind: str
    action: str = TELL


def of_intent(name: str, intent: Intent, facts: Facts) -> Difference | None:
    """What of a provider's intent does not fit our book, None if all is well or still on its way."""
    order, payment = facts.order, facts.payment
    if order is None:
        return Difference("unknown_order") if _holds(intent) else None
    if payment and payment.left(name, intent.reference):
        return Difference("left_behind", RELEASE) if _open(name, intent) else None
    if payment is None or (payment.provider, payment.reference) != (name, intent.reference):
        if order.status == ORDER_PENDING or not _open(name, intent):
            return None
        return Difference("unpaid") if order.status == PAID and payment is None else Difference("orphan", RELEASE)
    if order.status == ORDER_PENDING and facts.in_review:
        return None
    if _holds(intent) and (other := _other_money(intent, payment)):
        return Difference(other)
    if order.status == CANCELLED and payment.status != REFUNDED:
        begun = payment.status in (PENDING, AUTHORIZED, CAPTURED)
        return Difference("given_up", UNDO) if begun or intent.status == REFUNDED or _open(name, intent) else None
    if payment.status in (CAPTURED, REFUNDED):
        return _of_captured(name, intent, payment)
    if order.status != ORDER_PENDING:
        return Difference("unpaid") if _holds(intent) else None
    return Difference("not_heard", HEAR) if payment.status == PENDING and _holds(intent) else None


def of_missing(facts: Facts) -> Difference | None:
    """What to make of a payment whose provider knows of no such thing."""
    lost = facts.payment and facts.payment.status in (AUTHORIZED, CAPTURED)
    return Difference("missing") if lost else None


def sides(intent: Intent | None, facts: Facts) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """(ours, theirs), in words and amounts that show nobody."""
    payment, order = facts.payment, facts.order
    ours = {"order": order.status if order else ""}
    if payment:
        ours |= {"status": payment.status} | _money(payment.amount, payment.refunded)
    theirs = {"status": intent.status} | _money(intent.amount, intent.refunded) if intent else {"status": ""}
    return ours, theirs


def _of_captured(name: str, intent: Intent, payment: Payment) -> Difference | None:
    """What was given back lies between what arrived by our book and what our book has set aside for it."""
    if intent.status not in (CAPTURED, REFUNDED):
        return Difference("not_captured")
    if name in _SILENT:
        return None
    whole = intent.amount.amount if intent.status == REFUNDED else 0
    told = intent.refunded.amount if intent.refunded else whole
    if told > (payment.refunded.amount if payment.refunded else 0):
        return Difference("refunded_elsewhere")
    if told < (payment.returned.amount if payment.returned else 0):
        return Difference("refund_missing")
    return None


def _holds(intent: Intent) -> bool:
    return intent.status in (AUTHORIZED, CAPTURED)


def _open(name: str, intent: Intent) -> bool:
    """Whether the customer is charged or could be."""
    return _holds(intent) or (intent.status == PENDING and name not in _LASTING)


def _other_money(intent: Intent, payment: Payment) -> str:
    assert payment.amount
    if intent.amount.currency != payment.amount.currency:
        return "currency"
    return "amount" if intent.amount != payment.amount else ""


def _money(amount: Money | None, refunded: Money | None) -> dict[str, Any]:
    told = {"amount": amount.amount, "currency": amount.currency} if amount else {}
    return told | ({"refunded": refunded.amount} if refunded else {})

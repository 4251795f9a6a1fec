"""Asks the fraud screen before money is taken: one read, and a few small writes the first time."""

from fraud.contract import (
    BLOCKED,
    EXPIRED,
    OPEN,
    REJECTED,
    AlreadyScreened,
    Facts,
    Screening,
    clean,
    judged,
    known,
    lookups,
)
from fraud.contract import MANIFEST as FRAUD
from ledger.contract import MANIFEST as LEDGER
from market import clock, config, log
from market.errors import Problem
from market.table import Key, Table, Write, put
from orders.contract import MANIFEST as ORDERS
from orders.contract import OrderSnapshot
from payments.manifest import MANIFEST
from payments.model import CancelledByCustomer, Card, Payment
from payments.store import payment_key

_table = Table(MANIFEST, FRAUD, LEDGER, ORDERS)
_GUEST = "gst_"


class Blocked(Problem):
    """The fraud screen, or the person who looked at it, refuses the payment: final. The customer hears of a decline."""


class ReviewNeeded(Problem):
    """A person decides on the payment; until then no money is taken."""


def admit(payment: Payment, order: OrderSnapshot) -> None:
    """Return if the money may be taken. A payment is judged and counted once, however often this is asked.

    Raises ReviewNeeded, or Blocked or CancelledByCustomer, which are final.
    """
    screening = _screened(payment, order)
    if screening.admitted:
        return
    if screening.status == OPEN:
        raise ReviewNeeded(order.id)
    if screening.status in (BLOCKED, REJECTED, EXPIRED):
        raise Blocked(order.id)
    raise CancelledByCustomer(order.id)


def _screened(payment: Payment, order: OrderSnapshot) -> Screening:
    facts, key = _facts(payment, order), config.key("fraud")
    found = _table.batch_get(lookups(facts, key))  # an old record is no harm: the write of a second one is refused
    if earlier := known(order.id, found):
        return earlier
    verdict = judged(facts, key, found)
    screening = verdict.screening
    try:
        _write_all(*verdict.fenced, *_history(screening))
    except AlreadyScreened as first:
        return first.screening
    for count in verdict.counts:
        _table.write(count)
    log.info("payment screened", order_id=order.id, verdict=screening.verdict, score=screening.score)
    return screening


def _write_all(first: Write, *others: Write) -> None:
    """One write alone needs no transaction, which costs twice as much."""
    if others:
        _table.transact(first, *others)
    else:
        _table.write(first)


def _facts(payment: Payment, order: OrderSnapshot) -> Facts:
    card, origin = payment.card or Card(), order.origin
    return clean(
        order_id=order.id,
        order_no=order.number,
        account=order.customer_id,
        guest=order.customer_id.startswith(_GUEST),
        amount=payment.amount,
        card=card.fingerprint,
        bin=card.bin,
        card_country=card.country,
        address_country=order.country,
        ip_country=origin.get("country", ""),
        ip=origin.get("ip", ""),
        email=origin.get("email", ""),
    )


def _history(screening: Screening) -> list[Write]:
    """A line in the payment's history, for what staff will want to find there; a payment that passes needs none."""
    if screening.admitted:
        return []
    line = {"at": clock.timestamp(), "verdict": screening.verdict, "score": screening.score}
    return [put(Key(payment_key(screening.order_id).pk, f"screening#{screening.verdict}"), line)]

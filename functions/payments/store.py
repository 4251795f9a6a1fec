"""Payments in the table: one item per order, moved on by conditions on its status.

What can happen to a payment once is stamped on its item, in the same write; what can happen again is in `history.py`.
"""

from contextlib import suppress
from datetime import timedelta
from zlib import crc32

from fraud.contract import MANIFEST as FRAUD
from ledger.contract import MANIFEST as LEDGER
from ledger.contract import AlreadyBooked
from market import clock, log
from market.errors import Conflict, Problem
from market.events import Event, announce
from market.money import Money
from market.table import Item, Key, Table, Write, update
from orders.contract import MANIFEST as ORDERS
from orders.contract import OrderSnapshot, claimed_from, order_key, read_order, still_owned
from payments.gateway import LAPSED, Intent, Notice, Payable
from payments.manifest import MANIFEST
from payments.model import (
    AUTHORIZED,
    CAPTURED,
    FAILED,
    PENDING,
    REFUNDED,
    VOIDED,
    Payment,
    Settlement,
    card_item,
    read_payment,
)

_table = Table(MANIFEST, FRAUD, LEDGER, ORDERS)
ENDED = tuple(f"PAY#ended#{shard}" for shard in range(4))
"""Partitions of the index by1 with the payments that were captured, failed or voided, by the time of it."""

query = _table.query
_LISTED = ", by1pk = :list, by1sk = if_not_exists(by1sk, :place)"


class Moved(Conflict):
    """The payment is in another status than the change needs; `payment` is as it was found, None if there is none."""

    payment: Payment | None = None


class NotRecorded(Moved):
    """What the provider speaks of is not in our book, or not yet."""


def payment_key(order_id: str) -> Key:
    return Key(f"PAY#{order_id}")


def with_order(customer_id: str, order_id: str) -> tuple[OrderSnapshot | None, Payment | None]:
    """The customer's order and its payment, in one call; in two for an order that was claimed from a guest."""
    order, payment = order_key(customer_id, order_id), payment_key(order_id)
    found = _table.batch_get([order, payment], consistent=True)
    if guest := claimed_from(found.get(order, {})):
        return with_order(guest, order_id)
    return (
        read_order(found[order]) if order in found else None,
        read_payment(order_id, found[payment]) if payment in found else None,
    )


def has_order(customer_id: str, order_id: str) -> bool:
    """Whether the order is the caller's, as the one who claimed it, or placed it and did not give it away."""
    item = _table.get(order_key(customer_id, order_id), consistent=True)
    return item is not None and still_owned(item)


def get(order_id: str) -> Payment | None:
    item = _table.get(payment_key(order_id), consistent=True)
    return read_payment(order_id, item) if item else None


def plan(payable: Payable, provider: str, *, instead_of: Payment | None) -> Payment:
    """Note which payment is about to be made, before a provider takes money unasked. Raises Moved."""
    facts: Item = {"status": PENDING, "reference": "", "client_secret": "", "redirect": ""}
    return _begin(payable, provider, facts, instead_of)


def open_payment(payable: Payable, intent: Intent, provider: str, *, instead_of: Payment | None) -> Payment:
    """Record the provider's intent, once: in place of nothing, of a plan, or of the intent that the customer left.

    Raises Moved if the payment is another one by now, or was given up before it began.
    """
    paid = intent.status in (AUTHORIZED, CAPTURED)
    facts: Item = {
        "status": AUTHORIZED if paid else PENDING,
        "reference": intent.reference,
        "client_secret": intent.client_secret,
        "redirect": intent.redirect,
        "authorized_at": clock.timestamp() if paid else "",
        "instrument": card_item(intent.card) if paid and intent.card else "",
    }
    return _begin(payable, provider, facts, instead_of)


def _begin(payable: Payable, provider: str, facts: Item, old: Payment | None) -> Payment:
    """What is not known is not stored: an item of less than a kilobyte is written for one unit."""
    wanted: Item = facts | {
        "amount": payable.amount.amount,
        "currency": payable.amount.currency,
        "customer_id": payable.customer_id,
        "provider": provider,
        "attempt": payable.attempt,
        "saved_method": payable.saved_method,
        "created_at": clock.timestamp(),
    }
    known = [name for name, value in wanted.items() if value != ""]
    unknown = ["closing", *(name for name in wanted if name not in known)]
    text = f"SET {', '.join(f'{name} = :{name}' for name in known)} REMOVE {', '.join(unknown)}"
    values: Item = {f":{name}": wanted[name] for name in known}
    when = "attribute_not_exists(status) AND attribute_not_exists(wish)"
    if old:
        values |= {":pending": PENDING, ":old": old.attempt}
        when = "status = :pending AND attempt = :old AND attribute_not_exists(wish)"
        if old.reference:
            values |= {":left": {f"{old.provider} {old.reference}"}}
            text += " ADD abandoned :left"
    return _move(payable.order_id, text, values, when=when)


def close(payment: Payment) -> Payment:
    """Take the payment's intent out of use, before another one takes its place. Raises Moved once it is authorized."""
    return _move(
        payment.order_id,
        "SET closing = :now",
        {":now": clock.timestamp(), ":pending": PENDING, ":ref": payment.reference},
        when="status = :pending AND reference = :ref AND attribute_not_exists(wish)",
    )


def await_with(order_id: str, token: str) -> Payment:
    """Leave the checkout's task token where the authorization will find it. Raises Moved if all is decided.

    Its correlation id lies with it, for what is done ahead of the checkout on its behalf.
    """
    return _move(
        order_id,
        "SET task_token = :token, correlation_id = :correlation",
        {":token": token, ":correlation": log.scope().correlation_id, ":pending": PENDING},
        when="(attribute_not_exists(status) OR status = :pending) AND attribute_not_exists(wish)",
    )


def authorize(provider: str, intent: Intent) -> Payment:
    """pending → authorized, if provider, reference, amount and currency are the payment's own. Raises Moved."""
    card = {":card": card_item(intent.card)} if intent.card else {}
    return _move(
        intent.order_id,
        "SET status = :authorized, authorized_at = :now" + (", instrument = :card" if card else ""),
        {
            ":authorized": AUTHORIZED,
            ":pending": PENDING,
            ":now": clock.timestamp(),
            ":provider": provider,
            ":reference": intent.reference,
            ":amount": intent.amount.amount,
            ":currency": intent.amount.currency,
        }
        | card,
        when="status = :pending AND provider = :provider AND reference = :reference AND amount = :amount"
        " AND currency = :currency AND attribute_not_exists(closing)",
    )


def decline(provider: str, notice: Notice) -> Payment:
    """Count a declined attempt, once per notice. Raises Moved for a repeated notice, or once the payment is decided."""
    intent = notice.intent
    values: Item = {} if notice.failure in LAPSED else {":now": clock.timestamp()}
    return _move(
        intent.order_id,
        "ADD declines :one SET last_failure = :why" + (", active_at = :now" if values else ""),
        values
        | {
            ":one": {notice.id},
            ":why": notice.failure,
            ":pending": PENDING,
            ":notice": notice.id,
            ":provider": provider,
            ":ref": intent.reference,
        },
        when="status = :pending AND provider = :provider AND reference = :ref AND NOT contains(declines, :notice)",
    )


def still_active(payment: Payment) -> None:
    """Note that the customer is at it; once a minute at most, and not of a payment that is no longer pending."""
    with suppress(Moved):
        for write in activity(payment):
            _table.write(write)


def activity(payment: Payment) -> tuple[Write, ...]:
    """The write, if any, that notes that the customer is at it: see `still_active`. It raises Moved."""
    lately = clock.iso(clock.now() - timedelta(minutes=1))
    if payment.status != PENDING or payment.tried_since(lately):
        return ()
    values: Item = {":now": clock.timestamp(), ":pending": PENDING}
    return (change(payment.order_id, "SET active_at = :now", values, "status = :pending"),)


def fail(payment: Payment, announced: Event) -> None:
    """pending → failed, announced. Raises Moved."""
    values = _place(payment.order_id) | {":failed": FAILED, ":pending": PENDING}
    _table.transact(
        change(payment.order_id, "SET status = :failed, failed_at = :now" + _LISTED, values, "status = :pending"),
        announce(announced, by=MANIFEST),
    )


def capture(payment: Payment, fee: Money, announced: Event) -> None:
    """authorized → captured, announced. Raises Moved."""
    assert payment.amount
    values: Item = {":captured": CAPTURED, ":authorized": AUTHORIZED, ":fee": fee.amount} | _place(payment.order_id)
    _table.transact(
        change(
            payment.order_id,
            "SET status = :captured, fee = :fee, captured = amount, captured_at = :now" + _LISTED,
            values,
            "status = :authorized",
        ),
        announce(announced, by=MANIFEST),
    )


def void(order_id: str) -> Payment:
    """Anything not captured → voided, even where there is no payment: a tombstone. Raises Moved if captured."""
    return _move(
        order_id,
        "SET status = :voided, voided_at = if_not_exists(voided_at, :now)" + _LISTED,
        _place(order_id) | {":voided": VOIDED, ":captured": CAPTURED, ":refunded": REFUNDED},
        when="attribute_not_exists(status) OR NOT status IN (:captured, :refunded)",
    )


def undone(payment: Payment, *also: Write) -> None:
    """captured (or voided, failed, not knowing that it was captured) → refunded, with what is booked. Raises Moved."""
    values = {
        ":refunded": REFUNDED, ":captured": CAPTURED, ":voided": VOIDED, ":failed": FAILED, ":now": clock.timestamp(),
    }  # fmt: skip
    end = change(
        payment.order_id,
        "SET status = :refunded, refunded_at = :now, captured = amount, refunded = amount, returned = amount",
        values,
        "status IN (:captured, :voided, :failed) AND attribute_not_exists(refunded)",
    )
    _table.transact(end, *also)


def wish_to_cancel(order_id: str) -> Payment:
    """Note that the customer wants out, before the money is captured. Raises Moved."""
    return _move(
        order_id,
        "SET wish = :cancel",
        {":cancel": "cancel", ":pending": PENDING, ":authorized": AUTHORIZED},
        when="attribute_not_exists(status) OR status IN (:pending, :authorized)",
    )


def settle(payment: Payment, settlement: Settlement, *also: Write) -> None:
    """Record money that came by hand, once; a transfer that was awaited is thereby authorized. Raises Moved."""
    now = clock.timestamp()
    values: Item = {
        ":settlement": {name: getattr(settlement, name) for name in Settlement.__slots__},
        ":was": payment.status,
        ":ref": payment.reference,
    }
    when = "status = :was AND reference = :ref AND attribute_not_exists(settlement) AND attribute_not_exists(closing)"
    text = "SET settlement = :settlement"
    if payment.status == PENDING:
        text += ", status = :authorized, authorized_at = :now"
        values |= {":authorized": AUTHORIZED, ":now": now}
    elif payment.refunded:
        values |= {":refunded": payment.refunded.amount}
        when += " AND refunded = :refunded"
    else:
        when += " AND attribute_not_exists(refunded)"
    _table.transact(change(payment.order_id, text, values, when), *also)


def forget_means(order_id: str) -> bool:
    """Take what tells of a card, and what a browser could pay with, from a payment that is over; False for others."""
    over = {":captured": CAPTURED, ":refunded": REFUNDED, ":voided": VOIDED, ":failed": FAILED}
    gone = "REMOVE instrument, saved_method, client_secret, redirect"
    try:
        _table.write(change(order_id, gone, over, f"status IN ({', '.join(over)})"))
    except Moved:
        return False
    return True


def book_once(*bookings: Write) -> None:
    """Book all of it together, unless it is booked already."""
    try:
        _table.transact(*bookings)
    except AlreadyBooked:
        return


def _place(order_id: str) -> Item:
    """Values of `_LISTED`: now is when the payment has ended."""
    now, shard = clock.timestamp(), crc32(order_id.encode()) % len(ENDED)
    return {":now": now, ":list": ENDED[shard], ":place": f"{now}#{order_id}"}


def _move(order_id: str, expression: str, values: Item, *, when: str) -> Payment:
    return read_payment(order_id, _table.write(change(order_id, expression, values, when)))


def change(order_id: str, expression: str, values: Item, when: str) -> Write:
    """An update of a payment that raises Moved, with the payment as it was found, unless the condition holds."""

    def moved(found: Item | None) -> Problem:
        refusal = Moved("The payment has moved on.")
        refusal.payment = read_payment(order_id, found) if found else None
        return refusal

    return update(payment_key(order_id), expression, values, when=when, otherwise=moved)

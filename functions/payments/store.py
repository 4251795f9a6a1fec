"""Payments in the table: one item per order, moved on by conditions on its status."""

from market import clock
from market.errors import Conflict, Problem
from market.events import Event, announce
from market.money import Money
from market.table import Item, Key, Table, Write, update
from orders.contract import MANIFEST as ORDERS
from orders.contract import OrderSnapshot, order_key, read_order
from payments.gateway import Intent
from payments.manifest import MANIFEST
from payments.model import AUTHORIZED, CAPTURED, FAILED, PENDING, REFUNDED, VOIDED, Payment, read_payment

_table = Table(MANIFEST, ORDERS)


class Moved(Conflict):
    """The payment is in another status than the change needs; `payment` is as it was found, None if there is none."""

    payment: Payment | None = None


def payment_key(order_id: str) -> Key:
    return Key(f"PAY#{order_id}")


def with_order(customer_id: str, order_id: str) -> tuple[OrderSnapshot | None, Payment | None]:
    """The customer's order and its payment, in one call."""
    order, payment = order_key(customer_id, order_id), payment_key(order_id)
    found = _table.batch_get([order, payment], consistent=True)
    return (
        read_order(found[order]) if order in found else None,
        read_payment(order_id, found[payment]) if payment in found else None,
    )


def get(order_id: str) -> Payment | None:
    item = _table.get(payment_key(order_id), consistent=True)
    return read_payment(order_id, item) if item else None


def open_payment(order: OrderSnapshot, intent: Intent, provider: str) -> Payment:
    """Record the provider's intent, once. Raises Moved if the payment exists or was given up before it began."""
    return _move(
        order.id,
        "SET status = :pending, amount = :amount, currency = :currency, customer_id = :customer, provider = :provider,"
        " reference = :reference, client_secret = :secret, created_at = :now",
        {
            ":pending": PENDING,
            ":amount": intent.amount.amount,
            ":currency": intent.amount.currency,
            ":customer": order.customer_id,
            ":provider": provider,
            ":reference": intent.reference,
            ":secret": intent.client_secret,
            ":now": clock.timestamp(),
        },
        when="attribute_not_exists(status)",
    )


def await_with(order_id: str, token: str) -> Payment:
    """Leave the checkout's task token where the authorization will find it. Raises Moved if all is decided."""
    return _move(
        order_id,
        "SET task_token = :token",
        {":token": token, ":pending": PENDING},
        when="(attribute_not_exists(status) OR status = :pending) AND attribute_not_exists(wish)",
    )


def authorize(notice: Intent) -> Payment:
    """pending → authorized, if reference, amount and currency are the payment's own. Raises Moved."""
    return _move(
        notice.order_id,
        "SET status = :authorized, authorized_at = :now",
        {
            ":authorized": AUTHORIZED,
            ":pending": PENDING,
            ":now": clock.timestamp(),
            ":reference": notice.reference,
            ":amount": notice.amount.amount,
            ":currency": notice.amount.currency,
        },
        when="status = :pending AND reference = :reference AND amount = :amount AND currency = :currency",
    )


def decline(intent: Intent, notice_id: str, reason: str) -> Payment:
    """Count a declined attempt, once per notice. Raises Moved for a repeated notice, or once the payment is decided."""
    return _move(
        intent.order_id,
        "ADD declines :one SET last_failure = :why",
        {":one": {notice_id}, ":why": reason, ":pending": PENDING, ":notice": notice_id, ":ref": intent.reference},
        when="status = :pending AND reference = :ref AND NOT contains(declines, :notice)",
    )


def fail(payment: Payment, announced: Event) -> None:
    """pending → failed, announced. Raises Moved."""
    values = {":failed": FAILED, ":pending": PENDING}
    _table.transact(
        _update(payment.order_id, "SET status = :failed", values, "status = :pending"), announce(announced, by=MANIFEST)
    )


def capture(payment: Payment, fee: Money, announced: Event) -> None:
    """authorized → captured, announced. Raises Moved."""
    values = {":captured": CAPTURED, ":authorized": AUTHORIZED, ":fee": fee.amount, ":now": clock.timestamp()}
    _table.transact(
        _update(
            payment.order_id,
            "SET status = :captured, fee = :fee, captured_at = :now",
            values,
            "status = :authorized",
        ),
        announce(announced, by=MANIFEST),
    )


def void(order_id: str) -> Payment:
    """Anything not captured → voided, even where there is no payment: a tombstone. Raises Moved if captured."""
    return _move(
        order_id,
        "SET status = :voided, voided_at = :now",
        {":voided": VOIDED, ":captured": CAPTURED, ":refunded": REFUNDED, ":now": clock.timestamp()},
        when="attribute_not_exists(status) OR NOT status IN (:captured, :refunded)",
    )


def refund(order_id: str) -> Payment:
    """captured (or voided, not knowing that it was captured) → refunded; already refunded is fine. Raises Moved."""
    return _move(
        order_id,
        "SET status = :refunded, refunded_at = if_not_exists(refunded_at, :now)",
        {":refunded": REFUNDED, ":captured": CAPTURED, ":voided": VOIDED, ":now": clock.timestamp()},
        when="status IN (:captured, :voided, :refunded)",
    )


def wish_to_cancel(order_id: str) -> Payment:
    """Note that the customer wants out, before the money is captured. Raises Moved."""
    return _move(
        order_id,
        "SET wish = :cancel",
        {":cancel": "cancel", ":pending": PENDING, ":authorized": AUTHORIZED},
        when="attribute_not_exists(status) OR status IN (:pending, :authorized)",
    )


def _move(order_id: str, expression: str, values: Item, *, when: str) -> Payment:
    return read_payment(order_id, _table.write(_update(order_id, expression, values, when)))


def _update(order_id: str, expression: str, values: Item, when: str) -> Write:
    def moved(found: Item | None) -> Problem:
        refusal = Moved("The payment has moved on.")
        refusal.payment = read_payment(order_id, found) if found else None
        return refusal

    return update(payment_key(order_id), expression, values, when=when, otherwise=moved)

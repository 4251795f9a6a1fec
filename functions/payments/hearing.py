"""What providers report by webhook, once it is verified: acted on first, then kept in the payment's history.

Twice, late or out of order a report changes nothing. One that does not fit the payment that it names changes nothing
either and is told to staff.
"""

from market import log
from market.table import Write
from payments import history, service, store, waiting
from payments.events import PaymentFailed
from payments.gateway import Notice
from payments.model import FAILED, PENDING, Mismatch, Payment, PaymentDeclined
from payments.store import Moved, NotRecorded

_FOR_PEOPLE = ("disputed", "refund_failed")
"""Money that moves against our book. What follows is decided by a person."""


def hear(name: str, notice: Notice, payload: str = "") -> None:
    """Act on a verified webhook. Raises Mismatch for what is not this payment's, NotRecorded for what is too early."""
    if not notice.intent.order_id:
        log.info("webhook about no order", provider=name, type=notice.type, notice=notice.id)
        return
    signs: tuple[Write, ...] = ()
    if notice.type in ("authorized", "captured"):
        service.hear_paid(name, notice.intent)
    elif notice.type == "declined":
        _declined(name, notice)
    elif notice.type == "attempted":
        signs = _signs(name, notice)
    else:
        _told(name, notice)
    history.note(name, notice, payload, *signs)
    if notice.type in _FOR_PEOPLE:
        raise Mismatch(notice.type)


def _signs(name: str, notice: Notice) -> tuple[Write, ...]:
    """The customer is at it, such as at the bank's question (3-D Secure): to be noted with the notice, thus once."""
    payment = _fitting(name, notice)
    return store.activity(payment) if payment else ()


def _told(name: str, notice: Notice) -> None:
    """What needs no answer of ours, as long as it is no news."""
    payment = _fitting(name, notice)
    if payment is None or notice.type != "refunded":
        return
    told, ours = (money.amount if money else 0 for money in (notice.intent.refunded, payment.refunded))
    if told > ours:
        raise NotRecorded("refunded_elsewhere")  # perhaps by an undo of ours that is about to be recorded


def _fitting(name: str, notice: Notice) -> Payment | None:
    """The payment spoken of; None if it is of an intent that the customer left. Raises Mismatch, NotRecorded."""
    payment = _recorded(store.get(notice.intent.order_id))
    service.compare(name, notice.intent, payment)
    return None if payment.left(name, notice.intent.reference) else payment


def _declined(name: str, notice: Notice) -> None:
    intent = notice.intent
    try:
        payment = store.decline(name, notice)
    except Moved as moved:
        payment = _recorded(moved.payment)
        service.compare(name, intent, payment)
    if payment.reference != intent.reference or not payment.exhausted or payment.status not in (PENDING, FAILED):
        return
    if payment.status == PENDING:
        failed = PaymentFailed(order_id=intent.order_id, customer_id=payment.customer_id, reason=notice.failure)
        try:
            store.fail(payment, failed)
        except Moved:
            return
    if payment.token:
        waiting.fail(payment.token, PaymentDeclined.__name__)


def _recorded(payment: Payment | None) -> Payment:
    if payment is None or not payment.reference:
        raise NotRecorded("unknown_payment")
    return payment

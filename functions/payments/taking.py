"""Takes authorized money: ahead of the checkout by whoever brings the word that the customer has paid, or as its step.

The checkout that waits for the payment is woken with the money taken, which saves it a step of its own, and the
customer the time of it. Whatever speaks against that is found again by the step, which knows what to do about it.
"""

from dataclasses import replace
from typing import Any

from market import log
from market.errors import Problem
from market.money import Money
from orders.contract import PENDING as ORDER_PENDING
from payments import screening, store, waiting
from payments.events import PaymentSucceeded
from payments.gateway import provider
from payments.model import AUTHORIZED, CAPTURED, CancelledByCustomer, Payment
from payments.store import Moved


def go_on(payment: Payment) -> None:
    """Take the money of an authorized payment and wake the checkout, if one has begun to wait for it.

    May be said again: it wakes the checkout each time, as a word may get lost.
    """
    if not payment.token:
        return
    if payment.status == CAPTURED:
        waiting.succeed(payment.token, waiting.taken(payment))
    elif payment.status == AUTHORIZED:
        try:
            with log.acting(_of_the_checkout(payment)):
                taken = capture(payment.customer_id, payment.order_id)
        except Problem as problem:
            log.info("capture left to the checkout", order_id=payment.order_id, reason=type(problem).__name__)
            waiting.authorized(payment)
        else:
            waiting.succeed(payment.token, taken)


def _of_the_checkout(payment: Payment) -> log.Scope:
    """Who acts now, with the correlation id of the purchase instead of that of the word that it is paid."""
    acting = log.scope()
    return replace(acting, correlation_id=payment.correlation_id or acting.correlation_id)


def capture(customer_id: str, order_id: str) -> dict[str, Any]:
    """Take the authorized money, once the fraud screen admits it, for an order that still awaits it.

    Raises CaptureRefused, Blocked, CancelledByCustomer or Moved, which are final, ReviewNeeded, or ProviderUnavailable:
    try again.
    """
    order, payment = store.with_order(customer_id, order_id)
    if order is None or payment is None:
        raise Moved("there is no payment")
    if payment.wish and payment.status == AUTHORIZED:
        raise CancelledByCustomer(order_id)
    if payment.amount is None or payment.status not in (AUTHORIZED, CAPTURED):
        raise Moved(f"cannot capture a payment that is {payment.status or 'not begun'}")
    if payment.status == AUTHORIZED:
        if order.status != ORDER_PENDING:
            raise Moved(f"the order is {order.status}")
        screening.admit(payment, order)
    intent = provider(payment.provider).capture(payment.key, payment.reference, payment.amount)
    fee = intent.fee or Money(0, payment.amount.currency)
    if payment.status == AUTHORIZED:
        _record(payment, fee)
    return {"amount": payment.amount.plain(), "fee": fee.plain(), "provider": payment.provider}


def _record(payment: Payment, fee: Money) -> None:
    """authorized → captured, by us or by somebody who was faster. Raises Moved."""
    assert payment.amount
    succeeded = PaymentSucceeded(
        order_id=payment.order_id,
        customer_id=payment.customer_id,
        amount=payment.amount,
        fee=fee,
        provider=payment.provider,
    )
    try:
        store.capture(payment, fee, succeeded)
    except Moved as moved:
        if moved.payment is None or moved.payment.status != CAPTURED:
            raise

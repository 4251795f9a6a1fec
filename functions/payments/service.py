"""What happens to payments: opened, authorized or declined by webhook, captured, and undone.

Each verb may be called again at any time: it does nothing where its effect is there already.
"""

from typing import Any

import orjson

from market import clock, config, log
from market.errors import NotFound
from market.money import Money
from orders.contract import PENDING as ORDER_PENDING
from payments import store
from payments.events import PaymentFailed, PaymentSucceeded
from payments.gateway import Intent, Notice, provider
from payments.model import (
    AUTHORIZED,
    CAPTURED,
    FAILED,
    PENDING,
    REFUNDED,
    VOIDED,
    CancelledByCustomer,
    Mismatch,
    NotPaidInTime,
    NotPayable,
    Payment,
    PaymentDeclined,
)
from payments.store import Moved

PROVIDER = "sandbox"


def open_for(customer_id: str, order_id: str) -> Payment:
    """The payment of a placed order, made with the provider on the first call. Raises NotFound or NotPayable."""
    order, payment = store.with_order(customer_id, order_id)
    if order is None:
        raise NotFound("There is no such order.")
    if payment and payment.reference and payment.status == PENDING and not payment.wish:
        return payment
    if order.status != ORDER_PENDING or order.hold_until <= clock.timestamp() or (payment and payment.status):
        raise NotPayable("This order does not await a payment.")
    intent = provider(PROVIDER).create(order.id, order.total)
    try:
        return store.open_payment(order, intent, PROVIDER)
    except Moved as moved:
        if moved.payment and moved.payment.status == PENDING:
            return moved.payment
        raise NotPayable("This order does not await a payment.") from None


def await_payment(order_id: str, token: str) -> None:
    """Let the checkout wait with `token`; wakes it at once if the payment is decided already."""
    try:
        store.await_with(order_id, token)
    except Moved as moved:
        _wake(moved.payment, token)


def hear(notice: Notice) -> None:
    """A provider's webhook. Twice, late or out of order, it changes nothing. Raises Mismatch for another's money."""
    if notice.type == "payment_intent.authorized":
        _authorized(notice.intent)
    elif notice.type == "payment_intent.declined":
        _declined(notice)
    else:
        log.info("webhook noted", type=notice.type, order_id=notice.intent.order_id)


def resolve(order_id: str) -> None:
    """The wait is over without a word from the provider: ask it, since a timeout is not a decline.

    Raises NotPaidInTime unless the payment is authorized.
    """
    payment = store.get(order_id)
    if payment and payment.status == PENDING and payment.reference:
        intent = provider(payment.provider).retrieve(payment.reference)
        if intent.status == AUTHORIZED:
            _authorized(intent)
            payment = store.get(order_id)
    if payment is None or payment.status not in (AUTHORIZED, CAPTURED):
        raise NotPaidInTime(order_id)


def capture(order_id: str) -> dict[str, Any]:
    """Take the authorized money.

    Raises CaptureRefused or CancelledByCustomer, which are final, or ProviderUnavailable: try again.
    """
    payment = _known(order_id)
    if payment.wish and payment.status == AUTHORIZED:
        raise CancelledByCustomer(order_id)
    if payment.amount is None or payment.status not in (AUTHORIZED, CAPTURED):
        raise Moved(f"cannot capture a payment that is {payment.status or 'not begun'}")
    intent = provider(payment.provider).capture(order_id, payment.reference, payment.amount)
    fee = intent.fee or Money(0, payment.amount.currency)
    if payment.status == AUTHORIZED:
        succeeded = PaymentSucceeded(
            order_id=order_id,
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
    return {"amount": payment.amount.plain(), "fee": fee.plain(), "provider": payment.provider}


def undo(order_id: str) -> None:
    """Leave nothing charged: void what is not captured, refund what is. Leaves a tombstone where nothing began.

    The provider's word counts, not ours: the answer to a capture may have been lost.
    """
    try:
        payment = store.void(order_id)
    except Moved:
        payment = _known(order_id)
    if payment.amount is None:
        return
    port = provider(payment.provider)
    status = port.retrieve(payment.reference).status
    if status == CAPTURED:
        port.refund(order_id, payment.reference, payment.amount)
    elif status not in (VOIDED, REFUNDED):
        port.void(order_id, payment.reference)
    if status in (CAPTURED, REFUNDED):
        store.refund(order_id)


def cancel(order_id: str) -> None:
    """The customer wants out: end the checkout's wait, now or as soon as it begins; or stop it before the capture."""
    try:
        payment = store.wish_to_cancel(order_id)
    except Moved:
        return
    if payment.token and payment.status != AUTHORIZED:
        _fail(payment.token, CancelledByCustomer.__name__)


def _authorized(intent: Intent) -> None:
    try:
        payment = store.authorize(intent)
    except Moved as moved:
        _authorized_late(intent, moved.payment)
        return
    if payment.token:
        _succeed(payment.token)


def _authorized_late(intent: Intent, payment: Payment | None) -> None:
    """An authorization that changes nothing: a repetition, one for a payment given up, or one that is not ours."""
    if payment is None or not payment.reference:
        # The provider was faster than our own record of the intent: the queue brings it again.
        raise Moved("the payment is not recorded yet")
    if (payment.reference, payment.amount) != (intent.reference, intent.amount):
        log.error("webhook mismatch", order_id=intent.order_id, reference=intent.reference)
        raise Mismatch("The webhook speaks of other money.")
    if payment.status in (VOIDED, FAILED):
        provider(payment.provider).void(intent.order_id, intent.reference)
    elif payment.status == AUTHORIZED and payment.token:
        _succeed(payment.token)


def _declined(notice: Notice) -> None:
    intent = notice.intent
    try:
        payment = store.decline(intent, notice.id, notice.failure)
    except Moved as moved:
        payment = moved.payment or _known(intent.order_id)
    if payment.reference != intent.reference or not payment.exhausted or payment.status not in (PENDING, FAILED):
        return
    if payment.status == PENDING:
        failed = PaymentFailed(order_id=intent.order_id, customer_id=payment.customer_id, reason=notice.failure)
        try:
            store.fail(payment, failed)
        except Moved:
            return
    if payment.token:
        _fail(payment.token, PaymentDeclined.__name__)


def _wake(payment: Payment | None, token: str) -> None:
    """Answer a wait that began after its question was decided."""
    if payment is None:
        return
    if payment.status in (AUTHORIZED, CAPTURED):
        _succeed(token)
    elif payment.wish:
        _fail(token, CancelledByCustomer.__name__)
    elif payment.status in (FAILED, VOIDED, REFUNDED):
        _fail(token, PaymentDeclined.__name__)


def _succeed(token: str) -> None:
    states = config.client("stepfunctions")
    try:
        states.send_task_success(taskToken=token, output=orjson.dumps({"authorized": True}).decode())
    except (states.exceptions.TaskTimedOut, states.exceptions.TaskDoesNotExist):
        log.info("checkout no longer waits")


def _fail(token: str, error: str) -> None:
    states = config.client("stepfunctions")
    try:
        states.send_task_failure(taskToken=token, error=error, cause="")
    except (states.exceptions.TaskTimedOut, states.exceptions.TaskDoesNotExist):
        log.info("checkout no longer waits")


def _known(order_id: str) -> Payment:
    payment = store.get(order_id)
    if payment is None:
        raise Moved("there is no payment")
    return payment

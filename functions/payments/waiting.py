"""The checkout that waits for a payment with a task token, and how it is woken."""

from typing import Any

import orjson

from market import config, log
from market.money import Money
from payments.model import (
    AUTHORIZED,
    CAPTURED,
    FAILED,
    REFUNDED,
    VOIDED,
    CancelledByCustomer,
    Payment,
    PaymentDeclined,
    StillToCapture,
)


def wake(payment: Payment | None, token: str) -> None:
    """Answer a wait that began after its question was decided."""
    if payment is None:
        return
    if payment.status == CAPTURED:
        succeed(token, taken(payment))
    elif payment.status == AUTHORIZED:
        fail(token, StillToCapture.__name__)
    elif payment.wish:
        fail(token, CancelledByCustomer.__name__)
    elif payment.status in (FAILED, VOIDED, REFUNDED):
        fail(token, PaymentDeclined.__name__)


def authorized(payment: Payment) -> None:
    """Let the checkout take the money of an authorized payment in a step of its own, if it waits."""
    if payment.status == AUTHORIZED and payment.token:
        fail(payment.token, StillToCapture.__name__)


def taken(payment: Payment) -> dict[str, Any]:
    """What the checkout is told of a captured payment."""
    assert payment.amount
    fee = payment.fee or Money(0, payment.amount.currency)
    return {"amount": payment.amount.plain(), "fee": fee.plain(), "provider": payment.provider}


def succeed(token: str, taken: dict[str, Any]) -> None:
    """Wake the checkout with the money taken, as `taken` tells of it."""
    _tell("send_task_success", taskToken=token, output=orjson.dumps(taken).decode())


def fail(token: str, error: str) -> None:
    _tell("send_task_failure", taskToken=token, error=error, cause="")


def _tell(what: str, **given: Any) -> None:
    states = config.client("stepfunctions")
    try:
        getattr(states, what)(**given)
    except (states.exceptions.TaskTimedOut, states.exceptions.TaskDoesNotExist):
        log.info("checkout no longer waits")

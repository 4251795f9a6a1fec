"""The checkout that waits for a payment with a task token, and how it is woken."""

from typing import Any

import orjson

from market import config, log
from payments.model import AUTHORIZED, CAPTURED, FAILED, REFUNDED, VOIDED, CancelledByCustomer, Payment, PaymentDeclined


def wake(payment: Payment | None, token: str) -> None:
    """Answer a wait that began after its question was decided."""
    if payment is None:
        return
    if payment.status in (AUTHORIZED, CAPTURED):
        succeed(token)
    elif payment.wish:
        fail(token, CancelledByCustomer.__name__)
    elif payment.status in (FAILED, VOIDED, REFUNDED):
        fail(token, PaymentDeclined.__name__)


def succeed(token: str) -> None:
    _tell("send_task_success", taskToken=token, output=orjson.dumps({"authorized": True}).decode())


def fail(token: str, error: str) -> None:
    _tell("send_task_failure", taskToken=token, error=error, cause="")


def _tell(what: str, **given: Any) -> None:
    states = config.client("stepfunctions")
    try:
        getattr(states, what)(**given)
    except (states.exceptions.TaskTimedOut, states.exceptions.TaskDoesNotExist):
        log.info("checkout no longer waits")

"""Steps and undos that payments own: of the checkout, and the giving back of a refund."""

from typing import Any

from market.money import Money
from market.tasks import Tasks
from payments import service, taking
from payments.manifest import MANIFEST

tasks = Tasks(MANIFEST)
handler = tasks.handler


@tasks.task("await_payment")
def await_payment(given: dict[str, Any], token: str) -> None:
    """Wait, with the task token, until the money is taken, or the customer has given up or run out of attempts."""
    service.await_payment(given["orderId"], token)


@tasks.task("resolve")
def resolve(given: dict[str, Any]) -> None:
    """The wait timed out: ask the provider, and tell whether the customer is still at it."""
    service.resolve(given["orderId"])


@tasks.task("capture")
def capture(given: dict[str, Any]) -> dict[str, Any]:
    """Take the authorized money, if the fraud screen admits it."""
    return taking.capture(given["customerId"], given["orderId"])


@tasks.task("undo")
def undo(given: dict[str, Any]) -> None:
    """Undo of the payment: void or refund."""
    service.undo(given["orderId"])


@tasks.task("refund")
def refund(given: dict[str, Any]) -> dict[str, Any]:
    """Give captured money back: `{"orderId", "refundId", "amount"}` to `{"provider", "reference", "feeReturned"}`."""
    return service.refund(given["orderId"], given["refundId"], Money(**given["amount"]))

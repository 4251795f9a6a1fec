"""Steps and undos of the checkout that orders own."""

from typing import Any

from market.money import Money
from market.tasks import Tasks
from orders import service
from orders.manifest import MANIFEST

tasks = Tasks(MANIFEST)
handler = tasks.handler


@tasks.task("confirm")
def confirm(given: dict[str, Any]) -> None:
    """The payment is captured: sell the stock, book the money, announce the paid order."""
    captured = given["captured"]
    service.confirm(
        given["customerId"],
        given["orderId"],
        Money(**captured["amount"]),
        Money(**captured["fee"]),
        captured["provider"],
    )


@tasks.task("hold_longer")
def hold_longer(given: dict[str, Any]) -> dict[str, Any]:
    """The hold is over, but the customer is still paying: another one, if there was not enough of it yet.

    Answers what it was given, with as many seconds to wait as the goods are held: the last hold may be a shorter one.
    """
    seconds = service.hold_longer(given["customerId"], given["orderId"], given["holdSeconds"])
    return given | {"holdSeconds": seconds}


@tasks.task("give_up")
def give_up(given: dict[str, Any]) -> dict[str, str]:
    """Undo of the placement, and of a confirmation that may have been half heard: release the stock, cancel."""
    return {"status": service.give_up(given["customerId"], given["orderId"], _reason(given["failure"]))}


def _reason(failure: dict[str, Any]) -> str:
    """Why the checkout failed, as the customer may see it."""
    return {
        "States.Timeout": "payment_timeout",
        "NotPaidInTime": "payment_timeout",
        "HeldLongest": "payment_timeout",
        "PaymentDeclined": "payment_declined",
        "CaptureRefused": "payment_declined",
        "Blocked": "payment_declined",
        "ReviewRejected": "payment_declined",
        "CancelledByCustomer": "cancelled_by_customer",
    }.get(failure["Error"], "checkout_failed")

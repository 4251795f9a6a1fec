"""Steps of the refund that refunds own; what the provider does is a task of the payments."""

from typing import Any

import orjson

from market.money import Money
from market.tasks import Tasks
from refunds import service
from refunds.manifest import MANIFEST

tasks = Tasks(MANIFEST)
handler = tasks.handler


@tasks.task("book")
def book(given: dict[str, Any]) -> None:
    """The provider gives the money back: the refund succeeded, booked and announced."""
    executed = given["executed"]
    service.settle(given["orderId"], given["refundId"], executed["provider"], Money(**executed["feeReturned"]))


@tasks.task("refuse")
def refuse(given: dict[str, Any]) -> None:
    """The provider refused for good: the reservation is given back."""
    service.refuse(given["orderId"], given["refundId"], _why(given["failure"]))


def _why(failure: dict[str, str]) -> str:
    """The provider's reason, as the step before said it; else the error's name."""
    try:
        told = orjson.loads(failure.get("Cause", ""))["errorMessage"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return failure["Error"]
    return str(told)[:200] or failure["Error"]

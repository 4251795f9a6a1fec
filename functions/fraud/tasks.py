"""Steps of the checkout that the fraud screen owns."""

from typing import Any

from fraud import service
from fraud.manifest import MANIFEST
from market.tasks import Tasks

tasks = Tasks(MANIFEST)
handler = tasks.handler


@tasks.task("await_review")
def await_review(given: dict[str, Any], token: str) -> None:
    """Wait, with the task token, until a person has decided or the order is given up."""
    service.await_review(given["orderId"], token)


@tasks.task("resolve_review")
def resolve_review(given: dict[str, Any]) -> None:
    """Nobody answered in time: the review is over, unless it was approved after all."""
    service.resolve(given["orderId"])

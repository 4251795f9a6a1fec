"""A checkout whose functions can be killed before or after any of their AWS calls, and staff who review payments."""

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from fraud.api import handler as fraud_api
from local.templates import Templates
from market import config
from orders.api import handler as orders_api
from tests import shop
from tests.http import Response, call
from tests.sagas.checkout import Checkout, lost, order_id, templates

TOTAL = 2_490
DOUBTFUL, ON_BLOCK_LIST = "4100000000000019", "4100000100000018"
REVIEW_SECONDS = 3_600
"""How long a review may wait in these stories: days would be told in thousands of runs of the schedule."""


@cache
def hurried() -> Templates:
    """The synthesized templates, but for the patience of a review."""
    found = templates()
    machines = {
        key: replace(machine, definition=deepcopy(machine.definition)) for key, machine in found.machines.items()
    }
    for machine in machines.values():
        if review := machine.definition["States"].get("AwaitReview"):
            review["TimeoutSeconds"] = REVIEW_SECONDS
    return replace(found, machines=machines)


class Reviewed(Checkout):
    """`kill` names one AWS call of a task or function, by number, and whether it is lost before or after its effect."""

    def __init__(self, environment: pytest.MonkeyPatch) -> None:
        environment.setattr("tests.sagas.checkout.templates", hurried)
        super().__init__(environment)
        self._running: list[str] = []
        self._victim: tuple[str, str, int] | None = None
        self.aws: Counter[str] = Counter()
        events = config.session().events
        events.register("before-parameter-build", lambda **_: self._strike("before"))
        events.register("after-call", lambda **_: self._strike("after"))

    def kill(self, what: str, when: str, number: int) -> None:
        """Let the first run of `what` that comes so far die at its AWS call `number`, counted from 0."""
        self._victim = (what, when, number)

    @property
    def killed(self) -> bool:
        return self._victim is None

    def decide(self, number: str, decision: str = "approve") -> Response:
        """As a member of the staff, in a request whose AWS calls are those of `decision`."""
        self._running.append("decision")
        self.aws["decision"] = 0
        try:
            path = f"/v1/admin/fraud/reviews/{number}/decision"
            return call(fraud_api, "POST", path, {"decision": decision}, caller="grace", roles="staff")
        finally:
            self._running.pop()

    def screening(self, number: str) -> dict[str, Any]:
        answer = call(fraud_api, "GET", f"/v1/admin/fraud/screenings/{number}", caller="grace", roles="staff")
        return dict(answer.json)

    def queue(self) -> list[tuple[str, str]]:
        answer = call(fraud_api, "GET", "/v1/admin/fraud/reviews", caller="grace", roles="staff")
        return [(item["orderNo"], item["status"]) for item in answer.json["items"]]

    def uses(self) -> int:
        """How often the subject that was seen most is remembered to have paid."""
        answer = config.client("dynamodb").scan(TableName=config.setting("TABLE_NAME"))
        seen = [item for item in answer["Items"] if item["pk"]["S"].startswith("FRD#seen#")]
        return max((len(value["SS"]) for item in seen for value in item.values() if "SS" in value), default=0)

    def transitions(self, number: str) -> int:
        return len(self.history(number))

    def running(self, number: str) -> bool:
        return self.executions().get(order_id(number)) == "RUNNING"

    def _invoke(self, function: str, event: Any) -> Any:
        what = event.get("task") if isinstance(event, dict) else None
        what = what or function.removeprefix("market-dev-")
        self._running.append(what)
        self.aws[what] = 0
        try:
            return super()._invoke(function, event)
        finally:
            self._running.pop()

    def _strike(self, when: str) -> None:
        if not self._running:
            return
        what = self._running[-1]
        at = self.aws[what] - (when == "after")
        if when == "before":
            self.aws[what] += 1
        if self._victim == (what, when, at):
            self._victim = None
            raise lost("Lambda.Unknown")


def held(checkout: Reviewed, card: str = DOUBTFUL) -> str:
    """An order whose payment waits for a person; its number."""
    shop.stock("LAMP", 10, price=shop.euros(2_000))
    number = checkout.place()
    checkout.run()
    checkout.pay("ada", number, card)
    checkout.run()
    return number


def assert_waiting(checkout: Reviewed, number: str) -> None:
    """Nothing is taken, nothing given up: the authorization and the goods are kept for the decision."""
    assert checkout.running(number)
    assert checkout.history(number)[-1] == "AwaitReview"
    assert checkout.provider_book(number) == ("authorized", 0)
    assert shop.shelf("LAMP") == (9, 1)
    assert shop.order_of("ada", number)["status"] == "pending_payment"
    assert checkout.queue() == [(number, "open")]


def cancel(number: str) -> int:
    return call(orders_api, "POST", f"/v1/orders/{number}/cancellation", caller="ada").status

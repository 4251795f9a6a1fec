"""Plays a story of the model on the real handlers, and compares what is remembered after each of its steps.

The real definition runs on the local runtime, one piece of work at a time: what the story tells between two tasks is
done just before the second one is invoked. Calls die where the story says, by the saboteur of `tests/sagas`.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson
import pytest

from fraud.api import handler as fraud_api
from fraud.consumer import handler as fraud_hears
from market import config
from market.ids import ulid
from orders.api import handler as orders_api
from orders.consumer import handler as orders_hear
from orders.staff_api import handler as staff_api
from payments.consumer import handler as payments_hear
from payments.sandbox_webhooks import deliver
from payments.webhooks import work
from tests import shop
from tests.http import call
from tests.model.checkout import DOUBTFUL, GOOD, LISTED, REFUSED, Action, Model, State, Step
from tests.sagas import checkout as cards
from tests.sagas import review
from tests.sagas.checkout import Checkout, lost, order_id

Story = Sequence[tuple[Action, State]]
NUMBERS = {
    GOOD: cards.GOOD,
    REFUSED: cards.CAPTURE_FAILS,
    DOUBTFUL: review.DOUBTFUL,
    LISTED: review.ON_BLOCK_LIST,
}
STAFF = {"caller": "grace", "roles": "staff"}
DEATHS = {
    "resolve look": ("GET intent", "before"),
    "resolve ask": ("GET intent", "after"),
    "capture screen": ("POST capture", "before"),
    "capture charge": ("POST capture", "after"),
    "undo void": ("GET intent", "before"),
    "undo give back": ("POST refund", "after"),
}
"""Where the saboteur strikes for a task to die after a call that is not its last."""

HEARS = {
    "hear of the cancellation": (payments_hear, "order.cancellation_requested"),
    "hear of the compensation": (payments_hear, "order.compensation_requested"),
    "hears of the cancellation": (fraud_hears, "order.cancellation_requested"),
    "hears of the end": (fraud_hears, "order.cancelled"),
    "hears of the decision": (fraud_hears, "fraud.decided"),
}


class Replay(Checkout):
    """One order of one lamp, of which another order holds one all the time."""

    def __init__(self, environment: pytest.MonkeyPatch) -> None:
        environment.setattr("tests.sagas.checkout.templates", review.hurried)
        super().__init__(environment)
        self._story: Story = ()
        self._next = 0
        self._said: dict[str, list[str]] = {"authorized": [], "declined": []}
        self._intent: dict[str, Any] = {}
        self._dying: tuple[str, str] | None = None

    def play(self, story: Story) -> None:
        shop.stock("LAMP", 2)
        self.place("bob")
        self.number = self.place("ada")
        self.order = order_id(self.number)
        self._story = story
        while self._next < len(story):
            action, _ = story[self._next]
            if _of_machine(action):
                self._let_machine_run(action)
            else:
                self._do(action)
        self._dying = None

    # -- the machine

    def _let_machine_run(self, action: Action) -> None:
        before = self._next
        if action.what == "times out":
            self.runtime._ahead += max(cards.HOLD_SECONDS, review.REVIEW_SECONDS) + 1
            self._passed(1)
            before -= 1
        if action.who == "ParkForPeople":
            self._passed(1)
        while (due := self.runtime.workflows.next_due()) is not None and due <= self.runtime.now():
            if taken := self.runtime.workflows.take():
                taken()
        assert self._next > before or self._dying, f"the machine does not come to: {action}"

    def _invoke(self, function: str, event: Any) -> Any:
        task = event.get("task") if isinstance(event, dict) else None
        if task is None or event["input"]["orderId"] != self.order:
            return super()._invoke(function, event)
        if self._dying and self._dying[0] == task:
            return self._die(function, event)
        self._dying = None
        self._faults.clear()
        while self._next < len(self._story) and not _of_machine(self._story[self._next][0]):
            self._do(self._story[self._next][0])
        if self._next >= len(self._story):
            return super()._invoke(function, event)
        return self._attempt(task, function, event)

    def _attempt(self, task: str, function: str, event: Any) -> Any:
        """One run of a task, as far as the story lets it come."""
        end = self._next
        while self._story[end][1].doing not in ("", "waiting"):
            end += 1
        action, _ = self._story[end]
        step = Model().machine[action.who]
        assert isinstance(step, Step)
        assert step.task == task, f"{task} is invoked, the story tells of {action}"
        count = end - self._next + 1
        if "dies" not in action.how and action.what != "never begins":
            try:
                return super()._invoke(function, event)
            finally:
                self._passed(count)
        where = "begin" if action.what == "never begins" else f"{task} {action.what}"
        last = action.what == "never begins" or action.how.endswith("last time")
        self._dying = (task, where)
        try:
            return self._die(function, event)
        finally:
            self._passed(count)
            if not last:
                self._dying = None

    def _die(self, function: str, event: Any) -> Any:
        assert self._dying
        where = self._dying[1]
        if where in ("begin", "capture look"):
            raise lost(self.death)
        strikes = [DEATHS[where]] if where in DEATHS else []
        if where == "undo ask":
            strikes = [("POST void", "before"), ("POST refund", "before")]
        for strike in strikes:
            self.break_(*strike)
        with suppress(Exception):  # whatever it would have said, nobody hears it
            super()._invoke(function, event)
        self._faults.clear()
        raise lost(self.death)

    # -- everybody else

    def _do(self, action: Action) -> None:
        count = 1
        if action.what in HEARS:
            handler, kind = HEARS[action.what]
            self._deliver(handler, kind)
            while self._story[self._next + count - 1][1].stray:
                count += 1
        elif action.who == "machine":
            self._deliver(orders_hear, "order.created")
        elif action.who == "webhook":
            self._hear(action.what)
        elif action.who == "staff":
            self._staff(action.what)
        else:
            self._customer(action)
        self._passed(count)

    def _customer(self, action: Action) -> None:
        if action.how == "the answer is lost":
            self.break_("POST payment_intents", "after")
            with pytest.raises(AssertionError):
                self.open("ada", self.number)
            self._faults.clear()
        elif action.what == "opens the payment":
            self._intent = self.open("ada", self.number)
        elif action.what == "pays":
            assert self.confirm(self._intent, NUMBERS[action.how]).status == 200
            self._collect()
        elif action.what == "is declined for good":
            for _ in range(3):
                assert self.confirm(self._intent, cards.DECLINED).status == 200
            self._collect()
        else:
            assert call(orders_api, "POST", f"/v1/orders/{self.number}/cancellation", caller="ada").status == 202

    def _staff(self, what: str) -> None:
        if what == "compensates":
            body = {"action": "cancel_and_refund", "reason": "the story says so"}
            path = f"/v1/admin/orders/{self.number}/compensation"
            assert call(staff_api, "POST", path, body, **STAFF).status == 202
            return
        decision = {"approves": "approve", "rejects": "reject"}[what]
        path = f"/v1/admin/fraud/reviews/{self.number}/decision"
        assert call(fraud_api, "POST", path, {"decision": decision}, **STAFF).status == 200

    def _collect(self) -> None:
        """Keep what the provider has said, to be told when the story tells it."""
        name = config.setting("SANDBOX_QUEUE_URL").rpartition("/")[2]
        while messages := self.runtime.queues.receive(name, 10):
            for message in messages:
                kind = "authorized" if "payment_intent.authorized" in message.body else "declined"
                self._said[kind].append(message.body)
            self.runtime.queues.delete(name, [message.receipt for message in messages])

    def _hear(self, kind: str) -> None:
        """The provider's webhooks of a kind, signed, verified, queued and worked off."""
        name = config.setting("WEBHOOK_QUEUE_URL").rpartition("/")[2]
        assert self._said[kind]
        for body in self._said[kind]:
            deliver(body.encode())
        while messages := self.runtime.queues.receive(name, 10):
            for message in messages:
                work(orjson.loads(message.body))
            self.runtime.queues.delete(name, [message.receipt for message in messages])

    def _deliver(self, handler: Any, kind: str) -> None:
        told = [event for event in shop.announced() if event["type"] == kind and _about(event, self.order)]
        assert told, f"nobody has announced {kind}"
        records = [
            {"messageId": ulid(), "eventSourceARN": "replay", "body": orjson.dumps({"detail": event}).decode()}
            for event in told
        ]
        assert not handler({"Records": records}, None).get("batchItemFailures")

    # -- what is remembered

    def _passed(self, count: int) -> None:
        """The story has gone on: everything that is remembered must be as it tells."""
        self._next += count
        action, state = self._story[self._next - 1]
        assert self.remembered() == told(state), f"after: {action}"

    def remembered(self) -> dict[str, Any]:
        item = {kind: self._item(f"{kind}#{self.order}") or {} for kind in ("PAY", "FRD")}
        status, net = self.provider_book_of(self.order)
        available, held = shop.shelf("LAMP")
        return {
            "order": shop.order_of("ada", self.number)["status"].removesuffix("_payment"),
            "stock": (available, held),
            "payment": item["PAY"].get("status", {}).get("S", ""),
            "stop": "wish" in item["PAY"],
            "provider": (status, net),
            "review": item["FRD"].get("status", {}).get("S", ""),
        }

    def provider_book_of(self, order: str) -> tuple[str, int]:
        """(status, charged at present) at the provider, known to us or not; the status is empty where there is none."""
        found = config.client("dynamodb").scan(TableName=config.setting("TABLE_NAME"), ConsistentRead=True)["Items"]
        for item in found:
            if item["pk"]["S"].startswith("SBX#") and item.get("order_id", {}).get("S") == order:
                status = item["status"]["S"]
                charged = int(item["amount"]["N"]) if status in ("captured", "refunded") else 0
                return status, (charged - int(item["refunded"]["N"])) // int(item["amount"]["N"])
        return "", 0


def told(state: State) -> dict[str, Any]:
    return {
        "order": state.order,
        "stock": (state.available, state.held),
        "payment": state.payment,
        "stop": state.stop,
        "provider": (state.intent, state.net),
        "review": state.review,
    }


def _of_machine(action: Action) -> bool:
    return action.who[0].isupper()


def _about(event: dict[str, Any], order: str) -> bool:
    return bool(event["data"].get("order_id") == order)

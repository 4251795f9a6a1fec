"""A marketplace on the wires, new for every run: its own table and clock, the same ids and the same steps again."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from io import StringIO
from random import Random
from typing import Any

import orjson
import pytest
from urllib3.exceptions import ProtocolError

from fraud.api import handler as fraud
from local.database import Database
from local.runtime import Runtime
from market import ids
from orders.api import handler as orders
from orders.staff_api import handler as staff_orders
from payments.api import handler as payments
from payments.consumer import handler as consumer
from refunds.api import handler as refunds
from tests import shop
from tests.conftest import TABLE
from tests.faults.cells.wires import Death, Tap, Wires
from tests.http import Response, call
from tests.sagas.checkout import GOOD, Checkout, lost, order_id
from tests.sagas.review import hurried

JSON = dict[str, Any]
STAFF = {"caller": "sam", "roles": "staff"}
BASKET = (("LAMP", 2), ("CHAIR", 1))
UNITS = 10
PARTS = {"ven_lights": 2 * 2_000 + 490, "ven_wood": 8_000 + 490}
TOTAL = sum(PARTS.values())
START = 1_800_000_000.0
BYSTANDERS = frozenset(
    {
        "notifications",
        "identity",
        "inventory-schedule",
        "invoices",
        "payments-schedule",
        "audit",
        "developers",
        "abuse",
        "access",
        "profiles",
    }
)
"""They do nothing to orders, or only what others have left undone; a flow may invite them."""
QUIET = "payments-sandbox_webhooks"
"""The provider's own function."""
_DEAF = "market-dev-sandbox-webhooks-dead"
"""Where the provider gives up telling us something, which is its right."""
_TRIES = 5
_ROUNDS = 12


Lateness = Callable[[int], tuple[float, ...]]
"""How late, in seconds, each copy of message number so and so comes."""


def on_time(_: int) -> tuple[float, ...]:
    return (0.0,)


class _Today:
    """The runtime of the present run, whichever that is: AWS clients are made once for all."""

    def __init__(self, floor: "Floor") -> None:
        self._floor = floor
        self.outbox = self

    def hand_over(self, *given: Any, **named: Any) -> Any:
        return self._floor.runtime.outbox.hand_over(*given, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._floor.runtime, name)


class Floor(Checkout):
    """Opens its doors for one run at a time; whoever asks for something asks again while no answer comes."""

    def __init__(self, environment: pytest.MonkeyPatch, engine: Database) -> None:
        self._environment, self._engine, self._opened = environment, engine, 0
        environment.setattr("tests.sagas.checkout.templates", hurried)
        environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", engine.url)
        environment.setattr(logging.getLogger("market.local"), "disabled", True)
        self._handlers: dict[str, Callable[..., Any]] = {}
        self.wires = Wires(environment)
        self.runtime = _Today(self)  # type: ignore[assignment]
        self._set_up(environment)

    @contextmanager
    def doors(self) -> Iterator[None]:
        """A run: everything is as on the first day, and forgotten afterwards."""
        self._opened += 1
        name = f"cells-{id(self):x}-{self._opened}"
        self._engine.create(name, TABLE)
        self._environment.setenv("TABLE_NAME", name)
        self._environment.setattr(ids, "randbits", Random("cells").getrandbits)
        self._faults, self._before, self.webhooks, self.calls = {}, {}, [], Counter()
        self.death, self.bystanders = "Lambda.Unknown", BYSTANDERS
        self._time, self._key = START, 0
        self._spacing, self._ran = 0.0, {}
        self.number, self.printed = "", StringIO()
        self.intents: list[str] = []
        self.published: list[JSON] = []
        self.posted: list[tuple[str, str]] = []
        self.lateness: Lateness = on_time
        self.patience = 0.0
        self.runtime = Runtime(hurried(), ":memory:", self._invoke, retry_scale=0.0, clock=self._tick)
        put, self._post = self.runtime.bus.put, self.runtime.queues.send
        self.runtime.bus.put = lambda entries: put(self._publish(entries))  # type: ignore[method-assign]
        self.runtime.queues.send = self._mail  # type: ignore[method-assign]
        self.wires.begin("", None)
        try:
            with redirect_stdout(self.printed):
                shop.stock("LAMP", UNITS, price=shop.euros(2_000), vendor="ven_lights")
                shop.stock("CHAIR", UNITS, price=shop.euros(8_000), vendor="ven_wood")
                yield
        finally:
            self.wires.begin("", None)
            self.runtime.close()
            self._engine.drop(name)

    def run(self) -> None:
        """Let everything happen that is due, and what the mail brings a little later."""
        super().run()
        if self.patience:
            self.wait(self.patience)

    # -- what people do

    def fill(self) -> JSON:
        """A cart with the basket; the body to order it with."""
        shop.fill("ada", *BASKET)
        return shop.order_body(shop.summary("ada"))

    def order(self, body: JSON) -> str:
        answer = self.ask(orders, "POST", "/v1/orders", body, caller="ada")
        assert answer.status == 201, answer
        self.number = str(answer.json["orderNo"])
        return self.number

    def placed(self) -> str:
        """An order whose checkout waits for the payment."""
        self.order(self.fill())
        self.run()
        return self.number

    def intent(self, **how: str) -> JSON:
        answer = self.ask(payments, "POST", "/v1/payments/intent", {"orderNo": self.number, **how}, caller="ada")
        assert answer.status == 201, answer
        return dict(answer.json)

    def paid(self, card: str = GOOD) -> str:
        """A paid order."""
        self.placed()
        self.confirm(self.intent(), card)
        self.run()
        assert self.shown()["status"] == "paid"
        return self.number

    def cancel(self) -> Response:
        return self.ask(orders, "POST", f"/v1/orders/{self.number}/cancellation", None, caller="ada")

    def cancel_and_hear(self) -> None:
        """Cancel, and let the payment know before anything else happens; a death there is made good by the bus."""
        self.cancel()
        name, detail = "payments-consumer", {"detail": self._envelope("order.cancellation_requested")}
        record = {"messageId": "1", "eventSourceARN": name, "body": orjson.dumps(detail).decode()}
        with suppress(Death), self.wires.step(f"{name} order.cancellation_requested"):
            consumer({"Records": [record]})

    def cancel_part(self, vendor: str) -> Response:
        body = {"reason": "broken in the workshop"}
        path = f"/v1/vendors/{vendor}/orders/{self.number}/cancellation"
        return self.ask(staff_orders, "POST", path, body, caller="lu", roles="vendor", vendor_id=vendor)

    def compensate(self, action: str) -> Response:
        path = f"/v1/admin/orders/{self.number}/compensation"
        return self.ask(staff_orders, "POST", path, {"action": action, "reason": "it hangs"}, **STAFF)

    def decide(self, decision: str) -> Response:
        path = f"/v1/admin/fraud/reviews/{self.number}/decision"
        return self.ask(fraud, "POST", path, {"decision": decision}, **STAFF)

    def refund(self, body: JSON) -> Response:
        return self.ask(refunds, "POST", f"/v1/admin/orders/{self.number}/refunds", body, **STAFF)

    def settle_by_hand(self) -> Response:
        body = {"amount": {"amount": TOTAL, "currency": "EUR"}, "reference": "transfer 17"}
        return self.ask(payments, "POST", f"/v1/admin/payments/{self.number}/settlement", body, **STAFF)

    def ask(self, handler: Any, method: str, path: str, body: Any, *, key: str = "", **who: str) -> Response:
        """A request, made again with the same key as long as no answer comes, or one that says to try again."""
        self._key += 1
        headers = {"idempotency-key": key or f"key-{self._key:08}"}
        for _ in range(_TRIES):
            try:
                with self.wires.step(f"{method} {path.replace(self.number or '-', '{no}')}"):
                    answer = call(handler, method, path, body, headers=headers, **who)
            except Death:
                continue
            if answer.status < 500:
                return answer
        raise AssertionError(f"{method} {path} never answers")

    def settle(self) -> None:
        """Let everything come to its end, as long as there is something that has not."""
        self.run()
        for _ in range(_ROUNDS):
            if not self.unfinished():
                return
            self.wait(1_200)

    def unfinished(self) -> list[str]:
        """What is on its way, or stuck."""
        found = [f"{name} is {status}" for name, status in self.executions().items() if status != "SUCCEEDED"]
        depths = self.runtime.depths().items()
        found += [f"{depth.total} in {name}" for name, depth in depths if depth.total > depth.delayed and name != _DEAF]
        if self.number:
            found += [f"a refund is {one['status']}" for one in self.refunds() if one["status"] == "requested"]
            found += [f"the order is {status}" for status in (self.shown()["status"],) if status == "pending_payment"]
        return found

    def leap(self, seconds: float) -> None:
        """Let time pass in which nobody looks, not even the schedules."""
        self.runtime._ahead += seconds

    def post_again(self) -> None:
        """Every message and every webhook that there was comes once more, the newest first."""
        for queue, body in reversed(list(self.posted)):
            self._post(queue, body)
        for webhook in reversed(list(self.webhooks)):
            with self.unobserved(), suppress(Exception):
                self.tell_again(webhook)

    # -- what is seen from outside

    @property
    def id(self) -> str:
        return order_id(self.number)

    def shown(self) -> JSON:
        with self.unobserved():
            return shop.order_of("ada", self.number)

    def refunds(self) -> list[JSON]:
        """As staff see them."""
        with self.unobserved():
            answer = call(refunds, "GET", f"/v1/admin/orders/{self.number}/refunds", **STAFF)
        return list(answer.json["items"]) if answer.status == 200 else []

    @contextmanager
    def unobserved(self) -> Iterator[None]:
        """Off the wires."""
        with self.wires.step(""):
            yield

    def begin(self, flow: str, tap: Tap | None) -> None:
        self.wires.begin(flow, tap)

    # -- the wiring

    def _envelope(self, kind: str) -> JSON:
        with self.unobserved():
            return next(envelope for envelope in shop.announced() if envelope["type"] == kind)

    def _tick(self) -> float:
        self._time += 0.001
        return self._time

    def _publish(self, entries: Any) -> list[JSON]:
        entries = list(entries)
        self.published += [orjson.loads(entry["Detail"]) for entry in entries]
        return entries

    def _mail(self, queue: str, body: str, *, attributes: JSON | None = None, delay: float | None = None) -> str:
        """Post a message as often, and as late, as the mail is today."""
        known = self.runtime.queues.named(queue)
        if known.name not in hurried().queues or known.dead_letters is None:
            return self._post(queue, body, attributes=attributes, delay=delay)
        self.posted.append((queue, body))
        sent = ""
        for late in self.lateness(len(self.posted) - 1):
            sent = self._post(queue, body, attributes=attributes, delay=(delay or 0.0) + late)
        return sent

    def _invoke(self, function: str, event: Any) -> Any:
        if any(service in function for service in self.bystanders):
            return {}
        try:
            with self.wires.step(step_of(function, event)):
                return super()._invoke(function, event)
        except Death:
            raise lost(self.death) from None

    def _send(self, method: str, url: str, headers: dict[str, str], content: bytes | None) -> tuple[int, Any]:
        if "/sandbox/" in url:
            tail = url.partition("?")[0].rsplit("/", 1)[-1]
            name = f"{method} {'intent' if tail.startswith('pi_') else tail}"
            return self.wires.through(name, lambda: self._provider(method, url, headers, content))  # type: ignore[no-any-return]
        try:
            with self.wires.step("POST /v1/payments/webhook/sandbox"):
                return super()._send(method, url, headers, content)
        except Death:
            raise ProtocolError("lost on the way back") from None

    def _provider(self, method: str, url: str, headers: dict[str, str], content: bytes | None) -> tuple[int, Any]:
        with self.unobserved():
            status, answer = super()._send(method, url, headers, content)
        if status == 201 and url.endswith("/payment_intents") and answer["id"] not in self.intents:
            self.intents.append(answer["id"])
        return status, answer


def step_of(function: str, event: Any) -> str:
    """A task by its name, a consumer with the types of the events in its batch."""
    name = function.removeprefix("market-dev-")
    if name == QUIET:
        return ""
    if "task" in event:
        return str(event["task"])
    told = sorted({kind for record in event.get("Records", ()) if (kind := _type(record))})
    return f"{name} {'+'.join(told)}".strip()


def _type(record: JSON) -> str:
    if "dynamodb" in record:
        return str(record["dynamodb"]["NewImage"]["type"]["S"])
    return str(orjson.loads(record["body"]).get("detail-type", ""))


def intents_of(floor: Floor) -> list[JSON]:
    """The provider's memory of all that was opened there."""
    found = []
    for reference in floor.intents:
        item = floor._item(f"SBX#{reference}")
        assert item
        found.append({name: int(value["N"]) if "N" in value else value.get("S") for name, value in item.items()})
    return found

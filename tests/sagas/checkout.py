"""A checkout under test, with a saboteur in it: any call can be made to fail before or after its effect."""

import importlib
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import orjson
import pytest
from moto.s3.models import s3_backends
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

from local import hooks, synth
from local.runtime import Runtime
from local.templates import Templates, load
from market import clock, config
from payments.providers.sandbox import api_key
from tests import shop
from tests.conftest import ACCOUNT, REGION
from tests.http import Response, call

GOOD, DECLINED, CAPTURE_FAILS, TWICE, LATE = (
    "4242424242424242", "4000000000000002", "4000000000000341", "4000000000005126", "4000000000000127",
)  # fmt: skip
HOLD_SECONDS = 900
HOUR = 3_600


def lost(name: str) -> Exception:
    """What the machine sees when a function is killed: an error by this name."""
    return type(name, (Exception,), {})()


@cache
def templates() -> Templates:
    return load(synth.synthesized())


class Checkout:
    """Places, pays and runs orders to their end; `break_` makes calls fail."""

    def __init__(self, environment: pytest.MonkeyPatch, *, retry_scale: float = 0.0) -> None:
        """retry_scale: 0 retries at once, 1 after as long as it does on AWS."""
        self._faults: dict[tuple[str, str], int] = {}
        self._before: dict[str, Callable[[], Any]] = {}
        self.calls: Counter[str] = Counter()
        self.webhooks: list[str] = []
        self.death = "Lambda.Unknown"
        self._handlers: dict[str, Callable[..., Any]] = {}
        self._spacing = 0.0
        self._ran: dict[str, float] = {}
        self.runtime = Runtime(templates(), ":memory:", self._invoke, retry_scale=retry_scale)
        self._set_up(environment)

    def _set_up(self, environment: pytest.MonkeyPatch) -> None:
        for function in templates().functions.values():
            for name, value in function.environment.items():
                if name not in ("TABLE_NAME", "ROOT_SECRET", "LOG_LEVEL"):
                    environment.setenv(name, value)
        for remembered in ("SETTINGS_PATH", "FLAGS_CONFIGURATION"):  # a process asks once: no two runs would be alike
            environment.setenv(remembered, "")
        environment.setenv("SANDBOX_URL", "https://sandbox.test/sandbox")
        environment.setenv("WEBHOOK_URL", "https://market.test/v1/payments/webhook/sandbox")
        config.forget()
        config.use_http(self)
        hooks.install(config.session(), self.runtime)
        _make_buckets()
        environment.setattr(clock, "_source", lambda: clock.datetime.fromtimestamp(self.runtime.now(), clock.UTC))

    def close(self) -> None:
        config.use_http(None)
        self.runtime.close()

    def request(
        self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None, **_: object
    ) -> HTTPResponse:
        """In place of the network; see `market.config.use_http`."""
        status, answer = self._send(method, url, dict(headers or {}), body)
        return HTTPResponse(orjson.dumps(answer), status=status)

    # -- what people do

    def place(self, customer: str = "ada", *lines: tuple[str, int]) -> str:
        """Order the lines, one LAMP if none are given; the order's number."""
        answer = shop.buy(customer, *(lines or (("LAMP", 1),)))
        assert answer.status == 201, answer
        return str(answer.json["orderNo"])

    def open(self, customer: str, number: str) -> dict[str, Any]:
        from payments.api import handler

        answer = call(handler, "POST", "/v1/payments/intent", {"orderNo": number}, caller=customer)
        assert answer.status == 201, answer
        return dict(answer.json)

    def pay(self, customer: str, number: str, card: str = GOOD) -> Response:
        """Open the payment and pay it with a card, as the browser does."""
        return self.confirm(self.open(customer, number), card)

    def confirm(self, intent: dict[str, Any], card: str) -> Response:
        from payments.sandbox import handler

        wish = {"clientSecret": intent["clientSecret"], "card": {"number": card}}
        return call(handler, "POST", f"/sandbox/v1/payment_intents/{intent['intentId']}/confirm", wish)

    def run(self) -> None:
        """Let everything happen that is due."""
        self.runtime.drain(30)

    def wait(self, seconds: float) -> None:
        """Let time pass. In long waits schedules run less often, yet four times and every hour: most find nothing."""
        self._spacing = min(seconds / 4, HOUR) - 1
        self.runtime.advance(seconds, 30)
        self._spacing = 0.0

    # -- what is left of it

    def provider_book(self, number: str) -> tuple[str, int]:
        """(status, net charged) of the order's payment, from the provider's own memory."""
        item = self._item(f"SBX#{self._reference(number)}")
        if item is None:
            return "none", 0
        captured = int(item["amount"]["N"]) if item["status"]["S"] in ("captured", "refunded") else 0
        return item["status"]["S"], captured - int(item["refunded"]["N"])

    def history(self, number: str) -> list[str]:
        """The states that the order's execution entered."""
        execution = next(e for e in self.runtime.workflows.executions() if e.name == order_id(number))
        return self.runtime.workflows.history(execution.arn)

    def executions(self) -> dict[str, str]:
        return {execution.name: execution.status for execution in self.runtime.workflows.executions()}

    def _reference(self, number: str) -> str:
        item = self._item(f"PAY#{order_id(number)}") or {}
        return str(item.get("reference", {}).get("S", ""))

    def _item(self, pk: str) -> dict[str, Any] | None:
        answer = config.client("dynamodb").get_item(
            TableName=config.setting("TABLE_NAME"), Key={"pk": {"S": pk}, "sk": {"S": "-"}}, ConsistentRead=True
        )
        return answer.get("Item")

    # -- sabotage

    def break_(self, what: str, when: str, times: int = 1) -> None:
        """Let the next calls of `what` fail: a task, a function, or `METHOD path-end` of the provider."""
        self._faults[what, when] = times

    def before(self, what: str, happens: Callable[[], Any]) -> None:
        """Let something happen just before the next call of `what`."""
        self._before[what] = happens

    def tell_again(self, webhook: str) -> None:
        """The provider repeats a webhook, signed anew."""
        from payments.sandbox_webhooks import deliver

        deliver(webhook.encode())

    def provider_does(self, number: str, what: str) -> None:
        """Something happens at the provider that the marketplace did not ask for."""
        path = f"/sandbox/v1/payment_intents/{self._reference(number)}/{what}"
        status, _ = self._send("POST", f"https://sandbox.test{path}", self._merchant(), b"{}")
        assert status == 200

    def _merchant(self) -> dict[str, str]:
        return {"authorization": f"Bearer {api_key()}", "content-type": "application/json"}

    def _strikes(self, what: str, when: str) -> bool:
        left = self._faults.get((what, when), 0)
        if left:
            self._faults[what, when] = left - 1
        return left > 0

    def _invoke(self, function: str, event: Any) -> Any:
        if function.endswith("-schedule") and self._too_soon(function):
            return None
        handler = self._handlers.get(function) or self._load(function)
        what = event.get("task") if isinstance(event, dict) else None
        what = what or function.removeprefix("market-dev-")
        self._before.pop(what, lambda: None)()
        self.calls[what] += 1
        if self._strikes(what, "before"):
            raise lost(self.death)
        answer = handler(event, None)
        if self._strikes(what, "after"):
            raise lost(self.death)
        return answer

    def _too_soon(self, schedule: str) -> bool:
        now = self.runtime.now()
        if now - self._ran.get(schedule, 0.0) < self._spacing:
            return True
        self._ran[schedule] = now
        return False

    def _load(self, function: str) -> Callable[..., Any]:
        module, _, name = templates().functions[function].handler.rpartition(".")
        self._handlers[function] = getattr(importlib.import_module(module), name)
        return self._handlers[function]

    def _send(self, method: str, url: str, headers: dict[str, str], content: bytes | None) -> tuple[int, Any]:
        """The network between the marketplace and its provider, in both directions."""
        from payments.api import handler as marketplace
        from payments.sandbox import handler as provider

        path = "/" + url.split("/", 3)[3]
        tail = path.rsplit("/", 1)[-1]
        what = f"{method} {'intent' if tail.startswith('pi_') else tail}" if path.startswith("/sandbox") else "webhook"
        self.calls[what] += 1
        if what == "webhook":
            self.webhooks.append((content or b"").decode())
        if self._strikes(what, "before"):
            raise ProtocolError("lost on the way there")
        body = orjson.loads(content) if content and path.startswith("/sandbox") else (content or b"").decode() or None
        answer = call(provider if path.startswith("/sandbox") else marketplace, method, path, body, headers=headers)
        if self._strikes(what, "after"):
            raise ProtocolError("lost on the way back")
        return answer.status, answer.json


def _make_buckets() -> None:
    """As the templates declare them, with their locks."""
    kept = s3_backends[ACCOUNT]["aws"]
    for name, declared in templates().buckets.items():
        if name in kept.buckets:  # an earlier simulation of the same test filled it
            kept.buckets[name].keys.clear()
        else:
            kept.create_bucket(name, REGION)
            kept.buckets[name].object_lock_enabled = bool(declared.properties.get("ObjectLockEnabled"))


def order_id(number: str) -> str:
    from orders.contract import id_of

    return id_of(number)

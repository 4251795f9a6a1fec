"""Stripe, simulated: a company with a memory and rules, that charges cards, keeps its word and loses answers.

    stripe = StripeSimulator(api_key="sk_test_1", webhook_secret="whsec_1")
    config.use_http(Network({"https://stripe.test": stripe.handle}))

Answers are never scripted: what is answered follows from the card (`stripe_rules.py`) and from what happened before.
Webhooks wait in the post until `deliver` sends what is due. `break_` lets the network or Stripe itself fail.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from threading import Lock, RLock
from typing import Any
from urllib.parse import urlencode

import orjson

from market import clock
from payments.simulators import stripe_customers as customers
from payments.simulators import stripe_payments as payments
from payments.simulators import stripe_refunds as refunds
from payments.simulators.network import Lost, TimedOut
from payments.simulators.stripe_memory import Delivery, Memory, Tell, signature
from payments.simulators.stripe_rules import KEY_SECONDS
from payments.simulators.stripe_wire import Answer, Refusal, answer, expanded, form, invalid

_ROUTES: list[tuple[str, re.Pattern[str], Callable[..., dict[str, Any]]]] = [
    (method, re.compile(path.replace("{id}", r"([A-Za-z0-9_]+)")), endpoint)
    for method, path, endpoint in (
        ("POST", "/v1/payment_intents", payments.create),
        ("GET", "/v1/payment_intents", payments.listed),
        ("GET", "/v1/payment_intents/search", customers.search_payment_intents),
        ("GET", "/v1/payment_intents/{id}", payments.retrieve),
        ("POST", "/v1/payment_intents/{id}/confirm", payments.confirm),
        ("POST", "/v1/payment_intents/{id}/capture", payments.capture),
        ("POST", "/v1/payment_intents/{id}/cancel", payments.cancel),
        ("POST", "/v1/refunds", refunds.create),
        ("GET", "/v1/refunds", refunds.listed),
        ("GET", "/v1/refunds/{id}", refunds.retrieve),
        ("POST", "/v1/customers", customers.create),
        ("GET", "/v1/customers/search", customers.search_customers),
        ("GET", "/v1/customers/{id}", customers.retrieve),
        ("DELETE", "/v1/customers/{id}", customers.delete),
        ("GET", "/v1/customers/{id}/payment_methods", customers.methods),
        ("POST", "/v1/payment_methods", customers.create_method),
        ("POST", "/v1/payment_methods/{id}/detach", customers.detach),
        ("POST", "/v1/setup_intents", customers.create_setup),
        ("GET", "/v1/setup_intents/{id}", customers.retrieve_setup),
        ("POST", "/v1/setup_intents/{id}/confirm", customers.confirm_setup),
    )
]
_FOR_BROWSERS = (payments.confirm, customers.confirm_setup, customers.create_method)


@dataclass(slots=True)
class _Fault:
    """what: `METHOD path-end`. kind, when: see `StripeSimulator.break_`."""

    what: str
    kind: str
    when: str
    times: int


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A finished request under its idempotency key."""

    request: tuple[str, str, bytes]
    answer: Answer
    at: int


@dataclass
class StripeSimulator:
    """One Stripe account in test mode. Times are those of `market.clock`."""

    api_key: str = "sk_test_simulated"
    publishable_key: str = "pk_test_simulated"
    webhook_secret: str = "whsec_simulated"  # noqa: S105 - of a company that does not exist
    tell: Tell | None = None
    memory: Memory = field(default_factory=Memory)
    _faults: list[_Fault] = field(default_factory=list)
    _before: dict[str, Callable[[], object]] = field(default_factory=dict)
    _keys: dict[str, _Remembered] = field(default_factory=dict)
    _running: set[str] = field(default_factory=set)
    _brief: Lock = field(default_factory=Lock)
    _acting: RLock = field(default_factory=RLock)

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One request. Raises Lost or TimedOut where a fault says so."""
        path, _, query = path.partition("?")
        early = self._struck(method, path, "before")
        if early:
            return early
        self._before.pop(f"{method} {path.rsplit('/', 1)[-1]}", lambda: None)()
        key = headers.get("idempotency-key", "") if method == "POST" else ""
        done = self._once(key, (method, path, body), lambda: self._act(method, path, headers, query or body.decode()))
        return self._struck(method, path, "after") or done

    # -- how it fails

    def break_(self, what: str, kind: str, when: str = "before", times: int = 1) -> None:
        """Let the next `times` requests fail whose `METHOD path-end` is `what`, before or after they act.

        kind: `lost`, `timeout`; `unavailable` (503), `rate` (429), `busy` (409): turned away; `crash`: a 500 in the
        middle of it, which the idempotency key remembers.
        """
        self._faults.append(_Fault(what, kind, when, times))

    def before(self, what: str, happens: Callable[[], object]) -> None:
        """Let something happen just before the next request whose `METHOD path-end` is `what` acts."""
        self._before[what] = happens

    def _struck(self, method: str, path: str, when: str, *, crash: bool = False) -> Answer | None:
        for fault in self._faults:
            same = fault.what == f"{method} {path.rsplit('/', 1)[-1]}" and fault.when == when
            if same and fault.times and (fault.kind == "crash") == crash:
                fault.times -= 1
                return _failure(fault.kind)
        return None

    # -- what people and banks do

    def pay(self, client_secret: str, number: str) -> dict[str, Any]:
        """The browser confirms an intent with a typed-in card; the answer's body, whether paid or declined."""
        return self._browser("payment_intents", client_secret, number)

    def save(self, client_secret: str, number: str) -> dict[str, Any]:
        """The browser confirms a SetupIntent."""
        return self._browser("setup_intents", client_secret, number)

    def authenticate(self, reference: str, *, passed: bool = True) -> None:
        """The customer is at the bank's 3-D Secure page."""
        with self._acting:
            payments.authenticate(self.memory, reference, passed=passed)

    def block(self, reference: str) -> None:
        """The issuer will refuse to have this intent captured."""
        self.memory.blocked.add(reference)

    def travel(self, delivery: Delivery, about: str = "*") -> None:
        """How webhooks travel that are about a card's number, an order's id, or anything."""
        self.memory.deliveries[about] = delivery

    def deliver(self, *, backwards: bool = False, secrets: tuple[str, ...] = ()) -> int:
        """Send the webhooks that are due, signed now; how many there were."""
        due = self.memory.due(backwards=backwards)
        for body in due:
            if self.tell is not None:
                self.tell(body, signature(body, secrets or (self.webhook_secret,), clock.epoch()))
        return len(due)

    def book(self, order_id: str) -> list[tuple[str, int, int]]:
        """(status, captured, refunded) of each intent of an order, the oldest first: Stripe's own view of the money."""
        with self._acting:
            self.memory.catch_up()
            mine = [body for body in self.memory.all("payment_intent") if body["metadata"].get("order_id") == order_id]
            return [self._line(intent) for intent in reversed(mine)]

    def _line(self, intent: dict[str, Any]) -> tuple[str, int, int]:
        charge = self.memory.objects.get(intent["latest_charge"] or "", {})
        refunded = charge.get("amount_refunded", 0) if charge.get("captured") else 0
        return intent["status"], intent["amount_received"], refunded

    def _browser(self, kind: str, client_secret: str, number: str) -> dict[str, Any]:
        card = {"payment_method_data[type]": "card", "payment_method_data[card][number]": number}
        sent = urlencode({"client_secret": client_secret} | card).encode()
        path = f"/v1/{kind}/{client_secret.partition('_secret_')[0]}/confirm"
        headers = {"authorization": f"Bearer {self.publishable_key}"}
        _, _, body = self.handle("POST", path, headers, sent)
        told: dict[str, Any] = orjson.loads(body)
        return told

    # -- how it works

    def _once(self, key: str, request: tuple[str, str, bytes], act: Callable[[], tuple[Answer, bool]]) -> Answer:
        """Act, or say again what was said to the same key."""
        with self._brief:
            known = self._keys.get(key)
            if known and known.at > clock.epoch() - KEY_SECONDS:
                if known.request != request:
                    message = f"Keys for idempotent requests can only be used with the same parameters ({key})."
                    return answer(400, {"error": {"type": "idempotency_error", "message": message}})
                status, headers, body = known.answer
                return status, headers | {"idempotent-replayed": "true"}, body
            if key in self._running:
                message = "There is currently another in-progress request using this Idempotent Key."
                return invalid(message, code="idempotency_key_in_use", status=409).answer
            if key:
                self._running.add(key)
        try:
            done, kept = act()
            if key and kept:
                self._keys[key] = _Remembered(request, done, clock.epoch())
            return done
        finally:
            self._running.discard(key)

    def _act(self, method: str, path: str, headers: Mapping[str, str], text: str) -> tuple[Answer, bool]:
        """(answer, whether the idempotency key remembers it)."""
        with self._acting:
            self.memory.catch_up()
            self.memory.key = headers.get("idempotency-key")
            try:
                endpoint, names = _route(method, path)
                self._authorize(headers, endpoint)
                params = form(text)
                crash = self._struck(method, path, "before", crash=True)
                if crash:
                    return crash, True
                paths = params.pop("expand", [])
                done = endpoint(self.memory, params, *names)
                crash = self._struck(method, path, "after", crash=True)
                return crash or answer(200, expanded(done, paths, self.memory.objects)), True
            except Refusal as refusal:
                return deepcopy(refusal.answer), refusal.kept

    def _authorize(self, headers: Mapping[str, str], endpoint: Callable[..., Any]) -> None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            given = b64decode(given).decode().partition(":")[0]
        if given == self.api_key or (given == self.publishable_key and endpoint in _FOR_BROWSERS):
            return
        raise invalid(f"Invalid API Key provided: {given[:8]}***", status=401 if given != self.publishable_key else 403)


def _route(method: str, path: str) -> tuple[Callable[..., dict[str, Any]], tuple[str, ...]]:
    for verb, pattern, endpoint in _ROUTES:
        found = pattern.fullmatch(path)
        if found and verb == method:
            return endpoint, found.groups()
    raise invalid(f"Unrecognized request URL ({method}: {path}).", status=404)


def _failure(kind: str) -> Answer:
    if kind == "lost":
        raise Lost(kind)
    if kind == "timeout":
        raise TimedOut(kind)
    status, told = {
        "unavailable": (503, {"type": "api_error", "message": "Service unavailable."}),
        "crash": (500, {"type": "api_error", "message": "An unknown error occurred."}),
        "rate": (429, {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests."}),
        "busy": (409, {"type": "invalid_request_error", "code": "lock_timeout", "message": "The object is locked."}),
    }[kind]
    return answer(status, {"error": told})

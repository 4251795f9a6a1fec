"""The simulated Stripe's memory: every object, what happens later, and the webhooks that are on their way."""

import hashlib
import hmac
from collections.abc import Callable, Collection
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import orjson

from market import clock
from payments.simulators import stripe_objects as objects
from payments.simulators.stripe_rules import CARDS, Card
from payments.simulators.stripe_wire import missing

VERSION = "2026-10-28.endive"

Tell = Callable[[bytes, str], object]
"""Takes a webhook's body and its `Stripe-Signature`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How webhooks travel: how often each is sent, and how many seconds late; `times` 0 is never."""

    times: int = 1
    delay: int = 0


@dataclass
class Memory:
    """country: of the account, for fees. rates: charge currency -> (settlement currency, rate over 10,000)."""

    country: str = "US"
    rates: dict[str, tuple[str, int]] = field(default_factory=dict)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    set_up: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    key: str | None = None
    _later: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _outbox: list[tuple[int, int, bytes]] = field(default_factory=list)
    _count: int = 0

    def new(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{hashlib.sha256(str(self._count).encode()).hexdigest()[:8]}{self._count:016d}"

    def keep(self, body: dict[str, Any]) -> dict[str, Any]:
        self.objects[body["id"]] = body
        return body

    def get(self, kind: str, name: str, *, param: str = "id", status: int = 404) -> dict[str, Any]:
        """Raises Refusal unless there is such an object of the kind."""
        found = self.objects.get(name)
        if found is None or found["object"] != kind:
            raise missing(kind, name, param, status)
        return found

    def all(self, kind: str) -> list[dict[str, Any]]:
        """The newest first."""
        return [body for body in reversed(self.objects.values()) if body["object"] == kind]

    def card(self, method: str) -> Card:
        return CARDS[self.numbers[method]]

    # -- time

    def later(self, seconds: int, happens: Callable[[], None]) -> None:
        self._count += 1
        self._later.append((clock.epoch() + seconds, self._count, happens))

    def catch_up(self) -> None:
        """Let everything happen that is due."""
        due = sorted(item for item in self._later if item[0] <= clock.epoch())
        self._later = [item for item in self._later if item not in due]
        for _, _, happens in due:
            happens()

    # -- webhooks

    def say(self, kind: str, body: dict[str, Any], card: Card | None = None) -> None:
        """An event about the object as it is at this moment, delivered by the rule for its card, order or everybody."""
        event = objects.event(
            self.new("evt"), clock.epoch(), kind=kind, body=deepcopy(body), version=VERSION, key=self.key
        )
        order = (body.get("metadata") or {}).get("order_id", "")
        names = (card.number if card else "", order, "*")
        rule = next((self.deliveries[name] for name in names if name in self.deliveries), Delivery())
        self.keep(event)
        for _ in range(rule.times):
            self._count += 1
            self._outbox.append((clock.epoch() + rule.delay, self._count, orjson.dumps(event)))

    def due(self, *, backwards: bool = False) -> list[bytes]:
        """Takes the webhooks that are to be sent by now out of the post, oldest first."""
        self.catch_up()
        ready = sorted((item for item in self._outbox if item[0] <= clock.epoch()), reverse=backwards)
        self._outbox = [item for item in self._outbox if item not in ready]
        return [body for _, _, body in ready]


def signature(body: bytes, secrets: Collection[str], at: int) -> str:
    """Stripe's header over a webhook; while a secret is rolled there are two, and a `v1` for each."""
    marks = [hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={mark}" for mark in marks), "v0=" + "0" * 64])

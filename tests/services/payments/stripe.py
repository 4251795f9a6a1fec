"""Stripe as the tests use it: the simulator behind our one seam for HTTP, our credentials for it, and a clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from market import clock, config
from market.money import Money
from payments.gateway import Intent, Notice, Payable
from payments.providers.stripe import Stripe
from payments.simulators.network import Handler, Network
from payments.simulators.stripe import StripeSimulator

BASE = "https://api.stripe.test"
ACCOUNT = "acct_1marketplace"
CREDENTIALS = {"api_key": "sk_test_ours", "webhook_secret": "whsec_ours", "account": ACCOUNT}
ORDER = Payable(
    order_id="ord_0kq7m2x9a1b2c3d4",
    number="MK-0KQ7M2X9-A1B2C3D4",
    amount=Money(4999, "EUR"),
    customer_id="cus_ours_1",
)
DUE = ORDER.amount
GOOD, MASTERCARD, BRITISH = "4242424242424242", "5555555555554444", "4000008260000000"
DECLINED, EMPTY, SAVED_ONLY = "4000000000000002", "4000000000009995", "4000000000000341"
SECURE, SECURE_ALWAYS, SECURE_DECLINED = "4000002500003155", "4000000000003220", "4000008400001629"
DISPUTED, SLOW_REFUND, FAILING_REFUND = "4000000000000259", "4000000000007726", "4000000000005126"


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


class World:
    """Stripe, our adapter, and the notices that came out of its webhooks."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
        self.stripe = StripeSimulator(
            api_key=CREDENTIALS["api_key"], webhook_secret=CREDENTIALS["webhook_secret"], tell=self.hear
        )
        self.port = Stripe()
        self.heard: list[Notice] = []
        self.sent: list[tuple[str, str, dict[str, str], bytes]] = []
        self.handler: Handler = self.stripe.handle

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Any:
        self.sent.append((method, path, dict(headers), body))
        return self.handler(method, path, headers, body)

    def pass_(self, **time: int) -> None:
        self.now += timedelta(**time)

    def hear(self, body: bytes, signature: str) -> None:
        """What the edge and then the queue's worker do with a webhook."""
        self.port.receive({"stripe-signature": signature}, body)
        self.heard.append(self.port.parse(body))

    def types(self) -> list[str]:
        return [notice.type for notice in self.heard if notice.type != "other"]

    def open(self, amount: Money = ORDER.amount, **changed: Any) -> Intent:
        return self.port.create(replace(ORDER, amount=amount, **changed))

    def pay(self, card: str = GOOD, amount: Money = ORDER.amount, **changed: Any) -> Intent:
        """An intent that the customer's browser confirmed with the card."""
        opened = self.open(amount, **changed)
        self.stripe.pay(opened.client_secret, card)
        return self.port.retrieve(opened.reference)

    def captured(self, card: str = GOOD, amount: Money = ORDER.amount) -> str:
        """The reference of a payment that was paid and captured."""
        reference = self.pay(card, amount).reference
        self.port.capture(ORDER.order_id, reference, amount)
        return reference

    def book(self, order_id: str = ORDER.order_id) -> list[tuple[str, int, int]]:
        """(status, captured, refunded) of the order's intents, as Stripe has it."""
        return self.stripe.book(order_id)

    def writes(self) -> list[tuple[str, str]]:
        """(path, idempotency key) of every write so far."""
        return [
            (path, headers.get("idempotency-key", "")) for method, path, headers, _ in self.sent if method == "POST"
        ]


@contextmanager
def world_of(environment: pytest.MonkeyPatch) -> Iterator[World]:
    environment.setenv("STRIPE_API_BASE", BASE)
    environment.setenv("PAYMENT_SECRETS", "market/payments")
    secrets = config.client("secretsmanager")
    secrets.create_secret(Name="market/payments", SecretString=orjson.dumps({"stripe": CREDENTIALS}).decode())
    world = World()
    config.use_http(Network({BASE: world.answer}))
    try:
        with clock.running_on(lambda: world.now):
            yield world
    finally:
        config.use_http(None)
        secrets.delete_secret(SecretId="market/payments", ForceDeleteWithoutRecovery=True)


@pytest.fixture
def world(environment: pytest.MonkeyPatch) -> Iterator[World]:
    with world_of(environment) as made:
        yield made

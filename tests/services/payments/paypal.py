"""PayPal as the tests use it: the simulator behind our one seam for HTTP, our credentials for it, and a clock."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from market import clock, config
from market.money import Money
from payments.gateway import Intent, Notice, Payable
from payments.providers import paypal_api
from payments.providers.paypal import PayPal
from payments.simulators.network import Network
from payments.simulators.paypal import PayPalSimulator
from payments.simulators.paypal_book import BALANCE

BASE = "https://api-m.paypal.test"
CREDENTIALS = {"client_id": "client-1", "client_secret": "secret-1", "webhook_id": "9RL35476KX123456A"}
ORDER = Payable(
    order_id="ord_0kq7m2x9a1b2c3d4",
    number="MK-0KQ7M2X9-A1B2C3D4",
    amount=Money(4999, "EUR"),
    customer_id="cus_1",
    return_url="https://shop.example/orders/MK-0KQ7M2X9-A1B2C3D4",
)


class World:
    """PayPal, our adapter, and the notices that came out of its webhooks."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
        self.paypal = PayPalSimulator(**CREDENTIALS, tell=self.hear)
        self.port = PayPal()
        self.heard: list[Notice] = []
        self.sites = {BASE: self.paypal.handle}

    @property
    def book(self) -> Any:
        return self.paypal.book

    def pass_(self, **time: int) -> None:
        self.now += timedelta(**time)

    def hear(self, headers: dict[str, str], body: bytes) -> None:
        """What the edge and then the queue's worker do with a webhook."""
        self.port.receive(headers, body)
        self.heard.append(self.port.parse(body))

    def open(self, amount: Money = ORDER.amount, **changed: Any) -> Intent:
        return self.port.create(replace(ORDER, amount=amount, **changed))

    def approved(self, instrument: str = BALANCE, amount: Money = ORDER.amount) -> str:
        """An order whose buyer has agreed; the webhook still waits."""
        reference = self.open(amount).reference
        self.paypal.approve(reference, instrument)
        return reference

    def authorized(self, instrument: str = BALANCE, amount: Money = ORDER.amount) -> str:
        reference = self.approved(instrument, amount)
        self.paypal.send()
        return reference

    def captured(self, amount: Money = ORDER.amount) -> str:
        reference = self.authorized(amount=amount)
        self.port.capture(ORDER.order_id, reference, amount)
        return reference

    def calls(self, verb: str) -> int:
        return sum(path.endswith(verb) for _, path, _ in self.paypal.requests)


@contextmanager
def world_of(environment: pytest.MonkeyPatch) -> Iterator[World]:
    environment.setenv("PAYPAL_API_BASE", BASE)
    environment.setenv("PAYMENT_SECRETS", "market/payments")
    secrets = config.client("secretsmanager")
    with suppress(secrets.exceptions.ResourceExistsException):
        secrets.create_secret(Name="market/payments", SecretString=orjson.dumps({"paypal": CREDENTIALS}).decode())
    world = World()
    config.use_http(Network(world.sites))
    paypal_api._tokens.clear()
    with clock.running_on(lambda: world.now):
        yield world
    config.use_http(None)


@pytest.fixture
def world(environment: pytest.MonkeyPatch) -> Iterator[World]:
    with world_of(environment) as found:
        yield found

"""SSLCommerz as the tests use it: the simulator behind our one seam for HTTP, our credentials for it, and a clock."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from market import clock, config
from market.money import Money
from payments.gateway import Intent, Notice, Payable
from payments.providers.sslcommerz import SslCommerz
from payments.simulators.network import Network
from payments.simulators.sslcommerz import VISA, SslCommerzSimulator

BASE = "https://securepay.sslcommerz.test"
STORE = {"store_id": "market0live", "store_passwd": "market0live@ssl"}
IPN = "https://api.shop.example/v1/payments/webhook/sslcommerz"
ORDER = Payable(
    order_id="ord_0kq7m2x9a1b2c3d4",
    number="MK-0KQ7M2X9-A1B2C3D4",
    amount=Money(150_000, "BDT"),
    customer_id="cus_1",
    email="ada@example.com",
    return_url="https://shop.example/orders/MK-0KQ7M2X9-A1B2C3D4",
)
REFERENCE = f"{ORDER.order_id}-1"


class World:
    """SSLCommerz, our adapter, and the notices that came out of its notifications."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
        self.gateway = SslCommerzSimulator(**STORE, tell=self.hear)
        self.port = SslCommerz()
        self.heard: list[Notice] = []

    def hear(self, body: bytes) -> None:
        """What the edge and then the queue's worker do with a notification."""
        self.port.receive({"content-type": "application/x-www-form-urlencoded"}, body)
        self.heard.append(self.port.parse(body))

    def open(self, amount: Money = ORDER.amount, **changed: Any) -> Intent:
        return self.port.create(replace(ORDER, amount=amount, **changed))

    def paid(self, by: str = VISA, amount: Money = ORDER.amount) -> str:
        """A payment that the customer made; the notification still waits."""
        reference = self.open(amount).reference
        self.gateway.pay(reference, by)
        return reference

    def notified(self, by: str = VISA, amount: Money = ORDER.amount) -> str:
        reference = self.paid(by, amount)
        self.gateway.send()
        return reference

    def calls(self, verb: str) -> int:
        return sum(made == verb for made, _ in self.gateway.requests)


@contextmanager
def world_of(environment: pytest.MonkeyPatch) -> Iterator[World]:
    environment.setenv("SSLCOMMERZ_API_BASE", BASE)
    environment.setenv("PAYMENT_SECRETS", "market/payments")
    secrets = config.client("secretsmanager")
    with suppress(secrets.exceptions.ResourceExistsException):
        known = orjson.dumps({"sslcommerz": STORE | {"ipn_url": IPN}}).decode()
        secrets.create_secret(Name="market/payments", SecretString=known)
    world = World()
    config.use_http(Network({BASE: world.gateway.handle}))
    with clock.running_on(lambda: world.now):
        yield world
    config.use_http(None)


@pytest.fixture
def world(environment: pytest.MonkeyPatch) -> Iterator[World]:
    with world_of(environment) as found:
        yield found

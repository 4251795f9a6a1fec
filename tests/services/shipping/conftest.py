from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from market import clock, config
from market.guard import limits
from payments.simulators.network import Network
from shipping.simulator import Carriers

BASE, KEY = "https://carriers.test", "EZTK_test"


@dataclass
class Time:
    """A clock that tests set: a Wednesday, ten in the morning in Hamburg, until it passes."""

    now: datetime = datetime(2026, 11, 18, 9, tzinfo=UTC)

    def passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def time() -> Iterator[Time]:
    set_by_tests = Time()
    with clock.running_on(lambda: set_by_tests.now):
        yield set_by_tests


@pytest.fixture
def carriers(database: str, environment: pytest.MonkeyPatch, time: Time) -> Iterator[Carriers]:
    """The simulated carriers, in place of the network, and the key to them where functions look for it."""
    environment.setenv("CARRIER_API_BASE", BASE)
    environment.setenv("CARRIER_SECRETS", "market/carriers")
    config.forget()
    secret = orjson.dumps({"easypost": {"api_key": KEY}}).decode()
    config.client("secretsmanager").create_secret(Name="market/carriers", SecretString=secret)
    simulated = Carriers(KEY)
    config.use_http(Network({BASE: simulated.handle}))
    limits.refused.clear()
    yield simulated
    limits.refused.clear()
    config.use_http(None)

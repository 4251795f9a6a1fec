"""What many tests share: a database of one's own, on both engines."""

import gc
import os
import zlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws

from local import dynamodb_lock
from local.database import Database, table_request
from market import config, log
from market.guard import audit, standing

settings.register_profile(
    "marketplace", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("marketplace")  # what is drawn is the same in every run, and no slow machine makes it fail

pytest_plugins = [f"tests.plugins.{name}" for name in ("access_patterns", "cells", "contract", "leaks", "quick_aws")]

gc.disable()  # while tests are collected: hardly anything that is loaded goes away again
os.environ.setdefault("RATE_LIMIT", "0")  # for marketplaces too: all of a test's people come from one address

REGION = "us-east-1"
ACCOUNT = "123456789012"
ROOT_SECRET = "market/root"


def _key(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


_INDEXES = ("by1", "by2", "by3")
TABLE = {
    "KeySchema": _key("pk", "sk"),
    "AttributeDefinitions": [
        {"AttributeName": f"{index}{part}", "AttributeType": "S"} for index in ("", *_INDEXES) for part in ("pk", "sk")
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": index,
            "KeySchema": _key(f"{index}pk", f"{index}sk"),
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["card"]},
        }
        for index in _INDEXES
    ],
}
"""The table as the data stack declares it; a test of the infrastructure compares the two."""


_ON_BOTH = ("tests/kernel/", "tests/local/")
"""Tests of whatever asks the database itself."""

_MOTO_EACH = int(os.environ.get("MOTO_EACH", "3"))
"""Of the other tests of a file the slow run repeats every so many on moto; 1 repeats all of them."""

_BROKEN = ("tests/faults/", "tests/sagas/")
"""Where the cases of a test are places at which one thing breaks."""

_BREAKS = 4
"""Of such cases every test has so many on ordinary days: always the same, but chosen as if by chance, since every so
many of a list that is a product would have one of its parameters never change.
"""

_LONG = ("tests/faults/", "tests/journeys/", "tests/store/")
"""Where files take minutes. They come first, for the last one to begin is what the other workers wait for."""


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        gc.enable()  # who only hands tests to workers collects none


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Every day most tests use the embedded database, and with the slow tests some use moto too, which is far slower.

    There a test runs with its first case: what the others vary is not the database.
    """
    spared = set(_repeated_on_moto(items))
    config.hook.pytest_deselected(items=list(spared))
    items[:] = sorted((item for item in items if item not in spared), key=lambda i: not i.nodeid.startswith(_LONG))
    _sample_what_breaks(items)
    _collect_rarely()


def _repeated_on_moto(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    seen: dict[str, set[str]] = {}
    for item in items:
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        if parameters.get("database") == "moto" and not item.nodeid.startswith(_ON_BOTH):
            item.add_marker("slow")
            file, _, test = item.nodeid.partition("[")[0].partition("::")
            tests = seen.setdefault(file, set())
            if test in tests or len(tests) % _MOTO_EACH:
                yield item
            tests.add(test)


def _sample_what_breaks(items: list[pytest.Item]) -> None:
    tests: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.nodeid.startswith(_BROKEN) and not item.get_closest_marker("slow"):
            tests.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for cases in tests.values():
        for item in sorted(cases, key=lambda item: zlib.crc32(item.nodeid.encode()))[_BREAKS:]:
            item.add_marker("slow")


def _collect_rarely() -> None:
    """What is loaded now stays until the end, so no collection of garbage need look at it again; and few are needed."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


@pytest.fixture(autouse=True)
def nobody_acts() -> Iterator[None]:
    """Each test begins on nobody's behalf: who signs in outside of a request goes on acting until the test is over."""
    with log.acting(log.Scope()), audit.off():
        yield


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The settings of every function, AWS played by moto; nothing reaches a network."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    settings = {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "ROOT_SECRET": ROOT_SECRET,
        "STAGE": "dev",
        "BUS_NAME": "market-dev",
        "LOG_LEVEL": "INFO",
        "ACCESS_CACHE_SECONDS": "0",
        "RATE_LIMIT": "0",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    config.forget()
    with mock_aws():
        _make_secret()
        yield monkeypatch
    config.forget()
    standing.memory.forget()


@pytest.fixture(params=["moto", "dynoxide"])
def database(request: pytest.FixtureRequest, environment: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty table under a name of its own; the value is the name. Tests run on both engines: see above for when."""
    name = f"market-{uuid4().hex[:12]}"
    environment.setenv("TABLE_NAME", name)
    if request.param == "moto":
        dynamodb_lock.install()
        _make_moto_table(name)
        yield name
        return
    engine: Database = request.getfixturevalue("dynoxide")
    environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", engine.url)
    engine.create(name, TABLE)
    yield name
    engine.drop(name)


@pytest.fixture
def embedded_table(environment: pytest.MonkeyPatch, dynoxide: Database) -> Iterator[str]:
    """An empty table of the embedded database, for tests that are not about the table; the value is its name."""
    name = f"market-{uuid4().hex[:12]}"
    environment.setenv("TABLE_NAME", name)
    environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynoxide.url)
    dynoxide.create(name, TABLE)
    yield name
    dynoxide.drop(name)


def _make_moto_table(name: str) -> None:
    config.client("dynamodb").create_table(**table_request(name, TABLE))


def _make_secret() -> None:
    from moto.secretsmanager.models import secretsmanager_backends

    backend: Any = secretsmanager_backends[ACCOUNT][REGION]
    backend.create_secret(
        name=ROOT_SECRET,
        secret_string="a-root-secret-for-tests-only",
        secret_binary=None,
        description=None,
        tags=[],
        kms_key_id=None,
        client_request_token=None,
        replica_regions=[],
        force_overwrite=False,
    )

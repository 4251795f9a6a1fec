"""What many tests share: a database of one's own, on both engines."""

import functools
import os
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

import botocore.session
import pytest
from moto import mock_aws

from local import dynamodb_lock
from local.database import Database, table_request
from market import config
from market.guard import standing

pytest_plugins = [f"tests.plugins.{name}" for name in ("access_patterns", "cells", "contract", "leaks")]

botocore.session.create_loader = functools.cache(botocore.session.create_loader)  # API models are read once per run

os.environ.setdefault("RATE_LIMIT", "0")  # for marketplaces too: all of a test's people come from one address

REGION = "us-east-1"
ACCOUNT = "123456789012"
ROOT_SECRET = "market/root"
_CHECKOUTS = frozenset(("checkout", "desk", "reviewed", "stripe", "till"))
"""Fixtures that run the whole marketplace."""


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


_LONG = tuple(
    f"tests/services/{name}/"
    for name in (
        "payments",
        "refunds",
        "orders",
        "ledger",
        "fraud",
        "identity",
        "access",
        "profiles",
        "abuse",
        "developers",
        "flags",
        "audit",
    )
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """The longest tests use one engine every day, and with the slow tests the other, five times slower."""
    for item in items:
        if isinstance(item, pytest.Function) and (
            _CHECKOUTS.intersection(item.fixturenames) or item.nodeid.startswith(_LONG)
        ):
            chosen = item.callspec.params.get("database") if hasattr(item, "callspec") else None
            if chosen == "moto":
                item.add_marker("slow")


@pytest.fixture(scope="session")
def dynoxide() -> Iterator[Database]:
    """One embedded database in memory for the whole run."""
    running = Database()
    yield running
    running.stop()


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
    """An empty table under a name of its own; the value is the name. Each test runs on both engines."""
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

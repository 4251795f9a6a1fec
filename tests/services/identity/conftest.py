"""A user pool and the people of these tests."""

from collections.abc import Callable
from typing import Any

import pytest

from identity import api, service, triggers
from identity.contract import user_key
from identity.manifest import MANIFEST
from market.table import Table
from tests.http import Response, call
from tests.services.identity.cognito import CODE, Pool
from tests.services.outbox import announced

ADA = {"email": "ada@example.com", "password": "Difference-Engine-1", "name": "Ada"}
Call = Callable[..., Response]


@pytest.fixture
def pool(database: str, environment: pytest.MonkeyPatch) -> Pool:
    return Pool(environment, triggers.pre_token)


@pytest.fixture
def send(pool: Pool) -> Call:
    def send(method: str, path: str, body: Any = None, **options: Any) -> Response:
        return call(api.handler, method, path, body, **options)

    return send


@pytest.fixture
def outbox(pool: Pool) -> Callable[[], list[dict[str, Any]]]:
    return announced


@pytest.fixture
def ada(send: Call) -> dict[str, str]:
    """Registered and verified."""
    assert send("POST", "/v1/auth/register", ADA).status == 202
    assert send("POST", "/v1/auth/verify", {"email": ADA["email"], "code": CODE}).status == 200
    return ADA


@pytest.fixture
def staff(pool: Pool) -> str:
    return service.bootstrap("grace@example.com", "Nanosecond-Wire-30cm", "Grace", ["staff"])


def item(user_id: str) -> dict[str, Any] | None:
    return Table(MANIFEST).get(user_key(user_id), consistent=True)

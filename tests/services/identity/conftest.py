"""A user pool and the people of these tests."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.contract import read_standing, standing_key
from identity import api, service, store
from identity.contract import user_key
from identity.table import TABLE
from market import clock
from market.guard.standing import Standing
from tests.http import Response, call
from tests.services.identity.cognito import Pool, claims
from tests.services.outbox import announced
from tests.services.outbox import recorded as records

ADA = {"email": "ada@example.com", "password": "Difference-Engine-1", "name": "Ada"}
STAFF = {"roles": "customer staff"}
Call = Callable[..., Response]
Session = dict[str, Any]


class Time:
    """The time of a test; it passes when the test says so."""

    def __init__(self) -> None:
        self._now = datetime(2026, 5, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def passes(self, **span: float) -> None:
        self._now += timedelta(**span)


@pytest.fixture
def time() -> Iterator[Time]:
    turned = Time()
    with clock.running_on(turned.now):
        yield turned


@pytest.fixture
def pool(database: str, environment: pytest.MonkeyPatch) -> Pool:
    return Pool(environment)


@pytest.fixture
def send(pool: Pool) -> Call:
    def send(method: str, path: str, body: Any = None, **options: Any) -> Response:
        return call(api.handler, method, path, body, **options)

    return send


@pytest.fixture
def outbox(pool: Pool) -> Callable[..., list[dict[str, Any]]]:
    """What was announced, without the audit's records; of one type if it is named."""
    return lambda wanted="": [event for event in announced() if event["type"] == (wanted or event["type"])]


@pytest.fixture
def recorded(pool: Pool) -> Callable[[], list[dict[str, Any]]]:
    """The audit's records, in the order of their making."""
    return records


@pytest.fixture
def ada(send: Call, pool: Pool) -> dict[str, str]:
    """Registered and verified."""
    assert confirm(send, pool, register(send)).status == 200
    return ADA


@pytest.fixture
def signed_in(send: Call, ada: dict[str, str]) -> Session:
    """The tokens of Ada's first sign-in."""
    answer = login(send, ada)
    assert answer.status == 200
    found: Session = answer.json
    return found


@pytest.fixture
def staff(pool: Pool) -> str:
    return service.bootstrap("grace@example.com", "Nanosecond-Wire-30cm", "Grace", ["staff"])


def register(send: Call, who: dict[str, str] = ADA) -> str:
    """What has to come with the code."""
    answer = send("POST", "/v1/auth/register", who)
    assert answer.status == 202
    return str(answer.json["registration"])


def confirm(send: Call, pool: Pool, registration: str) -> Response:
    """Ada's address, with the newest code that was mailed there."""
    body = {"email": ADA["email"], "code": pool.code(ADA["email"]), "registration": registration}
    return send("POST", "/v1/auth/verify", body)


def login(send: Call, who: dict[str, str], **options: Any) -> Response:
    return send("POST", "/v1/auth/login", {"email": who["email"], "password": who["password"]}, **options)


def owner(session: Session) -> str:
    """Whose session it is."""
    return str(claims(session["accessToken"])["sub"])


def session_id(session: Session) -> str:
    return str(claims(session["accessToken"])["origin_jti"])


def bearing(session: Session) -> dict[str, Any]:
    """Options of a request that carries the session's access token, as the authorizer lets it through."""
    said = {name: str(value) for name, value in claims(session["accessToken"]).items()}
    return {
        "caller": said["sub"],
        "permissions": "",
        "claims": said,
        "headers": {"authorization": f"Bearer {session['accessToken']}"},
    }


def item(user_id: str) -> dict[str, Any] | None:
    return TABLE.get(user_key(user_id), consistent=True)


def standing(user_id: str) -> Standing:
    return read_standing(TABLE.get(standing_key(user_id), consistent=True) or {})


def roles(user_id: str) -> str:
    """The kinds of caller that a new token would say somebody is."""
    from identity.claims import claims_of

    user = store.get(user_id, consistent=True)
    return claims_of(user_id, email=user.email if user else "", name="", proven=False)["roles"]

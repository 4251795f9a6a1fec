"""The simulated carriers keep their rules, and the sandbox is one of them."""

import base64
from typing import Any

import orjson
import pytest

from shipping import easypost, gateway, sandbox
from shipping.model import Destination, Origin
from shipping.simulator import Carriers
from tests.http import call
from tests.services.shipping.conftest import Time
from tests.services.shipping.shelves import parcel

pytestmark = pytest.mark.contract("13.2")

HOME = {"country": "US", "state": "CA", "zip": "94107"}
FAR = {"country": "US", "state": "NY", "zip": "10001"}


@pytest.fixture
def company(time: Time) -> Carriers:
    return Carriers("key", allowed=3)


def ask(company: Carriers, to: dict[str, str], *, key: str = "key", **changes: Any) -> tuple[int, Any]:
    shipment = {
        "from_address": HOME,
        "to_address": to,
        "parcel": {"weight": 16.0} | changes.pop("parcel", {}),
    } | changes
    status, _, body = company.handle(
        "POST", "/v2/shipments", easypost.headers(key), orjson.dumps({"shipment": shipment})
    )
    return status, orjson.loads(body)


def prices(said: Any) -> dict[str, str]:
    return {rate["service"]: rate["rate"] for rate in said["rates"]}


def test_further_away_costs_more(company: Carriers) -> None:
    near, far = (prices(ask(company, place)[1]) for place in (HOME, FAR))
    assert near == {"Ground": "4.59", "Priority": "7.94", "Overnight": "24.31", "Home": "3.97"}
    assert far == {"Ground": "5.22", "Priority": "8.92", "Overnight": "26.48"}, "841 signs are eight zones, one too far"


def test_abroad_one_carrier_does_not_go_and_prices_are_in_the_senders_currency(company: Carriers) -> None:
    for sender, currency, ground in (("JP", "JPY", "6"), ("KW", "KWD", "5.310"), ("DE", "EUR", "5.31")):
        company = Carriers("key")
        said = ask(company, FAR, from_address={"country": sender, "zip": "20095"})[1]
        assert {(rate["carrier"], rate["currency"]) for rate in said["rates"]} == {("Heron", currency)}
        assert prices(said)["Ground"] == ground
        assert [message["carrier"] for message in said["messages"]] == ["Tortoise"]


@pytest.mark.parametrize("sides", [(109, 1, 1), (60, 30, 23), (20, 80, 30)])
def test_what_is_too_large_is_sent_by_nobody(company: Carriers, sides: tuple[int, int, int]) -> None:
    size = dict(zip(("length", "width", "height"), sides, strict=True))
    status, said = ask(company, HOME, parcel=size)
    assert (status, said["rates"], len(said["messages"])) == (201, [], 2)


def test_what_is_too_heavy_for_one_is_sent_by_the_other(company: Carriers) -> None:
    assert list(prices(ask(company, HOME, parcel={"weight": 71 * 16.0})[1])) == ["Home"]
    assert prices(ask(company, HOME, parcel={"weight": 151 * 16.0})[1]) == {}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"to": {"country": "US", "zip": "00000"}}, "ADDRESS.VERIFY.FAILURE"),
        ({"to": {"zip": "10001"}}, "ADDRESS.VERIFY.FAILURE"),
        ({"parcel": {"weight": 0}}, "PARAMETER.INVALID"),
        ({"parcel": {"weight": "much"}}, "PARAMETER.REQUIRED"),
        ({"from_address": None}, "PARAMETER.REQUIRED"),
    ],
)
def test_questions_that_cannot_be_answered_are_refused(company: Carriers, changes: dict[str, Any], code: str) -> None:
    status, said = ask(company, changes.pop("to", FAR), **changes)
    assert (status, said["error"]["code"]) == (422, code)


def test_a_key_is_asked_for_and_questions_are_counted(company: Carriers, time: Time) -> None:
    assert ask(company, FAR, key="wrong")[0] == 401
    assert [ask(company, FAR)[0] for _ in range(4)] == [201, 201, 201, 429]
    time.passes(60)
    assert ask(company, FAR)[0] == 201


def test_a_shipment_is_remembered(company: Carriers) -> None:
    _, made = ask(company, FAR)
    status, _, body = company.handle("GET", f"/v2/shipments/{made['id']}", easypost.headers("key"), b"")
    assert (status, orjson.loads(body)) == (200, made)
    assert company.handle("GET", "/v2/shipments/shp_none", easypost.headers("key"), b"")[0] == 404


@pytest.mark.parametrize("body", [b"", b"[]", b'{"shipment": 7}', b"\xff"])
def test_what_is_no_question_is_refused(company: Carriers, body: bytes) -> None:
    assert company.handle("POST", "/v2/shipments", easypost.headers("key"), body)[0] == 422


@pytest.mark.usefixtures("database")
def test_the_sandbox_answers_what_the_gateway_asks() -> None:
    origin = Origin(country="US", region="CA", postal_code="94107")
    question = easypost.question(origin, Destination("US", "NY", "10001"), parcel(436), 500)
    path = f"{gateway.SANDBOX}{easypost.PATH}"
    answer = call(sandbox.handler, "POST", path, question.decode(), headers=easypost.headers(gateway.sandbox_key()))
    assert answer.status == 201
    assert {rate.carrier for rate in easypost.read(201, answer.body.encode()).rates} >= {"Heron"}
    assert call(sandbox.handler, "POST", path, question.decode()).status == 401
    wrong = base64.b64encode(b"x:").decode()
    assert call(sandbox.handler, "POST", path, "{}", headers={"authorization": f"Basic {wrong}"}).status == 401
    refused = call(sandbox.handler, "POST", path, "{}", headers=easypost.headers(gateway.sandbox_key()))
    assert easypost.read(refused.status, refused.body.encode()).refusal == "422"

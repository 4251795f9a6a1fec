"""What a caller sees of limits and captchas, at a route that has them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from abuse.simulator import Captcha
from access.contract import standing_key
from access.store import table
from market import clock, config
from market.guard import captcha, limits
from market.http import ANYONE, CUSTOMER, GUEST, ServiceApi, View, new_guest
from market.manifest import Manifest
from payments.simulators.network import Network
from tests.http import Response, call
from tests.services.abuse.staff import hear, send, slow_down

pytestmark = [pytest.mark.contract("1.5", "24.2"), pytest.mark.usefixtures("database")]

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
api = ServiceApi(Manifest(service="doors", prefixes=("DOR#",), functions=()))


class Open(View):
    by: str


@api.post("/v1/doors", callers=[ANYONE], limit="register", captcha="register")
def come_in() -> Open:
    return Open(by="somebody")


@api.post("/v1/own-doors", callers=[CUSTOMER, GUEST], limit="coupon")
def come_home() -> Open:
    return Open(by=api.caller.id)


@pytest.fixture(autouse=True)
def _counting(environment: pytest.MonkeyPatch) -> Iterator[None]:
    environment.setenv("RATE_LIMIT", "100")
    limits.refused.clear()
    with clock.running_on(lambda: NOON):
        yield
    limits.refused.clear()


def knock(path: str = "/v1/doors", **options: Any) -> Response:
    return call(api.handler, "POST", path, **options)


def home(**options: Any) -> Response:
    return knock("/v1/own-doors", **options)


def test_who_comes_too_often_is_told_when_to_come_again() -> None:
    assert {knock().status for _ in range(5)} == {200}
    answer = knock()
    assert (answer.status, answer.json["code"]) == (429, "rate_limited")
    wait = answer.json["retryAfter"]
    assert answer.headers["retry-after"] == str(wait)
    assert 60 < wait <= 120, "until the minute of the five is mostly over"
    with clock.running_on(lambda: NOON + timedelta(seconds=wait)):
        assert knock().status == 200


def test_people_count_by_themselves_and_guests_by_their_address() -> None:
    assert {home(caller="ada").status for _ in range(10)} == {200}
    assert home(caller="ada").status == 429
    assert home(caller="bob").status == 200
    guests = [knock("/v1/guest/own-doors", headers={"guest-token": new_guest()}).status for _ in range(11)]
    assert guests == [200] * 10 + [429], "a new token is no new allowance"


def test_who_is_limited_by_what_was_heard_gets_a_quarter_until_it_has_faded(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ACCESS_CACHE_SECONDS", "0")
    for _ in range(7):
        assert hear("fraud.review_needed", order_id="o", order_no="n", customer_id="ada", score=7000) == []
    slow_down()
    assert [home(caller="ada").status for _ in range(3)] == [200, 200, 429]
    assert {home(caller="bob").status for _ in range(10)} == {200}
    with clock.running_on(lambda: NOON + timedelta(hours=11)):
        assert {home(caller="ada").status for _ in range(2)} == {200}
        assert home(caller="ada").status == 429, "of 105 points more than 100 are left"
    with clock.running_on(lambda: NOON + timedelta(hours=12)):
        assert {home(caller="ada").status for _ in range(10)} == {200}


def test_what_a_guest_does_leaves_no_standing_behind() -> None:
    guest = new_guest().partition(".")[0]
    for _ in range(7):
        hear("fraud.review_needed", order_id="o", order_no="n", customer_id=guest, score=7000)
    assert send("GET", f"/scores/{guest}").json["level"] == "limited"
    slow_down()
    assert table.get(standing_key(guest), consistent=True) is None


def test_who_is_forgiven_has_the_normal_allowance(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ACCESS_CACHE_SECONDS", "0")
    for _ in range(7):
        hear("fraud.review_needed", order_id="o", order_no="n", customer_id="ada", score=7000)
    slow_down()
    assert send("DELETE", "/scores/ada").status == 204
    slow_down()
    assert {home(caller="ada").status for _ in range(10)} == {200}


def test_a_captcha_is_asked_for_where_it_is_switched_on(environment: pytest.MonkeyPatch) -> None:
    company = Captcha("s3cret")
    environment.setenv("CAPTCHA_URL", "https://captcha.test/siteverify")
    environment.setenv("CAPTCHA_SECRET", "market/doors-captcha")
    captcha._secret.cache_clear()
    config.client("secretsmanager").create_secret(Name="market/doors-captcha", SecretString="s3cret")
    config.use_http(Network({"https://captcha.test": company.handle}))

    assert knock().json["code"] == "captcha_required"
    token = company.solve("register")
    assert knock(headers={"Captcha-Token": token}).status == 200
    assert company.addresses == ["127.0.0.1"]
    answer = knock(headers={"Captcha-Token": token})
    assert (answer.status, answer.json["code"]) == (403, "captcha_failed")
    captcha._secret.cache_clear()


def test_the_description_tells_of_it() -> None:
    answers = api.openapi()["paths"]["/v1/doors"]["post"]["responses"]
    assert "429" in answers

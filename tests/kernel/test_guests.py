"""Guests: who has no account proves who he is by a signed token, on routes of his own, and opens nothing else."""

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any

import pytest

from market import clock, config
from market.guard.callers import GUEST_LIFE
from market.http import ANYONE, CUSTOMER, GUEST, STAFF, ServiceApi, guest_of, new_guest
from tests.http import Response, call
from tests.kernel.lamps import MANIFEST

pytestmark = [pytest.mark.usefixtures("embedded_table"), pytest.mark.contract("10.1", "2.2")]

api = ServiceApi(MANIFEST)


@api.get("/v1/lantern", callers=[CUSTOMER, GUEST])
def show() -> dict[str, str]:
    """One's own lantern."""
    return {"owner": api.caller.id, "roles": " ".join(sorted(api.caller.roles))}


@api.post("/v1/lantern/<name>/orders", callers=[CUSTOMER, GUEST])
def order(name: str) -> dict[str, str]:
    return {"name": name, "key": api.idempotency().key}


@api.get("/v1/wishes", callers=[CUSTOMER])
def wishes() -> dict[str, str]:
    return {"owner": api.caller.id}


@api.get("/v1/cellar", callers=[STAFF], needs="lamps.dust")
def cellar() -> dict[str, str]:
    return {}


@api.get("/v1/window", callers=[ANYONE])
def window() -> dict[str, str]:
    return {}


def ask(path: str, token: str | None = None, *, method: str = "GET", **options: Any) -> Response:
    headers = {"idempotency-key": "a-key-of-mine"} | ({} if token is None else {"guest-token": token})
    return call(api.handler, method, path, headers=headers, **options)


def signed(claim: str, key: bytes) -> str:
    return f"{claim}.{hmac.new(key, claim.encode(), hashlib.sha256).hexdigest()}"


def test_a_guest_is_known_by_the_token_that_was_given() -> None:
    token = new_guest()

    answer = ask("/v1/guest/lantern", token)

    assert answer.status == 200
    assert answer.json == {"owner": guest_of(token), "roles": "guest"}
    assert answer.json["owner"].startswith("gst_")


def test_no_two_guests_are_the_same() -> None:
    assert len({guest_of(new_guest()) for _ in range(100)}) == 100


def bad_tokens() -> dict[str, str]:
    good = new_guest()
    guest, expiry, signature = good.split(".")
    another = new_guest().split(".")
    jwt = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    return {
        "empty": "",
        "garbage": "garbage",
        "no signature": f"{guest}.{expiry}.",
        "another signature": f"{guest}.{expiry}.{another[2]}",
        "another guest": f"{another[0]}.{expiry}.{signature}",
        "longer life": f"{guest}.{int(expiry) + 1}.{signature}",
        "zeros": f"{guest}.{expiry}.{'0' * 64}",
        "one bit": f"{good[:-1]}{'0' if good[-1] != '0' else '1'}",
        "upper case": f"{guest}.{expiry}.{signature.upper()}",
        "truncated": good[:-1],
        "prolonged": f"{good}0",
        "twice": f"{good},{good}",
        "as a bearer": f"Bearer {good}",
        "spaces": f" {good} ",
        "a line": f"{good}\n",
        "a null": f"{good}\0",
        "huge": "a" * 100_000,
        "huge parts": f"gst_{'0' * 50_000}.{'9' * 50_000}.{'f' * 50_000}",
        "unicode": "☃" * 106,
        "digits of another script": f"{guest}.{'٣' * 10}.{signature}",
        "surrogate": "\ud800",
        "a customer's token": f"{jwt}.{jwt}.{jwt}",
        "a user's id": signed(f"usr_{guest[4:]}.{expiry}", config.key("guest")),
        "an order's number": signed(f"MK-0R3K7Q8H-2MX4TQ9Z.{expiry}", config.key("guest")),
        "another purpose's key": signed(f"{guest}.{expiry}", config.key("cursor")),
        "a key of one's own": signed(f"{guest}.{expiry}", b"a-root-secret-for-tests-only"),
        "no key": f"{guest}.{expiry}.{hashlib.sha256(f'{guest}.{expiry}'.encode()).hexdigest()}",
        "expired": signed(f"{guest}.{clock.epoch() - 1:010}", config.key("guest")),
        "this very second": signed(f"{guest}.{clock.epoch():010}", config.key("guest")),
        "no expiry": signed(guest, config.key("guest")),
    }


def test_nobody_gets_in_with_a_guest_token_that_is_not_good() -> None:
    for what, token in bad_tokens().items():
        answer = ask("/v1/guest/lantern", token)
        assert (answer.status, answer.json["code"]) == (401, "unauthenticated"), what
        assert guest_of(token) == "", what
    assert ask("/v1/guest/lantern").status == 401


def test_a_guest_token_of_another_stage_is_worth_nothing(environment: pytest.MonkeyPatch) -> None:
    token = new_guest()
    config.client("secretsmanager").put_secret_value(SecretId="market/root", SecretString="another-root")
    config.forget()

    assert ask("/v1/guest/lantern", token).status == 401


def test_a_guest_token_ends() -> None:
    token, now = new_guest(), clock.now()

    with clock.running_on(lambda: now + GUEST_LIFE - timedelta(minutes=1)):
        assert ask("/v1/guest/lantern", token).status == 200
    with clock.running_on(lambda: now + GUEST_LIFE + timedelta(minutes=1)):
        assert ask("/v1/guest/lantern", token).status == 401


def test_a_guest_opens_no_door_of_others() -> None:
    for path in ("/v1/lantern", "/v1/wishes", "/v1/cellar"):
        assert ask(path, new_guest()).status == 401, path
    assert ask("/v1/window", new_guest()).status == 200


@pytest.mark.parametrize("roles", ["customer", "vendor staff customer", "guest", "anyone", ""])
def test_an_account_opens_no_door_of_guests(roles: str) -> None:
    assert ask("/v1/guest/lantern", caller="ada", roles=roles).status == 401
    assert ask("/v1/guest/lantern", caller="gst_00000000000000000000000000", roles=roles).status == 401
    assert ask("/v1/guest/lantern", caller="ada", roles=roles, token=new_guest()).json["owner"].startswith("gst_")


def test_who_signed_in_is_that_even_with_a_guest_token_left_over() -> None:
    assert ask("/v1/lantern", new_guest(), caller="ada").json == {"owner": "ada", "roles": "customer"}
    assert ask("/v1/lantern", "garbage", caller="ada").status == 200


def test_what_only_customers_may_has_no_door_for_guests() -> None:
    assert ask("/v1/guest/wishes", new_guest()).status == 404
    assert {(route.path, *route.callers) for route in api.routes if "guest" in route.path} == {
        ("/v1/guest/lantern", "guest"),
        ("/v1/guest/lantern/<name>/orders", "guest"),
    }


def test_idempotency_keys_of_guests_are_their_own() -> None:
    tokens = new_guest(), new_guest()
    keys = {ask("/v1/guest/lantern/brass/orders", token, method="POST").json["key"] for token in tokens}
    keys |= {ask("/v1/lantern/brass/orders", method="POST", caller="ada").json["key"]}

    assert len(keys) == 3


def test_a_route_for_anyone_cannot_be_one_for_guests() -> None:
    with pytest.raises(AssertionError, match="for all others too"):
        ServiceApi(MANIFEST).get("/v1/x", callers=[ANYONE, GUEST])


@pytest.mark.contract("1.1")
def test_the_description_says_which_header_a_guest_sends() -> None:
    document = api.openapi()

    scheme = document["components"]["securitySchemes"]["guest"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "Guest-Token")
    assert document["paths"]["/v1/guest/lantern"]["get"]["security"] == [{"guest": []}]
    assert document["paths"]["/v1/lantern"]["get"]["security"] == [{"bearer": []}]
    assert document["paths"]["/v1/guest/lantern"]["get"]["operationId"] == "lamps_guest_show"

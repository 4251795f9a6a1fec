"""Registering, signing in and out, new passwords: what the account routes promise."""

import base64
import json
from typing import Any

import pytest

from identity import service
from market.table import Table
from tests.services.identity.cognito import CODE, Pool
from tests.services.identity.conftest import ADA, Call, item

PASSWORD = {"email": ADA["email"], "password": ADA["password"]}
UNKNOWN = {"email": "nobody@example.com", "password": "Some-Password-1"}


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


def login(send: Call, who: dict[str, str]) -> Any:
    return send("POST", "/v1/auth/login", {"email": who["email"], "password": who["password"]})


@pytest.mark.contract("1.1")
def test_a_registered_and_verified_person_signs_in_as_a_customer(send, ada):
    answer = login(send, ada)
    assert answer.status == 200
    assert set(answer.json) == {"accessToken", "refreshToken", "expiresIn", "tokenType"}
    assert answer.json["tokenType"] == "Bearer"
    assert answer.json["expiresIn"] > 0
    assert answer.headers["cache-control"] == "no-store"
    access = claims(answer.json["accessToken"])
    assert access["roles"] == "customer"
    assert "vendorId" not in access


@pytest.mark.contract("1.1")
def test_registering_remembers_the_person_and_announces_them_without_personal_data(send, pool, outbox):
    send("POST", "/v1/auth/register", ADA)
    (event,) = outbox()
    assert event["type"] == "user.created"
    assert event["data"] == {"user_id": event["data"]["user_id"]}
    kept = item(event["data"]["user_id"])
    assert kept
    assert (kept["email"], kept["name"], kept["roles"], kept["status"]) == (ADA["email"], "Ada", {"customer"}, "active")


@pytest.mark.contract("1.1")
def test_the_address_is_the_same_whatever_its_case(send, ada):
    assert login(send, {"email": "ADA@Example.com", "password": ada["password"]}).status == 200
    send("POST", "/v1/auth/register", {**ADA, "email": "Ada@EXAMPLE.com"})
    assert login(send, ada).status == 200


@pytest.mark.contract("1.1")
def test_a_taken_address_is_answered_like_a_free_one_and_keeps_its_password(send, ada, outbox):
    first = send("POST", "/v1/auth/register", {**ADA, "email": "eve@example.com"})
    again = send("POST", "/v1/auth/register", {**ADA, "password": "Another-Password-2", "name": "Mallory"})
    assert (again.status, again.body) == (first.status, first.body)
    assert login(send, ada).status == 200
    assert len(outbox()) == 2


@pytest.mark.contract("1.4")
@pytest.mark.parametrize("weak", ["Ab1-", "alllower-case-1", "ALLUPPER-CASE-1", "No-digits-here", "NoSymbols123"])
def test_a_weak_password_is_refused_alike_for_known_and_unknown_addresses(send, ada, weak):
    for email in (ada["email"], "new@example.com"):
        answer = send("POST", "/v1/auth/register", {**ADA, "email": email, "password": weak})
        assert (answer.status, answer.json["code"]) == (422, "weak_password")


@pytest.mark.contract("1.1")
def test_an_unverified_person_is_told_so_but_only_with_the_right_password(send):
    send("POST", "/v1/auth/register", ADA)
    answer = login(send, ADA)
    assert (answer.status, answer.json["code"]) == (403, "email_not_verified")
    assert login(send, {**ADA, "password": "Wrong-Password-1"}).json["code"] == "invalid_credentials"


@pytest.mark.contract("1.1")
def test_a_wrong_password_and_an_unknown_address_are_answered_alike(send, ada):
    wrong, unknown = login(send, {**ada, "password": "Wrong-Password-1"}), login(send, UNKNOWN)
    assert wrong.status == unknown.status == 401
    assert wrong.json["code"] == "invalid_credentials"
    assert {**wrong.json, "requestId": ""} == {**unknown.json, "requestId": ""}


@pytest.mark.contract("1.1")
def test_a_wrong_code_and_an_unknown_address_are_answered_alike(send):
    send("POST", "/v1/auth/register", ADA)
    wrong = send("POST", "/v1/auth/verify", {"email": ADA["email"], "code": "000000"})
    unknown = send("POST", "/v1/auth/verify", {"email": "nobody@example.com", "code": "000000"})
    assert wrong.status == unknown.status == 422
    assert {**wrong.json, "requestId": ""} == {**unknown.json, "requestId": ""}
    assert wrong.json["code"] == "wrong_code"
    assert login(send, ADA).json["code"] == "email_not_verified"


@pytest.mark.contract("1.1")
@pytest.mark.parametrize("route", ["resend", "forgot-password"])
def test_asking_for_a_code_never_tells_who_has_an_account(send, ada, pool, route):
    answers = [send("POST", f"/v1/auth/{route}", {"email": email}) for email in (ada["email"], "nobody@example.com")]
    pool.fail = {"forgot_password": "LimitExceededException", "resend_confirmation_code": "LimitExceededException"}
    answers.append(send("POST", f"/v1/auth/{route}", {"email": ada["email"]}))
    assert {(answer.status, answer.body) for answer in answers} == {(202, answers[0].body)}


@pytest.mark.contract("1.1")
def test_a_new_code_is_mailed_to_those_who_wait_for_one(send, pool):
    send("POST", "/v1/auth/register", ADA)
    send("POST", "/v1/auth/resend", {"email": ADA["email"]})
    assert pool.mailed == [("sign_up", ADA["email"]), ("resend", ADA["email"])]


@pytest.mark.contract("1.1")
def test_a_forgotten_password_is_replaced_with_the_mailed_code(send, ada):
    send("POST", "/v1/auth/forgot-password", {"email": ada["email"]})
    new = {"email": ada["email"], "code": CODE, "newPassword": "Analytical-Engine-2"}
    assert send("POST", "/v1/auth/reset-password", {**new, "code": "000000"}).json["code"] == "wrong_code"
    assert send("POST", "/v1/auth/reset-password", {**new, "newPassword": "short"}).json["code"] == "weak_password"
    assert send("POST", "/v1/auth/reset-password", {**new, "email": "no@example.com"}).json["code"] == "wrong_code"
    assert login(send, ada).status == 200
    assert send("POST", "/v1/auth/reset-password", new).status == 200
    assert login(send, ada).status == 401
    assert login(send, {**ada, "password": new["newPassword"]}).status == 200


@pytest.mark.contract("1.3")
def test_a_refresh_token_is_traded_once_for_a_new_session(send, ada):
    old = login(send, ada).json["refreshToken"]
    renewed = send("POST", "/v1/auth/refresh", {"refreshToken": old})
    assert renewed.status == 200
    assert renewed.json["refreshToken"] != old
    assert send("POST", "/v1/auth/refresh", {"refreshToken": old}).json["code"] == "invalid_credentials"
    assert send("POST", "/v1/auth/refresh", {"refreshToken": renewed.json["refreshToken"]}).status == 200


@pytest.mark.contract("1.3")
def test_signing_out_ends_that_session_and_no_other(send, ada):
    here, there = login(send, ada).json, login(send, ada).json
    sub = claims(here["accessToken"])["sub"]
    for _ in range(2):
        body = {"refreshToken": here["refreshToken"]}
        assert send("POST", "/v1/auth/logout", body, caller=sub).status == 200
    assert send("POST", "/v1/auth/refresh", {"refreshToken": here["refreshToken"]}).status == 401
    assert send("POST", "/v1/auth/refresh", {"refreshToken": there["refreshToken"]}).status == 200


@pytest.mark.contract("1.3")
def test_signing_out_everywhere_ends_every_session(send, ada):
    sessions = [login(send, ada).json for _ in range(2)]
    token = sessions[0]["accessToken"]
    headers = {"authorization": f"Bearer {token}"}
    answer = send("POST", "/v1/auth/logout", {"everywhere": True}, caller=claims(token)["sub"], headers=headers)
    assert answer.status == 200
    for session in sessions:
        assert send("POST", "/v1/auth/refresh", {"refreshToken": session["refreshToken"]}).status == 401


@pytest.mark.contract("1.3")
@pytest.mark.parametrize("body", [{}, {"everywhere": False}, {"everywhere": True, "refreshToken": "x"}])
def test_signing_out_wants_one_session_or_all(send, body):
    assert send("POST", "/v1/auth/logout", body, caller="ada").status == 422


@pytest.mark.contract("1.1")
@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        ("LimitExceededException", 429, "too_many_attempts"),
        ("TooManyRequestsException", 429, "too_many_attempts"),
        ("TooManyFailedAttemptsException", 429, "too_many_attempts"),
        ("InternalErrorException", 503, "unavailable"),
        ("PasswordResetRequiredException", 401, "invalid_credentials"),
        ("SomethingNeverSeenException", 503, "unavailable"),
    ],
)
def test_cognitos_errors_get_names_of_ours_and_keep_its_words(send, ada, pool, capsys, raised, status, code):
    pool.fail = {"initiate_auth": raised}
    answer = login(send, ada)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert "Cognito" not in answer.body
    assert ("retry-after" in answer.headers) == (status in (429, 503))
    assert ada["email"] not in capsys.readouterr().out


@pytest.mark.contract("1.1")
def test_an_expired_code_is_answered_like_a_wrong_one(send, pool):
    send("POST", "/v1/auth/register", ADA)
    pool.fail = {"confirm_sign_up": "ExpiredCodeException"}
    assert send("POST", "/v1/auth/verify", {"email": ADA["email"], "code": CODE}).json["code"] == "wrong_code"


@pytest.mark.contract("1.1")
@pytest.mark.parametrize(
    "change",
    [
        {"email": "no-at-sign"},
        {"email": "a@b"},
        {"email": "ada@example.com\nBcc: eve@example.com"},
        {"email": "a" * 65 + "@example.com"},
        {"name": ""},
        {"name": "Ada\r\nBcc: x"},
        {"name": "x" * 101},
        {"password": ""},
        {"roles": ["staff"]},
    ],
)
def test_malformed_registrations_are_refused_without_asking_cognito(send, pool, change):
    assert send("POST", "/v1/auth/register", ADA | change).status == 422
    assert not pool.mailed


@pytest.mark.contract("1.1")
def test_a_crash_between_cognito_and_the_table_heals_at_the_first_sign_in(send, pool, monkeypatch, outbox):
    def crash(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(Table, "transact", crash)
        assert send("POST", "/v1/auth/register", ADA).status == 500
    send("POST", "/v1/auth/verify", {"email": ADA["email"], "code": CODE})
    token = claims(login(send, ADA).json["accessToken"])
    assert token["roles"] == "customer"
    assert send("GET", "/v1/me", caller=token["sub"]).json["name"] == "Ada"
    assert [event["type"] for event in outbox()] == ["user.created"]


@pytest.mark.contract("1.5")
def test_a_blocked_person_gets_no_token_and_keeps_no_session(send, ada, staff):
    session = login(send, ada).json
    sub = claims(session["accessToken"])["sub"]
    path = f"/v1/admin/users/{sub}/status"
    assert send("PUT", path, {"status": "blocked"}, caller=staff, roles="customer staff").status == 200
    refused = login(send, ada)
    assert (refused.status, refused.json["code"]) == (403, "account_blocked")
    assert login(send, {**ada, "password": "Wrong-Password-1"}).json["code"] == "invalid_credentials"
    assert send("POST", "/v1/auth/refresh", {"refreshToken": session["refreshToken"]}).status in (401, 403)
    assert send("PUT", path, {"status": "active"}, caller=staff, roles="customer staff").json["status"] == "active"
    assert login(send, ada).status == 200


@pytest.mark.contract("1.1")
def test_a_bootstrapped_account_is_ready_and_is_made_once(send, pool: Pool):
    made = [service.bootstrap(ADA["email"], ADA["password"], "Ada", ["vendor"], "ven_1") for _ in range(2)]
    assert made[0] == made[1]
    token = claims(login(send, ADA).json["accessToken"])
    assert (token["sub"], token["roles"], token["vendorId"]) == (made[0], "customer vendor", "ven_1")
    assert not pool.mailed

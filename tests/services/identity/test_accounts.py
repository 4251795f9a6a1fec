"""Registering, signing in, forgotten passwords: what the account routes promise."""

import pytest

from identity import gateway, service
from market.table import Table
from tests.services.identity.cognito import claims
from tests.services.identity.conftest import ADA, confirm, item, login, owner, register, roles, standing

PASSWORD = {"email": ADA["email"], "password": ADA["password"]}
UNKNOWN = {"email": "nobody@example.com", "password": "Some-Password-1"}


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
    assert (kept["email"], kept["name"]) == (ADA["email"], "Ada")
    assert not {"roles", "vendor_id", "status"} & set(kept)


@pytest.mark.contract("1.1")
def test_the_address_is_the_same_whatever_its_case(send, ada):
    assert login(send, {"email": "ADA@Example.com", "password": ada["password"]}).status == 200
    send("POST", "/v1/auth/register", {**ADA, "email": "Ada@EXAMPLE.com"})
    assert login(send, ada).status == 200


@pytest.mark.contract("1.1")
def test_a_taken_address_is_answered_like_a_free_one_and_keeps_its_password(send, ada, outbox):
    first = send("POST", "/v1/auth/register", {**ADA, "email": "eve@example.com"})
    again = send("POST", "/v1/auth/register", {**ADA, "password": "Another-Password-2", "name": "Mallory"})
    assert (again.status, again.json["message"]) == (first.status, first.json["message"])
    assert len(again.json["registration"]) == len(first.json["registration"])
    assert login(send, ada).status == 200
    assert [event["type"] for event in outbox()] == ["user.created", "user.created", "user.registration_repeated"]
    assert outbox()[2]["data"] == {"user_id": outbox()[0]["data"]["user_id"]}


@pytest.mark.contract("1.4")
@pytest.mark.parametrize("weak", ["Ab1-", "alllower-case-1", "ALLUPPER-CASE-1", "No-digits-here", "NoSymbols123"])
def test_a_weak_password_is_refused_alike_for_known_and_unknown_addresses(send, ada, weak):
    for email in (ada["email"], "new@example.com"):
        answer = send("POST", "/v1/auth/register", {**ADA, "email": email, "password": weak})
        assert (answer.status, answer.json["code"]) == (422, "weak_password")


@pytest.mark.contract("1.1")
def test_an_unverified_person_is_told_so_since_cognito_does_not_look_at_the_password_before(send):
    send("POST", "/v1/auth/register", ADA)
    for password in (ADA["password"], "Wrong-Password-1"):
        answer = login(send, {**ADA, "password": password})
        assert (answer.status, answer.json["code"]) == (403, "email_not_verified")


@pytest.mark.contract("1.1")
def test_a_wrong_password_and_an_unknown_address_are_answered_alike(send, ada):
    wrong, unknown = login(send, {**ada, "password": "Wrong-Password-1"}), login(send, UNKNOWN)
    assert wrong.status == unknown.status == 401
    assert wrong.json["code"] == "invalid_credentials"
    assert {**wrong.json, "requestId": ""} == {**unknown.json, "requestId": ""}


@pytest.mark.contract("1.1")
def test_a_wrong_code_and_an_unknown_address_are_answered_alike(send):
    body = {"email": ADA["email"], "code": "000000", "registration": register(send)}
    wrong = send("POST", "/v1/auth/verify", body)
    unknown = send("POST", "/v1/auth/verify", body | {"email": "nobody@example.com"})
    assert wrong.status == unknown.status == 422
    assert {**wrong.json, "requestId": ""} == {**unknown.json, "requestId": ""}
    assert wrong.json["code"] == "wrong_code"
    assert login(send, ADA).json["code"] == "email_not_verified"


@pytest.mark.contract("1.1")
@pytest.mark.parametrize("route", ["resend", "forgot-password"])
def test_asking_for_a_code_never_tells_who_has_an_account(send, ada, pool, route):
    answers = [send("POST", f"/v1/auth/{route}", {"email": email}) for email in (ada["email"], "nobody@example.com")]
    pool.fail = {"ForgotPassword": "LimitExceededException", "ResendConfirmationCode": "LimitExceededException"}
    answers.append(send("POST", f"/v1/auth/{route}", {"email": ada["email"]}))
    assert {(answer.status, answer.body) for answer in answers} == {(202, answers[0].body)}


@pytest.mark.contract("1.1")
def test_a_new_code_is_mailed_to_those_who_wait_for_one(send, pool):
    registration = register(send)
    send("POST", "/v1/auth/resend", {"email": ADA["email"]})
    assert len(pool.told(ADA["email"])) == 2
    assert confirm(send, pool, registration).status == 200


@pytest.mark.contract("1.1")
def test_a_forgotten_password_is_replaced_with_the_mailed_code(send, ada, pool):
    send("POST", "/v1/auth/forgot-password", {"email": ada["email"]})
    new = {"email": ada["email"], "code": pool.code(ada["email"]), "newPassword": "Analytical-Engine-2"}
    assert send("POST", "/v1/auth/reset-password", {**new, "code": "000000"}).json["code"] == "wrong_code"
    assert send("POST", "/v1/auth/reset-password", {**new, "newPassword": "short"}).json["code"] == "weak_password"
    assert send("POST", "/v1/auth/reset-password", {**new, "email": "no@example.com"}).json["code"] == "wrong_code"
    assert login(send, ada).status == 200
    assert send("POST", "/v1/auth/reset-password", new).status == 200
    assert login(send, ada).status == 401
    assert login(send, {**ada, "password": new["newPassword"]}).status == 200


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
    pool.fail = {"InitiateAuth": raised}
    answer = login(send, ada)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert "Cognito" not in answer.body
    assert ("retry-after" in answer.headers) == (status in (429, 503))
    assert ada["email"] not in capsys.readouterr().out


@pytest.mark.contract("1.1")
def test_an_expired_code_is_answered_like_a_wrong_one(send, pool):
    registration = register(send)
    pool.fail = {"ConfirmSignUp": "ExpiredCodeException"}
    assert confirm(send, pool, registration).json["code"] == "wrong_code"


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
    assert not pool.told(ADA["email"])


@pytest.mark.contract("1.1")
def test_a_crash_between_cognito_and_the_table_heals_at_the_first_sign_in(send, pool, monkeypatch, outbox):
    def crash(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(Table, "transact", crash)
        assert send("POST", "/v1/auth/register", ADA).status == 500
    made = gateway.find(ADA["email"])
    assert made
    gateway.confirm(made.id, pool.code(ADA["email"]))
    token = claims(login(send, ADA).json["accessToken"])
    assert token["roles"] == "customer"
    assert send("GET", "/v1/me", caller=token["sub"]).json["name"] == "Ada"
    assert [event["type"] for event in outbox()] == ["user.created"]


@pytest.mark.contract("1.1")
def test_a_bootstrapped_account_is_ready_and_is_made_once(send, pool):
    made = [service.bootstrap(ADA["email"], ADA["password"], "Ada", ["vendor"], "ven_1") for _ in range(2)]
    assert made[0] == made[1]
    token = claims(login(send, ADA).json["accessToken"])
    assert (token["sub"], token["roles"], token["vendorId"]) == (made[0], "customer vendor", "ven_1")
    assert token["vendorPermissions"] == "*"
    assert not pool.told(ADA["email"])


@pytest.mark.contract("1.5")
def test_an_account_is_pending_until_its_owner_signs_in_with_a_confirmed_address(send, pool, outbox):
    registration = register(send)
    user_id = outbox()[0]["data"]["user_id"]
    assert standing(user_id).status == "pending"
    confirm(send, pool, registration)
    assert owner(login(send, ADA).json) == user_id
    assert standing(user_id).status == "active"


@pytest.mark.contract("1.1")
def test_who_registered_an_address_without_confirming_it_keeps_neither_password_nor_account(send, pool, outbox):
    mallory = {**ADA, "password": "Mallorys-Password-1", "name": "Mallory"}
    register(send, mallory)
    confirm(send, pool, register(send))
    assert login(send, mallory).status == 401
    session = login(send, ADA).json
    first, second = (event["data"]["user_id"] for event in outbox("user.created"))
    assert owner(session) == second
    gone = item(first)
    assert gone
    assert (gone["email"], gone["name"], standing(first).status) == ("", "", "erased")


@pytest.mark.contract("1.1")
def test_the_code_of_a_strangers_registration_does_not_confirm_the_strangers_password(send, pool):
    mallory = {**ADA, "password": "Mallorys-Password-1", "name": "Mallory"}
    mine = register(send)
    theirs = register(send, mallory)  # Ada gets a second code, and takes it for hers
    assert confirm(send, pool, mine).json["code"] == "wrong_code"
    assert confirm(send, pool, "0" * 64).json["code"] == "wrong_code"
    assert login(send, mallory).json["code"] == "email_not_verified"
    first = pool.code(ADA["email"])
    mine = register(send)
    late = {"email": ADA["email"], "code": first, "registration": theirs}
    assert send("POST", "/v1/auth/verify", late).json["code"] == "wrong_code"
    assert confirm(send, pool, mine).status == 200
    assert login(send, mallory).json["code"] == "invalid_credentials"
    assert login(send, ADA).status == 200


@pytest.mark.contract("1.1")
def test_a_new_password_by_mail_ends_every_session_and_is_told(send, ada, pool, signed_in, outbox):
    send("POST", "/v1/auth/forgot-password", {"email": ada["email"]})
    new = {"email": ada["email"], "code": pool.code(ada["email"]), "newPassword": "Analytical-Engine-2"}
    assert send("POST", "/v1/auth/reset-password", new).status == 200
    ended = send("POST", "/v1/auth/refresh", {"refreshToken": signed_in["refreshToken"]})
    assert (ended.status, ended.json["code"]) == (401, "session_ended")
    (told,) = outbox("user.password_changed")
    assert told["data"] == {"user_id": owner(signed_in), "forgotten": True}
    assert roles(owner(signed_in)) == "customer"

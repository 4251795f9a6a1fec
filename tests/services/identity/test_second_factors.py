"""Second factors: enrolling, being asked for one, losing it, and having to have one."""

import pytest

from identity import factors_gateway, store
from identity.claims import claims_of
from identity.model import InvalidCredentials
from local.factors import app_code
from market import clock
from tests.services.identity.cognito import claims
from tests.services.identity.conftest import STAFF, bearing, item, login, owner, session_id

FACTORS = "/v1/me/second-factors"
PHONE = "+4915112345678"


@pytest.fixture
def secret(send, time, signed_in):
    """Of Ada's authenticator app, which is in use."""
    found = send("POST", f"{FACTORS}/totp", **bearing(signed_in)).json
    body = {"code": code(found["secret"])}
    assert send("POST", f"{FACTORS}/totp/confirmation", body, **bearing(signed_in)).status == 200
    time.passes(minutes=1)
    return found["secret"]


def code(secret):
    return app_code(secret, clock.now().timestamp())


def answer(send, challenge, **given):
    return send("POST", "/v1/auth/challenge", {"session": challenge["session"], **given})


@pytest.mark.contract("1.4")
def test_with_an_authenticator_app_a_password_is_not_enough(send, ada, secret):
    asked = login(send, ada)
    assert asked.status == 200
    assert set(asked.json) == {"challenge", "session"}
    assert asked.json["challenge"] == "totp"
    entered = answer(send, asked.json, code=code(secret))
    assert entered.status == 200
    assert send("GET", "/v1/me", **bearing(entered.json)).json["email"] == ada["email"]


@pytest.mark.contract("1.4")
def test_the_secret_comes_as_an_address_for_a_qr_code_and_counts_once_confirmed(send, ada, signed_in):
    found = send("POST", f"{FACTORS}/totp", **bearing(signed_in)).json
    assert found["address"].startswith("otpauth://totp/Marketplace%3Aada%40example.com?secret=" + found["secret"])
    wrong = send("POST", f"{FACTORS}/totp/confirmation", {"code": "000000"}, **bearing(signed_in))
    assert wrong.json["code"] == "wrong_code"
    assert "accessToken" in login(send, ada).json
    assert send("GET", FACTORS, **bearing(signed_in)).json == {"factors": [], "required": False}


@pytest.mark.contract("1.4")
def test_a_wrong_code_may_be_followed_by_a_right_one_but_not_for_ever(send, time, ada, secret):
    asked = login(send, ada).json
    assert answer(send, asked, code="000000").json["code"] == "wrong_code"
    assert answer(send, asked, code=code(secret)).status == 200
    time.passes(minutes=1)
    first, second = login(send, ada).json, login(send, ada).json
    assert {answer(send, first, code="000000").json["code"] for _ in range(5)} == {"wrong_code"}
    refused = answer(send, second, code=code(secret))
    assert (refused.status, refused.json["code"]) == (429, "too_many_attempts")


@pytest.mark.contract("1.4")
def test_a_code_of_an_app_is_good_once(send, ada, secret):
    spent = code(secret)
    assert answer(send, login(send, ada).json, code=spent).status == 200
    assert answer(send, login(send, ada).json, code=spent).json["code"] == "wrong_code"


@pytest.mark.contract("1.4")
def test_a_challenge_ends_with_its_answer_and_with_time(send, time, ada, secret):
    asked = login(send, ada).json
    assert answer(send, asked, code=code(secret)).status == 200
    assert answer(send, asked, code=code(secret)).json["code"] == "challenge_ended"
    late = login(send, ada).json
    time.passes(minutes=11)
    assert answer(send, late, code=code(secret)).json["code"] == "challenge_ended"


@pytest.mark.contract("1.4")
@pytest.mark.parametrize("given", [{}, {"method": "totp"}, {"newPassword": "Another-Engine-3"}, {"credential": {}}])
def test_another_answer_than_the_one_asked_for_is_refused(send, ada, secret, given):
    assert answer(send, login(send, ada).json, **given).status == 422


@pytest.mark.contract("1.4")
@pytest.mark.parametrize("session", ["x", "a.b", "é", "0" * 32 + ".e30"])
def test_nobody_makes_up_a_challenge(send, session):
    assert answer(send, {"session": session}, code="123456").status in (401, 422)


@pytest.mark.contract("1.4")
def test_codes_by_mail(send, ada, pool, signed_in):
    assert send("POST", f"{FACTORS}/email", **bearing(signed_in)).status == 200
    asked = login(send, ada).json
    assert asked["challenge"] == "email"
    assert asked["sentTo"] == "a***@e***"
    assert answer(send, asked, code=pool.code(ada["email"])).status == 200


@pytest.mark.contract("1.4")
def test_codes_by_text_message(send, ada, pool, signed_in):
    assert send("POST", f"{FACTORS}/sms", {"phone": PHONE}, **bearing(signed_in)).status == 202
    assert "accessToken" in login(send, ada).json
    wrong = send("POST", f"{FACTORS}/sms/confirmation", {"code": "x"}, **bearing(signed_in))
    assert wrong.json["code"] == "wrong_code"
    body = {"code": pool.code(PHONE)}
    assert send("POST", f"{FACTORS}/sms/confirmation", body, **bearing(signed_in)).status == 200
    assert send("GET", FACTORS, **bearing(signed_in)).json == {"factors": ["sms"], "required": False, "phone": "678"}
    asked = login(send, ada).json
    assert asked["challenge"] == "sms"
    assert answer(send, asked, code=pool.code(PHONE)).status == 200


@pytest.mark.contract("1.4")
def test_whoever_has_several_factors_chooses(send, ada, pool, signed_in, secret):
    send("POST", f"{FACTORS}/email", **bearing(signed_in))
    asked = login(send, ada).json
    assert asked["challenge"] == "choice"
    assert sorted(asked["methods"]) == ["email", "totp"]
    assert answer(send, asked, method="carrier pigeon").status == 422
    chosen = answer(send, asked, method="email").json
    assert chosen["challenge"] == "email"
    assert answer(send, chosen, code=pool.code(ada["email"])).status == 200


@pytest.mark.contract("1.4")
def test_doing_without_a_factor_needs_the_password(send, ada, signed_in, secret, outbox):
    path = f"{FACTORS}/totp/removal"
    wrong = send("POST", path, {"password": "Wrong-Password-1"}, **bearing(signed_in))
    assert wrong.json["code"] == "wrong_password"
    assert login(send, ada).json["challenge"] == "totp"
    assert send("POST", path, {"password": ada["password"]}, **bearing(signed_in)).status == 200
    assert "accessToken" in login(send, ada).json
    missing = send("POST", path, {"password": ada["password"]}, **bearing(signed_in))
    assert missing.json["code"] == "second_factor_not_found"
    told = [event["data"] for event in outbox("user.second_factor_changed")]
    assert [(entry["factor"], entry["enabled"]) for entry in told] == [("totp", True), ("totp", False)]


@pytest.mark.contract("1.4")
def test_a_crash_after_enrolling_is_repaired_by_looking(send, ada, signed_in, secret, monkeypatch):
    user_id = owner(signed_in)
    store.note_factor(user_id, "totp", enabled=False)
    assert send("GET", FACTORS, **bearing(signed_in)).json["factors"] == ["totp"]
    kept = item(user_id)
    assert kept
    assert kept["factors"] == {"totp"}


@pytest.mark.contract("1.4")
def test_who_must_have_a_second_factor_is_only_a_customer_until_then(send, pool, staff):
    other = login(send, {"email": "grace@example.com", "password": "Nanosecond-Wire-30cm"})
    assert claims(other.json["accessToken"])["permissions"] == "*"
    store.demand_factor(staff, required=True)
    held = login(send, {"email": "grace@example.com", "password": "Nanosecond-Wire-30cm"}).json
    said = claims(held["accessToken"])
    assert (said["held"], said["roles"]) == ("mfa", "customer")
    assert not {"permissions", "vendorId"} & set(said)
    assert send("GET", f"/v1/admin/users/{staff}", **bearing(held)).status == 403
    assert send("GET", FACTORS, **bearing(held)).json == {"factors": [], "required": True}
    send("POST", f"{FACTORS}/email", **bearing(held))
    free = send("POST", "/v1/auth/refresh", {"refreshToken": held["refreshToken"]}).json
    assert "held" not in claims(free["accessToken"])
    assert send("GET", f"/v1/admin/users/{staff}", **bearing(free)).status == 200
    body = {"password": "Nanosecond-Wire-30cm"}
    refused = send("POST", f"{FACTORS}/email/removal", body, **bearing(held))
    assert (refused.status, refused.json["code"]) == (409, "second_factor_required")


@pytest.mark.contract("1.4")
def test_staff_demand_a_second_factor_which_ends_the_sessions_of_those_without(send, time, staff, signed_in):
    time.passes(seconds=1)
    path = f"/v1/admin/users/{owner(signed_in)}/second-factors"
    shown = send("PUT", path, {"required": True}, caller=staff, **STAFF)
    assert shown.json["secondFactorRequired"] is True
    assert send("GET", "/v1/me", **bearing(signed_in)).json["code"] == "session_ended"
    assert send("PUT", path, {"required": False}, caller=staff, **STAFF).json["secondFactorRequired"] is False


@pytest.mark.contract("1.4")
def test_a_flag_demands_a_second_factor_by_role(pool, staff, environment, monkeypatch):
    from market.guard import flags

    asked = []

    def on(name, context=None):
        asked.append((name, context))
        return "super_admin" in context["roles"]

    monkeypatch.setattr(flags, "on", on)
    assert claims_of(staff, email="", name="", proven=False)["held"] == "mfa"
    assert asked == [("mfa-required", {"roles": ["staff", "super_admin"], "user": staff})]
    assert "held" not in claims_of("somebody", email="s@example.com", name="S", proven=True)


@pytest.mark.contract("1.4")
def test_staff_help_who_lost_their_factors_and_every_session_ends(
    send, time, ada, staff, signed_in, secret, outbox, recorded
):
    path = f"/v1/admin/users/{owner(signed_in)}/second-factors"
    reset = send("DELETE", path, caller=staff, **STAFF)
    assert reset.json["secondFactors"] == []
    changes = [change for record in recorded() for change in record["changes"]]
    (change,) = [one for one in changes if one["before"] == {"factors": ["totp"]}]
    assert (change["after"]["factor"], change["after"]["enabled"]) == ("all", False)
    assert send("GET", "/v1/me", **bearing(signed_in)).status == 401
    time.passes(seconds=1)
    assert "accessToken" in login(send, ada).json
    told = [event["data"] for event in outbox("user.second_factor_changed")]
    assert {"user_id": owner(signed_in), "factor": "all", "enabled": False} in told


@pytest.mark.contract("1.4")
def test_nobody_resets_their_own_factors_as_staff_nor_without_the_permission(send, staff, signed_in, recorded):
    own = send("DELETE", f"/v1/admin/users/{staff}/second-factors", caller=staff, **STAFF)
    assert own.json["code"] == "own_account"
    path = f"/v1/admin/users/{owner(signed_in)}/second-factors"
    assert send("DELETE", path, caller="somebody", permissions="users.read", **STAFF).status == 403
    assert send("DELETE", path, **bearing(signed_in)).status == 403
    assert not recorded()


@pytest.mark.contract("1.4")
def test_a_temporary_password_is_replaced_at_the_first_sign_in(send, pool):
    from market import config

    config.client("cognito-idp").admin_create_user(
        UserPoolId="us-east-1_Test",
        Username="temp@example.com",
        TemporaryPassword="Temporary-Password-1",
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email_verified", "Value": "true"}],
    )
    asked = login(send, {"email": "temp@example.com", "password": "Temporary-Password-1"}).json
    assert asked["challenge"] == "new_password"
    assert answer(send, asked, newPassword="weak").json["code"] == "weak_password"
    entered = answer(send, asked, newPassword="Lasting-Password-1").json
    assert session_id(entered)
    assert login(send, {"email": "temp@example.com", "password": "Lasting-Password-1"}).status == 200


OVER_THE_ACCOUNT = [
    ("POST", f"{FACTORS}/totp", None),
    ("POST", f"{FACTORS}/totp/confirmation", {"code": "000000"}),
    ("POST", f"{FACTORS}/email", None),
    ("POST", f"{FACTORS}/sms", {"phone": PHONE}),
    ("POST", f"{FACTORS}/sms/confirmation", {"code": "000000"}),
    ("POST", f"{FACTORS}/totp/removal", {"password": "Difference-Engine-1"}),
    ("POST", "/v1/me/passkeys/options", None),
    ("POST", "/v1/me/passkeys", {"password": "Difference-Engine-1", "credential": {}}),
    ("DELETE", "/v1/me/passkeys/any", None),
    ("POST", "/v1/me/password", {"password": "Difference-Engine-1", "newPassword": "Analytical-Engine-2"}),
    ("POST", "/v1/me/email", {"password": "Difference-Engine-1", "email": "new@example.com"}),
    ("POST", "/v1/me/email/confirmation", {"code": "000000"}),
]


@pytest.mark.contract("1.4", "1.3")
def test_what_decides_over_the_account_needs_a_sign_in_within_a_quarter_of_an_hour(send, time, ada, signed_in):
    time.passes(minutes=15)
    for method, path, body in OVER_THE_ACCOUNT:
        refused = send(method, path, body, **bearing(signed_in))
        assert (refused.status, refused.json["code"], refused.json["maxAge"]) == (
            403,
            "reauthentication_required",
            900,
        ), path
    assert "accessToken" in login(send, ada).json
    again = bearing(login(send, ada).json)
    assert send("POST", f"{FACTORS}/email", **again).status == 200
    assert send("GET", FACTORS, **bearing(signed_in)).json["factors"] == ["email"]


@pytest.mark.contract("1.4", "1.3")
def test_a_refreshed_token_changes_nothing_of_the_account_here_or_at_cognito(send, signed_in):
    renewed = send("POST", "/v1/auth/refresh", {"refreshToken": signed_in["refreshToken"]}).json
    for method, path, body in [*OVER_THE_ACCOUNT, ("GET", "/v1/me/passkeys", None)]:
        assert send(method, path, body, **bearing(renewed)).json["code"] == "reauthentication_required", path
    with pytest.raises(InvalidCredentials):
        factors_gateway.prefer(renewed["accessToken"], "email", enabled=True)
    assert send("GET", FACTORS, **bearing(renewed)).json == {"factors": [], "required": False}
    factors_gateway.prefer(signed_in["accessToken"], "email", enabled=True)

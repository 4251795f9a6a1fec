"""Signing in with another company's account: PKCE, our own addresses only, and links by proven addresses."""

import pytest

from identity import service, store
from tests.services.identity.cognito import DOMAIN, STORE
from tests.services.identity.conftest import ADA, STAFF, bearing, item, login, owner, standing

VERIFIER = "v" * 43
BACK = f"{STORE}/signed-in"


def finish(send, code, **changes):
    return send("POST", "/v1/auth/social", {"code": code, "codeVerifier": VERIFIER, "redirectUri": BACK} | changes)


@pytest.mark.contract("1.2")
def test_the_providers_of_the_stage_are_listed_with_where_to_go(send, environment):
    listed = send("GET", "/v1/auth/providers").json["items"]
    assert [entry["name"] for entry in listed] == ["Google", "GitHub"]
    assert listed[0]["authorizeUrl"].startswith(f"{DOMAIN}/oauth2/authorize?response_type=code&client_id=web")
    assert "identity_provider=Google" in listed[0]["authorizeUrl"]
    assert "code_challenge_method=S256" in listed[0]["authorizeUrl"]
    environment.delenv("USER_POOL_DOMAIN")
    assert send("GET", "/v1/auth/providers").json == {"items": []}


@pytest.mark.contract("1.2", "1.3")
def test_who_must_prove_anew_who_they_are_is_asked_again_by_the_provider(send):
    listed = send("GET", "/v1/auth/providers").json["items"]
    assert {entry["name"]: entry["reauthenticateUrl"].removeprefix(entry["authorizeUrl"]) for entry in listed} == {
        "Google": "&prompt=select_account",
        "GitHub": "&prompt=login",
    }


@pytest.mark.contract("1.2", "26.5")
def test_a_flag_switches_providers_off_without_a_deployment(send, pool, monkeypatch):
    from market.guard import flags

    offered = ("github",)
    monkeypatch.setattr(flags, "value", lambda name, *rest: {"multi-auth-providers": offered}[name])
    assert [entry["name"] for entry in send("GET", "/v1/auth/providers").json["items"]] == ["GitHub"]
    offered = ()
    assert finish(send, pool.returned("Google", "1", email="ada@example.com")).json["code"] == "not_offered"


@pytest.mark.contract("1.2")
def test_a_code_of_the_hosted_pages_becomes_a_session_of_ours(send, pool, outbox):
    entered = finish(send, pool.returned("Google", "1", email="ada@example.com"))
    assert entered.status == 200
    assert send("GET", "/v1/me", **bearing(entered.json)).json["email"] == "ada@example.com"
    assert send("GET", "/v1/me/sessions", **bearing(entered.json)).json["items"][0]["present"] is True
    renewed = send("POST", "/v1/auth/refresh", {"refreshToken": entered.json["refreshToken"]})
    assert renewed.status == 200
    assert [event["type"] for event in outbox()] == ["user.created"]


@pytest.mark.contract("1.2")
def test_a_code_is_good_once(send, pool):
    code = pool.returned("Google", "1", email="ada@example.com")
    assert finish(send, code).status == 200
    assert finish(send, code).json["code"] == "invalid_credentials"


@pytest.mark.contract("1.2")
@pytest.mark.parametrize(
    "changes",
    [
        {"redirectUri": "https://evil.example.com/signed-in"},
        {"redirectUri": f"{STORE}.evil.example.com/signed-in"},
        {"redirectUri": "http://localhost:5173@evil.example.com/"},
        {"redirectUri": "javascript:alert(1)"},
        {"codeVerifier": "short"},
        {"codeVerifier": None},
    ],
)
def test_only_our_own_addresses_and_never_without_pkce(send, pool, changes):
    code = pool.returned("Google", "1", email="ada@example.com")
    assert finish(send, code, **changes).status == 422
    assert finish(send, code).status == 200


@pytest.mark.contract("1.2")
def test_a_proven_address_leads_to_the_account_that_has_it(send, pool, ada, signed_in):
    entered = finish(send, pool.returned("Google", "1", email="Ada@Example.com")).json
    assert owner(entered) == owner(signed_in)
    again = finish(send, pool.returned("Google", "1", email="ada@example.com")).json
    assert owner(again) == owner(signed_in)
    assert login(send, ada).status == 200


@pytest.mark.contract("1.2")
def test_an_address_that_the_provider_does_not_vouch_for_leads_nowhere(send, pool, ada):
    for email in (ada["email"], "new@example.com"):
        refused = finish(send, pool.returned("GitHub", "1", email=email, proven=False))
        assert (refused.status, refused.json["code"]) == (401, "invalid_credentials")


@pytest.mark.contract("1.2")
def test_whoever_registered_the_address_before_without_confirming_it_gets_nothing(send, pool, outbox):
    send("POST", "/v1/auth/register", {**ADA, "password": "Mallorys-Password-1"})
    (made,) = outbox("user.created")
    entered = finish(send, pool.returned("Google", "1", email=ADA["email"])).json
    assert owner(entered) != made["data"]["user_id"]
    assert login(send, {**ADA, "password": "Mallorys-Password-1"}).status == 401
    gone = item(made["data"]["user_id"])
    assert gone
    assert (gone["email"], standing(made["data"]["user_id"]).status) == ("", "erased")


@pytest.mark.contract("1.2")
def test_a_blocked_person_does_not_come_back_through_a_provider(send, pool, ada, signed_in, staff):
    service.set_status(owner(signed_in), "blocked", by=staff)
    with pytest.raises(Exception, match="account_blocked"):
        finish_inside(pool, ada["email"])


@pytest.mark.contract("1.4")
def test_who_must_have_a_second_factor_does_not_get_around_it_through_a_provider(pool, ada, signed_in):
    store.demand_factor(owner(signed_in), required=True)
    with pytest.raises(Exception, match="further_step_required"):
        finish_inside(pool, ada["email"])


@pytest.mark.contract("1.2")
def test_staff_finds_people_of_other_companies_by_their_address(send, pool, staff):
    entered = finish(send, pool.returned("Google", "1", email="joan@example.com")).json
    found = send("POST", "/v1/admin/users/search", {"email": "joan@example.com"}, caller=staff, **STAFF).json["items"]
    assert [entry["id"] for entry in found] == [owner(entered)]


@pytest.mark.contract("1.2")
@pytest.mark.parametrize("status", ["500", "403"])
def test_hosted_pages_that_fail_are_no_fault_of_the_callers(send, pool, status):
    pool.fail = {"token_endpoint": status}
    assert finish(send, pool.returned("Google", "1", email="ada@example.com")).status == 503


@pytest.mark.contract("1.2")
def test_without_hosted_pages_nothing_is_exchanged(send, pool, environment):
    environment.delenv("USER_POOL_DOMAIN")
    assert finish(send, "code").json["code"] == "not_offered"


def finish_inside(pool, email):
    """What Cognito does behind its pages: it asks the trigger before it makes a token."""
    person = pool.parts.accounts.find(email)
    assert person
    pool.parts.sessions.begin(person, pool.parts.clients["web"], "TokenGeneration_HostedAuth")

"""One's own account: its name, address and password, and its end."""

import json

import pytest

from access.contract import PLATFORM
from identity import consumer, gateway, service, store
from identity.contract import read_contact
from identity.model import User
from market.table import Table
from tests.services.identity.cognito import claims
from tests.services.identity.conftest import ADA, bearing, confirm, item, login, owner, register, standing

NEW = "Analytical-Engine-2"


@pytest.fixture
def bob(pool):
    store.add(User(id="bob", email="bob@example.com", name="Bob"))
    return "bob"


def erasure(user_id, event_id="e1"):
    envelope = {
        "eventId": event_id,
        "type": "profile.erasure_requested",
        "version": 1,
        "occurredAt": "2026-01-01T00:00:00.000Z",
        "actor": {"type": "user", "id": user_id},
        "data": {"request_id": "req_1", "user_id": user_id},
        "trace": {},
    }
    record = {"messageId": event_id, "eventSourceARN": "arn:aws:sqs:::identity-events"}
    return {"Records": [record | {"body": json.dumps({"detail": envelope})}]}


@pytest.mark.contract("3.1")
def test_people_read_and_rename_their_own_account(send, bob):
    seen = send("GET", "/v1/me", caller=bob)
    assert seen.json == {
        "id": "bob",
        "email": "bob@example.com",
        "name": "Bob",
        "roles": ["customer"],
        "status": "active",
    }
    renamed = send("PATCH", "/v1/me", {"name": "Bobby"}, caller=bob, headers={"if-match": seen.headers["etag"]})
    assert (renamed.status, renamed.json["name"]) == (200, "Bobby")
    assert renamed.headers["etag"] != seen.headers["etag"]
    kept = item(bob)
    assert kept
    assert read_contact(kept).name == "Bobby"


@pytest.mark.contract("3.1")
@pytest.mark.parametrize("stale", ['"7"', "7", '"x"', '"٣"', 'W/"1"'])
def test_a_rename_of_what_changed_meanwhile_is_refused(send, bob, stale):
    assert send("PATCH", "/v1/me", {"name": "Eve"}, caller=bob, headers={"if-match": stale}).status == 412
    assert send("GET", "/v1/me", caller=bob).json["name"] == "Bob"


@pytest.mark.contract("3.1")
def test_nobody_without_an_account_is_shown_or_made_by_looking(send):
    assert send("GET", "/v1/me", caller="ghost").status == 404
    assert send("PATCH", "/v1/me", {"name": "Boo"}, caller="ghost").status == 404
    assert send("GET", "/v1/me").status == 401
    assert item("ghost") is None


@pytest.mark.contract("1.4")
def test_a_new_password_ends_every_session_and_begins_one_here(send, time, ada, signed_in, outbox, recorded):
    other = login(send, ada).json
    time.passes(seconds=1)
    body = {"password": ada["password"], "newPassword": NEW}
    changed = send("POST", "/v1/me/password", body, **bearing(signed_in))
    assert changed.status == 200
    for session in (signed_in, other):
        assert send("GET", "/v1/me", **bearing(session)).json["code"] == "session_ended"
        assert send("POST", "/v1/auth/refresh", {"refreshToken": session["refreshToken"]}).status == 401
    assert send("GET", "/v1/me", **bearing(changed.json)).status == 200
    assert login(send, {**ada, "password": NEW}).status == 200
    (told,) = outbox("user.password_changed")
    assert told["data"] == {"user_id": owner(signed_in), "forgotten": False}
    assert [record["action"] for record in recorded()] == ["identity.change_password"]


@pytest.mark.contract("1.4")
@pytest.mark.parametrize(
    ("old", "new", "code"),
    [("Wrong-Password-1", NEW, "wrong_password"), (ADA["password"], "short", "weak_password")],
)
def test_a_password_that_is_wrong_or_weak_changes_nothing(send, ada, signed_in, old, new, code):
    refused = send("POST", "/v1/me/password", {"password": old, "newPassword": new}, **bearing(signed_in))
    assert (refused.status, refused.json["code"]) == (422, code)
    assert send("GET", "/v1/me", **bearing(signed_in)).status == 200
    assert login(send, ada).status == 200


@pytest.mark.contract("1.4")
@pytest.mark.parametrize("operation", ["ChangePassword", "AdminUserGlobalSignOut"])
def test_a_password_change_that_stops_half_way_leaves_no_old_session(send, time, pool, ada, signed_in, operation):
    other = login(send, ada).json
    time.passes(seconds=1)
    pool.fail = {operation: "InternalErrorException"}
    body = {"password": ada["password"], "newPassword": NEW}
    assert send("POST", "/v1/me/password", body, **bearing(signed_in)).status == 503
    assert send("POST", "/v1/auth/refresh", {"refreshToken": other["refreshToken"]}).json["code"] == "session_ended"
    pool.fail = {}
    assert {login(send, {**ada, "password": password}).status for password in (ada["password"], NEW)} == {200, 401}


@pytest.mark.contract("1.4")
def test_guessing_the_present_password_with_a_stolen_token_is_locked(send, time, signed_in):
    body = {"password": "Wrong-Password-1", "newPassword": NEW}
    codes = [send("POST", "/v1/me/password", body, **bearing(signed_in)).json["code"] for _ in range(6)]
    assert codes == ["wrong_password"] * 5 + ["too_many_attempts"]


@pytest.mark.contract("1.1")
def test_a_new_address_counts_once_it_is_confirmed_and_the_old_one_is_told(send, pool, ada, signed_in, outbox):
    body = {"email": "Countess@example.com", "password": ada["password"]}
    assert send("POST", "/v1/me/email", body, **bearing(signed_in)).status == 202
    assert send("GET", "/v1/me", **bearing(signed_in)).json["email"] == ada["email"]
    assert login(send, ada).status == 200
    wrong = send("POST", "/v1/me/email/confirmation", {"code": "000000"}, **bearing(signed_in))
    assert wrong.json["code"] == "wrong_code"
    code = {"code": pool.code("countess@example.com")}
    assert send("POST", "/v1/me/email/confirmation", code, **bearing(signed_in)).json["email"] == "countess@example.com"
    assert login(send, ada).status == 401
    assert login(send, {**ada, "email": "countess@example.com"}).status == 200
    (told,) = outbox("user.email_changed")
    assert told["data"] == {"user_id": owner(signed_in), "change_id": told["data"]["change_id"]}
    kept = item(owner(signed_in))
    assert kept
    assert read_contact(kept).former_emails == {told["data"]["change_id"]: ada["email"]}


@pytest.mark.contract("1.1")
def test_of_two_quick_changes_of_address_both_former_ones_can_be_told(ada, signed_in, outbox):
    user_id = owner(signed_in)
    for email in ("second@example.com", "third@example.com"):
        user = store.get(user_id, consistent=True)
        assert user
        store.settle_email(user, email)
        store.settle_email(user, email)
    kept = item(user_id)
    assert kept
    first, second = (event["data"]["change_id"] for event in outbox("user.email_changed"))
    assert read_contact(kept).former_emails == {first: ada["email"], second: "second@example.com"}


@pytest.mark.contract("1.1")
def test_a_taken_address_is_answered_like_a_free_one(send, pool, ada, signed_in):
    service.bootstrap("taken@example.com", "Some-Password-12", "Taken")
    answers = [
        send("POST", "/v1/me/email", {"email": email, "password": ada["password"]}, **bearing(signed_in))
        for email in ("free@example.com", "taken@example.com")
    ]
    assert answers[0].status == answers[1].status == 202
    assert answers[0].body == answers[1].body
    assert not pool.told("taken@example.com")


@pytest.mark.contract("1.1")
def test_a_new_address_needs_the_password(send, pool, signed_in):
    body = {"email": "mallory@example.com", "password": "Wrong-Password-1"}
    assert send("POST", "/v1/me/email", body, **bearing(signed_in)).json["code"] == "wrong_password"
    assert not pool.told("mallory@example.com")


@pytest.mark.contract("1.1")
def test_an_address_that_was_confirmed_before_a_crash_is_noted_with_the_next_token(
    send, pool, ada, signed_in, monkeypatch
):
    send("POST", "/v1/me/email", {"email": "c@example.com", "password": ada["password"]}, **bearing(signed_in))

    def crash(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(Table, "transact", crash)
        code = {"code": pool.code("c@example.com")}
        assert send("POST", "/v1/me/email/confirmation", code, **bearing(signed_in)).status == 500
    renewed = send("POST", "/v1/auth/refresh", {"refreshToken": signed_in["refreshToken"]}).json
    assert send("GET", "/v1/me", **bearing(renewed)).json["email"] == "c@example.com"


@pytest.mark.contract("3.1")
def test_an_erased_person_leaves_no_name_address_account_or_session(send, ada, signed_in, outbox):
    user_id = owner(signed_in)
    for _ in range(2):
        assert consumer.handler(erasure(user_id)) == {"batchItemFailures": []}
    kept = item(user_id)
    assert kept
    assert {"ada", "Ada"}.isdisjoint(map(str, kept.values()))
    assert (read_contact(kept).email, read_contact(kept).name, standing(user_id).status) == ("", "", "erased")
    assert login(send, ada).status == 401
    assert send("GET", "/v1/me", **bearing(signed_in)).json["code"] == "account_blocked"
    assert send("POST", "/v1/auth/refresh", {"refreshToken": signed_in["refreshToken"]}).status == 401
    assert gateway.find(ada["email"]) is None
    assert [event["data"] for event in outbox("user.erased")] == [{"user_id": user_id}]


@pytest.mark.contract("3.1")
def test_an_erasure_that_stopped_half_way_goes_on_when_it_is_told_again(pool, ada, signed_in):
    pool.fail = {"AdminDeleteUser": "InternalErrorException"}
    batch = erasure(owner(signed_in))
    assert consumer.handler(batch) == {"batchItemFailures": [{"itemIdentifier": "e1"}]}
    pool.fail = {}
    assert consumer.handler(batch) == {"batchItemFailures": []}
    assert gateway.find(ada["email"]) is None


@pytest.mark.contract("3.1")
def test_the_address_of_an_erased_person_may_be_registered_again(send, pool, ada, signed_in):
    consumer.handler(erasure(owner(signed_in)))
    confirm(send, pool, register(send))
    again = login(send, ada)
    assert again.status == 200
    assert owner(again.json) != owner(signed_in)


@pytest.mark.contract("3.1")
def test_the_last_super_admin_is_not_erased(staff):
    assert consumer.handler(erasure(staff)) == {"batchItemFailures": [{"itemIdentifier": "e1"}]}
    assert PLATFORM in standing(staff).grants


@pytest.mark.contract("2.1")
def test_tokens_carry_what_the_standing_says(send, pool, staff):
    said = claims(login(send, {"email": "grace@example.com", "password": "Nanosecond-Wire-30cm"}).json["accessToken"])
    assert (said["roles"], said["permissions"]) == ("customer staff", "*")
    assert said["acv"] == str(standing(staff).version)
    assert int(said["issuedAt"]) // 1000 in range(said["iat"] - 1, said["iat"] + 2)

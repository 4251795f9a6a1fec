"""What strangers, thieves and crashes try with accounts: lock the owner out, outlive a new password, outrank."""

import pytest

from access.contract import PLATFORM, granted, standing_key
from identity import resets, service, sessions, store
from identity.devices import Visit
from identity.model import TooManyAttempts, WrongCode
from identity.table import TABLE
from market import config
from tests.services.identity.conftest import ADA, STAFF, bearing, login, owner, standing

HOME, STRANGER = Visit(address="198.51.100.0"), Visit(address="203.0.113.0")
NEW = "Analytical-Engine-2"


def _try(password, visit):
    try:
        return service.sign_in(ADA["email"], password, visit)
    except Exception as refused:
        return type(refused).__name__


@pytest.mark.contract("1.5")
def test_a_stranger_who_guesses_does_not_lock_the_owner_out(pool, time, ada, signed_in, send):
    tries = [_try("Wrong-Password-1", STRANGER) for _ in range(7)]
    assert tries == ["InvalidCredentials"] * 5 + ["TooManyAttempts"] * 2
    time.passes(seconds=2)  # Cognito has a lock of its own
    assert not isinstance(_try(ada["password"], HOME), str)
    assert _try(ada["password"], STRANGER) == "TooManyAttempts", "the stranger still waits"
    body = {"password": ada["password"], "newPassword": NEW}
    assert send("POST", "/v1/me/password", body, **bearing(signed_in)).status == 200, "nor those who are signed in"


@pytest.mark.contract("1.5")
def test_strangers_in_many_places_are_slowed_down_together(pool, time, ada):
    for place in range(50):
        assert _try("Wrong-Password-1", Visit(address=f"203.0.{place}.0")) == "InvalidCredentials"
    assert _try("Wrong-Password-1", HOME) == "TooManyAttempts"
    time.passes(minutes=16)
    assert not isinstance(_try(ada["password"], HOME), str)


@pytest.mark.contract("1.5")
def test_a_stranger_who_guesses_codes_does_not_keep_the_owner_from_a_new_password(send, pool, time, ada):
    send("POST", "/v1/auth/forgot-password", {"email": ada["email"]})
    refused = []
    for _ in range(6):
        with pytest.raises((WrongCode, TooManyAttempts)) as caught:
            service.reset_password(ada["email"], "xxxxxx", NEW, where=STRANGER.address)
        refused.append(caught.type)
    assert refused[-1] is TooManyAttempts
    send("POST", "/v1/auth/forgot-password", {"email": ada["email"]})
    service.reset_password(ada["email"], pool.code(ada["email"]), NEW, where=HOME.address)
    assert login(send, {**ada, "password": NEW}).status == 200


def _reset(send, pool):
    send("POST", "/v1/auth/forgot-password", {"email": ADA["email"]})
    body = {"email": ADA["email"], "code": pool.code(ADA["email"]), "newPassword": NEW}
    return send("POST", "/v1/auth/reset-password", body)


@pytest.mark.contract("1.4")
@pytest.mark.parametrize("first", ["the thief refreshes", "the owner signs in"])
def test_a_reset_that_stops_after_the_new_password_ends_the_old_sessions_all_the_same(
    send, pool, time, ada, signed_in, monkeypatch, outbox, first
):
    class Crash(BaseException):
        pass

    def crash(*_, **__):
        raise Crash

    time.passes(seconds=1)
    with monkeypatch.context() as broken:
        broken.setattr(store, "password_changed", crash)
        with pytest.raises(Crash):
            _reset(send, pool)
    time.passes(seconds=61)
    if first == "the owner signs in":
        mine = login(send, {**ada, "password": NEW}).json
        assert send("GET", "/v1/me", **bearing(mine)).status == 200
        assert send("POST", "/v1/auth/refresh", {"refreshToken": mine["refreshToken"]}).status == 200
    stolen = send("POST", "/v1/auth/refresh", {"refreshToken": signed_in["refreshToken"]})
    assert (stolen.status, stolen.json["code"]) == (401, "session_ended")
    assert send("GET", "/v1/me", **bearing(signed_in)).json["code"] == "session_ended"
    assert len(outbox("user.password_changed")) == 1
    resets.settle(owner(signed_in))
    assert len(outbox("user.password_changed")) == 1


@pytest.mark.contract("1.4")
def test_a_reset_that_was_refused_leaves_every_session_alone(send, pool, time, signed_in):
    send("POST", "/v1/auth/forgot-password", {"email": ADA["email"]})
    body = {"email": ADA["email"], "code": "xxxxxx", "newPassword": NEW}
    assert send("POST", "/v1/auth/reset-password", body).json["code"] == "wrong_code"
    time.passes(minutes=5)
    assert send("POST", "/v1/auth/refresh", {"refreshToken": signed_in["refreshToken"]}).status == 200


@pytest.mark.contract("1.4")
def test_a_late_note_does_not_bring_dead_tokens_back(send, pool, time, signed_in):
    user_id = owner(signed_in)
    with pytest.raises(KeyboardInterrupt), resets.noted(user_id):
        raise KeyboardInterrupt
    time.passes(minutes=2)
    service.sign_out_everywhere(user_id)
    since = standing(user_id).valid_from
    resets.settle(user_id)
    assert standing(user_id).valid_from == since


def _calls(action):
    made = []
    events = [config.client(name).meta.events for name in ("cognito-idp", "dynamodb")]
    for one in events:
        one.register("before-parameter-build", lambda model, **_: made.append(model.name), unique_id="watch")
    action()
    for one in events:
        one.unregister("before-parameter-build", unique_id="watch")
    return made


@pytest.mark.contract("1.5")
@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("register", {"password": "Some-Password-1", "name": "X"}),
        ("forgot-password", {}),
        ("resend", {}),
        ("reset-password", {"code": "xxxxxx", "newPassword": NEW}),
        ("verify", {"code": "xxxxxx"}),
        ("login", {"password": "Wrong-Password-1"}),
        ("passkey", {}),
    ],
)
def test_known_and_unknown_addresses_cost_the_same_calls(send, pool, ada, path, more):
    known, unknown = (
        _calls(lambda email=email: send("POST", f"/v1/auth/{path}", {"email": email, **more}))
        for email in (ada["email"], "nobody@example.com")
    )
    assert known
    assert known == unknown


@pytest.mark.contract("1.3")
@pytest.mark.parametrize("session", ["a.b", "a+b", "x = :until, status", "a%20b", "é", "-" * 65])
def test_what_is_no_session_is_not_found_and_reaches_no_expression(send, signed_in, session):
    answer = send("DELETE", f"/v1/me/sessions/{session}", **bearing(signed_in))
    assert answer.status in (404, 422)
    assert standing(owner(signed_in)).status == "active"


def _marks(user_id):
    return [name for name in TABLE.get(standing_key(user_id), consistent=True) if name.startswith("out_")]


@pytest.mark.contract("1.3")
def test_ended_sessions_are_forgotten_when_nothing_of_them_can_live(send, time, ada):
    for _ in range(3):
        session = login(send, ada).json
        send("POST", "/v1/auth/logout", {"refreshToken": session["refreshToken"]}, **bearing(session))
    user_id = owner(session)
    assert len(_marks(user_id)) == 3
    time.passes(hours=2)
    session = login(send, ada).json
    send("POST", "/v1/auth/logout", {}, **bearing(session))
    assert len(_marks(user_id)) == 1
    assert send("GET", "/v1/me", **bearing(session)).json["code"] == "session_ended"


@pytest.mark.contract("1.3")
def test_nobody_fills_their_standing_by_signing_out(send, time, ada, monkeypatch):
    monkeypatch.setattr(sessions, "MOST_REMEMBERED", 4)
    other = login(send, ada).json
    ended = []
    for _ in range(4):
        time.passes(seconds=1)
        ended.append(login(send, ada).json)
        send("POST", "/v1/auth/logout", {}, **bearing(ended[-1]))
    assert _marks(owner(other)) == []
    for session in (other, *ended):
        assert send("GET", "/v1/me", **bearing(session)).json["code"] == "session_ended"
        assert send("POST", "/v1/auth/refresh", {"refreshToken": session["refreshToken"]}).status == 401
    time.passes(seconds=1)
    assert send("GET", "/v1/me", **bearing(login(send, ada).json)).status == 200


@pytest.mark.contract("2.2")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "status", {"status": "blocked"}),
        ("DELETE", "second-factors", None),
        ("PUT", "second-factors", {"required": False}),
    ],
)
def test_nobody_of_the_staff_acts_on_somebody_who_may_more(send, ada, signed_in, staff, method, path, body):
    place, helper = f"/v1/admin/users/{staff}/{path}", owner(signed_in)
    everything = {**STAFF, "caller": helper}
    TABLE.transact(granted(helper, PLATFORM, ["support"], allow=["users.secure"]))
    assert send(method, place, body, **everything).json["code"] == "outranked"
    assert standing(staff).status == "active"
    TABLE.transact(granted(helper, PLATFORM, ["super_admin"]))
    assert send(method, place, body, **everything).json.get("code") != "outranked"

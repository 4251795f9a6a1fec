"""Signed-in devices: refresh tokens that are good once, and sessions that end when somebody says so."""

import threading
from dataclasses import replace

import pytest

from identity import sessions, signing_in, tokens
from identity.devices import Visit, visit
from identity.table import TABLE
from tests.services.identity.conftest import bearing, login, owner, session_id, standing

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def refresh(send, token, **options):
    return send("POST", "/v1/auth/refresh", {"refreshToken": token}, **options)


def change_one_sign(token):
    return token[:-1] + ("A" if token[-1] != "A" else "B")


@pytest.mark.contract("1.3")
def test_a_refresh_token_is_traded_for_a_new_one_of_the_same_session(send, signed_in):
    renewed = refresh(send, signed_in["refreshToken"])
    assert renewed.status == 200
    assert renewed.json["refreshToken"] != signed_in["refreshToken"]
    assert session_id(renewed.json) == session_id(signed_in)
    assert refresh(send, renewed.json["refreshToken"]).status == 200


@pytest.mark.contract("1.3")
def test_an_old_refresh_token_ends_the_session_for_everybody_who_holds_it(send, time, signed_in, outbox, recorded):
    stolen = signed_in["refreshToken"]
    renewed = refresh(send, stolen).json
    time.passes(seconds=31)
    reused = refresh(send, stolen)
    assert (reused.status, reused.json["code"]) == (401, "session_ended")
    assert refresh(send, renewed["refreshToken"]).json["code"] == "session_ended"
    assert send("GET", "/v1/me", **bearing(renewed)).json["code"] == "session_ended"
    (event,) = outbox("user.session_reused")
    assert event["data"] == {"user_id": owner(signed_in), "session_id": session_id(signed_in)}
    (record,) = recorded()
    assert (record["action"], record["actor"]["id"]) == ("identity.session_reused", owner(signed_in))


@pytest.mark.contract("1.3")
def test_other_sessions_outlive_a_reused_one(send, time, ada, signed_in):
    other = login(send, ada).json
    refresh(send, signed_in["refreshToken"])
    time.passes(seconds=31)
    assert refresh(send, signed_in["refreshToken"]).status == 401
    assert send("GET", "/v1/me", **bearing(other)).status == 200
    assert refresh(send, other["refreshToken"]).status == 200


@pytest.mark.contract("1.3")
def test_after_a_lost_answer_the_same_refresh_token_is_good_for_a_moment(send, time, signed_in):
    lost = refresh(send, signed_in["refreshToken"]).json
    time.passes(seconds=29)
    again = refresh(send, signed_in["refreshToken"])
    assert again.status == 200
    assert refresh(send, again.json["refreshToken"]).status == 200
    time.passes(seconds=60)
    assert refresh(send, lost["refreshToken"]).json["code"] == "session_ended"


@pytest.mark.contract("1.3")
def test_the_moment_of_grace_is_for_the_same_kind_of_device_only(send, signed_in):
    renewed = refresh(send, signed_in["refreshToken"]).json
    stolen = refresh(send, signed_in["refreshToken"], headers={"user-agent": FIREFOX})
    assert (stolen.status, stolen.json["code"]) == (401, "session_ended")
    assert refresh(send, renewed["refreshToken"]).json["code"] == "session_ended"


@pytest.mark.contract("1.3", "24.2")
def test_a_token_that_is_traded_twice_in_two_networks_is_kept_among_the_audit_records(send, signed_in, recorded):
    """The same browser elsewhere: a phone on its way, or a thief who was as quick."""
    refresh(send, signed_in["refreshToken"])
    refresh(send, signed_in["refreshToken"])
    assert recorded() == []
    here = sessions.find(owner(signed_in), session_id(signed_in)).visit
    shared = signing_in.refresh(signed_in["refreshToken"], replace(here, address="203.0.113.0"))
    (record,) = recorded()
    assert record["action"] == "identity.session_shared"
    assert record["subject"] == {"user_id": owner(signed_in), "session_id": session_id(signed_in)}
    assert "203.0.113" not in str(record), "who asks further looks at the list of sessions"
    assert refresh(send, shared.refresh_token).status == 200


@pytest.mark.contract("1.3")
def test_tabs_that_trade_the_same_token_at_once_all_stay_signed_in(send, signed_in):
    answers = []
    tabs = [threading.Thread(target=lambda: answers.append(refresh(send, signed_in["refreshToken"]))) for _ in range(3)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert len({answer.json["refreshToken"] for answer in answers}) == 3


@pytest.mark.contract("1.3")
def test_a_crash_between_cognito_and_the_table_loses_no_session(send, pool, signed_in, monkeypatch):
    def crash(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(sessions, "traded", crash)
        assert refresh(send, signed_in["refreshToken"]).status == 500
    assert refresh(send, signed_in["refreshToken"]).status == 200


@pytest.mark.contract("1.3")
@pytest.mark.parametrize("token", ["x", "a.b.c.d", "é" * 3, ".", "....."])
def test_what_is_no_token_of_ours_is_refused_without_asking_anybody(send, pool, token):
    assert refresh(send, token).status in (401, 422)


@pytest.mark.contract("1.3")
def test_an_altered_token_is_no_token(send, signed_in):
    for part in range(4):
        pieces = signed_in["refreshToken"].split(".", 3)
        pieces[part] = change_one_sign(pieces[part])
        assert refresh(send, ".".join(pieces)).json["code"] == "invalid_credentials"
    assert refresh(send, signed_in["refreshToken"]).status == 200


@pytest.mark.contract("1.3")
def test_the_table_keeps_hashes_of_tokens_only(send, signed_in):
    kept = TABLE.get(sessions.session_key(owner(signed_in), session_id(signed_in)))
    assert kept
    secret = tokens.read_refresh(signed_in["refreshToken"]).token
    assert secret not in str(kept)
    assert tokens.read_refresh(signed_in["refreshToken"]).digest in kept["present"]


@pytest.mark.contract("1.3")
def test_people_see_where_they_are_signed_in(send, time, ada):
    login(send, ada, headers={"user-agent": FIREFOX})
    time.passes(minutes=5)
    here = login(send, ada).json
    listed = send("GET", "/v1/me/sessions", **bearing(here)).json["items"]
    assert {(entry["device"], entry["address"], entry["present"]) for entry in listed} == {
        ("Firefox on Windows", "127.0.0.0", False),
        ("Unknown device", "127.0.0.0", True),
    }
    first = next(entry for entry in listed if not entry["present"])
    assert first["madeAt"] == first["seenAt"] == "2026-05-01T12:00:00.000Z"


@pytest.mark.contract("1.3")
def test_the_list_of_sessions_has_pages(send, ada):
    here, *_ = [login(send, ada).json for _ in range(3)]
    page = send("GET", "/v1/me/sessions", query={"limit": 2}, **bearing(here)).json
    rest = send("GET", "/v1/me/sessions", query={"limit": 2, "cursor": page["nextCursor"]}, **bearing(here)).json
    assert len({entry["id"] for entry in page["items"] + rest["items"]}) == 3


@pytest.mark.contract("1.3")
def test_a_device_is_signed_out_from_another_one_at_once(send, ada):
    lost, here = login(send, ada).json, login(send, ada).json
    path = f"/v1/me/sessions/{session_id(lost)}"
    assert send("DELETE", path, **bearing(here)).status == 200
    assert send("GET", "/v1/me", **bearing(lost)).json["code"] == "session_ended"
    assert refresh(send, lost["refreshToken"]).json["code"] == "session_ended"
    assert send("GET", "/v1/me", **bearing(here)).status == 200
    assert send("DELETE", path, **bearing(here)).json["code"] == "session_not_found"


@pytest.mark.contract("1.3")
def test_nobody_ends_another_persons_session(send, signed_in, staff):
    path = f"/v1/me/sessions/{session_id(signed_in)}"
    assert send("DELETE", path, caller=staff).status == 404
    assert send("POST", "/v1/auth/logout", {"refreshToken": signed_in["refreshToken"]}, caller=staff).status == 200
    assert refresh(send, signed_in["refreshToken"]).status == 200


@pytest.mark.contract("1.3")
@pytest.mark.parametrize("by", ["token", "session"])
def test_signing_out_ends_that_session_and_no_other(send, ada, by):
    here, there = login(send, ada).json, login(send, ada).json
    body = {"refreshToken": here["refreshToken"]} if by == "token" else {}
    assert send("POST", "/v1/auth/logout", body, **bearing(here)).status == 200
    assert send("GET", "/v1/me", **bearing(here)).json["code"] == "session_ended"
    assert refresh(send, here["refreshToken"]).status == 401
    assert refresh(send, there["refreshToken"]).status == 200
    assert send("GET", "/v1/me", **bearing(there)).status == 200


@pytest.mark.contract("1.3")
def test_signing_out_twice_is_no_error(send, ada, signed_in):
    other = login(send, ada).json
    for _ in range(2):
        body = {"refreshToken": signed_in["refreshToken"]}
        assert send("POST", "/v1/auth/logout", body, **bearing(other)).status == 200


@pytest.mark.contract("1.3")
def test_signing_out_everywhere_ends_every_session_at_once(send, time, ada):
    found = [login(send, ada).json for _ in range(3)]
    time.passes(seconds=1)
    assert send("POST", "/v1/auth/logout", {"everywhere": True}, **bearing(found[0])).status == 200
    for session in found:
        assert send("GET", "/v1/me", **bearing(session)).json["code"] == "session_ended"
        assert refresh(send, session["refreshToken"]).json["code"] == "session_ended"
    time.passes(seconds=1)
    assert send("GET", "/v1/me", **bearing(login(send, ada).json)).status == 200


@pytest.mark.contract("1.3")
@pytest.mark.parametrize("operation", ["AdminUserGlobalSignOut"])
def test_sessions_are_dead_even_if_cognito_did_not_hear_of_it(send, time, pool, ada, signed_in, operation):
    time.passes(seconds=1)
    pool.fail = {operation: "InternalErrorException"}
    assert send("POST", "/v1/auth/logout", {"everywhere": True}, **bearing(signed_in)).status == 503
    assert send("GET", "/v1/me", **bearing(signed_in)).status == 401
    assert refresh(send, signed_in["refreshToken"]).json["code"] == "session_ended"


@pytest.mark.contract("1.3")
def test_signing_out_here_or_everywhere_but_not_both(send, signed_in):
    body = {"everywhere": True, "refreshToken": signed_in["refreshToken"]}
    assert send("POST", "/v1/auth/logout", body, **bearing(signed_in)).status == 422


@pytest.mark.contract("1.3")
def test_a_session_ends_after_thirty_days(send, time, signed_in):
    token = signed_in["refreshToken"]
    time.passes(days=29)
    token = refresh(send, token).json["refreshToken"]
    time.passes(days=1, seconds=1)
    assert refresh(send, token).json["code"] == "session_ended"


@pytest.mark.contract("1.3")
def test_every_end_of_a_session_is_on_record(send, ada, recorded):
    lost, here = login(send, ada).json, login(send, ada).json
    send("DELETE", f"/v1/me/sessions/{session_id(lost)}", **bearing(here))
    send("POST", "/v1/auth/logout", {"everywhere": True}, **bearing(here))
    records = {record["action"]: record for record in recorded()}
    assert set(records) == {"identity.end_session", "identity.sign_out_everywhere"}
    assert {record["actor"]["id"] for record in records.values()} == {owner(here)}
    assert records["identity.end_session"]["subject"] == {"user_id": owner(here), "session_id": session_id(lost)}


@pytest.mark.contract("1.5")
def test_the_last_sign_in_is_remembered(send, time, ada, staff):
    user_id = owner(login(send, ada).json)
    time.passes(hours=2)
    login(send, ada)
    seen = send("GET", f"/v1/admin/users/{user_id}", caller=staff, roles="customer staff").json
    assert seen["signedInAt"] == "2026-05-01T14:00:00.000Z"


@pytest.mark.contract("1.3")
def test_a_session_that_ends_while_it_is_refreshed_gives_no_tokens(send, pool, signed_in, monkeypatch):
    user_id, session = owner(signed_in), session_id(signed_in)
    known = signing_in.gateway.refresh

    def meanwhile(token: str) -> object:
        found = known(token)
        sessions.end(user_id, session)
        return found

    monkeypatch.setattr(signing_in.gateway, "refresh", meanwhile)
    assert refresh(send, signed_in["refreshToken"]).json["code"] == "session_ended"
    assert standing(user_id).ended


@pytest.mark.contract("1.3")
@pytest.mark.parametrize(
    ("agent", "address", "kept"),
    [
        (FIREFOX, "203.0.113.77", Visit("Firefox on Windows", "203.0.113.0")),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) CriOS/150", "", Visit("Chrome on iPhone", "")),
        ("curl/8.0", "2001:db8:1:2::3", Visit("Unknown device", "2001:db8:1::")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) Version/19.0 Safari/605", "?", Visit("Safari on macOS", "")),
    ],
)
def test_of_a_device_only_the_family_and_the_network_are_kept(agent, address, kept):
    assert visit(agent, address) == kept

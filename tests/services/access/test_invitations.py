"""Invitations: mailed once, accepted once by whoever owns the address, judged again at the end, secret throughout."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from access import inviting, letters, store
from access.contract import INVITATIONS, PLATFORM, invitation_token, status_changed
from access.model import MAX_VENDORS
from identity.contract import user_key
from market import clock, config
from market.table import Table, put
from tests.services.access.conftest import CHAIRS, LAMPS, House, Told
from tests.services.outbox import announced, recorded

STAFF, TEAM = "/v1/admin/staff/invitations", f"/v1/vendors/{LAMPS}/team/invitations"
ACCEPT = "/v1/me/invitations/accept"
BOB = {"email": "Bob@example.com", "roles": ["vendor_orders"]}
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def token_of(scope: str, invitation_id: str) -> str:
    found = letters.get(scope, invitation_id)
    assert found
    return invitation_token(config.key(INVITATIONS), found.nonce)


@pytest.fixture
def invited(house: House) -> str:
    """Bob is invited to the lamps' team by ann; the invitation's id."""
    answer = house.send("ann", "POST", TEAM, BOB)
    assert answer.status == 201, answer
    assert (answer.json["email"], answer.json["status"]) == ("bob@example.com", "open")
    house.person("bob")
    return str(answer.json["id"])


@pytest.mark.contract("2.3")
def test_the_token_is_in_no_item_no_event_and_no_log(
    house: House, invited: str, told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    token = token_of(LAMPS, invited)
    (event,) = told("access.invited")
    assert (event["scope"], event["invitation_id"]) == (LAMPS, invited)
    assert house.send("bob", "POST", ACCEPT, {"token": token}).status == 200
    stored = json.dumps([store.table.query(f"IVT#{LAMPS}").items, announced(), recorded("access.accept_invitation")])
    assert token not in stored + "".join(capsys.readouterr())
    assert "bob@example.com" not in json.dumps(announced())


@pytest.mark.contract("2.3")
def test_an_invitation_is_accepted_once_and_gives_its_roles(house: House, invited: str) -> None:
    token = token_of(LAMPS, invited)
    joined = house.send("bob", "POST", ACCEPT, {"token": token})
    assert (joined.status, joined.json["vendorId"], joined.json["roles"]) == (200, LAMPS, ["vendor_orders"])
    assert house.send("bob", "POST", ACCEPT, {"token": token}).json == joined.json
    assert house.grants("bob") == {LAMPS: {"vendor_orders"}}
    assert house.size(LAMPS) == {"owners": 1, "members": 2}
    (listed,) = house.send("ann", "GET", TEAM).json["items"]
    assert (listed["status"], listed["acceptedBy"], listed["invitedBy"]) == ("accepted", "bob", "ann")
    record, *_ = recorded("access.accept_invitation")
    assert (record["actor"]["id"], record["subject"]["scope"]) == ("bob", LAMPS)
    assert "bob@example.com" not in json.dumps([record, *recorded("access.invite_team_member")])
    assert house.send("ann", "DELETE", f"/v1/vendors/{LAMPS}/team/bob").status == 204
    assert house.send("bob", "POST", ACCEPT, {"token": token}).status == 404
    assert house.grants("bob") == {}


@pytest.mark.contract("2.3", "24.1")
def test_only_the_owner_of_the_address_accepts(house: House, invited: str) -> None:
    token = token_of(LAMPS, invited)
    house.person("eve")
    refused = house.send("eve", "POST", ACCEPT, {"token": token})
    assert (refused.status, refused.json["code"]) == (403, "invitation_for_another_address")
    assert "bob" not in refused.body
    assert house.send("eve", "POST", ACCEPT, {"token": "0" * 64}).status == 404
    assert house.send("eve", "POST", ACCEPT, {"token": "x"}).status == 422
    assert house.send("ghost", "POST", ACCEPT, {"token": token}).status == 404
    house.table.transact(*status_changed("bob", store.standing("bob"), "pending"))
    assert house.send("bob", "POST", ACCEPT, {"token": token}).status == 404
    assert store.standing("eve").grants == {}


@pytest.mark.contract("2.3")
def test_two_acceptances_at_once_are_one(house: House, invited: str) -> None:
    token, together = token_of(LAMPS, invited), Barrier(2)

    def accept(_: int) -> int:
        together.wait()
        return house.send("bob", "POST", ACCEPT, {"token": token}).status

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(accept, range(2))) == [200, 200]
    assert house.size(LAMPS) == {"owners": 1, "members": 2}


@pytest.mark.contract("2.3")
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_crash_around_the_acceptance_loses_nothing_and_gives_nothing_twice(
    house: House, invited: str, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    token, transact = token_of(LAMPS, invited), Table.transact

    def crash(self: Table, *writes: Any) -> None:
        if done:
            transact(self, *writes)
        raise RuntimeError("the process dies here")

    with monkeypatch.context() as broken:
        broken.setattr(Table, "transact", crash)
        assert house.send("bob", "POST", ACCEPT, {"token": token}).status == 500
    assert bool(house.grants("bob")) is done
    assert house.send("bob", "POST", ACCEPT, {"token": token}).status == 200
    assert house.size(LAMPS) == {"owners": 1, "members": 2}


@pytest.mark.contract("2.3")
def test_an_invitation_ends_after_seven_days_and_can_be_sent_again(house: House) -> None:
    house.person("bob")
    with clock.running_on(lambda: NOW):
        first = house.send("ann", "POST", TEAM, BOB).json
        old = token_of(LAMPS, first["id"])
        again = house.send("ann", "POST", TEAM, BOB)
        assert (again.json["code"], again.json["invitationId"]) == ("already_invited", first["id"])
    with clock.running_on(lambda: NOW + timedelta(days=7)):
        assert house.send("ann", "GET", TEAM).json["items"][0]["status"] == "expired"
        assert house.send("bob", "POST", ACCEPT, {"token": old}).status == 404
        resent = house.send("ann", "POST", f"{TEAM}/{first['id']}/resend")
        assert (resent.status, resent.json["endsAt"]) == (200, "2026-03-15T12:00:00.000Z")
        assert house.send("bob", "POST", ACCEPT, {"token": old}).status == 404
        assert house.send("bob", "POST", ACCEPT, {"token": token_of(LAMPS, first["id"])}).status == 200
        assert house.send("ann", "POST", f"{TEAM}/{first['id']}/resend").status == 404


@pytest.mark.contract("2.3")
def test_an_ended_invitation_gives_way_to_a_new_one(house: House) -> None:
    house.person("bob")
    with clock.running_on(lambda: NOW):
        old = token_of(LAMPS, house.send("ann", "POST", TEAM, BOB).json["id"])
    with clock.running_on(lambda: NOW + timedelta(days=8)):
        new = house.send("ann", "POST", TEAM, BOB | {"roles": ["vendor_viewer"]})
        assert new.status == 201
        assert house.send("bob", "POST", ACCEPT, {"token": old}).status == 404
        token = token_of(LAMPS, new.json["id"])
        assert house.send("bob", "POST", ACCEPT, {"token": token}).json["roles"] == ["vendor_viewer"]


@pytest.mark.contract("2.3")
def test_a_revoked_invitation_is_dead(house: House, invited: str) -> None:
    token = token_of(LAMPS, invited)
    assert house.send("ann", "DELETE", f"{TEAM}/{invited}").status == 204
    assert house.send("ann", "DELETE", f"{TEAM}/{invited}").status == 404
    assert house.send("ann", "POST", f"{TEAM}/{invited}/resend").status == 404
    assert house.send("bob", "POST", ACCEPT, {"token": token}).status == 404
    assert house.send("ann", "GET", TEAM).json["items"][0]["status"] == "revoked"


@pytest.mark.contract("2.5")
@pytest.mark.parametrize("fate", ["removed", "demoted", "denied", "blocked", "role lost a permission"])
def test_what_the_inviter_may_not_give_any_more_is_not_given(house: House, fate: str) -> None:
    house.send("ann", "PUT", f"/v1/vendors/{LAMPS}/roles/leader", {"permissions": ["team.manage", "orders.read"]})
    house.send("ann", "PUT", f"/v1/vendors/{LAMPS}/roles/reader", {"permissions": ["orders.read"]})
    house.member("cat", LAMPS, "leader")
    house.person("bob")
    body = {"email": "bob@example.com", "roles": ["reader"]}
    token = token_of(LAMPS, house.send("cat", "POST", TEAM, body).json["id"])
    cat = f"/v1/vendors/{LAMPS}/team/cat"
    match fate:
        case "removed":
            house.send("ann", "DELETE", cat)
        case "demoted":
            house.send("ann", "PUT", cat, {"roles": ["vendor_viewer"]})
        case "denied":
            house.send("ann", "PUT", cat, {"roles": ["leader"], "deny": ["orders.read"]})
        case "blocked":
            house.table.transact(*status_changed("cat", store.standing("cat"), "blocked"))
        case _:
            role = {"permissions": ["team.manage"]}
            house.send("ann", "PUT", f"/v1/vendors/{LAMPS}/roles/leader", role)
    refused = house.send("bob", "POST", ACCEPT, {"token": token})
    assert (refused.status, refused.json["code"]) == (409, "invitation_void")
    assert house.grants("bob") == {}


@pytest.mark.contract("2.5")
def test_nobody_invites_to_more_than_they_hold(house: House) -> None:
    house.send("ann", "PUT", f"/v1/vendors/{LAMPS}/roles/leader", {"permissions": ["team.manage", "orders.read"]})
    house.member("cat", LAMPS, "leader")
    for roles in (["vendor_admin"], ["vendor_finance"]):
        refused = house.send("cat", "POST", TEAM, {"email": "bob@example.com", "roles": roles})
        assert (refused.status, refused.json["code"]) == (403, "permission_not_held")
    house.member("adam", PLATFORM, "admin")
    for roles, status in ((["super_admin"], 403), (["admin"], 201), (["vendor_admin"], 422), ([], 422)):
        assert house.send("adam", "POST", STAFF, {"email": "bob@example.com", "roles": roles}).status == status
    assert house.send("bob", "POST", STAFF, {"email": "eve@example.com", "roles": ["admin"]}).status == 403
    house.member("eve", house.vendor(CHAIRS), "vendor_admin")
    assert house.send("eve", "POST", TEAM, BOB).status == 404


@pytest.mark.contract("2.3")
def test_staff_are_invited_in_the_same_way(house: House) -> None:
    house.person("bob")
    made = house.send("root", "POST", STAFF, {"email": "bob@example.com", "roles": ["support"]}).json
    assert house.send("root", "POST", f"{STAFF}/{made['id']}/resend").status == 200
    joined = house.send("bob", "POST", ACCEPT, {"token": token_of(PLATFORM, made["id"])})
    assert joined.json["roles"] == ["support"]
    assert "vendorId" not in {name for name, value in joined.json.items() if value}
    assert house.send("bob", "GET", STAFF).json["items"][0]["id"] == made["id"]
    other = house.send("root", "POST", STAFF, {"email": "eve@example.com", "roles": ["auditor"]}).json
    assert house.send("root", "DELETE", f"{STAFF}/{other['id']}").status == 204


@pytest.mark.contract("2.3", "4.2")
def test_a_suspended_vendor_takes_in_nobody_but_keeps_its_team(house: House, invited: str) -> None:
    token = token_of(LAMPS, invited)
    house.vendor(LAMPS, status="suspended")
    assert house.send("bob", "POST", ACCEPT, {"token": token}).json["code"] == "vendor_not_active"
    refused = house.send("ann", "POST", TEAM, {"email": "c@example.com", "roles": ["vendor_viewer"]})
    assert refused.json["code"] == "vendor_not_active"
    assert house.send("ann", "GET", TEAM).status == 200
    house.vendor(LAMPS)
    assert house.send("bob", "POST", ACCEPT, {"token": token}).status == 200


@pytest.mark.contract("2.3")
def test_members_get_more_by_an_invitation_and_keep_what_they_have(house: House, invited: str) -> None:
    house.member("bob", LAMPS, "vendor_catalog")
    assert house.send("bob", "POST", ACCEPT, {"token": token_of(LAMPS, invited)}).status == 200
    assert house.grants("bob") == {LAMPS: {"vendor_catalog", "vendor_orders"}}
    assert house.size(LAMPS)["members"] == 2


@pytest.mark.contract("2.3")
def test_a_person_in_too_many_teams_joins_no_further_one(house: House, invited: str) -> None:
    for number in range(MAX_VENDORS):
        house.member("bob", f"ven_{number}", "vendor_viewer")
    refused = house.send("bob", "POST", ACCEPT, {"token": token_of(LAMPS, invited)})
    assert refused.json["code"] == "too_many_vendors"


@pytest.mark.contract("2.3", "24.1")
def test_a_scope_has_so_many_open_invitations(house: House, invited: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inviting, "MAX_INVITATIONS", 2)
    letters.send(letters.drafted(LAMPS, "cat@example.com", ["vendor_viewer"], by="ann"))
    dan = {"email": "dan@example.com", "roles": ["vendor_viewer"]}
    refused = house.send("ann", "POST", TEAM, dan)
    assert (refused.status, refused.json["code"]) == (409, "too_many_invitations")
    assert house.send("root", "POST", STAFF, dan | {"roles": ["support"]}).status == 201
    assert house.send("ann", "DELETE", f"{TEAM}/{invited}").status == 204
    assert house.send("ann", "POST", TEAM, dan).status == 201


@pytest.mark.contract("2.3")
def test_who_sends_it_again_answers_for_it(house: House) -> None:
    house.member("cat", LAMPS, "vendor_admin")
    house.person("bob")
    made = house.send("cat", "POST", TEAM, BOB).json
    house.send("ann", "DELETE", f"/v1/vendors/{LAMPS}/team/cat")
    assert house.send("bob", "POST", ACCEPT, {"token": token_of(LAMPS, made["id"])}).json["code"] == "invitation_void"
    assert house.send("ann", "POST", f"{TEAM}/{made['id']}/resend").json["invitedBy"] == "ann"
    assert house.send("bob", "POST", ACCEPT, {"token": token_of(LAMPS, made["id"])}).status == 200


@pytest.mark.contract("2.3")
def test_the_address_counts_that_the_person_has_today(house: House, invited: str) -> None:
    house.table.write(put(user_key("bob"), {"email": "robert@example.com", "name": "Bob"}))
    token = token_of(LAMPS, invited)
    assert house.send("bob", "POST", ACCEPT, {"token": token}).json["code"] == "invitation_for_another_address"
    house.table.write(put(user_key("rob"), {"email": "BOB@example.com", "name": "Rob"}))
    assert house.send("rob", "POST", ACCEPT, {"token": token}).status == 200

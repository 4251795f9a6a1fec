"""Staff and teams: who may make whom what, and that somebody always remains to let others in."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from access import api, catalogue, service, store
from access.contract import MAX_MEMBERS, PLATFORM, LastOwner, StandingChanged, TeamFull, counted, status_changed
from access.model import MAX_VENDORS
from market.table import Table
from tests.http import call
from tests.services.access.conftest import CHAIRS, LAMPS, TESTS, House, Told
from tests.services.outbox import recorded

SUES = frozenset(key for key, roles in catalogue.PERMISSIONS.items() if "support" in roles) | {"staff.manage"}
"""What a member of support holds who may also manage the staff."""

STAFF, TEAM = "/v1/admin/staff", f"/v1/vendors/{LAMPS}/team"


@pytest.mark.contract("2.1", "2.5")
def test_a_super_admin_makes_staff_and_everybody_is_told(house: House, told: Told) -> None:
    house.person("sue")
    answer = house.send("root", "PUT", f"{STAFF}/sue", {"roles": ["support"], "deny": ["staff.read"]})
    assert answer.status == 200, answer
    assert (answer.json["roles"], answer.json["deny"], answer.json["addedBy"]) == (["support"], ["staff.read"], "root")
    assert house.token("sue")["roles"] == "customer staff"
    assert {"user_id": "sue", "scope": PLATFORM, "roles": ["support"], "allow": [], "deny": ["staff.read"]} in told(
        "access.changed"
    )
    assert house.send("sue", "GET", STAFF).status == 403
    assert house.size(PLATFORM) == {"owners": 1, "members": 2}


@pytest.mark.contract("2.3")
def test_a_team_is_listed_page_by_page_to_its_own_people_only(house: House) -> None:
    for name in ("bob", "cat", "dan"):
        house.member(name, LAMPS, "vendor_viewer")
    house.member("eve", house.vendor(CHAIRS), "vendor_admin")
    first = house.send("bob", "GET", TEAM, query={"limit": 3})
    second = house.send("bob", "GET", TEAM, query={"limit": 3, "cursor": first.json["nextCursor"]})
    listed = first.json["items"] + second.json["items"]
    assert [entry["userId"] for entry in listed] == ["ann", "bob", "cat", "dan"]
    assert listed[1]["email"] == "bob@example.com"
    assert house.send("bob", "GET", f"{TEAM}/cat").json["roles"] == ["vendor_viewer"]
    assert house.send("bob", "GET", f"{TEAM}/eve").status == 404
    assert house.send("eve", "GET", TEAM).status == 404
    assert house.send("eve", "DELETE", f"{TEAM}/bob").status == 404
    assert house.send("bob", "GET", f"/v1/vendors/{CHAIRS}/team").status == 404
    assert house.send("root", "GET", TEAM).status == 200


@pytest.mark.contract("2.4")
def test_a_vendors_admin_changes_and_removes_people_but_adds_none_uninvited(house: House) -> None:
    house.member("bob", LAMPS, "vendor_viewer")
    house.person("cat")
    assert house.send("ann", "PUT", f"{TEAM}/bob", {"roles": ["vendor_orders"]}).json["roles"] == ["vendor_orders"]
    refused = house.send("ann", "PUT", f"{TEAM}/cat", {"roles": ["vendor_orders"]})
    assert (refused.status, refused.json["code"]) == (404, "member_not_found")
    assert house.send("root", "PUT", f"{TEAM}/cat", {"roles": ["vendor_orders"]}).status == 200
    assert house.send("ann", "DELETE", f"{TEAM}/bob").status == 204
    assert house.send("ann", "DELETE", f"{TEAM}/bob").status == 404
    assert house.grants("bob") == {}
    assert house.send("bob", "GET", TEAM).status == 403
    assert house.size(LAMPS) == {"owners": 1, "members": 2}


@pytest.mark.contract("2.5")
@pytest.mark.parametrize(
    ("body", "lacking"),
    [
        ({"roles": ["super_admin"]}, "*"),
        ({"roles": ["super_admin"], "deny": sorted(catalogue.PLATFORM - SUES)}, "*"),
        ({"roles": ["finance"]}, "ledger.read"),
        ({"roles": ["support"], "allow": ["fraud.configure"]}, "fraud.configure"),
        ({"roles": ["keeper"]}, "fraud.configure"),
    ],
)
def test_nobody_gives_what_they_do_not_hold_by_whichever_way(house: House, body: Any, lacking: str) -> None:
    role = {"permissions": ["fraud.configure"]}
    assert house.send("root", "PUT", "/v1/admin/roles/keeper", role).status == 200
    house.member("sue", PLATFORM, "support")
    house.send("root", "PUT", f"{STAFF}/sue", {"roles": ["support"], "allow": ["staff.manage"]})
    house.person("bob")
    for target in ("bob", "sue"):
        refused = house.send("sue", "PUT", f"{STAFF}/{target}", body)
        assert (refused.status, refused.json["code"]) == (403, "permission_not_held"), refused
        assert lacking in refused.json["permissions"]
    assert house.grants("bob") == {}
    assert house.send("sue", "PUT", f"{STAFF}/bob", {"roles": ["support"]}).status == 200


@pytest.mark.contract("2.5")
def test_nobody_changes_or_removes_somebody_above_themselves_or_lifts_their_own_denial(house: House) -> None:
    house.member("sue", PLATFORM, "admin")
    house.send("root", "PUT", f"{STAFF}/sue", {"roles": ["admin"], "deny": ["refunds.make"]})
    house.member("adam", PLATFORM, "admin")
    for method, body in (("PUT", {"roles": ["support"]}), ("DELETE", None)):
        for above in ("root", "adam"):
            assert house.send("sue", method, f"{STAFF}/{above}", body).json["code"] == "permission_not_held"
    assert house.send("sue", "PUT", f"{STAFF}/sue", {"roles": ["admin"]}).json["permissions"] == ["refunds.make"]
    assert house.send("sue", "PUT", f"{STAFF}/sue", {"roles": ["auditor"], "allow": ["staff.manage"]}).status == 200
    assert house.send("sue", "PUT", f"{STAFF}/sue", {"roles": ["admin"]}).status == 403
    assert house.send("sue", "DELETE", f"{STAFF}/sue").status == 204


@pytest.mark.contract("2.4")
def test_platform_staff_give_in_a_team_what_they_hold_on_the_platform(house: House) -> None:
    house.member("adam", PLATFORM, "admin")
    house.member("sue", PLATFORM, "support")
    house.send("root", "PUT", f"{STAFF}/sue", {"roles": ["support"], "allow": ["team.manage"]})
    house.person("bob")
    assert house.send("sue", "PUT", f"{TEAM}/bob", {"roles": ["vendor_admin"]}).status == 403
    assert house.send("sue", "PUT", f"{TEAM}/bob", {"roles": [], "allow": ["orders.read"]}).status == 200
    assert house.send("adam", "PUT", f"{TEAM}/bob", {"roles": ["vendor_admin"]}).status == 200
    assert house.size(LAMPS)["owners"] == 2


@pytest.mark.contract("2.5")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"roles": ["root"]},
        {"roles": ["vendor_admin"]},
        {"roles": [], "allow": ["*"]},
        {"allow": ["no.such"]},
        {"roles": ["support"], "deny": ["no.such"]},
        {"roles": "support"},
    ],
)
def test_what_does_not_exist_on_the_platform_cannot_be_given_there(house: House, body: Any) -> None:
    house.person("bob")
    assert house.send("root", "PUT", f"{STAFF}/bob", body).status == 422
    assert house.grants("bob") == {}


@pytest.mark.contract("2.1")
def test_only_active_people_of_active_vendors_are_added(house: House) -> None:
    house.person("bob")
    house.table.transact(*status_changed("bob", store.standing("bob"), "blocked"))
    body = {"roles": ["vendor_viewer"]}
    assert house.send("root", "PUT", f"{TEAM}/bob", body).status == 404
    assert house.send("root", "PUT", f"{TEAM}/ghost", body).status == 404
    house.person("cat")
    assert house.send("root", "PUT", "/v1/vendors/ven_none/team/cat", body).json["code"] == "not_found"
    house.vendor(CHAIRS, status="suspended")
    assert house.send("root", "PUT", f"/v1/vendors/{CHAIRS}/team/cat", body).json["code"] == "vendor_not_active"
    assert house.send("root", "PUT", "/v1/vendors/a%20SET%20b/team/cat", body).status == 404
    assert house.send("root", "PUT", "/v1/vendors/platform/team/cat", {"roles": ["vendor_admin"]}).status == 404


@pytest.mark.contract("2.3")
def test_a_person_can_be_in_so_many_teams_and_a_team_can_have_so_many_people(house: House) -> None:
    for number in range(MAX_VENDORS):
        house.member("bob", house.vendor(f"ven_{number}"), "vendor_viewer")
    refused = house.send("root", "PUT", f"{TEAM}/bob", {"roles": ["vendor_viewer"]})
    assert (refused.status, refused.json["code"]) == (409, "too_many_vendors")
    assert house.send("root", "PUT", f"{STAFF}/bob", {"roles": ["support"]}).status == 200
    house.table.transact(counted(LAMPS, members=MAX_MEMBERS - 1))
    house.person("cat")
    assert house.send("root", "PUT", f"{TEAM}/cat", {"roles": ["vendor_viewer"]}).json["code"] == "team_full"
    with pytest.raises(TeamFull):
        house.table.transact(counted(LAMPS, members=1))


@pytest.mark.contract("2.5")
@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("DELETE", None),
        ("PUT", {"roles": ["vendor_viewer"]}),
        ("PUT", {"roles": ["vendor_admin"], "deny": ["team.manage"]}),
    ],
)
def test_the_last_vendor_admin_cannot_go_be_demoted_or_denied(house: House, method: str, body: Any) -> None:
    before = house.standing_item("ann")
    for caller in ("ann", "root"):
        refused = house.send(caller, method, f"{TEAM}/ann", body)
        assert (refused.status, refused.json["code"], refused.json["scope"]) == (409, "last_owner", LAMPS)
    assert house.standing_item("ann") == before
    house.member("bob", LAMPS, "vendor_admin")
    assert house.send("ann", method, f"{TEAM}/ann", body).status in (200, 204)
    assert house.size(LAMPS)["owners"] == 1
    assert house.send("bob", method, f"{TEAM}/bob", body).json["code"] == "last_owner"


@pytest.mark.contract("2.1", "2.5")
@pytest.mark.parametrize(("scope", "role"), [(PLATFORM, "super_admin"), (LAMPS, "vendor_admin")])
def test_of_two_owners_who_leave_at_once_one_stays(house: House, scope: str, role: str) -> None:
    path = STAFF if scope == PLATFORM else TEAM
    first = "root" if scope == PLATFORM else "ann"
    house.member("two", scope, role)
    together = Barrier(2)

    def leave(user_id: str) -> int:
        together.wait()
        return house.send(user_id, "DELETE", f"{path}/{user_id}").status

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(leave, (first, "two")))
    assert answers == [204, 409]
    assert house.size(scope)["owners"] == 1
    assert sum(role in house.grants(user_id).get(scope, ()) for user_id in (first, "two")) == 1


@pytest.mark.contract("2.1", "2.5")
def test_of_two_owners_who_remove_each_other_one_stays(house: House) -> None:
    house.member("two", PLATFORM, "super_admin")
    together = Barrier(2)

    def remove(callers: tuple[str, str]) -> int:
        together.wait()
        return house.send(callers[0], "DELETE", f"{STAFF}/{callers[1]}").status

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(remove, (("root", "two"), ("two", "root"))))
    assert answers[0] == 204
    assert answers[1] in (403, 409)
    assert house.size(PLATFORM) == {"owners": 1, "members": 1}


@pytest.mark.contract("2.1", "26.5")
def test_a_grant_that_was_decided_falls_when_its_giver_is_demoted_in_between(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the decision and the write, root takes away what sue gives: the write does not pass."""
    house.member("sue", PLATFORM, "admin")
    house.person("bob")
    read, interrupted = store.situation, []

    def interrupting(scope: str, *user_ids: str) -> Any:
        found = read(scope, *user_ids)
        if not interrupted:
            interrupted.append(True)
            service.appoint(PLATFORM, "sue", by="root", roles=["support"])
        return found

    monkeypatch.setattr(store, "situation", interrupting)
    refused = house.send("sue", "PUT", f"{STAFF}/bob", {"roles": ["admin"]})
    assert (refused.status, refused.json["code"]) == (403, "permission_not_held")
    assert house.grants("bob") == {}


@pytest.mark.contract("2.5")
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_crash_around_the_write_leaves_team_counters_and_standing_in_step(
    house: House, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    house.member("bob", LAMPS, "vendor_admin")
    transact = Table.transact

    def crash(self: Table, *writes: Any) -> None:
        if done:
            transact(self, *writes)
        raise RuntimeError("the process dies here")

    with monkeypatch.context() as broken:
        broken.setattr(Table, "transact", crash)
        assert house.send("ann", "DELETE", f"{TEAM}/bob").status == 500
    assert (house.grants("bob") == {}) is done
    assert house.size(LAMPS) == ({"owners": 1, "members": 1} if done else {"owners": 2, "members": 2})
    assert house.send("ann", "DELETE", f"{TEAM}/bob").status == (404 if done else 204)
    assert house.size(LAMPS) == {"owners": 1, "members": 1}
    assert house.send("ann", "DELETE", f"{TEAM}/ann").status == 409


@pytest.mark.contract("1.1", "2.5")
def test_blocking_counts_as_leaving_and_unblocking_as_coming_back(house: House) -> None:
    table = Table(TESTS)
    with pytest.raises(LastOwner):
        table.transact(*status_changed("ann", store.standing("ann"), "blocked", valid_from=1))
    house.member("bob", LAMPS, "vendor_admin")
    seen = store.standing("ann")
    table.transact(*status_changed("ann", seen, "blocked", valid_from=1))
    assert house.size(LAMPS)["owners"] == 1
    assert house.send("root", "DELETE", f"{TEAM}/bob").json["code"] == "last_owner"
    with pytest.raises(StandingChanged):
        table.transact(*status_changed("ann", seen, "active"))
    assert house.send("root", "PUT", f"{TEAM}/ann", {"roles": ["vendor_admin", "vendor_viewer"]}).status == 200
    assert house.size(LAMPS)["owners"] == 1
    table.transact(*status_changed("ann", store.standing("ann"), "active"))
    assert house.size(LAMPS)["owners"] == 2
    assert house.send("root", "DELETE", f"{TEAM}/bob").status == 204


@pytest.mark.contract("2.1")
def test_everybody_sees_what_they_are_and_may_do(house: House) -> None:
    house.member("bob", LAMPS, "vendor_orders")
    house.member("bob", house.vendor(CHAIRS), "vendor_admin")
    seen = house.send("bob", "GET", "/v1/me/access").json
    assert [scope["vendorId"] for scope in seen["scopes"]] == [CHAIRS, LAMPS]
    lamps = seen["scopes"][1]
    assert lamps["roles"] == ["vendor_orders"]
    assert "orders.cancel" in lamps["permissions"]
    assert "team.manage" not in lamps["permissions"]
    assert "team.manage" in seen["scopes"][0]["permissions"]
    assert house.send(house.person("cat"), "GET", "/v1/me/access").json == {"userId": "cat", "scopes": []}


@pytest.mark.contract("2.3")
def test_everybody_may_leave_but_the_last_owner(house: House) -> None:
    house.member("bob", LAMPS, "vendor_viewer")
    house.member("bob", PLATFORM, "auditor")
    assert house.send("bob", "DELETE", f"/v1/me/access/{LAMPS}").status == 204
    assert house.send("bob", "DELETE", f"/v1/me/access/{LAMPS}").status == 404
    assert house.send("bob", "DELETE", "/v1/me/access/platform").status == 204
    assert house.send("bob", "DELETE", "/v1/me/access/no%20scope").status == 404
    assert house.send("ann", "DELETE", f"/v1/me/access/{LAMPS}").json["code"] == "last_owner"
    assert house.grants("bob") == {}
    assert house.size(LAMPS) == {"owners": 1, "members": 1}
    assert [record["actor"]["id"] for record in recorded("access.leave")] == ["bob", "bob"]


@pytest.mark.contract("2.5")
def test_what_the_kernel_remembers_of_a_manager_is_asked_again_before_anything_is_given(
    house: House, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("ACCESS_CACHE_SECONDS", "30")
    house.member("sue", PLATFORM, "admin")
    house.person("bob")
    token = house.token("sue")
    assert call(api.handler, "GET", STAFF, caller="sue", claims=token).status == 200
    house.send("root", "PUT", f"{STAFF}/sue", {"roles": ["admin"], "deny": ["staff.manage"]})
    for path, body in ((f"{STAFF}/bob", {"roles": ["support"]}), ("/v1/admin/roles/x_1", {"permissions": []})):
        refused = call(api.handler, "PUT", path, body, caller="sue", claims=token)
        assert (refused.status, refused.json["code"]) == (403, "permission_not_held")
    offer = {"email": "c@example.com", "roles": ["support"]}
    assert call(api.handler, "POST", f"{STAFF}/invitations", offer, caller="sue", claims=token).status == 403


@pytest.mark.contract("2.3")
def test_staff_who_look_on_add_nobody_uninvited_to_a_team_that_they_are_in(house: House) -> None:
    house.member("ann", PLATFORM, "auditor")
    house.person("bob")
    assert house.send("ann", "PUT", f"{TEAM}/bob", {"roles": ["vendor_viewer"]}).json["code"] == "member_not_found"

"""What staff may do to accounts."""

import threading

import pytest

from access.contract import PLATFORM, size_key
from identity import service
from identity.claims import claims_of
from identity.table import TABLE
from tests.services.identity.conftest import STAFF, bearing, login, owner, roles, standing


def put_status(send, user_id, status, **options):
    return send("PUT", f"/v1/admin/users/{user_id}/status", {"status": status}, **(STAFF | options))


@pytest.mark.contract("1.5")
def test_a_blocked_person_is_shut_out_at_once_and_may_come_back(send, time, ada, signed_in, staff, outbox):
    user_id = owner(signed_in)
    time.passes(seconds=1)
    assert put_status(send, user_id, "blocked", caller=staff).json["status"] == "blocked"
    assert send("GET", "/v1/me", **bearing(signed_in)).json["code"] == "account_blocked"
    assert send("POST", "/v1/auth/refresh", {"refreshToken": signed_in["refreshToken"]}).status == 401
    refused = login(send, ada)
    assert (refused.status, refused.json["code"]) == (403, "account_blocked")
    assert login(send, {**ada, "password": "Wrong-Password-1"}).json["code"] == "invalid_credentials"
    assert put_status(send, user_id, "active", caller=staff).json["status"] == "active"
    time.passes(seconds=1)
    assert send("GET", "/v1/me", **bearing(login(send, ada).json)).status == 200
    assert send("GET", "/v1/me", **bearing(signed_in)).status == 401
    assert {event["type"] for event in outbox() if "blocked" in event["type"]} == {"user.blocked", "user.unblocked"}


@pytest.mark.contract("1.5")
def test_a_block_holds_even_if_cognito_did_not_hear_of_it(send, time, pool, ada, signed_in, staff):
    time.passes(seconds=1)
    pool.fail = {"AdminUserGlobalSignOut": "InternalErrorException"}
    assert put_status(send, owner(signed_in), "blocked", caller=staff).status == 503
    assert send("GET", "/v1/me", **bearing(signed_in)).json["code"] == "account_blocked"
    assert send("POST", "/v1/auth/refresh", {"refreshToken": signed_in["refreshToken"]}).status == 401
    pool.fail = {}
    assert put_status(send, owner(signed_in), "blocked", caller=staff).status == 200


@pytest.mark.contract("2.1")
def test_nobody_blocks_themselves_or_the_last_super_admin(send, staff):
    own = put_status(send, staff, "blocked", caller=staff)
    assert (own.status, own.json["code"]) == (409, "own_account")
    below = put_status(send, staff, "blocked", caller="another", permissions="users.block")
    assert (below.status, below.json["code"]) == (403, "outranked")
    second = service.bootstrap("joan@example.com", "Some-Password-12", "Joan", ["staff"])
    assert put_status(send, staff, "blocked", caller=second).status == 200
    assert put_status(send, second, "blocked", caller="another").status == 403


@pytest.mark.contract("2.1")
@pytest.mark.parametrize(
    ("method", "path", "body", "permission"),
    [
        ("PUT", "/v1/admin/users/{id}/status", {"status": "blocked"}, "users.block"),
        ("GET", "/v1/admin/users/{id}", None, "users.read"),
        ("POST", "/v1/admin/users/search", {"email": "ada@example.com"}, "users.read"),
        ("DELETE", "/v1/admin/users/{id}/second-factors", None, "users.secure"),
        ("PUT", "/v1/admin/users/{id}/second-factors", {"required": True}, "users.secure"),
    ],
)
def test_each_measure_needs_its_permission(send, ada, signed_in, method, path, body, permission):
    path = path.format(id=owner(signed_in))
    others = " ".join({"users.block", "users.read", "users.secure"} - {permission})
    assert send(method, path, body).status == 401
    assert send(method, path, body, caller="shopper").status == 403
    assert send(method, path, body, caller="clerk", permissions=others, **STAFF).status == 403
    assert send(method, path, body, caller="clerk", permissions=permission, **STAFF).status == 200


@pytest.mark.contract("1.2")
def test_an_account_is_found_by_its_address_in_the_body(send, ada, signed_in, staff):
    found = send("POST", "/v1/admin/users/search", {"email": "ADA@example.com"}, caller=staff, **STAFF).json["items"]
    assert [entry["id"] for entry in found] == [owner(signed_in)]
    assert (found[0]["status"], found[0]["secondFactors"]) == ("active", [])
    none = send("POST", "/v1/admin/users/search", {"email": "nobody@example.com"}, caller=staff, **STAFF)
    assert none.json == {"items": []}


@pytest.mark.contract("2.1", "1.4")
@pytest.mark.parametrize(("method", "body"), [("DELETE", None), ("PUT", {"required": False})])
def test_staff_who_signed_in_long_ago_take_nobodys_second_factors(send, ada, signed_in, staff, method, body):
    path, long_ago = f"/v1/admin/users/{owner(signed_in)}/second-factors", STAFF | {"claims": {"auth_time": "1"}}
    assert send(method, path, body, caller=staff, **long_ago).json["code"] == "reauthentication_required"


@pytest.mark.contract("2.1")
def test_nobody_is_not_found(send, staff):
    assert send("GET", "/v1/admin/users/ghost", caller=staff, **STAFF).json["code"] == "user_not_found"
    assert put_status(send, "ghost", "blocked", caller=staff).status == 404
    assert send("DELETE", "/v1/admin/users/ghost/second-factors", caller=staff, **STAFF).status == 404


@pytest.mark.contract("2.1")
@pytest.mark.parametrize("status", ["erased", "pending", "", "ACTIVE"])
def test_staff_set_no_other_status(send, ada, signed_in, staff, status):
    assert put_status(send, owner(signed_in), status, caller=staff).status == 422


@pytest.mark.contract("2.1")
def test_what_staff_does_is_on_record(send, signed_in, staff, recorded):
    put_status(send, owner(signed_in), "blocked", caller=staff)
    (record,) = [entry for entry in recorded() if any("status" in change["after"] for change in entry["changes"])]
    assert record["action"] == "identity.set_status"
    assert (record["actor"], record["permission"]) == ({"type": "user", "id": staff}, "users.block")
    assert record["subject"] == {"user_id": owner(signed_in)}


@pytest.mark.contract("2.1")
def test_first_rights_are_given_once_and_keep_what_is_there(pool):
    made = [
        service.bootstrap("sam@example.com", "Some-Password-12", "Sam", kinds, "ven_1")
        for kinds in (["vendor"], ["vendor"], ["staff"])
    ]
    assert len(set(made)) == 1
    grants = standing(made[0]).grants
    assert {scope: set(grant.roles) for scope, grant in grants.items()} == {
        PLATFORM: {"super_admin"},
        "ven_1": {"vendor_admin"},
    }
    assert roles(made[0]) == "customer staff vendor"


@pytest.mark.contract("2.1")
def test_first_rights_that_are_given_several_times_at_once_count_once(pool):
    made = service.bootstrap("sam@example.com", "Some-Password-12", "Sam")
    given = [threading.Thread(target=service.make_staff, args=["sam@example.com"]) for _ in range(4)]
    for one in given:
        one.start()
    for one in given:
        one.join()
    size = TABLE.get(size_key(PLATFORM), consistent=True)
    assert size
    assert (size["owners"], size["members"], roles(made)) == (1, 1, "customer staff")


@pytest.mark.contract("2.1")
def test_an_account_is_made_staff_by_its_address(pool):
    assert service.make_staff("nobody@example.com") is False
    bob = service.bootstrap("bob@example.com", "Some-Password-12", "Bob")
    assert [service.make_staff("bob@example.com") for _ in range(2)] == [True, True]
    assert roles(bob) == "customer staff"


@pytest.mark.contract("1.2")
def test_the_trigger_makes_up_a_lost_account_once(pool, outbox):
    for _ in range(2):
        said = claims_of("lost", email="lost@example.com", name="", proven=True)
        assert (said["roles"], "permissions" in said) == ("customer", False)
    assert [event["type"] for event in outbox()] == ["user.created"]

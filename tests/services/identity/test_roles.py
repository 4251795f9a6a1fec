"""Profiles and roles: who may read and change what, and what an approval does."""

import json
from typing import Any

import pytest

from identity import consumer, service, store, triggers
from identity.contract import read_contact
from identity.model import User
from tests.services.identity.conftest import item

STAFF = "customer staff"


@pytest.fixture
def bob(pool: Any) -> str:
    store.add(User(id="bob", email="bob@example.com", name="Bob"))
    return "bob"


def approved(vendor_id: str = "ven_1", owner: str = "bob", event_id: str = "e1") -> dict[str, Any]:
    envelope = {
        "eventId": event_id,
        "type": "vendor.approved",
        "version": 1,
        "occurredAt": "2026-01-01T00:00:00.000Z",
        "actor": {"type": "user", "id": "grace"},
        "data": {"vendor_id": vendor_id, "owner_id": owner},
        "trace": {},
    }
    record = {"messageId": event_id, "eventSourceARN": "arn:aws:sqs:::identity-events"}
    return {"Records": [record | {"body": json.dumps({"detail": envelope})}]}


def claims_of(user_id: str) -> dict[str, str]:
    attributes = {"sub": user_id, "email": f"{user_id}@example.com", "name": user_id}
    answer = triggers.pre_token({"request": {"userAttributes": attributes}, "response": {}})
    details = answer["response"]["claimsAndScopeOverrideDetails"]
    assert details["accessTokenGeneration"] == details["idTokenGeneration"]
    found: dict[str, str] = details["accessTokenGeneration"]["claimsToAddOrOverride"]
    return found


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


@pytest.mark.contract("2.1")
def test_staff_give_roles_and_the_next_token_carries_them(send, bob, staff, outbox):
    body = {"roles": ["vendor"], "vendorId": "ven_1"}
    answer = send("PUT", "/v1/admin/users/bob/roles", body, caller=staff, roles=STAFF)
    assert answer.json["roles"] == ["customer", "vendor"]
    assert claims_of(bob) == {"roles": "customer vendor", "vendorId": "ven_1"}
    again = send("PUT", "/v1/admin/users/bob/roles", body, caller=staff, roles=STAFF)
    assert again.headers["etag"] == answer.headers["etag"]
    (event,) = [event for event in outbox() if event["type"] == "user.roles_changed"]
    assert event["data"] == {"user_id": "bob", "roles": ["customer", "vendor"], "vendor_id": "ven_1"}
    assert event["actor"] == {"type": "user", "id": staff}


@pytest.mark.contract("2.1")
@pytest.mark.parametrize("roles", ["customer", "customer vendor"])
def test_only_staff_give_roles(send, bob, roles):
    body = {"roles": ["staff"]}
    assert send("PUT", "/v1/admin/users/bob/roles", body, caller=bob, roles=roles).status == 403
    assert send("PUT", "/v1/admin/users/bob/status", {"status": "blocked"}, caller=bob, roles=roles).status == 403
    assert send("PUT", "/v1/admin/users/bob/roles", body).status == 401
    assert claims_of(bob) == {"roles": "customer"}


@pytest.mark.contract("2.1")
@pytest.mark.parametrize(
    "body", [{"roles": ["vendor"]}, {"roles": [], "vendorId": "ven_1"}, {"roles": ["root"]}, {"roles": ["anyone"]}, {}]
)
def test_impossible_roles_are_refused(send, bob, staff, body):
    assert send("PUT", "/v1/admin/users/bob/roles", body, caller=staff, roles=STAFF).status == 422
    assert claims_of(bob) == {"roles": "customer"}


@pytest.mark.contract("2.1")
def test_staff_cannot_lock_themselves_out(send, staff):
    demoted = send("PUT", f"/v1/admin/users/{staff}/roles", {"roles": ["customer"]}, caller=staff, roles=STAFF)
    blocked = send("PUT", f"/v1/admin/users/{staff}/status", {"status": "blocked"}, caller=staff, roles=STAFF)
    assert demoted.status == blocked.status == 409
    assert demoted.json["code"] == "own_account"
    assert claims_of(staff)["roles"] == "customer staff"


@pytest.mark.contract("2.1")
def test_roles_of_nobody_are_not_found(send, staff):
    assert send("PUT", "/v1/admin/users/ghost/roles", {"roles": []}, caller=staff, roles=STAFF).status == 404
    assert send("PUT", "/v1/admin/users/ghost/status", {"status": "blocked"}, caller=staff, roles=STAFF).status == 404


@pytest.mark.contract("2.5")
def test_an_approved_vendors_owner_gets_its_role_once_however_often_it_is_told(send, bob, staff, outbox):
    for _ in range(2):
        assert consumer.handler(approved()) == {"batchItemFailures": []}
    assert claims_of(bob) == {"roles": "customer vendor", "vendorId": "ven_1"}
    assert sum(event["type"] == "user.roles_changed" for event in outbox()) == 1

    send("PUT", "/v1/admin/users/bob/roles", {"roles": []}, caller=staff, roles=STAFF)
    consumer.handler(approved())
    assert claims_of(bob) == {"roles": "customer"}


@pytest.mark.contract("2.5")
def test_an_approval_keeps_other_roles(bob, pool):
    bob = service.bootstrap("bob2@example.com", "Some-Password-12", "Bob", ["staff"])
    consumer.handler(approved(owner=bob))
    assert claims_of(bob)["roles"] == "customer staff vendor"


@pytest.mark.contract("2.5")
def test_an_approval_that_comes_before_the_account_comes_again(pool):
    batch = approved(owner="late")
    assert consumer.handler(batch) == {"batchItemFailures": [{"itemIdentifier": "e1"}]}
    claims_of("late")
    assert consumer.handler(batch) == {"batchItemFailures": []}
    assert claims_of("late")["vendorId"] == "ven_1"


@pytest.mark.contract("1.2")
def test_the_trigger_makes_up_a_lost_account_once(pool, outbox):
    assert [claims_of("lost") for _ in range(2)] == [{"roles": "customer"}] * 2
    assert [event["type"] for event in outbox()] == ["user.created"]


@pytest.mark.contract("2.1")
def test_the_staff_role_is_given_to_an_account_by_its_address(pool):
    assert service.make_staff("nobody@example.com") is False
    bob = service.bootstrap("bob@example.com", "Some-Password-12", "Bob")
    assert [service.make_staff("bob@example.com") for _ in range(2)] == [True, True]
    assert claims_of(bob)["roles"] == "customer staff"

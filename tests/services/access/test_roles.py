"""Roles of one's own: made of what one holds, effective for all who have them, and not lost under anybody's feet."""

from typing import Any

import pytest

from access import store
from access.contract import BUILT_IN, PLATFORM, erased
from access.model import MAX_ROLES, Role
from tests.services.access.conftest import LAMPS, House

ROLES, TEAM = f"/v1/vendors/{LAMPS}/roles", f"/v1/vendors/{LAMPS}/team"
PACKER = {"permissions": ["orders.read", "orders.note"], "description": "Packs parcels"}


@pytest.mark.contract("2.2", "2.5")
def test_a_vendor_makes_a_role_of_its_own_and_whoever_has_it_holds_its_permissions(house: House) -> None:
    made = house.send("ann", "PUT", f"{ROLES}/packer", PACKER)
    assert (made.status, made.json["permissions"], made.json["holders"]) == (200, ["orders.note", "orders.read"], 0)
    house.member("bob", LAMPS, "vendor_viewer")
    assert house.send("ann", "PUT", f"{TEAM}/bob", {"roles": ["packer"]}).status == 200
    assert house.token("bob")["vendorPermissions"] == "orders.note orders.read"
    more = {"permissions": ["orders.read", "team.read"]}
    assert house.send("bob", "GET", TEAM).status == 403
    assert house.send("ann", "PUT", f"{ROLES}/packer", more).json["holders"] == 1
    assert house.send("bob", "GET", TEAM).status == 200


@pytest.mark.contract("2.5")
def test_roles_are_listed_with_the_built_in_ones_and_all_that_can_be_given(house: House) -> None:
    house.send("ann", "PUT", f"{ROLES}/packer", PACKER)
    listed = house.send("ann", "GET", ROLES).json
    assert [role["name"] for role in listed["roles"]] == sorted({"packer", *BUILT_IN["vendor"]})
    own = {role["name"]: role for role in listed["roles"]}["packer"]
    assert (own["builtIn"], own["description"], own["changedBy"]) == (False, "Packs parcels", "ann")
    assert "orders.cancel" in listed["permissions"]
    assert "fraud.decide" not in listed["permissions"]
    known = house.send("root", "GET", "/v1/admin/permissions").json["items"]
    told = {entry["name"]: entry for entry in known}["orders.cancel"]
    assert told["scopes"] == ["platform", "vendor"]
    assert "vendor_orders" in told["roles"]
    platform = house.send("root", "GET", "/v1/admin/roles").json["roles"]
    assert {role["name"] for role in platform} == BUILT_IN[PLATFORM]


@pytest.mark.contract("2.5")
@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("vendor_admin", PACKER, "built_in_role"),
        ("super_admin", PACKER, "built_in_role"),
        ("admin", PACKER, "built_in_role"),
        ("Packer", PACKER, "not_assignable"),
        ("a", PACKER, "not_assignable"),
        ("packer", {"permissions": ["fraud.decide"]}, "not_assignable"),
        ("packer", {"permissions": ["*"]}, "validation_error"),
        ("packer", {"permissions": ["orders.read"], "name": "x"}, "validation_error"),
    ],
)
def test_a_role_has_a_name_of_its_own_and_permissions_of_its_scope(
    house: House, name: str, body: Any, code: str
) -> None:
    refused = house.send("ann", "PUT", f"{ROLES}/{name}", body)
    assert refused.json["code"] == code, refused
    assert store.roles_of([LAMPS])[LAMPS].of == {}


@pytest.mark.contract("2.5")
def test_nobody_puts_into_a_role_or_changes_in_it_what_they_do_not_hold(house: House) -> None:
    house.send("ann", "PUT", f"{ROLES}/leader", {"permissions": ["team.manage", "team.read", "orders.read"]})
    house.send("ann", "PUT", f"{ROLES}/payer", {"permissions": ["balances.read"]})
    house.member("bob", LAMPS, "leader")
    refused = house.send("bob", "PUT", f"{ROLES}/leader", {"permissions": ["team.manage", "balances.read"]})
    assert (refused.status, refused.json["permissions"]) == (403, ["balances.read"])
    assert house.send("bob", "PUT", f"{ROLES}/payer", {"permissions": ["orders.read"]}).status == 403
    assert house.send("bob", "DELETE", f"{ROLES}/payer").status == 403
    assert house.send("bob", "PUT", f"{ROLES}/reader", {"permissions": ["orders.read"]}).status == 200
    house.member("cat", LAMPS, "vendor_viewer")
    assert house.send("cat", "PUT", f"{ROLES}/reader", PACKER).status == 403


@pytest.mark.contract("2.5")
def test_a_role_that_somebody_has_cannot_be_deleted(house: House) -> None:
    house.send("ann", "PUT", f"{ROLES}/packer", PACKER)
    house.member("bob", LAMPS, "packer", "vendor_viewer")
    house.member("cat", LAMPS, "packer")
    refused = house.send("ann", "DELETE", f"{ROLES}/packer")
    assert (refused.status, refused.json["code"], refused.json["holders"]) == (409, "role_in_use", 2)
    house.send("ann", "PUT", f"{TEAM}/bob", {"roles": ["vendor_viewer"]})
    house.table.transact(*erased("cat", store.standing("cat"), valid_from=1))
    assert house.send("ann", "DELETE", f"{ROLES}/packer").status == 204
    assert house.send("ann", "DELETE", f"{ROLES}/packer").status == 404
    assert house.send("ann", "GET", f"{ROLES}/packer").status == 404
    assert house.size(LAMPS) == {"owners": 1, "members": 2}


@pytest.mark.contract("2.5")
def test_a_role_given_while_it_is_deleted_is_either_given_or_deleted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the decision to give it and the write, it is deleted: the write does not pass, and nobody has it."""
    house.send("ann", "PUT", f"{ROLES}/packer", PACKER)
    house.member("bob", LAMPS, "vendor_viewer")
    read, interrupted = store.situation, []

    def interrupting(scope: str, *user_ids: str) -> Any:
        found = read(scope, *user_ids)
        if not interrupted:
            interrupted.append(True)
            store.delete_role(read(scope, "ann"), "packer", by="ann")
        return found

    monkeypatch.setattr(store, "situation", interrupting)
    assert house.send("ann", "PUT", f"{TEAM}/bob", {"roles": ["packer"]}).json["code"] == "not_assignable"
    assert house.grants("bob") == {LAMPS: {"vendor_viewer"}}


@pytest.mark.contract("2.5")
def test_a_role_is_changed_as_it_was_seen(house: House) -> None:
    tag = house.send("ann", "PUT", f"{ROLES}/packer", PACKER).headers["etag"]
    again = house.send("ann", "PUT", f"{ROLES}/packer", PACKER)
    assert again.headers["etag"] == tag
    more = {"permissions": ["orders.read"]}
    assert house.send("ann", "PUT", f"{ROLES}/packer", more, headers={"if-match": tag}).status == 200
    assert house.send("ann", "PUT", f"{ROLES}/packer", PACKER, headers={"if-match": tag}).status == 412


@pytest.mark.contract("2.5")
def test_a_scope_has_room_for_so_many_roles(house: House) -> None:
    full = {f"role_{number}": Role(name=f"role_{number}", permissions=frozenset()) for number in range(MAX_ROLES)}
    found = store.situation(LAMPS, "ann")
    for role in list(full.values())[:-1]:
        found.own_roles.of[role.name] = role  # type: ignore[index]
    store.save_role(found, full[f"role_{MAX_ROLES - 1}"], by="ann")
    assert house.send("ann", "PUT", f"{ROLES}/packer", PACKER).json["code"] == "too_many_roles"
    assert house.send("ann", "PUT", f"{ROLES}/role_1", PACKER).status == 200

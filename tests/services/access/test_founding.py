"""An approved vendor's owner becomes its first vendor_admin: once, whatever is repeated, late or taken back."""

import pytest

from access import store
from access.contract import status_changed
from tests.services.access.conftest import CHAIRS, House, Told, hear

APPROVED = {"vendor_id": CHAIRS, "owner_id": "bob"}


@pytest.mark.contract("2.5")
def test_the_owner_of_an_approved_vendor_becomes_its_admin_once(house: House, told: Told) -> None:
    house.vendor(CHAIRS, owner=house.person("bob"))
    assert [hear("vendor.approved", **APPROVED) for _ in range(2)] == [[], []]
    assert house.grants("bob") == {CHAIRS: {"vendor_admin"}}
    token = house.token("bob")
    assert (token["roles"], token["vendorId"], token["vendorPermissions"]) == ("customer vendor", CHAIRS, "*")
    assert sum(event["scope"] == CHAIRS for event in told("access.changed")) == 1
    assert house.size(CHAIRS) == {"owners": 1, "members": 1}


@pytest.mark.contract("2.5")
def test_an_approval_that_comes_again_late_does_not_overrule_staff(house: House) -> None:
    house.vendor(CHAIRS, owner=house.person("bob"))
    hear("vendor.approved", **APPROVED)
    house.member("cat", CHAIRS, "vendor_admin")
    assert house.send("root", "DELETE", f"/v1/vendors/{CHAIRS}/team/bob").status == 204
    assert hear("vendor.approved", **APPROVED) == []
    assert house.grants("bob") == {}


@pytest.mark.contract("2.5")
def test_an_approval_keeps_what_the_owner_is_elsewhere_and_in_a_team_begun_by_hand(house: House) -> None:
    house.vendor(CHAIRS)
    house.member("bob", CHAIRS, "vendor_admin")
    house.member("bob", "platform", "auditor")
    assert hear("vendor.approved", **APPROVED) == []
    assert house.grants("bob") == {CHAIRS: {"vendor_admin"}, "platform": {"auditor"}}
    assert house.size(CHAIRS) == {"owners": 1, "members": 1}


@pytest.mark.contract("2.5")
def test_a_blocked_owner_counts_as_an_admin_from_the_day_they_are_let_in_again(house: House) -> None:
    house.vendor(CHAIRS, owner=house.person("bob"))
    house.table.transact(*status_changed("bob", store.standing("bob"), "blocked"))
    hear("vendor.approved", **APPROVED)
    assert house.size(CHAIRS) == {"owners": 0, "members": 1}
    house.table.transact(*status_changed("bob", store.standing("bob"), "active"))
    assert house.size(CHAIRS) == {"owners": 1, "members": 1}

"""What identity does to a standing, and what tokens say of one."""

import pytest

from access import catalogue, store
from access.contract import (
    PLATFORM,
    Grant,
    LastOwner,
    Standing,
    StandingChanged,
    claims_of,
    erased,
    scopes_in_token,
    session_revoked,
    sessions_ended,
    status_changed,
)
from access.model import MAX_VENDORS
from tests.services.access.conftest import CHAIRS, LAMPS, House


@pytest.mark.contract("2.1")
def test_a_token_tells_of_the_platform_and_of_the_first_vendor() -> None:
    grants = {
        "ven_b": Grant(frozenset({"vendor_admin"})),
        "ven_a": Grant(frozenset({"packer"}), allow=frozenset({"orders.note"}), deny=frozenset({"orders.cancel"})),
        PLATFORM: Grant(frozenset({"auditor"}), deny=frozenset({"audit.read"})),
    }
    standing = Standing(version=7, grants=grants)
    assert scopes_in_token(standing) == [PLATFORM, "ven_a"]
    claims = claims_of(standing, {"ven_a": {"packer": ["orders.read", "orders.cancel"]}})
    assert (claims["roles"], claims["vendorId"], claims["acv"]) == ("customer staff vendor", "ven_a", "7")
    assert claims["vendorPermissions"] == "orders.note orders.read"
    told = set(claims["permissions"].split())
    assert told == {key for key in catalogue.PLATFORM - {"audit.read"} if "auditor" in catalogue.PERMISSIONS[key]}
    assert claims_of(Standing(), {}) == {"roles": "customer", "acv": "0"}


@pytest.mark.contract("2.1")
def test_owners_have_everything_unless_something_was_taken_from_them() -> None:
    root = Standing(grants={PLATFORM: Grant(frozenset({"super_admin"}))})
    assert claims_of(root, {})["permissions"] == "*"
    denied = Standing(grants={PLATFORM: Grant(frozenset({"super_admin"}), deny=frozenset({"audit.read"}))})
    assert set(claims_of(denied, {})["permissions"].split()) == catalogue.PLATFORM - {"audit.read"}


@pytest.mark.contract("2.3", "2.5")
def test_an_erased_person_is_in_no_team_any_more_and_the_last_owner_cannot_be_erased(house: House) -> None:
    house.member("bob", house.vendor(CHAIRS), "vendor_admin")
    house.member("bob", PLATFORM, "support")
    house.member("bob", LAMPS, "vendor_viewer")
    with pytest.raises(LastOwner):
        house.table.transact(*erased("bob", store.standing("bob"), valid_from=5))
    assert len(house.grants("bob")) == 3
    house.member("cat", CHAIRS, "vendor_admin")
    stale = store.standing("bob")
    house.table.transact(sessions_ended("bob", 4))
    with pytest.raises(StandingChanged):
        house.table.transact(*erased("bob", stale, valid_from=5))
    house.table.transact(*erased("bob", store.standing("bob"), valid_from=5))
    left = store.standing("bob")
    assert (left.status, left.grants, left.valid_from) == ("erased", {}, 5)
    assert house.size(CHAIRS) == {"owners": 1, "members": 1}
    assert house.size(PLATFORM) == {"owners": 1, "members": 1}
    assert [member["userId"] for member in house.send("root", "GET", "/v1/admin/staff").json["items"]] == ["root"]


@pytest.mark.contract("2.3")
def test_somebody_in_as_many_teams_as_one_can_be_is_erased_in_one_transaction(house: House) -> None:
    for number in range(MAX_VENDORS):
        house.member("bob", f"ven_{number}", "vendor_viewer")
    house.member("bob", PLATFORM, "support")
    writes = erased("bob", store.standing("bob"), valid_from=5)
    assert len(writes) <= 70
    house.table.transact(*writes)
    assert store.standing("bob").grants == {}


@pytest.mark.contract("1.1")
def test_status_and_sessions_are_kept_for_somebody_of_whom_there_was_nothing(house: House) -> None:
    house.table.transact(*status_changed("new", Standing(), "pending"))
    with pytest.raises(StandingChanged):
        house.table.transact(*status_changed("new", Standing(), "pending"))
    house.table.transact(session_revoked("new", "0a-1b", 99))
    seen = store.standing("new")
    assert (seen.status, seen.version, seen.ended) == ("pending", 2, {"out_0a1b"})
    house.table.transact(*status_changed("new", seen, "active"))
    assert store.standing("new").status == "active"

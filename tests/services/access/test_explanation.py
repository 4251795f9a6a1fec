"""Why somebody may do something: told as it is decided, and decided within the minute."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from random import Random
from typing import Any

import pytest

from access import catalogue, explaining, store
from access.contract import BUILT_IN, PLATFORM, Grant, Standing, held, permissions_in, status_changed
from market import clock
from market.guard.callers import Caller
from market.http import STAFF, VENDOR, ServiceApi, View
from market.manifest import Manifest
from tests.http import call
from tests.services.access.conftest import CHAIRS, LAMPS, House

WHY = "/v1/admin/access/explanation"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def asked(house: House, user_id: str, permission: str, vendor_id: str = "") -> Any:
    query = {"userId": user_id, "permission": permission} | ({"vendorId": vendor_id} if vendor_id else {})
    answer = house.send("root", "GET", WHY, query=query)
    assert answer.status == 200, answer
    return answer.json


@pytest.mark.contract("2.2", "2.5")
def test_every_step_of_a_decision_is_told_with_who_made_it_so(house: House) -> None:
    house.send("ann", "PUT", f"/v1/vendors/{LAMPS}/roles/packer", {"permissions": ["orders.note"]})
    house.member("bob", LAMPS, "vendor_viewer")
    team = f"/v1/vendors/{LAMPS}/team/bob"
    house.send("ann", "PUT", team, {"roles": ["packer", "vendor_viewer"], "deny": ["orders.read"]})
    given = asked(house, "bob", "orders.note", LAMPS)
    assert given["allowed"] is True
    steps = {(step["rule"], step.get("scope"), step["detail"].partition(" ")[0]): step for step in given["steps"]}
    assert steps["membership", PLATFORM, "not"]["passed"] is False
    assert steps["role", LAMPS, "vendor_viewer"]["passed"] is False
    packer = steps["role", LAMPS, "packer"]
    assert (packer["passed"], packer["changedBy"]) == (True, "ann")
    assert "version 1" in packer["detail"]
    assert steps["decision", LAMPS, "role:packer"]["passed"] is True
    assert (
        next(step for step in given["steps"] if step["rule"] == "membership" and step["passed"])["changedBy"] == "ann"
    )
    denied = asked(house, "bob", "orders.read", LAMPS)
    assert denied["allowed"] is False
    assert any(step["rule"] == "deny" and step["changedBy"] == "ann" for step in denied["steps"])
    assert any(step["rule"] == "role" and step["passed"] for step in denied["steps"])


@pytest.mark.contract("2.2")
def test_blocked_people_and_strangers_may_nothing_and_it_is_said_why(house: House) -> None:
    house.member("bob", LAMPS, "vendor_admin")
    assert asked(house, "bob", "orders.read", LAMPS)["allowed"] is True
    assert asked(house, "bob", "orders.read", CHAIRS)["allowed"] is False
    house.table.transact(*status_changed("bob", store.standing("bob"), "blocked"))
    blocked = asked(house, "bob", "orders.read", LAMPS)
    assert blocked["allowed"] is False
    assert {"rule": "status", "passed": False, "detail": "blocked"}.items() <= blocked["steps"][1].items()
    ghost = asked(house, "ghost", "orders.read")
    assert (ghost["allowed"], ghost["steps"][0]["detail"]) == (False, "no account")


@pytest.mark.contract("2.2")
def test_explanations_are_for_those_who_may_have_them_and_of_what_there_is(house: House) -> None:
    house.member("sue", PLATFORM, "finance")
    query = {"userId": "ann", "permission": "orders.read"}
    assert house.send("sue", "GET", WHY, query=query).status == 403
    assert house.send("ann", "GET", WHY, query=query).status == 403
    assert house.send("root", "GET", WHY, query=query | {"permission": "no.such"}).status == 422
    assert house.send("root", "GET", WHY, query=query | {"permission": "*"}).status == 422
    assert house.send("root", "GET", WHY, query=query | {"vendorId": "x y"}).status == 404
    assert house.send("root", "GET", WHY, query={"userId": "ann"}).status == 422


def drawn(dice: Random, scope: str, own: list[str]) -> Grant:
    names, keys = sorted(BUILT_IN[PLATFORM if scope == PLATFORM else "vendor"]) + own, sorted(permissions_in(scope))
    roles = dice.sample(names, dice.randint(0, 2))
    return Grant(frozenset(roles), *(frozenset(dice.sample(keys, dice.randint(0, 3))) for _ in range(2)))


@cache
def gate(permission: str, vendor: bool) -> ServiceApi:
    """A service with one route that needs the permission, of a vendor or of the platform."""
    manifest = Manifest(service="gate", prefixes=(), functions=(), permissions=catalogue.PERMISSIONS)
    api = ServiceApi(manifest)
    path = "/v1/vendors/<vendor_id>/gate" if vendor else "/v1/admin/gate"

    def show(vendor_id: str = "") -> View:
        return View()

    def passed() -> View:
        return View()

    api.get(path, callers=[VENDOR, STAFF] if vendor else [STAFF], needs=permission)(show if vendor else passed)
    return api


@pytest.mark.contract("2.2")
def test_what_is_explained_is_what_is_decided(house: House) -> None:
    """Random standings and permissions, asked of the explanation, of a caller, and at a real route."""
    dice = Random("standings")
    role = {"permissions": ["orders.read", "orders.note"]}
    house.send("ann", "PUT", f"/v1/vendors/{LAMPS}/roles/packer", role)
    house.send("root", "PUT", "/v1/admin/roles/keeper", {"permissions": ["orders.cancel", "staff.read"]})
    people = ["root", "ann", *(crowd(house, dice, number) for number in range(12))]
    outcomes = set()
    for user_id, vendor_id in product(people, ("", LAMPS, CHAIRS)):
        token = house.token(user_id)
        for permission in dice.sample(sorted(permissions_in(LAMPS if vendor_id else PLATFORM)), 2):
            told = explaining.explain(user_id, permission, vendor_id).allowed
            path = f"/v1/vendors/{vendor_id}/gate" if vendor_id else "/v1/admin/gate"
            answer = call(gate(permission, bool(vendor_id)).handler, "GET", path, caller=user_id, claims=token)
            assert answer.status in ((200,) if told else (403, 404)), (user_id, permission, vendor_id, told, answer)
            outcomes.add(answer.status)
    assert outcomes == {200, 403, 404}


def crowd(house: House, dice: Random, number: int) -> str:
    """Somebody with a random standing."""
    user_id = house.person(f"u{number}")
    for scope, own in ((PLATFORM, ["keeper"]), (LAMPS, ["packer"])):
        if dice.random() < 0.6 and (grant := drawn(dice, scope, own)) != Grant():
            store.change(store.situation(scope, user_id), user_id, grant, by="tests")
    if dice.random() < 0.15:
        house.table.transact(*status_changed(user_id, store.standing(user_id), "blocked"))
    return user_id


@pytest.mark.contract("2.2")
def test_what_somebody_holds_is_what_the_kernel_lets_them_do() -> None:
    """Every permission of 300 random grants: `held`, by which gifts are judged, against the kernel's caller."""
    dice, own = Random("grants"), {"packer": frozenset({"orders.read", "orders.note"})}
    for _ in range(300):
        grant = drawn(dice, LAMPS, ["packer"])
        standing = Standing(grants={LAMPS: grant})
        caller = Caller(id="u", standing=standing, holders=catalogue.PERMISSIONS, custom={LAMPS: own})
        mine = held(grant, LAMPS, own)
        assert mine - {"*"} == {key for key in permissions_in(LAMPS) if caller.can(key, LAMPS)}


@pytest.mark.contract("2.5")
def test_what_is_taken_counts_within_the_minute_and_what_is_given_with_the_next_token(
    house: House, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("ACCESS_CACHE_SECONDS", "30")
    house.member("bob", LAMPS, "vendor_viewer")
    team, seconds = f"/v1/vendors/{LAMPS}/team", [0.0]
    with clock.running_on(lambda: NOW + timedelta(seconds=seconds[0])):
        old = house.token("bob")

        def status(token: dict[str, str]) -> int:
            from access import api

            return call(api.handler, "GET", team, caller="bob", claims=token).status

        assert status(old) == 200
        house.send("ann", "PUT", f"{team}/bob", {"roles": ["vendor_viewer"], "deny": ["team.read"]})
        assert status(old) == 200, "remembered"
        seconds[0] = 29.9
        assert status(old) == 200
        seconds[0] = 30.1
        assert status(old) == 403
        house.send("ann", "PUT", f"{team}/bob", {"roles": ["vendor_viewer"]})
        assert status(old) == 403
        assert status(house.token("bob")) == 200, "a younger token makes it be read again"
        house.send("ann", "DELETE", f"{team}/bob")
        seconds[0] = 60.3
        assert status(old) in (403, 404)

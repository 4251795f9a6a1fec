"""Every route is tried by everybody: who may, may; who may not, learns nothing and changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from access.contract import PLATFORM, granted, standing_key
from access.manifest import MANIFEST as ACCESS
from developers.manifest import MANIFEST as DEVELOPERS
from local.harness import Reply, marketplace
from market.errors import Problem
from market.guard import admission
from market.guard.standing import key_digest
from market.table import Key, Table, delete, put
from tests.attacks.matrix import ABSENT, ACTORS, Actor, Rule, agreed, expected, present, without
from tests.journeys import scenery
from tests.journeys.scenery import Scene

pytestmark = pytest.mark.contract("2.2", "2.3", "2.4", "1.6")
STANDINGS = Table(replace(ACCESS, uses=(), reads=()))
KEYS = Table(replace(DEVELOPERS, uses=(), reads=()))
SECRET = "mk_matrix_" + "0" * 32
REACHED = 299


class Reached(Problem):
    """The guard let the request through. The route itself does nothing in these tests."""

    status, code = REACHED, "reached"


@dataclass
class Door:
    """A market in which every request ends where the guard has decided."""

    scene: Scene
    people: dict[str, tuple[str, str]]
    permissions: list[str]

    def scope(self, actor: Actor) -> str:
        return PLATFORM if actor.scope == "platform" else self.scene.fair.vendors[actor.scope]

    def knock(self, rule: Rule, actor: Actor) -> Reply:
        """What the actor is answered. They stand as their line says, for this very rule."""
        headers, token = {}, ""
        match actor.proof:
            case "guest":
                headers["guest-token"] = self.scene.fair.tokens["guest"]
            case "token":
                token, user_id = self.people[actor.name]
                self._stand(actor, user_id, rule.needs)
            case "key" | "wrong key":
                self._give_key(actor, rule.needs)
                headers["api-key"] = SECRET if actor.proof == "key" else SECRET[:-1] + "1"
        path = rule.path
        for name in (part[1:-1] for part in rule.path.split("/") if part.startswith("{")):
            path = path.replace(f"{{{name}}}", self.scene.places.get(name, "absent"))
        return self.scene.inside.call(rule.method, path, token=token, headers=headers)

    def _held(self, actor: Actor, needed: str) -> list[str]:
        match actor.holds:
            case "needed":
                return [] if needed == ABSENT else [needed]
            case "others":
                return without(needed, self.permissions)
        return []

    def _stand(self, actor: Actor, user_id: str, needed: str) -> None:
        if not actor.scope:
            STANDINGS.write(delete(standing_key(user_id)))
            return
        owner = "super_admin" if actor.scope == "platform" else "vendor_admin"
        roles = [owner] if actor.holds == "all" else []
        STANDINGS.write(delete(standing_key(user_id)))
        STANDINGS.write(granted(user_id, self.scope(actor), roles, allow=self._held(actor, needed)))

    def _give_key(self, actor: Actor, needed: str) -> None:
        item = {
            "status": "active",
            "digest": key_digest(SECRET),
            "scope": self.scope(actor),
            "permissions": self._held(actor, needed),
            "per_minute": 100_000,
            "per_day": 1_000_000,
            "version": 1,
        }
        KEYS.write(put(Key("KEY#matrix"), item))


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with marketplace() as inside:
        yield scenery.on(inside)


@pytest.fixture
def door(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Door:
    real = admission.admit

    def admit(*arguments: Any) -> Any:
        real(*arguments)
        raise Reached

    people = {}
    for number, actor in enumerate(ACTORS):
        if actor.proof == "token":
            kind = {"": (), "platform": ("staff",)}.get(actor.scope, ("vendor",))
            vendor_id = scene.fair.vendors.get(actor.scope, "")
            roles = ("customer", *kind)
            token = scene.inside.person(f"actor-{number}@example.com", roles=roles, vendor_id=vendor_id)
            people[actor.name] = token, scene.fair.ask("GET", "/v1/me", token=token)["id"]
    monkeypatch.setattr(admission, "admit", admit)
    monkeypatch.setenv("ACCESS_CACHE_SECONDS", "0")
    monkeypatch.setenv("RATE_LIMIT", "0")
    return Door(scene, people, sorted({rule.needs for rule in present()} - {ABSENT}))


def test_the_rules_are_those_agreed() -> None:
    """A route that is new, gone or changed is agreed to by changing `rules.txt`."""
    assert "\n".join(map(str, present())) == "\n".join(map(str, agreed()))


def test_the_gateway_has_the_same_routes(scene: Scene) -> None:
    """From the templates: none that the code does not know, and the authorizer before those that want a token."""
    routes = scene.inside.inside.templates.routes
    assert {route.key for route in routes} == {f"{rule.method} {rule.path}" for rule in agreed()}

    guarded = {route.key for route in routes if route.issuer}
    own_proof = {"anyone", "guest", "key"}
    assert guarded == {f"{rule.method} {rule.path}" for rule in agreed() if not rule.callers & own_proof}


def test_everybody_gets_exactly_as_far_as_they_may(door: Door) -> None:
    found, tried = [], 0
    for rule in agreed():
        for actor in ACTORS:
            answer, tried = door.knock(rule, actor), tried + 1
            wanted = expected(rule, actor) or REACHED
            if answer.status != wanted:
                found.append(f"{rule.method} {rule.path}: {actor.name} gets {answer.status}, not {wanted}")
    assert not found, f"{len(found)} of {tried}\n" + "\n".join(found)
    assert tried == len(ACTORS) * len(agreed())


@pytest.mark.parametrize(
    ("bug", "rule"),
    [
        ("holds", "GET /v1/vendors/{vendor_id}/orders"),
        ("kinds", "GET /v1/admin/orders"),
    ],
)
def test_the_matrix_notices_a_guard_that_forgets(
    door: Door, monkeypatch: pytest.MonkeyPatch, bug: str, rule: str
) -> None:
    from market.guard.callers import Caller

    if bug == "holds":
        monkeypatch.setattr(Caller, "_holds", lambda self, permission, scope: True)
    else:
        monkeypatch.setattr(Caller, "require", lambda self, permission, vendor_id="": None)
    (chosen,) = [known for known in agreed() if f"{known.method} {known.path}" == rule]

    wrong = [actor.name for actor in ACTORS if door.knock(chosen, actor).status != (expected(chosen, actor) or REACHED)]

    assert wrong

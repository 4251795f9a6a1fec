"""What belongs to others does not exist: in no part of a path, and nothing of it changes or shows."""

from collections.abc import Iterator

import pytest

from tests.attacks import bodies
from tests.attacks import world as worlds
from tests.attacks.ownership import (
    KINDS,
    LEGITIMATE,
    actors,
    audience,
    foreign,
    is_legitimate,
    kind_of,
    owned_names,
)
from tests.attacks.probes import changes, fill, harmed, leaks, send, state
from tests.attacks.rightful import body_of
from tests.attacks.world import OTHER, Actor, World
from tests.journeys.hostile import Operation

pytestmark = pytest.mark.contract("2.4", "2.3")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with worlds.made() as built:
        yield built


def with_owners(world: World) -> list[Operation]:
    """Routes whose path names something that has an owner."""
    return [operation for operation in world.scene.operations if owned_names(operation)]


def refusals(operation: Operation, actor: Actor) -> frozenset[int]:
    """What a request for somebody else's things may be answered: it does not exist."""
    limited = actor.name == "desk"  # the guard refuses them where they do not hold the permission
    provider = audience(operation) == "provider"  # it asks for its own key, or the secret of the intent
    alike = operation.path.endswith("/payment-methods/{saved_id}")  # deleted or never there: all the same
    return frozenset(
        {404} | ({204} if alike else set()) | ({403} if limited else set()) | ({401, 403} if provider else set())
    )


def test_it_is_known_what_every_part_of_every_path_names(world: World) -> None:
    used = {(audience(op), "account_id" if kind_of(op, name) == "" and name == "user_id" else name)
            for op in world.scene.operations for name in op.names}  # fmt: skip
    assert used == {(who, name) for who, names in KINDS.items() for name in names}
    routes = {str(operation) for operation in world.scene.operations}
    assert {route for route, _ in LEGITIMATE} <= routes


def trespass(world: World, operation: Operation) -> Iterator[str]:
    """What is wrong with the answers to everybody who tries somebody else's things."""
    for actor in actors(world, operation):
        for values in foreign(world, operation, actor) if not is_legitimate(operation, actor) else ():
            body = body_of(operation)
            answer = send(world, actor, operation, values, body)
            asked = f"{fill(operation.path, values)} {body}"
            if answer.status not in refusals(operation, actor):
                yield f"{operation}: {actor.name} with {values} gets {answer}"
            if told := leaks(world, actor, asked, answer):
                yield f"{operation}: {actor.name} with {values} is told {told}"


def test_nothing_of_others_is_reached_by_a_path(world: World) -> None:
    found, before, sent = [], state(world), world.sent
    for operation in with_owners(world):
        found += trespass(world, operation)
    after = state(world)
    assert not found, f"{len(found)} of {world.sent - sent}\n" + "\n".join(found)
    assert changes(before, after) == []
    assert world.sent - sent > 1_000


def test_it_is_known_of_every_field_whether_it_names_something(world: World) -> None:
    known = bodies.NAMING | bodies.PLAIN
    used = {
        name for op in world.scene.operations for name in bodies.fields(op) if audience(op) not in ("staff", "provider")
    }
    assert used - known == set()
    tried = {(attack.route, name) for attack in bodies.attacks(world) for name in attack.fields}
    assert bodies.to_be_tried(world) - tried == set()


def test_nothing_of_others_is_reached_by_a_body(world: World) -> None:
    found, sent = [], world.sent
    routes = {str(operation): operation for operation in world.scene.operations}
    for attack in list(bodies.attacks(world)):
        actor = world.actors[attack.who if attack.who == "staff" else f"{attack.camp} {attack.who}"]
        before = state(world)
        answer = send(world, actor, routes[attack.route], attack.places, attack.body)
        after = state(world)
        if answer.status not in attack.told:
            found.append(f"{attack} gets {answer}")
        found += [f"{attack} is told {told}" for told in leaks(world, actor, str(attack), answer)]
        if answer.status >= 400:
            found += [f"{attack} changes {key}" for key in changes(before, after)]
        found += [f"{attack} harms {key}" for key in harmed(before, after) if belongs(world, attack.camp, before[key])]
    assert not found, f"{len(found)} of {world.sent - sent}\n" + "\n".join(found)
    assert world.sent - sent > 80


def belongs(world: World, camp: str, item: str) -> bool:
    """Whether a stored item is the other camp's."""
    other = OTHER[camp]
    return f"canary-{other}" in item or world.camps[other].ids["customer"] in item


def test_a_mixed_import_takes_the_rows_that_are_ones_own(world: World) -> None:
    for name, other in OTHER.items():
        camp, theirs = world.camps[name], world.camps[other]
        owned = world.holdings["product"][f"{other} vendor"]
        good = {"category": "home", "status": "draft"}
        price = {"amount": 5, "currency": "EUR"}
        rows = [
            good | {"externalId": "own", "title": "Own", "variants": [{"sku": f"OWN-{name.upper()}", "price": price}]},
            good | {"externalId": "sku", "title": "Sku", "variants": [{"sku": theirs.sku, "price": price, "stock": 0}]},
            good | {"externalId": "draft", "title": "Draft", "variants": [{"sku": theirs.draft_sku, "price": price}]},
            good | {"externalId": "id", "productId": owned, "title": "Id",
                    "variants": [{"sku": f"ID-{name.upper()}", "price": price}]},
            good | {"externalId": owned, "title": "Named so", "variants": [{"sku": f"EX-{name.upper()}", "price": price}]},
        ]  # fmt: skip
        before = state(world)
        for who in ("owner", "program"):
            actor = world.actors[f"{name} {who}"]
            start = "/v1/api" if who == "program" else "/v1"
            path = f"POST {start}/vendors/{{vendor_id}}/products/import"
            (operation,) = [op for op in world.scene.operations if str(op) == path]
            answer = send(world, actor, operation, {"vendor_id": camp.vendor_id}, {"rows": rows})
            results = [row["result"] for row in answer.json["rows"]]
            taken = "created" if who == "owner" else "unchanged"
            assert results == [taken, "rejected", "rejected", "rejected", taken], answer
            assert not leaks(world, actor, str(rows), answer)
        assert [key for key in harmed(before, state(world)) if belongs(world, name, before[key])] == []

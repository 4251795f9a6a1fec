"""What belongs to others does not exist: in no part of a path, and nothing of it changes or shows."""

import pytest

from tests.attacks import bodies
from tests.attacks.ownership import (
    KINDS,
    LEGITIMATE,
    actors,
    audience,
    kind_of,
    own,
    owned_names,
)
from tests.attacks.probes import changes, harmed, leaks, send, state
from tests.attacks.trespasses import led_on, reached, trespass
from tests.attacks.world import OTHER, World
from tests.journeys.hostile import Operation

pytestmark = pytest.mark.contract("2.4", "2.3")


def with_owners(world: World) -> list[Operation]:
    """Routes whose path names something that has an owner."""
    return [operation for operation in world.scene.operations if owned_names(operation)]


def test_it_is_known_what_every_part_of_every_path_names(world: World) -> None:
    used = {(audience(op), "account_id" if kind_of(op, name) == "" and name == "user_id" else name)
            for op in world.scene.operations for name in op.names}  # fmt: skip
    assert used == {(who, name) for who, names in KINDS.items() for name in names}
    routes = {str(operation) for operation in world.scene.operations}
    assert {route for route, _ in LEGITIMATE} <= routes


def test_nothing_of_others_is_reached_by_a_path(world: World) -> None:
    found: list[str] = []
    before, sent = state(world), world.sent
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
    everything, sent = list(bodies.attacks(world)), world.sent
    before = state(world)
    found = [wrong for attack in everything if attack.is_refused for wrong in reached(world, attack)]
    assert not found, f"{len(found)} of {world.sent - sent}\n" + "\n".join(found)
    assert changes(before, state(world)) == []

    for camp in OTHER:
        before = state(world)
        mine = [attack for attack in everything if attack.camp == camp and not attack.is_refused]
        found += [wrong for attack in mine for wrong in reached(world, attack)]
        found += [f"harmed: {key}" for key in harmed(before, state(world)) if belongs(world, camp, before[key])]
    assert not found, "\n".join(found)
    assert world.sent - sent == len(everything) > 100


def belongs(world: World, camp: str, item: str) -> bool:
    """Whether a stored item is the other camp's."""
    other = OTHER[camp]
    return f"canary-{other}" in item or world.camps[other].ids["customer"] in item


NAMES = ("vendorId", "vendor_id", "vendor", "customer", "customerId", "customer_id", "user", "userId", "owner", "actor",
         "subject", "orderNo", "email", "productId", "scope", "key")  # fmt: skip
"""What a list might take for a filter, declared or not."""


def test_nothing_of_others_is_reached_by_a_query(world: World) -> None:
    """Whatever a read is asked to be about, it is about the caller's own."""
    found, before, sent = [], state(world), world.sent
    for operation in world.scene.operations:
        if operation.method != "GET" or audience(operation) in ("anyone", "provider", "staff"):
            continue
        for actor in actors(world, operation):
            values = own(world, operation, actor)
            if actor.is_staff or set(values) != set(owned_names(operation)):
                continue
            theirs = world.camps[OTHER[actor.camp]]
            things = (theirs.vendor_id, theirs.ids["customer"], theirs.things["paid"], theirs.mail("customer"))
            declared = {parameter["name"] for parameter in operation.query} - {"limit", "cursor"}
            for query in (*(f"{name}={thing}" for name in declared for thing in things),
                          *("&".join(f"{name}={thing}" for name in NAMES) for thing in things)):  # fmt: skip
                answer = send(world, actor, operation, values, query=query)
                if told := leaks(world, actor, query, answer):
                    found.append(f"{operation}?{query}: {actor.name} is told {told}")
    assert not found, f"{len(found)} of {world.sent - sent}\n" + "\n".join(found)
    assert changes(before, state(world)) == []
    assert world.sent - sent > 300


def test_a_cursor_leads_nobody_through_anothers_list(world: World) -> None:
    """Of two equal lists the cursor of one is refused by the other, and good in its own."""
    found, tried = [], set()
    for operation in world.scene.operations:
        if any(parameter["name"] == "cursor" for parameter in operation.query):
            for cursor_was_there, wrong in led_on(world, operation):
                found += wrong
                tried |= {str(operation)} if cursor_was_there else set()
    assert not found, "\n".join(found)
    assert len(tried) >= 16, sorted(tried)


def test_a_mixed_import_takes_the_rows_that_are_ones_own(world: World) -> None:
    """The last here: each camp has something by the other's id afterwards, which is in exports of its own."""
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
            good | {"externalId": owned, "title": "So", "variants": [{"sku": f"EX-{name.upper()}", "price": price}]},
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

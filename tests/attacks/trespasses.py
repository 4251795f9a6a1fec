"""Trespasses on what belongs to others: everybody tries who gets past the guard. What is wrong with the answers."""

from collections.abc import Iterator
from urllib.parse import quote

from tests.attacks.bodies import Attack
from tests.attacks.ownership import actors, audience, foreign, is_legitimate, own, owned_names
from tests.attacks.probes import fill, leaks, send
from tests.attacks.rightful import body_of
from tests.attacks.world import OTHER, Actor, World
from tests.journeys.hostile import Operation


def refusals(operation: Operation, actor: Actor) -> frozenset[int]:
    """What a request for somebody else's things may be answered: it does not exist."""
    limited = actor.name == "desk"  # the guard refuses them where they do not hold the permission
    provider = audience(operation) == "provider"  # it asks for its own key, or the secret of the intent
    alike = operation.path.endswith("/payment-methods/{saved_id}")  # deleted or never there: all the same
    return frozenset(
        {404} | ({204} if alike else set()) | ({403} if limited else set()) | ({401, 403} if provider else set())
    )


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


def reached(world: World, attack: Attack) -> Iterator[str]:
    """What is wrong with the answer to a body that names somebody else's things."""
    (operation,) = [operation for operation in world.scene.operations if str(operation) == attack.route]
    actor = world.actors[attack.who if attack.who == "staff" else f"{attack.camp} {attack.who}"]
    answer = send(world, actor, operation, attack.places, attack.body)
    if answer.status not in attack.told:
        yield f"{attack} gets {answer}"
    if told := leaks(world, actor, str(attack), answer):
        yield f"{attack} is told {told}"


def led_on(world: World, operation: Operation) -> Iterator[tuple[bool, list[str]]]:
    """For everybody who has such a list: whether their twin's is long enough for a cursor, and what is wrong with the
    answer to that cursor.
    """
    for actor in actors(world, operation) if audience(operation) in ("person", "guest", "vendor") else ():
        if actor.is_staff or set(own(world, operation, actor)) != set(owned_names(operation)):
            continue
        twin = world.actors[actor.name.replace(actor.camp, OTHER[actor.camp])]
        first = send(world, twin, operation, own(world, operation, twin), query="limit=1")
        cursor = first.json.get("nextCursor", "")
        if not cursor:
            yield False, []
            continue
        query = f"limit=1&cursor={quote(cursor)}"
        good = send(world, twin, operation, own(world, operation, twin), query=query)
        answer = send(world, actor, operation, own(world, operation, actor), query=query)
        refused = good.status == 200 and answer.status in (400, 422) and not leaks(world, actor, query, answer)
        yield (
            True,
            [] if refused else [f"{operation}: {actor.name} with {twin.name}'s cursor gets {answer}, not {good}"],
        )

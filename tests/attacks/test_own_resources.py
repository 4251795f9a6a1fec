"""Nobody is kept from what is their own: the other half of what belongs to others."""

from collections.abc import Iterator

import pytest

from tests.attacks.ownership import actors, audience, own, owned_names
from tests.attacks.probes import send
from tests.attacks.rightful import body_of, fresh
from tests.attacks.world import Actor, World
from tests.journeys.hostile import Operation

pytestmark = pytest.mark.contract("2.4", "2.3")


NOT_YET = {
    ("GET /v1/me/export", "customer"): 200,
    ("GET /v1/me/vendor", "owner"): 200,
    ("GET /v1/me/export", ""): 404,
    ("GET /v1/me/vendor", ""): 404,
    ("GET /v1/me/erasure", ""): 404,
}
"""Where there is one thing for each person at most: what those are answered who have it, and all others."""
STATE = {
    "DELETE /v1/me/access/{scope}": 409,  # a vendor's last administrator
    "POST /v1/vendors/{vendor_id}/offers": 404,  # there is no such product
    "POST /v1/api/vendors/{vendor_id}/offers": 404,
    "PUT /v1/vendors/{vendor_id}/warehouses": 409,  # those that are there stay
    "PUT /v1/api/vendors/{vendor_id}/warehouses": 409,
    "POST /v1/vendors/{vendor_id}/transfers": 404,  # there is no such warehouse
    "POST /v1/api/vendors/{vendor_id}/transfers": 404,
    "PATCH /v1/vendors/{vendor_id}/transfers/{transfer_id}": 409,  # somebody else was first
    "PATCH /v1/api/vendors/{vendor_id}/transfers/{transfer_id}": 409,
    "POST /v1/vendors/{vendor_id}/imports/{import_id}/start": 409,  # its file has not come
    "POST /v1/api/vendors/{vendor_id}/imports/{import_id}/start": 409,
    "POST /v1/vendors/{vendor_id}/media/{media_id}/completion": 409,  # its parts have not come
    "POST /v1/api/vendors/{vendor_id}/media/{media_id}/completion": 409,
    "POST /v1/media/{media_id}/completion": 409,
    "PUT /v1/vendors/{vendor_id}/promotions/{promotion_id}/participation": 404,  # no campaign of the platform
    "POST /v1/vendors/{vendor_id}/products/{product_id}/submission": 409,  # nothing waits for review
    "PUT /v1/vendors/{vendor_id}/products/{product_id}/draft": 409,  # what is not on sale has no working copy
    "GET /v1/admin/fraud/screenings/{order_no}": 404,  # too little was paid for a screening
}
"""Right requests that the state of things may refuse."""
METHODS = ("GET", "PUT", "PATCH", "POST", "DELETE")


def rightful(world: World) -> Iterator[tuple[Operation, Actor]]:
    """Everybody with what is their own, on every route that reads or that names something; those that end last."""
    routes = [op for op in world.scene.operations if audience(op) not in ("anyone", "provider")]
    ends = [op for op in routes if op.method == "DELETE" and (audience(op) == "staff" or "scope" in op.names)]
    for operation in sorted(set(routes) - set(ends), key=lambda op: (METHODS.index(op.method), str(op))) + ends:
        for actor in actors(world, operation):
            names = owned_names(operation)
            is_whole = set(own(world, operation, actor)) == set(names)
            if actor.camp != "wood" and actor.name != "desk" and is_whole and (names or operation.method == "GET"):
                yield operation, actor


def test_nobody_is_refused_their_own(world: World) -> None:
    """Each request is whole and right, and so are those for other people's things, which only differ in whose it is."""
    found, tried = [], 0
    for operation, actor in rightful(world):
        values, query = fresh(world, operation, actor), ""
        if operation.path.endswith("/explanation"):
            query = f"userId={world.places['user_id']}&permission=orders.read"
        answer = send(world, actor, operation, values, body_of(operation), query=query)
        who, tried = actor.name.rpartition(" ")[2], tried + 1
        told = NOT_YET.get((str(operation), who)) or NOT_YET.get((str(operation), ""))
        if answer.status not in ((told,) if told else (200, 201, 202, 204, STATE.get(str(operation)))):
            found.append(f"{operation}: {actor.name} with {values} gets {answer}")
    assert not found, f"{len(found)} of {tried}\n" + "\n".join(found)
    assert tried > 250

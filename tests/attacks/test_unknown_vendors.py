"""Staff may name any vendor; one that does not exist is not found, and nothing is written for it."""

import pytest

from tests.attacks.probes import changes, send, state
from tests.attacks.rightful import body_of
from tests.attacks.world import PLATFORM, World
from tests.journeys.hostile import Operation

pytestmark = pytest.mark.contract("2.4", "25.1")
TRACES = ("OUTBOX#", "PMO#", "PMN#")
"""Where what was tried is kept for the audit; and drafts of the platform's own promotions, which staff do make."""


def writing(world: World) -> list[Operation]:
    """Routes below a vendor's address that change something, or work something out, and that staff may call."""
    return [
        operation
        for operation in world.scene.operations
        if operation.path.startswith("/v1/vendors/{vendor_id}")
        and operation.method != "GET"
        and operation.callers & {"staff", "key"}
    ]


@pytest.mark.parametrize(
    "vendor_id", ["ven_00000000000000000000000000", "platform", "undefined", "%00", "..%2f..%2fetc"]
)
def test_nothing_is_done_for_a_vendor_who_does_not_exist(world: World, vendor_id: str) -> None:
    before, found = state(world), []
    for operation in writing(world):
        who = "staff" if "staff" in operation.callers else "the platform's program"
        values = {name: "absent" for name in operation.names if name not in world.places} | {"vendor_id": vendor_id}
        answer = send(world, world.actors[who], operation, values, body_of(operation))
        if answer.status != 404 and not (vendor_id == PLATFORM and "/promotions" in operation.path):
            found.append(f"{operation} of {vendor_id} answers {answer}")
    assert not found, "\n".join(found)
    assert [key for key in changes(before, state(world)) if not key.startswith(TRACES)] == []


def test_every_route_of_a_vendor_is_tried(world: World) -> None:
    assert len(writing(world)) >= 40

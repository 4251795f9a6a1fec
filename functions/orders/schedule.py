"""Every few minutes: finds orders that should have ended by now."""

from datetime import timedelta

from market import clock, ids, log
from orders import service

GRACE = timedelta(minutes=5)
"""How long after the end of its hold an order may still be on its way through the checkout."""


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        return {"overdue": service.begin_again(clock.now() - GRACE)}

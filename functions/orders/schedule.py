"""Every few minutes: finds orders that should have ended by now."""

from market import clock, ids, log
from orders import model, service


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        return {"overdue": service.begin_again(clock.now() - model.GRACE)}

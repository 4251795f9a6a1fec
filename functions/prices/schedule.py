"""Every five minutes: tells the catalog of plans that are due, and asks rules whose time has come."""

from market import ids, log
from prices import moving, service


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        return {"plans": service.run_due(), "rules": moving.run_due()}
